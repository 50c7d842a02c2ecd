"""The board's end of a pseudo-terminal, published as a symbolic link."""

import os
import tty
from contextlib import suppress
from pathlib import Path

READ_SIZE = 4_096


class Port:
    """A pseudo-terminal under a name of its own. It outlives its clients: one end stays open here."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._ends: tuple[int, int] | None = None

    def open(self) -> int:
        """Make and publish it; returns the board's end.

        Raises:
            FileExistsError: something that is not a link already has the name.
        """
        if self._link.exists() and not self._link.is_symlink():
            raise FileExistsError(f"{self._link} exists and is no link")
        ours, theirs = os.openpty()
        self._ends = ours, theirs
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        fresh.symlink_to(os.ttyname(theirs))
        fresh.replace(self._link)
        return ours

    def read(self) -> bytes:
        """What clients wrote."""
        assert self._ends is not None  # noqa: S101 - only asked while it is open
        with suppress(BlockingIOError):
            return os.read(self._ends[0], READ_SIZE)
        return b""

    def write(self, data: bytes) -> None:
        """Send; bytes that nobody fetches are lost, as on a cable without a listener."""
        if self._ends is not None and data:
            with suppress(BlockingIOError):
                os.write(self._ends[0], data)

    def close(self) -> int | None:
        """Take it away, as pulling the plug does; returns the descriptor that was the board's end."""
        if self._ends is None:
            return None
        ours, theirs = self._ends
        self._ends = None
        if self._link.is_symlink() and self._link.readlink() == Path(os.ttyname(theirs)):
            self._link.unlink()
        os.close(theirs)
        os.close(ours)
        return ours
