"""A hold on the stored folders: while somebody copies them, nobody removes one. It goes with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from station.share.durable import storing

LOCK = "folders.lock"


@contextmanager
def folders_held(root: Path) -> Iterator[bool]:
    """Hold the folders of a data root; True inside, or False where another process or thread holds them.

    Raises:
        StationError: `data_unwritable` or `disk_full`, the lock's file cannot be made.
    """
    with storing(root / LOCK):
        descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _taken(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
