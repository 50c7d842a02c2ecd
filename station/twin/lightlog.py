"""The light log: what really burned and when, shared between the simulated board and the simulated camera.

A memory-mapped ring of edges in a file. One writer (a board, in whatever process or language), many
readers. Layout, little endian: 16 bytes header (`b"LIGHTLOG"`, u64 count of edges ever written), then
`CAPACITY` records of 16 bytes (i64 monotonic nanoseconds, u32 mask of the lights burning from then on, u32
zero). Bits 0 to 7 of the mask are lights, bit 8 (0x100) is the trigger line. The writer fills record
`count % CAPACITY` before it raises `count`. Behind the records lie two more i64: up to when everything is
written, and how much of its time a simulated chip had to give up because its simulator was not let run; a
board whose clock is this machine's leaves them zero.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Self

MAGIC = b"LIGHTLOG"
CAPACITY = 65_536
_HEADER = struct.Struct("<8sQ")
_RECORD = struct.Struct("<qII")
LIGHTS = 0xFF
"""Bits of the mask that are lights."""
_TRAILER = struct.Struct("<qq")
_RECORDS_END = _HEADER.size + CAPACITY * _RECORD.size
SIZE = _RECORDS_END + _TRAILER.size


class LightLogWriter:
    """Owned by the board."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Self:
        """Create the file anew and map it; whoever still maps an older one keeps that."""
        self._path.unlink(missing_ok=True)
        self._file = self._path.open("w+b")
        self._file.truncate(SIZE)
        self._map = mmap.mmap(self._file.fileno(), SIZE)
        self._count = 0
        self._map[: _HEADER.size] = _HEADER.pack(MAGIC, 0)
        return self

    def write(self, when_ns: int, mask: int) -> None:
        """Record that from `when_ns` on exactly the lights of `mask` burn."""
        offset = _HEADER.size + (self._count % CAPACITY) * _RECORD.size
        _RECORD.pack_into(self._map, offset, when_ns, mask, 0)
        self._count += 1
        struct.pack_into("<Q", self._map, 8, self._count)

    def close(self) -> None:
        """Unmap; the file stays for whoever wants to look."""
        self._map.close()
        self._file.close()


class LightLogReader:
    """Used by the camera, and by tests that ask what burned."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> Self:
        """Map the file.

        Raises:
            FileNotFoundError: there is no board yet.
            ValueError: the file is not a light log.
        """
        self._file = self._path.open("rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), SIZE, access=mmap.ACCESS_READ)
        except ValueError:
            self._file.close()
            raise
        if self._map[:8] != MAGIC:
            self.close()
            raise ValueError(f"{self._path} is not a light log")
        return self

    def follow(self) -> None:
        """Turn to the file that has the name now, if a board that came later made it anew."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return
        held = os.fstat(self._file.fileno())
        if (found.st_ino, found.st_dev) == (held.st_ino, held.st_dev) or found.st_size != SIZE:
            return
        older_map, older_file = self._map, self._file
        try:
            self.open()
        except (FileNotFoundError, ValueError):  # not finished yet; the next call will find it
            self._map, self._file = older_map, older_file
            return
        older_map.close()
        older_file.close()

    def count(self) -> int:
        """Edges ever written."""
        return int(struct.unpack_from("<Q", self._map, 8)[0])

    def edges_back(self) -> Iterator[tuple[int, int]]:
        """Edges `(ns, mask)`, newest first, as far as the ring reaches."""
        newest = self.count()
        for index in range(newest - 1, max(-1, newest - CAPACITY), -1):
            when, mask, _ = _RECORD.unpack_from(self._map, _HEADER.size + (index % CAPACITY) * _RECORD.size)
            yield when, mask

    def known_until_ns(self) -> int:
        """Up to when every edge is written; 0: the board does not say."""
        return int(_TRAILER.unpack_from(self._map, _RECORDS_END)[0])

    def lost_ns(self) -> int:
        """How much of its time a simulated chip had to give up."""
        return int(_TRAILER.unpack_from(self._map, _RECORDS_END)[1])

    def mask(self) -> int:
        """Lights burning after the newest edge, without the trigger."""
        return next(self.edges_back(), (0, 0))[1] & LIGHTS

    def on_times_ns(self, start_ns: int, end_ns: int, lights: int = 8) -> list[int]:
        """For each light, how long it burned within [start, end)."""
        return self.on_times_of_ns([(start_ns, end_ns)], lights)[0]

    def on_times_of_ns(self, windows: list[tuple[int, int]], lights: int = 8) -> list[list[int]]:
        """For each window [start, end) and light, how long it burned; the log is read only once."""
        first, last = min(start for start, _ in windows), max(end for _, end in windows)
        total = [[0] * lights for _ in windows]
        until = last
        for when, mask in self.edges_back():
            begin = max(when, first)
            burning = [light for light in range(lights) if mask >> light & 1] if begin < until else []
            if burning:
                for times, (start, end) in zip(total, windows, strict=True):
                    within = min(until, end) - max(begin, start)
                    if within > 0:
                        for light in burning:
                            times[light] += within
            until = min(until, begin)
            if when <= first:
                break
        return total

    def close(self) -> None:
        """Unmap."""
        self._map.close()
        self._file.close()
