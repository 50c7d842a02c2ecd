"""What the virtual camera sees under each light: near lights over a flat thing with smooth reflectance.

A plain world on purpose: a test can compute every picture, and every light leaves a pattern of its own.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..grid import CARD_HEIGHT_MM, CARD_WIDTH_MM

Floats = NDArray[np.float32]

LIGHTS = 8
REFERENCE_US = 15_000
"""Exposure at which the pictures have the codes below."""
PEAK = 90.0
"""Codes (of 255) of the brightest pixel under the strongest light, at the reference exposure."""
AMBIENT = 2.0
"""Codes of the room's light, everywhere."""
HALF_HEIGHT_MM = 55.0
MAT = 0.06
"""Reflectance beside the card."""
RING_MM, ABOVE_MM = 149.0, 150.0
POWERS = (1.0, 0.84, 0.93, 0.78, 0.97, 0.81, 0.9, 0.87)
_TINT = (0.95, 1.0, 0.88)


def positions_mm() -> NDArray[np.float64]:
    """Where the lights are: (lights, 3); x right, y up, z to the camera, origin in the picture's middle."""
    angles = np.deg2rad(22.0 + 360.0 / LIGHTS * np.arange(LIGHTS))
    return np.stack([RING_MM * np.cos(angles), RING_MM * np.sin(angles), np.full(LIGHTS, ABOVE_MM)], axis=1)


def irradiance(width: int, height: int) -> Floats:
    """Of each light on the plane, strongest pixel 1: (lights, height, width).

    Lambertian emitters that look straight down: power * (h / d) at the emitter, (h / d) at the plane,
    inverse square.
    """
    half_width = HALF_HEIGHT_MM * width / height
    y, x = np.meshgrid(
        np.linspace(HALF_HEIGHT_MM, -HALF_HEIGHT_MM, height),
        np.linspace(-half_width, half_width, width),
        indexing="ij",
    )
    planes = []
    for (at_x, at_y, at_z), power in zip(positions_mm(), POWERS, strict=True):
        square = (x - at_x) ** 2 + (y - at_y) ** 2 + at_z**2
        planes.append(power * at_z**2 / square**2)
    stacked = np.stack(planes)
    return np.asarray(stacked / stacked.max(), np.float32)


def reflectance(width: int, height: int, *, card: bool = False) -> Floats:
    """Smooth blobs between 0.4 and 1: (height, width); as a `card` on a dark mat, or wherever one looks."""
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    waves = np.sin(7.0 * x + 1.0) * np.cos(9.0 * y) + 0.5 * np.sin(13.0 * x * y + 2.0)
    blobs = np.asarray(0.7 + 0.2 * waves, np.float32)
    if card:
        mm_per_px = 2 * HALF_HEIGHT_MM / height
        down, across = (np.abs(np.arange(size) - (size - 1) / 2) * mm_per_px for size in (height, width))
        blobs[(down[:, None] > CARD_HEIGHT_MM / 2) | (across > CARD_WIDTH_MM / 2)] = MAT
    return blobs


def flat_field(rows: int, columns: int) -> Floats:
    """As a profile has it, reflectance 1, at the reference exposure: (lights, rows, columns, 3)."""
    return np.asarray(PEAK * irradiance(columns, rows)[..., None] * np.array(_TINT, np.float32), np.float32)


@dataclass(frozen=True, slots=True)
class World:
    """Pictures of one size, ready to be mixed."""

    width: int
    height: int
    lit: Floats = field(repr=False)
    ambient: Floats = field(repr=False)

    @classmethod
    def of(cls, width: int, height: int, *, card: bool = False) -> "World":
        """Compute it; remembered for the next time."""
        return _world(width, height, card)

    def picture(self, shares: NDArray[np.float64], exposure_us: int) -> Floats:
        """What the sensor collects: codes of 255, not rounded, not clipped, RGB (height, width, 3).

        Args:
            shares: (bands, lights), see `lit.shares`; bands divide the rows evenly.
            exposure_us: of every row.
        """
        band_of_row = np.arange(self.height) * len(shares) // self.height
        total = self.ambient.copy()
        for light in np.flatnonzero(shares.any(axis=0)):
            total += self.lit[light] * shares[band_of_row, light, None, None].astype(np.float32)
        return np.asarray(total * np.float32(exposure_us / REFERENCE_US), np.float32)


@lru_cache(maxsize=4)
def _world(width: int, height: int, card: bool) -> World:
    tint = np.array(_TINT, np.float32)
    seen = PEAK * irradiance(width, height) * reflectance(width, height, card=card)
    ambient = np.full((height, width, 3), AMBIENT, np.float32)
    return World(width, height, np.asarray(seen[..., None] * tint, np.float32), ambient)
