"""The catalogue: each change of state with its event, the outbox, the journal."""

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.archive.catalogue import Catalogue
from station.archive.folder import manifest_sha256
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.scan import ResultManifest, ScanManifest

Compute = Callable[[Path], ResultManifest]
Store = Callable[..., tuple[ScanManifest, Path]]

CREATED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def begin(catalogue: Catalogue, scan_id: str | None = None) -> str:
    scan_id = scan_id or new_id()
    catalogue.begin_scan(scan_id, "card", "back", "", CREATED, simulated=True)
    return scan_id


def test_the_life_of_a_scan_and_its_events(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    manifest, folder = store(catalogue)
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.delivery, summary.result, summary.report) == (
        "captured",
        "queued",
        None,
        None,
    )
    assert summary.folder == folder.relative_to(root).as_posix()
    assert summary.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert summary.stages_s == {"capture": 1.5}
    assert catalogue.pending_processing() == [manifest.id]

    result = compute(folder)
    event = catalogue.processed(result, cause="request 7", facts={"grade": "not assessed"})
    assert event.data["report"] == f"{summary.folder}/results/1/report.html"
    assert event.data["grade"] == "not assessed"
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.result, summary.report) == ("processed", result, event.data["report"])
    assert (root / event.data["report"]).is_file()
    assert summary.bytes == sum(path.stat().st_size for path in folder.rglob("*.*")) - sum(
        path.stat().st_size for path in (folder / "results").rglob("manifest.json")
    )
    assert summary.stages_s == {"capture": 1.5, "solve": 0.5}
    assert catalogue.pending_processing() == []

    events = catalogue.events_since(0)
    assert [item.type for item in events] == ["scan.started", "scan.captured", "scan.processed"]
    assert [item.seq for item in events] == [1, 2, 3]
    assert [item.cause for item in events] == [manifest.id, manifest.id, "request 7"]
    assert {item.boot for item in events} == {catalogue.boot}
    assert events[-1] == event
    assert events[1].data["manifest_sha256"] == manifest_sha256(folder)


def test_the_newest_result_counts(catalogue: Catalogue, store: Store, compute: Compute) -> None:
    manifest, folder = store(catalogue)
    results = [compute(folder) for _ in range(3)]
    for result in results:
        catalogue.processed(result)
    assert catalogue.scan(manifest.id).result == results[-1]
    assert catalogue.results() == {(manifest.id, 1), (manifest.id, 2), (manifest.id, 3)}


def test_a_failed_processing_can_be_repaired_by_a_later_one(
    catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    manifest, folder = store(catalogue)
    event = catalogue.failed(manifest.id, "card_not_found: no card", facts={"code": "card_not_found"})
    assert (event.data["reason"], event.data["code"]) == ("card_not_found: no card", "card_not_found")
    assert catalogue.scan(manifest.id).state == "failed"
    assert catalogue.pending_processing() == []
    catalogue.processed(compute(folder))
    summary = catalogue.scan(manifest.id)
    assert (summary.state, summary.reason) == ("processed", "")


def test_states_change_only_along_their_way(catalogue: Catalogue, store: Store, compute: Compute) -> None:
    manifest, folder = store(catalogue)
    result = compute(folder)
    failed = begin(catalogue)
    catalogue.failed(failed, "the cable was cut")
    before = catalogue.events_since(0)
    with pytest.raises(ValueError, match="is captured, not capturing"):
        catalogue.captured(manifest, folder)
    with pytest.raises(ValueError, match="already"):
        begin(catalogue, manifest.id)
    with pytest.raises(ValueError, match="is failed"):
        catalogue.failed(failed, "again")
    with pytest.raises(ValueError, match="no stored stack"):
        catalogue.processed(result.replace(scan_id=failed))
    assert catalogue.events_since(0) == before


def test_unknown_scans_are_not_found(catalogue: Catalogue) -> None:
    for ask in (catalogue.scan, catalogue.mark_readable, lambda scan_id: catalogue.failed(scan_id, "x")):
        with pytest.raises(StationError, match="there is no scan nonsense") as caught:
            ask("nonsense")
        assert caught.value.code == "not_found"


def test_a_transaction_that_fails_leaves_neither_state_nor_event(
    catalogue: Catalogue, store: Store, tmp_path: Path
) -> None:
    scan_id = begin(catalogue)
    manifest, _ = store()
    with pytest.raises(FileNotFoundError):
        catalogue.captured(manifest.replace(id=scan_id), catalogue.root / "scans/nowhere")
    assert catalogue.scan(scan_id).state == "capturing"
    assert catalogue.head_seq() == 1
    assert catalogue.undelivered() == 0


def test_without_its_event_a_change_does_not_happen(catalogue: Catalogue, store: Store) -> None:
    manifest, _ = store(catalogue)
    before = catalogue.events_since(0)
    with pytest.raises(ValueError, match="serialize"):
        catalogue.failed(manifest.id, "a reason", facts={"no JSON": object()})
    assert catalogue.scan(manifest.id).state == "captured"
    assert catalogue.events_since(0) == before
    assert catalogue.append_event("tick").seq == before[-1].seq + 1


def test_pages_are_newest_first(catalogue: Catalogue) -> None:
    ids = [begin(catalogue, f"{k:032x}") for k in range(5)]
    assert [item.id for item in catalogue.scans()] == ids[::-1]
    page = catalogue.scans(limit=2)
    assert [item.id for item in page] == ids[:2:-1]
    assert [item.id for item in catalogue.scans(limit=2, before=page[-1].id)] == ids[2:0:-1]
    assert catalogue.scans(before=ids[0]) == []


def test_a_delivery_that_is_put_off_lets_the_next_one_pass(catalogue: Catalogue, store: Store) -> None:
    (first, _), (second, _) = (store(catalogue) for _ in range(2))
    passed = [catalogue.next_delivery(but) for but in ((), {first.id}, {first.id, second.id})]
    assert [one and one.scan_id for one in passed] == [first.id, second.id, None]


def test_deliveries_go_oldest_first_and_are_counted(catalogue: Catalogue, store: Store) -> None:
    assert catalogue.next_delivery() is None
    (first, folder), (second, _), (third, _) = (store(catalogue) for _ in range(3))
    assert catalogue.undelivered() == 3
    delivery = catalogue.next_delivery()
    assert delivery is not None
    assert (delivery.scan_id, delivery.attempts) == (first.id, 0)
    assert delivery.manifest_sha256 == manifest_sha256(folder)
    assert catalogue.root / delivery.folder == folder

    catalogue.mark_sending(first.id)
    assert catalogue.unfinished_deliveries() == [first.id]
    following = catalogue.next_delivery()
    assert following is not None
    assert following.scan_id == second.id
    event = catalogue.requeue(first.id, "the trainer did not answer")
    assert (event.type, event.data["detail"]) == ("delivery.queued", "the trainer did not answer")
    again = catalogue.next_delivery()
    assert again is not None
    assert (again.scan_id, again.attempts, again.detail) == (first.id, 1, "the trainer did not answer")

    catalogue.mark_sending(first.id)
    assert catalogue.mark_delivered(first.id).data["attempts"] == 2
    catalogue.mark_refused(second.id, "the trainer knows no such profile")
    assert catalogue.undelivered() == 1
    assert [catalogue.scan(item.id).delivery for item in (first, second, third)] == [
        "delivered",
        "refused",
        "queued",
    ]
    assert catalogue.scan(second.id).delivery_detail == "the trainer knows no such profile"


def test_a_result_can_ask_for_another_delivery(catalogue: Catalogue, store: Store, compute: Compute) -> None:
    manifest, folder = store(catalogue)
    catalogue.mark_sending(manifest.id)
    catalogue.mark_delivered(manifest.id)
    catalogue.processed(compute(folder))
    assert catalogue.undelivered() == 0
    catalogue.processed(compute(folder), deliver=True)
    assert catalogue.undelivered() == 1


def test_deliveries_change_only_along_their_way(catalogue: Catalogue, store: Store) -> None:
    manifest, _ = store(catalogue)
    with pytest.raises(ValueError, match="is queued"):
        catalogue.mark_delivered(manifest.id)
    with pytest.raises(ValueError, match="is queued"):
        catalogue.requeue(manifest.id)
    with pytest.raises(ValueError, match="not in the outbox"):
        catalogue.mark_sending("f" * 32)


def test_the_journal_goes_on_across_restarts(root: Path) -> None:
    seqs, boots = [], set()
    for _ in range(3):
        with Catalogue(root) as catalogue:
            assert catalogue.stopped_in_order
            events = [catalogue.append_event("rig.ready", {"board": 1}) for _ in range(2)]
        seqs += [event.seq for event in events]
        boots |= {event.boot for event in events}
    assert seqs == [1, 2, 3, 4, 5, 6]
    assert len(boots) == 3


def test_the_journal_is_a_ring_whose_numbers_never_repeat(root: Path) -> None:
    with Catalogue(root, journal_capacity=3) as catalogue:
        for k in range(8):
            catalogue.append_event("tick", {"k": k})
        assert [event.data["k"] for event in catalogue.events_since(0)] == [5, 6, 7]
        assert [event.seq for event in catalogue.events_since(6)] == [7, 8]
        assert catalogue.events_since(8) == []
        assert [event.seq for event in catalogue.events_since(0, limit=1)] == [6]
    with Catalogue(root, journal_capacity=0) as catalogue:
        catalogue.append_event("tick")
        assert catalogue.events_since(0) == []
    with Catalogue(root) as catalogue:
        assert catalogue.append_event("tick").seq == 10


def test_what_is_published_is_what_is_stored(catalogue: Catalogue) -> None:
    event = catalogue.append_event(
        "camera.lost", {"gap_s": math.nan, "at": (1, 2), "what": "ÄÖ\u2028🃏"}, "request"
    )
    assert event.data == {"gap_s": None, "at": [1, 2], "what": "ÄÖ\u2028🃏"}
    assert catalogue.events_since(0) == [event]
    assert datetime.fromisoformat(event.time).utcoffset() is not None


def test_bytes_per_side_are_measured_or_unknown(catalogue: Catalogue, store: Store) -> None:
    assert (catalogue.bytes_per_side(), catalogue.count()) == (None, 0)
    begin(catalogue)
    assert (catalogue.bytes_per_side(), catalogue.count()) == (None, 0)
    stored = [store(catalogue, lights=lights)[0].id for lights in (1, 4)]
    sizes = [catalogue.scan(scan_id).bytes for scan_id in stored]
    assert catalogue.bytes_per_side() == round(sum(sizes) / 2)
    assert catalogue.count() == 2


def test_a_second_opener_is_turned_away_at_once(root: Path, catalogue: Catalogue) -> None:
    with pytest.raises(StationError, match="another process has opened") as caught:
        Catalogue(root).open()
    assert caught.value.code == "data_busy"
    catalogue.append_event("still.mine")
    catalogue.close()
    with Catalogue(root) as other:
        assert other.events_since(0)[-1].type == "still.mine"


def test_two_stations_in_one_database_do_not_see_each_other(root: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    with Catalogue(root, url, station="left") as left:
        scan_id = begin(left)
    with Catalogue(root, url, station="right") as right:
        assert right.head_seq() == 0
        assert right.append_event("tick").seq == 1
        assert right.scans() == []
        with pytest.raises(StationError, match="no scan"):
            right.scan(scan_id)
    with Catalogue(root, url, station="left") as left:
        assert [event.type for event in left.events_since(0)] == ["scan.started"]


def test_threads_wait_for_each_other(catalogue: Catalogue) -> None:
    def work() -> None:
        for _ in range(10):
            catalogue.append_event("tick")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.seq for event in catalogue.events_since(0)] == list(range(1, 41))


def test_nothing_is_touched_before_open(root: Path) -> None:
    catalogue = Catalogue(root)
    catalogue.close()
    assert not root.exists()
    with pytest.raises(ValueError, match="not open"):
        catalogue.head_seq()
