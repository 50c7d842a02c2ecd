"""How many cards still fit on the disk, asked before a card is accepted and never in the middle of one."""

import os
from dataclasses import dataclass
from pathlib import Path

from station.documents.fault import StationError


@dataclass(frozen=True, slots=True)
class Room:
    """What the disk has left.

    Attributes:
        free_bytes: what this user may still write on the data root's file system.
        reserve_bytes: what is kept free.
        bytes_per_side: what a stored side takes on average; None before the first one was stored.
    """

    free_bytes: int
    reserve_bytes: int
    bytes_per_side: int | None

    @property
    def sides(self) -> int | None:
        """How many more sides fit above the reserve; None when no side was ever stored."""
        if not self.bytes_per_side:
            return None
        return max(0, self.free_bytes - self.reserve_bytes) // self.bytes_per_side

    def admit(self) -> None:
        """Accept one more side.

        Raises:
            StationError: `disk_full`, there is less free than the reserve, or less above it than a side
                takes.
        """
        short = self.reserve_bytes + (self.bytes_per_side or 0) - self.free_bytes
        if short > 0:
            raise StationError(
                "disk_full",
                f"{self.free_bytes / 1e6:.0f} MB are free, one more side above the reserve of "
                f"{self.reserve_bytes / 1e6:.0f} MB needs {(self.free_bytes + short) / 1e6:.0f} MB",
            )


def measure(root: Path, reserve_mb: int, bytes_per_side: int | None) -> Room:
    """Look at the disk; `reserve_mb` in units of a million bytes.

    Raises:
        StationError: `data_unwritable`, the data root is not there.
    """
    try:
        disk = os.statvfs(root)
    except OSError as error:
        raise StationError(
            "data_unwritable", f"the data folder {root} cannot be looked at: {error.strerror}"
        ) from error
    return Room(disk.f_bavail * disk.f_frsize, reserve_mb * 1_000_000, bytes_per_side)
