"""A matte white sheet over the whole picture, as a flat field is taken with: perfect, or as it is sold."""

from dataclasses import dataclass, field
from math import pi, sqrt

import cv2
import numpy as np

from .chance import stream
from .grid import Floats
from .plate import Plate, PlatePose, Warp
from .spec import Unkind

SIZE_MM = (130, 160)
BLOTCH_MM = 10.0
"""Gaussian sigma of the blotches; their autocorrelation falls to 1/e at twice that."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet; what is not said is ideal.

    Attributes:
        reflectance: mean of the sheet's.
        height_mm: of its face over the mat, in the mean over a card's length.
        unkind: what its picture suffers; only motion, drift, noise and ambient light apply.
        bow_mm: height of its middle over its ends, over a card's 88 mm.
        twist_mm: by how much the corners of a card's area are lifted and sunk in turn.
        tilt_deg: about the mat's x axis and about its y axis; the mat's doing, so it does not turn.
        blotch: rms of the reflectance's smooth relative unevenness.
        turned: whether it lies turned by half a turn; its shape and its blotches turn with it.
        seed: which sheet; it draws the blotches.
    """

    reflectance: float = 0.9
    height_mm: float = 0.3
    unkind: Unkind = field(default_factory=Unkind)
    bow_mm: float = 0.0
    twist_mm: float = 0.0
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    blotch: float = 0.0
    turned: bool = False
    seed: int = 0

    @classmethod
    def bought(cls, seed: int, *, turned: bool = False, unkind: Unkind | None = None) -> "Sheet":
        """A good white card as it is sold: bowed by some 0.1 mm, a little twisted, 0.5 % uneven."""
        rng = stream(seed, "sheet")
        bow = float(rng.choice((-1, 1)) * rng.uniform(0.07, 0.13))
        twist = float(rng.uniform(-0.04, 0.04))
        suffers = Unkind() if unkind is None else unkind
        return cls(bow_mm=bow, twist_mm=twist, blotch=0.005, turned=turned, seed=seed, unkind=suffers)

    @property
    def ideal(self) -> bool:
        """Whether it is even, flat and level."""
        return not (self.bow_mm or self.twist_mm or any(self.tilt_deg) or self.blotch)

    def plate(self, _pitch_mm: float) -> Plate:
        """The sheet for the renderer, whatever the pitch of its samples."""
        pose = PlatePose(z_mm=self.height_mm, tilt_deg=self.tilt_deg, turn_deg=180.0 if self.turned else 0.0)
        texture = self.reflectance * (1 + self.blotch * _blotches(self.seed))
        warp = Warp(self.bow_mm, self.twist_mm)
        return Plate(pose, warp, SIZE_MM, np.repeat(texture[..., None].astype(np.float32), 3, axis=-1))


def _blotches(seed: int) -> Floats:
    """A smooth Gaussian field of unit variance, one texel to the millimetre."""
    rim = round(4 * BLOTCH_MM)
    white = stream(seed, "blotches").standard_normal((SIZE_MM[1] + 2 * rim, SIZE_MM[0] + 2 * rim))
    smooth = cv2.GaussianBlur(white, (0, 0), BLOTCH_MM) * (2 * BLOTCH_MM * sqrt(pi))
    return np.asarray(smooth[rim:-rim, rim:-rim], np.float32)
