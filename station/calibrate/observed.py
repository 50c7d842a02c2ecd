"""What the procedures hand to the fit of the lights: small arrays, each from many pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FlatLook:
    """The matte flat target under every light, in one place.

    Attributes:
        grid: (lights, rows, columns, 3), linear codes less the ambient ones, on a regular grid over the whole
            picture: first and last node at the centres of the corner pixels.
        noise: (lights,), relative standard deviation of a node, from the frames that were averaged.
        height_mm: of the target's face over the mat, as it was laid down.
        height_sigma_mm: how well that is known.
        turned: whether it lies turned by half a turn against the first look; its own shape and blotches turn
            with it, the lens and the lights do not.
    """

    grid: Floats
    noise: Array
    height_mm: float
    height_sigma_mm: float = 0.05
    turned: bool = False


@dataclass(frozen=True, slots=True)
class BallLook:
    """A chrome sphere in one place, and where it mirrors each light.

    Attributes:
        radius_mm: of the sphere.
        rests_on_mm: height over the mat of what it lies on.
        centre_px: of its outline's ellipse; not quite the projection of the sphere's centre.
        centre_sigma_px: standard uncertainty of each coordinate.
        highlights_px: (lights, 2); NaN where a light's reflection was not seen.
        sigma_px: (lights,), standard uncertainty of each coordinate of a highlight.
    """

    radius_mm: float
    rests_on_mm: float
    centre_px: tuple[float, float]
    centre_sigma_px: float
    highlights_px: Array
    sigma_px: Array
