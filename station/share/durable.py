"""Bytes and names that survive a power cut, and what the system refused in the words of the house."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from station.documents.fault import StationError
from station.documents.ids import new_id

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNWRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOTDIR}


@contextmanager
def storing(where: Path) -> Iterator[None]:
    """Name what the system refused while something was written.

    Raises:
        StationError: `disk_full` (no space, quota or file size limit) or `data_unwritable` (permissions,
            read-only, I/O error).
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _FULL:
            raise StationError("disk_full", f"{where} could not be stored: {reason}") from error
        if error.errno in _UNWRITABLE:
            raise StationError("data_unwritable", f"{where} could not be written: {reason}") from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a file's own fsync does not cover its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Create a folder and its missing parents, each durable in its own parent."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def write_file(path: Path, content: bytes) -> None:
    """Write a new file and wait until its content is durable. Its name is not, see `sync_folder`."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Give a file its content in one step, in place of what is there: durable beside it, then named."""
    part = path.with_name(f"{path.name}.{new_id()}.part")
    try:
        write_file(part, content)
        part.rename(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
