"""What a person says of a stored scan: a marker on the disk first, a row second; nothing is deleted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from station.archive.catalogue import Catalogue
from station.archive.folder import read_stack
from station.archive.markers import KEPT, WITHDRAWN, read_markers, write_kept, write_withdrawal
from station.archive.recovery import Recovery, rebuild, recover
from station.documents.fault import StationError
from station.documents.scan import ScanManifest, Withdrawal

Store = Callable[..., tuple[ScanManifest, Path]]


def _delivered(catalogue: Catalogue, scan_id: str) -> None:
    catalogue.mark_sending(scan_id)
    catalogue.mark_delivered(scan_id, f"parcel {scan_id}-0")


def test_a_withdrawn_scan_keeps_its_pictures_and_is_delivered_again(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    manifest, folder = store(catalogue)
    _delivered(catalogue, manifest.id)
    event = catalogue.withdraw(manifest.id, "a hand was in it", cause="asked")
    assert event is not None
    assert (event.type, event.cause, event.data["why"]) == ("scan.withdrawn", "asked", "a hand was in it")
    summary = catalogue.scan(manifest.id)
    assert (summary.withdrawn, summary.delivery, summary.state) == ("a hand was in it", "queued", "captured")
    note = Withdrawal.model_validate_json((folder / WITHDRAWN).read_bytes())
    assert (note.scan_id, note.why) == (manifest.id, "a hand was in it")
    assert len(read_stack(folder)[1]) == 3


def test_withdrawing_twice_changes_nothing(catalogue: Catalogue, store: Store) -> None:
    manifest, folder = store(catalogue)
    catalogue.withdraw(manifest.id, "first")
    before = (folder / WITHDRAWN).read_bytes(), catalogue.head_seq()
    assert catalogue.withdraw(manifest.id, "second") is None
    assert ((folder / WITHDRAWN).read_bytes(), catalogue.head_seq()) == before


def test_what_is_not_stored_cannot_be_withdrawn(catalogue: Catalogue) -> None:
    with pytest.raises(StationError) as caught:
        catalogue.withdraw("0" * 32, "why not")
    assert caught.value.code == "not_found"


def test_a_reason_is_needed(catalogue: Catalogue, store: Store) -> None:
    manifest, folder = store(catalogue)
    with pytest.raises(ValueError, match="reason"):
        catalogue.withdraw(manifest.id, " ")
    assert not (folder / WITHDRAWN).exists()


def test_a_kept_mark_comes_and_goes_with_its_file(catalogue: Catalogue, store: Store) -> None:
    manifest, folder = store(catalogue)
    event = catalogue.keep(manifest.id)
    assert event is not None
    assert (event.type, event.data["kept"]) == ("scan.kept", True)
    assert (catalogue.scan(manifest.id).kept, (folder / KEPT).exists()) == (True, True)
    assert catalogue.keep(manifest.id) is None
    event = catalogue.keep(manifest.id, False)
    assert event is not None
    assert event.data["kept"] is False
    assert (catalogue.scan(manifest.id).kept, (folder / KEPT).exists()) == (False, False)


def test_a_catalogue_made_anew_knows_the_marks(root: Path, store: Store) -> None:
    with Catalogue(root) as catalogue:
        (taken_back, _), (kept, _), (plain, _) = store(catalogue), store(catalogue), store(catalogue)
        catalogue.withdraw(taken_back.id, "blurred")
        catalogue.keep(kept.id)
    done = rebuild(root)
    assert done.marked == [taken_back.id, kept.id]
    with Catalogue(root) as catalogue:
        found = {scan.id: (scan.withdrawn, scan.kept) for scan in catalogue.scans()}
    assert found == {taken_back.id: ("blurred", False), kept.id: ("", True), plain.id: ("", False)}


def test_a_start_reads_the_markers_whose_rows_were_never_written(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    (one, first), (other, second) = store(catalogue), store(catalogue)
    _delivered(catalogue, one.id)
    catalogue.keep(other.id)
    now = catalogue._now()
    write_withdrawal(first, "a kill came between", now)
    write_kept(second, False, now)
    done = recover(root, catalogue)
    assert done.marked == [one.id, other.id]
    assert [event.type for event in done.events] == ["scan.withdrawn", "scan.kept"]
    summary = catalogue.scan(one.id)
    assert (summary.withdrawn, summary.delivery) == ("a kill came between", "queued")
    assert not catalogue.scan(other.id).kept
    assert recover(root, catalogue) == Recovery(pending=[one.id, other.id])


def test_half_a_marker_is_swept_and_does_not_count(root: Path, catalogue: Catalogue, store: Store) -> None:
    manifest, folder = store(catalogue)
    (folder / f"{WITHDRAWN}.0123.part").write_text("{")
    done = recover(root, catalogue)
    assert done.swept == [f"{folder.relative_to(root).as_posix()}/{WITHDRAWN}.0123.part"]
    assert (done.marked, catalogue.scan(manifest.id).withdrawn) == ([], "")


@pytest.mark.parametrize("content", ["", "{", json.dumps({"scan_id": 1})])
def test_a_damaged_withdrawal_still_counts(store: Store, content: str) -> None:
    _, folder = store()
    (folder / WITHDRAWN).write_text(content)
    assert read_markers(folder).withdrawn == f"{WITHDRAWN} is damaged"
