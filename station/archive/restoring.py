"""A backup checked to its last byte, and brought back into a folder that is not there yet."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from station.documents.backup import BackupFile, BackupManifest, BackupReport, BackupScan
from station.documents.fault import StationError
from station.share.durable import make_folders, sync_folder

from .backup_store import FILES, copy_checked, find_backup, on_target, sha256_of
from .catalogue import Catalogue
from .database import FILE
from .folder import MANIFEST, read_manifest
from .recovery import rebuild, recover
from .results import read_result, result_folder
from .schema import upgrade

RESTORING = ".restoring"
Wanted = tuple[Path, str, str, int]
"""Where a file lies in the backup, its name below the data root, its hash and its permissions."""


def verify(place: Path) -> BackupReport:
    """Read every file of a backup and compare its hash.

    Raises:
        StationError: `backup_failed`, there is no complete backup or its manifest is damaged.
    """
    backup, document = find_backup(place)
    problems, read, files = list(document.damaged), 0, 0
    for source, _, sha256, _ in _wanted(backup, document, problems):
        files += 1
        try:
            if sha256_of(source) != sha256:
                problems.append(f"{source} is not the file that was backed up")
            read += source.stat().st_size
        except StationError as error:
            problems.append(str(error))
    return _report(backup, document, files, read, problems)


def restore(place: Path, root: Path) -> BackupReport:
    """Bring a backup back as the data folder `root`: everything is there when it has that name.

    The catalogue is taken over, or made anew from the scans where it cannot be used. What is damaged in the
    backup is left out and named.

    Raises:
        StationError: `backup_failed`, there is data already, no backup, or the disk refuses.
    """
    backup, document = find_backup(place)
    part = root.with_name(root.name + RESTORING)
    _require_empty(root)
    problems = list(document.damaged)
    with on_target(root):
        make_folders(part.parent)
        shutil.rmtree(part, ignore_errors=True)  # left by a restoration that was cut short
        part.mkdir(mode=0o700)
        copied, size = _copy_all(backup, document, part, problems)
    problems += _catalogue(part, document)
    with on_target(root):
        part.rename(root)
        sync_folder(root.parent)
    report = _report(backup, document, copied, size, problems)
    return report.replace(copied=copied)


def _report(
    backup: Path, document: BackupManifest, files: int, size: int, problems: list[str]
) -> BackupReport:
    return BackupReport(
        backup=str(backup), scans=len(document.scans), files=files, bytes=size, problems=tuple(problems)
    )


def _require_empty(root: Path) -> None:
    try:
        taken = root.exists() and (not root.is_dir() or any(root.iterdir()))
    except OSError as error:
        raise StationError("backup_failed", f"{root} cannot be used: {error.strerror}") from error
    if taken:
        raise StationError(
            "backup_failed",
            f"{root} holds data already, which is never overwritten",
            "Name another folder with `station.data` in station.toml, or move the old one away.",
        )


def _wanted(backup: Path, document: BackupManifest, problems: list[str]) -> Iterator[Wanted]:
    store = backup.parent.parent
    for scan in document.scans:
        try:
            yield from list(_of_scan(store, scan))
        except StationError as error:
            problems.append(str(error))
    yield from (_of_file(backup, file) for file in document.files)


def _of_file(backup: Path, file: BackupFile) -> Wanted:
    return backup / FILES / file.name, file.name, file.sha256, file.mode


def _of_scan(store: Path, scan: BackupScan) -> Iterator[Wanted]:
    """Every file of a scan folder, its results included; manifests last, each in its own folder."""
    folder = store / scan.folder
    for frame in read_manifest(folder).frames:
        yield folder / frame.file, f"{scan.folder}/{frame.file}", frame.sha256, 0o644
    yield folder / MANIFEST, f"{scan.folder}/{MANIFEST}", scan.manifest_sha256, 0o644
    for result in scan.results:
        under = f"{scan.folder}/results/{result.number}"
        for artifact in read_result(folder, result.number).manifest.artifacts:
            path = result_folder(folder, result.number) / artifact.file
            yield path, f"{under}/{artifact.file}", artifact.sha256, 0o644
        path = result_folder(folder, result.number) / MANIFEST
        yield path, f"{under}/{MANIFEST}", result.manifest_sha256, 0o644


def _copy_all(backup: Path, document: BackupManifest, part: Path, problems: list[str]) -> tuple[int, int]:
    copied, size, folders = 0, 0, set()
    for source, name, sha256, mode in _wanted(backup, document, problems):
        target = part / name
        make_folders(target.parent)
        folders.add(target.parent)
        try:
            size += copy_checked(source, target, sha256, mode)[1]
            copied += 1
        except StationError as error:
            problems.append(str(error))
    for folder in sorted(folders):
        sync_folder(folder)
    return copied, size


def _catalogue(part: Path, document: BackupManifest) -> list[str]:
    """Make sure that there is a catalogue which this release can use; what had to be done for it."""
    if not (part / FILE).is_file():
        rebuild(part, station=document.station)
        return [] if not document.catalogue else ["the catalogue was made anew from the scan folders"]
    try:
        try:
            _agree(part, document.station)
        except StationError as error:
            if error.code != "catalogue_drift":
                raise
            upgrade(part, station=document.station)
            _agree(part, document.station)
    except StationError as error:
        rebuild(part, station=document.station)
        return [f"the catalogue was made anew from the scan folders: {error}"]
    return []


def _agree(part: Path, station: str) -> None:
    """The copy was made of an open catalogue: every file is looked for, and what is missing is marked."""
    with Catalogue(part, station=station) as catalogue:
        recover(part, catalogue)
