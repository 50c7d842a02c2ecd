"""One trainer for each folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..documents.fault import StationError
from ..share.durable import make_folders


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the folder against a second trainer; the lock goes with the process, however it ends.

    Raises:
        StationError: `data_busy` or `data_unwritable`.
    """
    try:
        make_folders(folder)
        descriptor = os.open(folder / "trainer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StationError("data_unwritable", f"{folder} cannot be used: {error.strerror}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise StationError(
            "data_busy",
            f"another trainer (process {holder}) owns {folder}",
            "Stop the other trainer, or give this one its own folder with `trainer.data` in station.toml.",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
