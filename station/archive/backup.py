"""A backup of a data folder: consistent while the daemon runs, and only what the target does not have yet.

The copy of the catalogue comes first and the folders after it, while nothing may be removed: so every row of
the copy has its folder, and what was stored meanwhile is adopted by the first start on the restored data.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from station.documents.backup import BackupFile, BackupManifest, BackupReport, BackupResult, BackupScan
from station.documents.fault import StationError
from station.share.durable import make_folders, sync_folder, write_file

from .backup_store import (
    BACKUPS,
    DOCUMENT,
    FILES,
    copy_checked,
    linked,
    named,
    on_target,
    sha256_of,
    sweep,
)
from .database import FILE
from .durable import PART
from .folder import MANIFEST, manifest_sha256, read_manifest, scan_folders
from .hold import LOCK, folders_held
from .journal import utc_now
from .markers import KEPT, WITHDRAWN
from .results import read_result, result_folder, result_numbers

CatalogueCopies = Callable[[], AbstractContextManager[Path | None]]
"""Lends a consistent copy of the catalogue; None where there is none to be had."""

LEFT_OUT = ("scans", "run", "logs", "demo", LOCK)
"""What of a data folder is copied in another way, or is not worth it."""

CONFIG = "station.toml"
Hashes = list[tuple[str, str]]


@dataclass
class _Run:
    """A backup under way."""

    root: Path
    target: Path
    copied: int = 0
    linked: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)


def back_up(
    root: Path,
    target: Path,
    station: str,
    software: str,
    copies: CatalogueCopies,
    *,
    config: Path | None = None,
    leave_out: tuple[Path, ...] = (),
) -> BackupReport:
    """Make a further backup in `target`; files are linked where both lie on one disk, else copied.

    Args:
        root: the data folder.
        target: new, empty, or with backups of before.
        station: its name.
        software: and release.
        copies: lends a copy of the catalogue.
        config: `station.toml`, if there is one.
        leave_out: further folders below the root.

    Raises:
        StationError: `backup_failed`, the target cannot be used or written; `busy`, another backup runs. What
            was complete before stays so.
    """
    _require_usable(root, target)
    run = _Run(root, target)
    with on_target(target):
        make_folders(target / BACKUPS)
        (target / BACKUPS).chmod(0o700)  # keys are among the files
    with folders_held(root) as ours, folders_held(target) as theirs:
        if not (ours and theirs):
            raise StationError(
                "busy", f"another backup of {root} or into {target} runs", "Wait until it has ended."
            )
        with on_target(target):
            sweep(target)
            return _backed_up(run, station, software, copies, config, leave_out)


def _backed_up(
    run: _Run,
    station: str,
    software: str,
    copies: CatalogueCopies,
    config: Path | None,
    leave_out: tuple[Path, ...],
) -> BackupReport:
    stamp = utc_now()
    final = run.target / BACKUPS / stamp.strftime("%Y%m%dT%H%M%S.%fZ")
    part = final.with_name(final.name + PART)
    make_folders(part / FILES)
    with copies() as copy:
        files = [] if copy is None else [_file(run, copy, part, FILE)]
    scans = [scan for folder in scan_folders(run.root) if (scan := _scan(run, folder)) is not None]
    others = [*LEFT_OUT, *(path.name for path in leave_out if path.parent == run.root)]
    if config is not None and config.is_file():
        files += _if_there(run, config, part, CONFIG)
        others.append(CONFIG)  # of an earlier restoration
    for path, name in _others(run.root, tuple(others)):
        files += _if_there(run, path, part, name)
    document = BackupManifest(
        created=stamp.isoformat(),
        station=station,
        software=software,
        catalogue=copy is not None,
        scans=tuple(scans),
        files=tuple(files),
        damaged=tuple(run.damaged),
    )
    write_file(part / DOCUMENT, document.model_dump_json(indent=1).encode())
    named(part, final)
    return BackupReport(
        backup=str(final),
        scans=len(scans),
        files=len(files),
        copied=run.copied,
        linked=run.linked,
        bytes=run.bytes,
        problems=document.damaged,
    )


def _require_usable(root: Path, target: Path) -> None:
    if not root.is_dir():
        raise StationError("backup_failed", f"there is nothing to back up: {root} is not there")
    if target.resolve().is_relative_to(root.resolve()):
        raise StationError("backup_failed", f"{target} lies in the data folder {root} itself")
    try:
        strange = target.exists() and any(target.iterdir()) and not (target / BACKUPS).is_dir()
    except OSError as error:
        raise StationError("backup_failed", f"{target} cannot be used: {error.strerror}") from error
    if strange:
        raise StationError("backup_failed", f"{target} holds something else than backups")


def _scan(run: _Run, folder: Path) -> BackupScan | None:
    """One scan folder with its results; None, with the reason noted, where it cannot be read."""
    try:
        name = folder.relative_to(run.root).as_posix()
        manifest, digest = read_manifest(folder), manifest_sha256(folder)
        _folder(run, folder, digest, [(frame.file, frame.sha256) for frame in manifest.frames])
        results = []
        for number in result_numbers(folder):
            stored = read_result(folder, number).manifest
            under = result_folder(folder, number)
            sha256 = sha256_of(under / MANIFEST)
            _folder(run, under, sha256, [(one.file, one.sha256) for one in stored.artifacts])
            results.append(BackupResult(number=number, manifest_sha256=sha256))
        return BackupScan(folder=name, manifest_sha256=digest, results=tuple(results))
    except StationError as error:
        if error.code != "scan_unreadable":
            raise
        run.damaged.append(str(error))
        return None


def _folder(run: _Run, folder: Path, manifest: str, files: Hashes) -> None:
    """The immutable files of a folder with its manifest, all or none, unless the target has them."""
    final = run.target / folder.relative_to(run.root)
    if (final / MANIFEST).is_file():
        if sha256_of(final / MANIFEST) != manifest:
            raise StationError("backup_failed", f"{final} is another one than {folder}; use another target")
        return
    part = final.with_name(final.name + PART)
    make_folders(part)
    try:
        for name, sha256 in [*files, (MANIFEST, manifest)]:
            if linked(folder / name, part / name):
                run.linked += 1
            else:
                run.bytes += copy_checked(folder / name, part / name, sha256)[1]
                run.copied += 1
    except StationError:
        shutil.rmtree(part)
        raise
    named(part, final)


def _others(root: Path, leave_out: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Every other regular file and its name below the root: keys, profiles, calibrations, markers."""
    for folder in scan_folders(root):
        for name in (WITHDRAWN, KEPT):
            if (folder / name).is_file():
                yield folder / name, (folder / name).relative_to(root).as_posix()
    for top in sorted(root.iterdir()):
        if top.name in leave_out or top.name.startswith("catalogue."):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not path.is_symlink() and PART not in path.name:
                yield path, path.relative_to(root).as_posix()


def _if_there(run: _Run, source: Path, part: Path, name: str) -> list[BackupFile]:
    """A file that may have gone since it was listed; one that is there and cannot be read is noted."""
    try:
        return [_file(run, source, part, name)]
    except (StationError, FileNotFoundError) as error:
        if source.exists():
            run.damaged.append(str(error))
        return []


def _file(run: _Run, source: Path, part: Path, name: str) -> BackupFile:
    path = part / FILES / name
    make_folders(path.parent)
    mode = source.stat().st_mode & 0o777
    sha256, size = copy_checked(source, path, None, mode)
    sync_folder(path.parent)
    run.copied, run.bytes = run.copied + 1, run.bytes + size
    return BackupFile(name=name, sha256=sha256, bytes=size, mode=mode)
