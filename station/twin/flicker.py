"""Room light on the mains: it swells and fades twice in every period."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

import numpy as np

from .optics import Doubles

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Mains:
    """What feeds the room's lamps.

    Attributes:
        hz: of the mains; 0: lamps that do not flicker.
        depth: their light at a moment is 1 + depth * cos(2 pi 2 hz t) of its mean, t on the monotonic clock.
    """

    hz: Literal[0, 50, 60] = 0
    depth: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: mains that no country has, or light that would be negative.
        """
        if self.hz not in (0, 50, 60) or not 0 <= self.depth <= 1:
            raise ValueError("mains have 50 or 60 Hz (0: none), and flicker by no more than all their light")

    def shares(self, first_ns: int, readout_us: int, exposure_us: int, bands: int) -> Doubles:
        """(bands,): light of the room in each band's exposure, as a share of its mean.

        The integral over the window is exact; a window of whole periods sees none of it.

        Args:
            first_ns: when the first row's exposure begins.
            readout_us: how much later the row below the last would begin.
            exposure_us: of every row.
            bands: groups of rows.
        """
        if not (self.hz and self.depth):
            return np.ones(bands)
        pulses = 2 * self.hz
        half = pi * pulses * exposure_us / 1e6
        swing = self.depth * sin(half) / half
        starts = [first_ns + readout_us * 1_000 * band // bands for band in range(bands)]
        # whole periods are taken off as integers: the clock's count is too long for a float's phase
        phases = [2 * pi * (start * pulses % NS) / NS + half for start in starts]
        return np.array([1 + swing * cos(phase) for phase in phases])
