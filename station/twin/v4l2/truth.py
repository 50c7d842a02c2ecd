"""What really was in each frame of the virtual camera, kept beside it: one line of JSON per frame."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .lit import Shares


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """One frame.

    Attributes:
        sequence: the driver's number of it.
        stamp_us: the driver's stamp, monotonic.
        start_ns, exposure_us, readout_us: its `Shutter`.
        delivered: false: no buffer was queued, nobody ever saw it.
        shares: by light, for each band of rows from the top, the share of the exposure for which it burned;
            lights that did not burn at all are left out.
    """

    sequence: int
    stamp_us: int
    start_ns: int
    exposure_us: int
    readout_us: int
    delivered: bool
    shares: dict[int, list[float]]

    def burned(self) -> set[int]:
        """Lights that gave any row any light."""
        return set(self.shares)

    def pure(self, light: int | None) -> bool:
        """Whether this light, and it alone, burned for the whole exposure of every row; None: no light."""
        if light is None:
            return not self.shares
        return self.burned() == {light} and min(self.shares[light]) >= 1.0


def by_light(shares: Shares) -> dict[int, list[float]]:
    """`FrameTruth.shares` of an array (bands, lights)."""
    return {int(k): shares[:, k].tolist() for k in np.flatnonzero(shares.any(axis=0))}


class TruthWriter:
    """Owned by the virtual camera. `open` makes the file anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def open(self) -> None:
        """Make the file."""
        self._file = self._path.open("w", buffering=1)

    def write(self, truth: FrameTruth) -> None:
        """Add a frame; it can be read at once."""
        if self._file is not None:
            self._file.write(json.dumps(asdict(truth)) + "\n")

    def close(self) -> None:
        """Close the file; it stays for whoever wants to look."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_truth(path: Path) -> Iterator[FrameTruth]:
    """Every frame so far."""
    for line in path.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):  # being written
            return
        fields: dict[str, Any] = json.loads(line)
        fields["shares"] = {int(light): bands for light, bands in fields["shares"].items()}
        yield FrameTruth(**fields)
