"""The sensor: photons to electrons to codes. Linear to the last electron, as machine vision sensors are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

FULL_WELL_E = 10_000.0
READ_NOISE_E = 3.0
"""As CMOS sensors of this century have; at 8 bits the rounding to codes is the larger part by far."""
BLACK_SHARE = 4 / 255
"""Black level as a share of full scale."""
NOMINAL_EXPOSURE_US = 15_000
ELECTRONS_PER_RADIANCE = 5_500.0
"""Electrons at the nominal exposure where a middling light falls on a white surface at the mat's centre. The
brightest light then brings the nearest white border to about 85 % of full scale."""
PERIOD_US = 33_000
READOUT_US = 12_000
STAMP_DELAY_US = 1_500
"""Usual time from the end of the last row to the frame's arrival."""
STAMP_JITTER_US = 500
BANDS = 64
"""Groups of rows that share an exposure window: in steps of 0.2 ms at the usual readout."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """How electrons become codes at one bit depth and gain."""

    bit_depth: int
    gain: float = 1.0

    @property
    def full_scale(self) -> int:
        """Highest code."""
        return int(2**self.bit_depth - 1)

    @property
    def black_level(self) -> float:
        """Code of no light."""
        return BLACK_SHARE * self.full_scale

    @property
    def codes_per_electron(self) -> float:
        """At unit gain a full well just reaches full scale."""
        return self.gain * self.full_scale * (1 - BLACK_SHARE) / FULL_WELL_E

    def blank(self, height_px: int, width_px: int) -> Pixels:
        """An unwritten frame."""
        shape = (height_px, width_px, 3)
        return np.empty(shape, np.uint8) if self.bit_depth == 8 else np.empty(shape, np.uint16)

    @property
    def noise_a(self) -> float:
        """Shot noise: the variance of a value I, in codes over black, is `noise_a * I + noise_b`."""
        return self.codes_per_electron

    @property
    def noise_b(self) -> float:
        """Read noise, and the rounding to whole codes."""
        return (self.codes_per_electron * READ_NOISE_E) ** 2 + 1 / 12
