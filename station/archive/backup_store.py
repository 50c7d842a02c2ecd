"""Where backups lie: one store of immutable scan folders, and one small folder for each backup.

    scans/YYYY/MM/DD/<id>/    as in the data folder; shared by all backups, added to, never changed
    backups/<time>/           backup.json, and in files/ everything else as it was at that time

A backup is complete when its folder has its name; until then it ends in `.part`, and what is there is as
good as before. Copies are hashed while they are made, and synced before they are named.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from station.documents.backup import BackupManifest
from station.documents.fault import StationError
from station.share.durable import sync_folder

from .durable import PART

BACKUPS, FILES, DOCUMENT = "backups", "files", "backup.json"
PIECE_BYTES = 1 << 20
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}


@contextmanager
def on_target(target: Path) -> Iterator[None]:
    """Name what the disk of a backup refused.

    Raises:
        StationError: `backup_failed`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StationError("backup_failed", f"{target} could not be written: {reason}") from error


def copy_checked(source: Path, target: Path, sha256: str | None, mode: int = 0o644) -> tuple[str, int]:
    """Copy a file durably, all but its name; hash and size of what was copied.

    Raises:
        StationError: `scan_unreadable`, the source is missing or is not what was stored; nothing is left.
        OSError: the target's disk refused.
    """
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as written:
            for piece in pieces(source):
                written.write(piece)
                digest.update(piece)
                size += len(piece)
            written.flush()
            os.fsync(written.fileno())
        _require_same(source, digest.hexdigest(), sha256)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def _require_same(source: Path, found: str, wanted: str | None) -> None:
    if wanted is not None and found != wanted:
        raise StationError("scan_unreadable", f"{source} is not the file that was stored")


def pieces(path: Path) -> Iterator[bytes]:
    """The content of a file.

    Raises:
        StationError: `scan_unreadable`.
    """
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error


def sha256_of(path: Path) -> str:
    """Hash of a file's content.

    Raises:
        StationError: `scan_unreadable`.
    """
    digest = hashlib.sha256()
    for piece in pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def linked(source: Path, target: Path) -> bool:
    """Give a stored file a second name where both lie on one disk.

    Raises:
        OSError: the target's disk refused for another reason than that it has no such names.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def named(part: Path, final: Path) -> None:
    """Give a complete partial folder its name, durably.

    Raises:
        OSError: the disk refused; the folder is partial again.
    """
    sync_folder(part)
    part.rename(final)
    try:
        sync_folder(final.parent)
    except OSError:
        final.rename(part)
        raise


def sweep(target: Path) -> None:
    """Remove what a backup left that was cut short."""
    patterns = (f"{BACKUPS}/*{PART}", f"scans/*/*/*/*{PART}", f"scans/*/*/*/*/results/*{PART}")
    for pattern in patterns:
        for folder in sorted(target.glob(pattern)):
            shutil.rmtree(folder)


def complete_backups(target: Path) -> list[Path]:
    """Folders of the complete backups below a target, oldest first."""
    return sorted(path.parent for path in (target / BACKUPS).glob(f"*[0-9Z]/{DOCUMENT}"))


def find_backup(place: Path) -> tuple[Path, BackupManifest]:
    """The backup in this very folder, or the newest complete one below it.

    Raises:
        StationError: `backup_failed`, there is none or its manifest is damaged.
    """
    found = [place] if (place / DOCUMENT).is_file() else complete_backups(place)
    if not found:
        raise StationError("backup_failed", f"there is no complete backup in {place}")
    path = found[-1] / DOCUMENT
    try:
        return found[-1], BackupManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StationError("backup_failed", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise StationError("backup_failed", f"{path} is damaged: {error.errors()[0]['msg']}") from error
