"""Backups: consistent, incremental, checked to the last byte; what was complete stays so whatever dies."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from station.archive import backup as module
from station.archive.backup import back_up
from station.archive.backup_store import complete_backups
from station.archive.catalogue import Catalogue
from station.archive.database import FILE, new_copy
from station.archive.folder import read_stack
from station.archive.hold import folders_held
from station.archive.recovery import Recovery, recover
from station.archive.restoring import restore, verify
from station.archive.results import read_result
from station.documents.backup import BackupReport
from station.documents.fault import StationError
from station.documents.scan import ResultManifest, ScanManifest

Compute = Callable[[Path], ResultManifest]
Store = Callable[..., tuple[ScanManifest, Path]]
KEY = b'{"secret": "x"}'


@pytest.fixture
def target(root: Path) -> Path:
    """Beside the data, so on one disk: files are linked unless that is forbidden."""
    return root.with_name("backups-here")


@pytest.fixture
def copying(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the target lay on another disk."""
    monkeypatch.setattr(module, "linked", lambda _source, _target: False)


def run(catalogue: Catalogue, target: Path, **options: Any) -> BackupReport:
    """A backup of an open catalogue and its folders, as the daemon's copy makes it."""

    @contextmanager
    def copies() -> Iterator[Path]:
        path = new_copy(catalogue.root)
        assert catalogue.copy_to(path)
        yield path
        path.unlink()

    return back_up(catalogue.root, target, "station", "test", copies, **options)


def _filled(root: Path, catalogue: Catalogue, store: Store, compute: Compute) -> list[Path]:
    folders = [store(catalogue)[1] for _ in range(3)]
    catalogue.processed(compute(folders[0]), deliver=True)
    catalogue.withdraw(folders[1].name, "blurred")
    catalogue.keep(folders[2].name)
    (root / "keys/clients").mkdir(parents=True)
    (root / "keys/server.json").write_bytes(KEY)
    (root / "keys/server.json").chmod(0o600)
    (root / "profiles").mkdir()
    (root / "profiles/mine.toml").write_text("name = 'mine'")
    for left_out in ("run", "logs", "trainer"):
        (root / left_out).mkdir()
        (root / left_out / "x").write_text("not worth it")
    return folders


def test_a_restored_backup_is_what_was_there(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute, target: Path, copying: None
) -> None:
    folders = _filled(root, catalogue, store, compute)
    config = root.with_name("my.toml")
    config.write_text("[station]\n")
    report = run(catalogue, target, config=config, leave_out=(root / "trainer",))
    assert (report.scans, report.linked, report.problems) == (3, 0, ())
    assert list(root.glob("catalogue.copy-*")) == []
    assert verify(target).problems == ()

    back = root.with_name("back")
    restored = restore(target, back)
    assert (restored.scans, restored.problems) == (3, ())
    assert restored.copied == report.copied
    assert sorted(path.name for path in back.iterdir()) == [FILE, "keys", "profiles", "scans", "station.toml"]
    assert (back / "keys/server.json").read_bytes() == KEY
    assert (back / "keys/server.json").stat().st_mode & 0o777 == 0o600
    assert back.stat().st_mode & 0o777 == 0o700
    with Catalogue(back) as again:
        assert again.scans() == catalogue.scans()
        done = recover(back, again)
        assert done == Recovery(pending=[folder.name for folder in folders[1:]])
        assert [len(read_stack(back / scan.folder)[1]) for scan in again.scans()] == [3, 3, 3]
    assert read_result(back / folders[0].relative_to(root), 1).content("report.html") == b"<p>a report</p>"


def test_a_second_backup_takes_only_what_is_new(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute, target: Path, copying: None
) -> None:
    folders = _filled(root, catalogue, store, compute)
    run(catalogue, target)
    idle = run(catalogue, target)
    others = 1 + 2 + 2 + 1  # catalogue, markers, key and profile, what the trainer has
    assert idle.copied == others
    catalogue.processed(compute(folders[1]))
    store(catalogue)
    third = run(catalogue, target)
    assert third.copied == others + (2 + 1) + (3 + 1)  # a result, a stack, each with its manifest
    assert len(complete_backups(target)) == 3
    first, back = complete_backups(target)[0], root.with_name("back")
    restore(first, back)
    with Catalogue(back) as again:
        assert len(again.scans()) == 3
        # what the store has besides belongs to later backups
        assert recover(back, again).adopted_results == []


def test_on_one_disk_files_are_linked(root: Path, catalogue: Catalogue, store: Store, target: Path) -> None:
    _, folder = store(catalogue)
    report = run(catalogue, target)
    assert (report.linked, report.copied) == (4, 1)
    assert (folder / "ambient.tif").stat().st_nlink == 2
    assert verify(target).problems == ()


def test_what_was_stored_after_the_copy_of_the_catalogue_is_adopted(
    root: Path, catalogue: Catalogue, store: Store, target: Path
) -> None:
    store(catalogue)

    @contextmanager
    def copies() -> Iterator[Path]:
        path = new_copy(root)
        catalogue.copy_to(path)
        yield path
        store(catalogue)

    back_up(root, target, "station", "test", copies)
    back = root.with_name("back")
    assert restore(target, back).problems == ()
    with Catalogue(back) as again:
        assert len(again.scans()) == 2
        assert len([event for event in again.events_since(0) if event.data.get("adopted")]) == 1


@pytest.mark.parametrize(
    "victim", ["scans/*/*/*/*/light-0.tif", "scans/*/*/*/*/manifest.json", "keys/*.json"]
)
def test_a_damaged_backup_is_seen_and_the_rest_is_restored(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute, target: Path, copying: None, victim: str
) -> None:
    _filled(root, catalogue, store, compute)
    backup = Path(run(catalogue, target).backup)
    path = next(iter([*target.glob(victim), *(backup / "files").glob(victim)]))
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert any(path.name in problem for problem in verify(target).problems)
    back = root.with_name("back")
    report = restore(target, back)
    assert any(path.name in problem for problem in report.problems)
    with Catalogue(back) as again:
        assert len(recover(back, again).unreadable) == ("keys" not in victim)


def test_a_damaged_catalogue_in_a_backup_is_made_anew(
    root: Path, catalogue: Catalogue, store: Store, compute: Compute, target: Path
) -> None:
    _filled(root, catalogue, store, compute)
    backup = Path(run(catalogue, target).backup)
    (backup / "files" / FILE).write_bytes(b"no database")
    back = root.with_name("back")
    assert any("made anew" in problem for problem in restore(target, back).problems)
    with Catalogue(back) as again:
        assert [(scan.withdrawn, scan.kept) for scan in reversed(again.scans())] == [
            ("", False),
            ("blurred", False),
            ("", True),
        ]


def test_a_damaged_scan_is_named_and_does_not_keep_the_others_from_their_backup(
    root: Path, catalogue: Catalogue, store: Store, target: Path, copying: None
) -> None:
    (_, damaged), _ = store(catalogue), store(catalogue)
    (damaged / "light-1.tif").write_bytes(b"II*\0")
    report = run(catalogue, target)
    assert report.scans == 1
    assert damaged.name in report.problems[0]
    assert list(target.rglob("*.part")) == []


def test_data_is_never_overwritten(root: Path, catalogue: Catalogue, store: Store, target: Path) -> None:
    store(catalogue)
    run(catalogue, target)
    before = sorted(root.rglob("*"))
    with pytest.raises(StationError, match="holds data already") as caught:
        restore(target, root)
    assert caught.value.code == "backup_failed"
    assert sorted(root.rglob("*")) == before


def test_places_that_are_no_backups_are_refused(
    root: Path, catalogue: Catalogue, store: Store, target: Path
) -> None:
    store(catalogue)
    target.mkdir()
    for place in (target, root.with_name("nowhere")):
        with pytest.raises(StationError, match="no complete backup"):
            verify(place)
    (target / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(StationError, match="something else"):
        run(catalogue, target)
    with pytest.raises(StationError, match="lies in the data folder"):
        run(catalogue, root / "scans")
    with folders_held(root), pytest.raises(StationError, match="another backup"):
        run(catalogue, root.with_name("other"))


def _killed_after(root: Path, target: Path, calls: int) -> bool:
    """A backup in a process of its own, killed at its n-th sync of a folder; False where it ended before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with Catalogue(root) as catalogue:
                left, real = [calls], module.named

                def named(part: Path, final: Path) -> None:
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    real(part, final)

                module.named = named
                run(catalogue, target)
                code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def test_a_backup_killed_before_each_folder_gets_its_name_leaves_the_last_one_valid(
    root: Path, store: Store, compute: Compute, target: Path
) -> None:
    with Catalogue(root) as catalogue:
        store(catalogue)
        run(catalogue, target)
        _, folder = store(catalogue)
        catalogue.processed(compute(folder))
    kills = 0
    while _killed_after(root, target, 1):  # each gets one folder further, by what the others left
        kills += 1
        assert len(complete_backups(target)) == 1
        assert verify(target).problems == ()
        if kills == 3:
            break
    assert _killed_after(root, target, 3)
    assert len(complete_backups(target)) == 1
    assert not _killed_after(root, target, 99)
    assert len(complete_backups(target)) == 2
    assert verify(target).problems == ()
    assert list(target.rglob("*.part")) == []
