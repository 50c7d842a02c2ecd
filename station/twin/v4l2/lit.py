"""How much of each row's exposure each light burned: a rolling shutter held against the light log. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]
TRIGGER = 0x100
"""Bit of the light log's mask: the board's trigger line is high."""


@dataclass(frozen=True, slots=True)
class Shutter:
    """When the rows of one frame were exposed.

    Attributes:
        start_ns: the first row's exposure begins.
        exposure_us: of every row.
        readout_us: from the first row's begin to the last row's.
    """

    start_ns: int
    exposure_us: int
    readout_us: int

    @property
    def end_ns(self) -> int:
        """The last row's exposure ends."""
        return self.start_ns + 1_000 * (self.exposure_us + self.readout_us)

    def begins_ns(self, bands: int) -> NDArray[np.int64]:
        """When each of so many bands of rows begins; first and last row are met exactly."""
        steps = np.linspace(0.0, 1_000.0 * self.readout_us, bands)
        return self.start_ns + np.round(steps).astype(np.int64)


def shares(edges_back: Iterable[tuple[int, int]], shutter: Shutter, bands: int, lights: int) -> Shares:
    """For each band of rows and each light, the share of the exposure for which it burned: (bands, lights).

    Args:
        edges_back: (monotonic ns, mask that holds from then on), newest first. Before the oldest: dark.
        shutter: of the frame.
        bands: bands of rows, from the top.
        lights: bits of the mask that are lights, from the lowest.
    """
    begins = shutter.begins_ns(bands)
    ends = begins + 1_000 * shutter.exposure_us
    total = np.zeros((bands, lights))
    until = shutter.end_ns
    for when, mask in edges_back:
        since = min(max(when, shutter.start_ns), until)
        burned = np.maximum(0, np.minimum(ends, until) - np.maximum(begins, since))
        for light in range(lights):
            if mask >> light & 1:
                total[:, light] += burned
        until = since
        if when <= shutter.start_ns:
            break
    return total / (1_000 * shutter.exposure_us)
