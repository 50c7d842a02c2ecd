"""What the retention policy may remove, and a removal that leaves a side whole or gone."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.archive import removal
from station.archive.catalogue import Catalogue
from station.archive.folder import read_stack
from station.archive.hold import folders_held
from station.archive.recovery import Recovery, rebuild, recover
from station.archive.removal import GONE, delete, freed_bytes, hide
from station.archive.retention import GB, StoredSide, to_remove
from station.config import RetentionSettings
from station.documents.fault import StationError
from station.documents.scan import ResultManifest, ScanManifest

Compute = Callable[[Path], ResultManifest]
Store = Callable[..., tuple[ScanManifest, Path]]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def side(number: int, **changes: Any) -> StoredSide:
    """The side made `100 - number` days ago, of 1 GB, delivered with its newest result."""
    base = StoredSide(
        id=f"{number:032x}",
        created=(NOW - timedelta(100 - number)).isoformat(),
        bytes=GB,
        state="processed",
        batch="",
        kept=False,
        unreadable="",
        delivery="delivered",
        delivered=1,
        newest=1,
    )
    return base._replace(**changes)


def decided(rows: list[StoredSide], **policy: float) -> tuple[list[int], list[int]]:
    """Numbers of the sides that go, and of those that are due and stay."""
    plan = to_remove(rows, RetentionSettings(**policy), NOW, 0, lambda row: row.bytes)
    return [int(one.id, 16) for one in plan.remove], [int(one.id, 16) for one in plan.hold]


def test_without_a_policy_nothing_goes() -> None:
    assert decided([side(n) for n in range(50)]) == ([], [])


def test_by_age_all_that_are_older_go() -> None:
    assert decided([side(n) for n in range(5)], keep_days=97.5) == ([0, 1, 2], [])


def test_by_size_the_oldest_go_until_the_archive_is_small_enough() -> None:
    assert decided([side(n) for n in reversed(range(10))], most_gb=7) == ([0, 1, 2], [])


def test_by_free_room_the_oldest_go_until_there_is_enough() -> None:
    plan = to_remove(
        [side(n) for n in range(10)], RetentionSettings(free_gb=5), NOW, 3 * GB, lambda row: row.bytes
    )
    assert [int(one.id, 16) for one in plan.remove] == [0, 1]


def test_what_frees_nothing_is_not_removed_for_room() -> None:
    rows = [side(n) for n in range(4)]
    plan = to_remove(
        rows, RetentionSettings(free_gb=5), NOW, 4 * GB, lambda row: 0 if row.id == rows[0].id else GB
    )
    assert ([one.id for one in plan.remove], plan.hold[0].held) == (
        [rows[1].id],
        "removing it frees nothing",
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kept": True}, "kept"),
        ({"delivery": "queued"}, "not delivered"),
        ({"delivery": "sending"}, "not delivered"),
        ({"delivery": "none"}, "not delivered"),
        ({"delivery": "refused"}, "refused"),
        ({"newest": 2}, "newest result was not delivered"),
        ({"delivered": None}, "newest result was not delivered"),
        ({"state": "captured", "newest": 0, "delivered": 0}, "waits to be computed"),
        ({"unreadable": "gone"}, "cannot be read"),
        ({"batch": "b"}, "batch is not finished"),
    ],
)
def test_what_could_still_be_missed_stays(changes: dict[str, Any], why: str) -> None:
    rows = [side(0, **changes), side(1)]
    plan = to_remove(rows, RetentionSettings(keep_days=1), NOW, 0, lambda row: row.bytes)
    assert [one.id for one in plan.remove] == [rows[1].id]
    assert why in plan.hold[0].held


def test_of_a_batch_only_the_newest_side_waits_for_its_end() -> None:
    rows = [side(0, batch="a"), side(1, batch="b"), side(2, batch="b"), side(3)]
    policy = RetentionSettings(keep_days=1)

    def going(open_batch: str | None) -> list[int]:
        plan = to_remove(rows, policy, NOW, 0, lambda row: row.bytes, open_batch=open_batch)
        return [int(one.id, 16) for one in plan.remove]

    assert going("b") == going(None) == [0, 1, 3]
    assert going("a") == [1, 2, 3]
    assert going("") == [0, 1, 2, 3]


@given(
    st.lists(
        st.builds(
            lambda n, size, kept, delivery, state: side(
                n, bytes=size, kept=kept, delivery=delivery, state=state
            ),
            st.integers(0, 99),
            st.integers(0, 3 * GB),
            st.booleans(),
            st.sampled_from(["delivered", "queued", "sending", "refused"]),
            st.sampled_from(["processed", "captured", "failed"]),
        ),
        unique_by=lambda row: row.id,
    ),
    st.builds(
        RetentionSettings,
        keep_days=st.floats(0, 100),
        most_gb=st.floats(0, 50),
        free_gb=st.floats(0, 50),
    ),
    st.integers(0, 20 * GB),
)
def test_never_more_than_needed_and_never_what_must_stay(
    rows: list[StoredSide], policy: RetentionSettings, free: int
) -> None:
    plan = to_remove(rows, policy, NOW, free, lambda row: row.bytes)
    by_id = {row.id: row for row in rows}
    for one in plan.remove:
        row = by_id[one.id]
        assert row.delivery == "delivered"
        assert not row.kept
        assert row.state != "captured"
    assert [one.created for one in plan.remove] == sorted(one.created for one in plan.remove)
    for last in [one for one in plan.remove if one.due == "the archive is above most_gb"][-1:]:
        before = sum(one.bytes for one in plan.remove if one.id != last.id and one.created <= last.created)
        assert sum(row.bytes for row in rows) - before > policy.most_gb * GB


def _deliverable(catalogue: Catalogue, store: Store, compute: Compute) -> tuple[str, Path]:
    manifest, folder = store(catalogue)
    catalogue.processed(compute(folder), deliver=True)
    catalogue.mark_sending(manifest.id)
    catalogue.mark_delivered(manifest.id, f"parcel {manifest.id}-1")
    return manifest.id, folder


def test_the_catalogue_tells_the_policy_what_it_must_know(
    catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    done, _ = _deliverable(catalogue, store, compute)
    waiting, _ = store(catalogue)
    first, second = catalogue.stored_sides()
    assert (first.id, first.state, first.delivery, first.delivered, first.newest) == (
        done,
        "processed",
        "delivered",
        1,
        1,
    )
    assert (second.id, second.state, second.delivery, second.delivered, second.newest) == (
        waiting.id,
        "captured",
        "queued",
        None,
        0,
    )


def test_a_removed_side_is_gone_from_the_disk_and_remembered_in_the_catalogue(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    scan_id, folder = _deliverable(catalogue, store, compute)
    measured = catalogue.scan(scan_id).result
    event, gone = hide(root, catalogue, scan_id, "older than keep_days")
    delete(gone)
    assert (event.type, event.data["why"]) == ("scan.removed", "older than keep_days")
    assert list(folder.parent.iterdir()) == []
    summary = catalogue.scan(scan_id)
    assert (summary.folder, summary.bytes, summary.report, summary.result) == ("", 0, None, measured)
    assert summary.removed.endswith("older than keep_days")
    assert (catalogue.count(), catalogue.stored_sides(), catalogue.pending_processing()) == (0, [], [])
    assert recover(root, catalogue) == Recovery()
    with pytest.raises(StationError, match="were removed"):
        catalogue.withdraw(scan_id, "too late")


@pytest.mark.parametrize("change", ["keep", "withdraw", "requeue"])
def test_what_changed_since_the_plan_is_not_removed(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute, change: str
) -> None:
    scan_id, folder = _deliverable(catalogue, store, compute)
    {
        "keep": lambda: catalogue.keep(scan_id),
        "withdraw": lambda: catalogue.withdraw(scan_id, "blurred"),
        "requeue": lambda: catalogue.requeue(scan_id),
    }[change]()
    with pytest.raises(ValueError, match="must not be removed"):
        hide(root, catalogue, scan_id, "why")
    assert len(read_stack(folder)[1]) == 3


STEPS = ("rename", "sync", "row", "first file", "all files")


def _die_at(step: str, root: Path, catalogue: Catalogue, scan_id: str) -> None:
    """In a process of its own: remove a side, and be killed after the step."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if step == "rename":
        removal.sync_folder = die  # type: ignore[assignment]
    elif step == "sync":
        catalogue.set_removed = die  # type: ignore[method-assign]
    _, gone = hide(root, catalogue, scan_id, "why")
    if step == "first file":
        next(path for path in gone.rglob("*") if path.is_file()).unlink()
    elif step == "all files":
        delete(gone)
    die()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("by", ["start", "rebuild"])
def test_a_removal_killed_at_any_step_is_finished_by_a_start_or_a_rebuild(
    root: Path, store: Store, compute: Compute, step: str, by: str
) -> None:
    with Catalogue(root) as catalogue:
        kept, _ = _deliverable(catalogue, store, compute)
        scan_id, folder = _deliverable(catalogue, store, compute)
    child = os.fork()
    if child == 0:
        _die_at(step, root, Catalogue(root).open(), scan_id)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    if by == "rebuild":
        assert rebuild(root).unreadable == []
    with Catalogue(root) as catalogue:
        done = recover(root, catalogue)
        assert (done.unreadable, [scan.id for scan in catalogue.scans() if scan.folder]) == ([], [kept])
        if by == "start":
            assert catalogue.scan(scan_id).removed
            assert done.removed == ([] if step == "all files" else [scan_id])
    assert [path.name for path in folder.parent.iterdir()] == [kept]


def test_a_side_that_comes_back_is_adopted_with_its_results(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    scan_id, folder = _deliverable(catalogue, store, compute)
    _, gone = hide(root, catalogue, scan_id, "why")
    gone.rename(folder)
    assert recover(root, catalogue).adopted == [scan_id]
    summary = catalogue.scan(scan_id)
    assert (summary.removed, summary.state, summary.delivery) == ("", "processed", "queued")


def test_files_that_have_another_name_elsewhere_free_nothing(tmp_path: Path, store: Store) -> None:
    _, folder = store()
    alone = freed_bytes(folder)
    linked = tmp_path / "linked" if folder.stat().st_dev == tmp_path.stat().st_dev else folder.parent / "x"
    os.link(folder / "ambient.tif", linked)
    assert freed_bytes(folder) < alone


def test_folders_are_held_by_one_at_a_time(root: Path) -> None:
    root.mkdir()
    with folders_held(root) as first, folders_held(root) as second:
        assert (first, second) == (True, False)
    with folders_held(root) as third:
        assert third


def test_a_folder_that_is_not_there_is_not_removed(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute
) -> None:
    scan_id, folder = _deliverable(catalogue, store, compute)
    folder.rename(root / "away")
    with pytest.raises(StationError) as caught:
        hide(root, catalogue, scan_id, "why")
    assert caught.value.code == "scan_unreadable"
    assert catalogue.scan(scan_id).removed == ""
    assert GONE not in "".join(path.name for path in root.iterdir())
