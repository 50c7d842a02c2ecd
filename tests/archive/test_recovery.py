"""After a crash disk and catalogue agree again; nothing complete is lost, nothing missing is hidden."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from station.archive.catalogue import Catalogue
from station.archive.database import FILE
from station.archive.folder import ScanWriter, read_stack
from station.archive.recovery import Recovery, rebuild, recover
from station.archive.results import ResultWriter, read_result
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.scan import ResultManifest, ScanManifest

Compute = Callable[[Path], ResultManifest]
Pictures = Callable[..., np.ndarray]
Store = Callable[..., tuple[ScanManifest, Path]]

CREATED = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_sound_archive_is_left_alone(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    _, folder = store(catalogue)
    catalogue.processed(compute(folder))
    head = catalogue.head_seq()
    assert recover(root, catalogue) == Recovery()
    assert catalogue.head_seq() == head


def test_an_empty_archive_has_nothing_to_recover(root: Path, catalogue: Catalogue) -> None:
    assert recover(root, catalogue) == Recovery()


def test_a_scan_cut_short_is_interrupted_and_its_part_swept(
    root: Path, catalogue: Catalogue, pictures: Pictures
) -> None:
    writer = ScanWriter(root, new_id(), CREATED)
    catalogue.begin_scan(writer.scan_id, "card", "front", "", CREATED, simulated=True)
    writer.add_frame(None, pictures(0), exposure_us=1, sequence=1, timestamp_s=0)
    done = recover(root, catalogue)
    assert done.interrupted == [writer.scan_id]
    assert done.swept == [f"scans/2026/11/22/{writer.scan_id}.part"]
    assert not (root / done.swept[0]).exists()
    assert [event.type for event in done.events] == ["scan.interrupted"]
    assert catalogue.scan(writer.scan_id).state == "interrupted"
    assert done.pending == []
    assert recover(root, catalogue) == Recovery()


def test_a_complete_folder_whose_row_was_never_finished_is_adopted(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    manifest, _ = store()
    catalogue.begin_scan(manifest.id, "card", "front", "", CREATED, simulated=True)
    done = recover(root, catalogue)
    assert (done.adopted, done.interrupted, done.pending) == ([manifest.id], [], [manifest.id])
    assert [(event.type, event.cause, event.data["adopted"]) for event in done.events] == [
        ("scan.captured", manifest.id, True)  # whoever waits for the scan waits for this
    ]
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.delivery, summary.name) == ("captured", "queued", "a card")


@pytest.mark.parametrize("ended", ["failed", "interrupted", None])
def test_the_disk_is_the_truth_also_for_scans_given_up(
    root: Path, catalogue: Catalogue, store: Store, ended: str | None
) -> None:
    manifest, folder = store()
    if ended:
        catalogue.begin_scan(manifest.id, "card", "front", "", CREATED, simulated=True)
        getattr(catalogue, ended)(manifest.id, "no room for the catalogue")
    assert recover(root, catalogue).adopted == [manifest.id]
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.reason) == ("captured", "")
    assert root / summary.folder == folder


def test_a_scan_whose_processing_failed_is_not_taken_up_again(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    manifest, _ = store(catalogue)
    catalogue.failed(manifest.id, "card_not_found: no card in the picture")
    assert recover(root, catalogue) == Recovery()
    assert catalogue.scan(manifest.id).state == "failed"


def test_a_damaged_folder_without_a_row_is_reported_and_kept(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    _, folder = store()
    (folder / "light-0.tif").write_bytes(b"II*\0")
    done = recover(root, catalogue)
    assert done.adopted == []
    [(where, why)] = done.unreadable
    assert (where, "light-0.tif" in why) == (folder.relative_to(root).as_posix(), True)
    assert (folder / "ambient.tif").exists()
    assert catalogue.scans() == []


def test_a_row_whose_folder_is_gone_says_so_until_it_is_back(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    (captured, _), (processed, folder) = store(catalogue), store(catalogue)
    catalogue.processed(compute(folder))
    (root / "scans").rename(root / "elsewhere")
    done = recover(root, catalogue)
    assert [scan_id for scan_id, _ in done.unreadable] == [captured.id, processed.id]
    assert [event.type for event in done.events] == ["scan.unreadable", "scan.unreadable"]
    assert done.pending == []
    assert catalogue.undelivered() == 0
    for manifest, state in ((captured, "captured"), (processed, "processed")):
        summary = catalogue.scan(manifest.id)
        assert (summary.state, summary.delivery) == (state, "refused")
        assert summary.reason.startswith("scan_unreadable: ")

    again = recover(root, catalogue)
    assert (len(again.unreadable), again.events) == (2, [])

    (root / "elsewhere").rename(root / "scans")
    back = recover(root, catalogue)
    assert back.returned == [captured.id, processed.id]
    assert back.pending == [captured.id]
    assert [catalogue.scan(item.id).reason for item in (captured, processed)] == ["", ""]
    assert catalogue.undelivered() == 2


def test_a_failed_scan_keeps_its_reason_while_its_folder_is_away(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    manifest, folder = store(catalogue)
    catalogue.failed(manifest.id, "card_not_found: no card")
    away = folder.rename(root / "away")
    recover(root, catalogue)
    assert catalogue.scan(manifest.id).reason.startswith("scan_unreadable: ")
    away.rename(folder)
    assert recover(root, catalogue).returned == [manifest.id]
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.reason) == ("failed", "card_not_found: no card")


def test_after_an_unclean_stop_every_file_is_looked_for(root: Path, store: Store) -> None:
    with Catalogue(root) as catalogue:
        manifest, folder = store(catalogue)
        (folder / "light-0.tif").unlink()
        assert recover(root, catalogue).unreadable == []
    with closing(sqlite3.connect(root / FILE)) as connection:
        connection.execute("UPDATE station SET clean = 0")
        connection.commit()
    with Catalogue(root) as catalogue:
        [(scan_id, why)] = recover(root, catalogue).unreadable
        assert (scan_id, "light-0.tif" in why) == (manifest.id, True)
        assert "light-0.tif" in catalogue.scan(manifest.id).reason


def test_a_computation_cut_short_is_swept_and_its_scan_waits_again(
    root: Path, catalogue: Catalogue, store: Store
) -> None:
    manifest, folder = store(catalogue)
    ResultWriter(folder).add_file("report.html", b"half a")
    done = recover(root, catalogue)
    assert done.swept == [f"{folder.relative_to(root).as_posix()}/results/1.part"]
    assert done.pending == [manifest.id]
    assert list((folder / "results").iterdir()) == []


def test_a_complete_result_without_a_row_is_adopted(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    manifest, folder = store(catalogue)
    catalogue.processed(compute(folder))
    second = compute(folder)
    done = recover(root, catalogue)
    assert done.adopted_results == [(manifest.id, 2)]
    assert catalogue.scan(manifest.id).result == second
    assert recover(root, catalogue) == Recovery()


def test_a_damaged_result_is_reported_and_the_others_count(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    manifest, folder = store(catalogue)
    compute(folder)
    (folder / "results/1/manifest.json").write_text("{}")
    done = recover(root, catalogue)
    assert [scan_id for scan_id, _ in done.unreadable] == [manifest.id]
    assert done.pending == [manifest.id]
    catalogue.processed(compute(folder))
    assert catalogue.scan(manifest.id).result == read_result(folder, 2).manifest


def test_a_delivery_cut_short_is_queued_again(root: Path, catalogue: Catalogue, store: Store) -> None:
    manifest, _ = store(catalogue)
    catalogue.mark_sending(manifest.id)
    assert catalogue.next_delivery() is None
    assert recover(root, catalogue).requeued == [manifest.id]
    delivery = catalogue.next_delivery()
    assert delivery is not None
    assert (delivery.scan_id, delivery.attempts) == (manifest.id, 1)


def test_what_is_not_ours_is_left_alone(root: Path, catalogue: Catalogue) -> None:
    day = root / "scans/2026/11/22"
    for name in ("notes", "x" * 32, "20261122"):
        (day / name).mkdir(parents=True)
    (day / "readme.txt").write_text("mine")
    (root / "scans/lost+found").mkdir()
    assert recover(root, catalogue) == Recovery()
    assert len(list(day.iterdir())) == 4


def test_the_catalogue_can_be_made_from_the_folders_alone(root: Path, store: Store, compute: Compute) -> None:
    with Catalogue(root) as catalogue:
        (first, folder), (second, _) = store(catalogue), store(catalogue)
        compute(folder)
        catalogue.processed(compute(folder).replace(number=2))
        before = catalogue.scans()
    (root / FILE).unlink()
    done = rebuild(root)
    assert (done.adopted, done.unreadable) == ([first.id, second.id], [])
    assert done.adopted_results == [(first.id, 1), (first.id, 2)]
    assert done.pending == [second.id]
    with Catalogue(root) as catalogue:
        after = catalogue.scans()
        assert catalogue.results() == {(first.id, 1), (first.id, 2)}
    assert [item.replace(bytes=0) for item in after] == [item.replace(bytes=0) for item in before]
    assert all(read_stack(root / item.folder)[0].id == item.id for item in after)


def test_a_rebuild_keeps_the_old_file_and_says_what_it_could_not_read(root: Path, store: Store) -> None:
    with Catalogue(root) as catalogue:
        (kept, _), (damaged, folder) = store(catalogue), store(catalogue)
    (folder / "ambient.tif").unlink()
    done = rebuild(root)
    assert done.adopted == [kept.id]
    [(where, why)] = done.unreadable
    assert where.endswith(damaged.id)
    assert "ambient.tif" in why
    assert len(list(root.glob("catalogue.*.sqlite3"))) == 1


def test_a_rebuild_of_nothing_makes_an_empty_catalogue(root: Path) -> None:
    assert rebuild(root) == Recovery()
    with Catalogue(root) as catalogue:
        assert catalogue.scans() == []


def test_a_part_that_cannot_be_removed_is_an_error_not_a_silence(root: Path, catalogue: Catalogue) -> None:
    day = root / "scans/2026/11/22"
    day.mkdir(parents=True)
    (day / f"{new_id()}.part").write_text("a file where a folder should be")
    with pytest.raises(StationError) as caught:
        recover(root, catalogue)
    assert caught.value.code == "data_unwritable"
