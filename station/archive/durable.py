"""Bytes that survive a power cut, and folders that appear whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.documents.fault import StationError

PART = ".part"
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


class PartFolder:
    """A folder under construction, `<name>.part`, which takes its name when everything in it is durable.

    Whatever the system refuses, the partial folder is removed before the error is raised.
    """

    def __init__(self, final: Path) -> None:
        self.final = final
        self.part = final.with_name(final.name + PART)
        self._opened = False

    def write(self, name: str, content: bytes) -> None:
        """Add one durable file.

        Raises:
            StationError: `disk_full` or `data_unwritable`.
        """
        with storing(self.final), self._removed_on_error():
            self._open()
            write_file(self.part / name, content)

    def commit(self, manifest: bytes) -> None:
        """Add `manifest.json` and give the folder its name, durably.

        Raises:
            StationError: `disk_full` or `data_unwritable`; then neither the partial nor the named folder
                exists.
        """
        self.write("manifest.json", manifest)
        with storing(self.final), self._removed_on_error():
            sync_folder(self.part)
            self.part.rename(self.final)
            sync_folder(self.final.parent)
        self._opened = False

    def discard(self) -> None:
        """Remove the partial folder, if there is one."""
        if self._opened:
            self._opened = False
            # What cannot be removed now (the medium turned read-only) is swept at the next start.
            shutil.rmtree(self.part, ignore_errors=True)

    def _open(self) -> None:
        if self._opened:
            return
        if self.final.exists():
            raise ValueError(f"{self.final} exists already")
        make_folders(self.final.parent)
        shutil.rmtree(self.part, ignore_errors=True)  # left by a computation that was killed
        self.part.mkdir()
        self._opened = True

    @contextmanager
    def _removed_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            if self._opened and not self.part.exists():
                # Renamed, but not surely durable: it must not be there half promised.
                shutil.rmtree(self.final, ignore_errors=True)
            self.discard()
            raise
