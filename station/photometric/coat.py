"""What a varnished card sends back besides its print: the tails of its highlight, and what the coat swallows.

No highlight need be in sight: its tail adds one to five per cent under the nearest light, and that bends a
flat card by a quarter of a millimetre if it is taken for shading. A tail depends on the angle between the
normal and the half vector alone, print does not: lobes of known shape and unknown strength tell them apart.

Lobes: microfacets distributed after Trowbridge and Reitz (GGX; Walter et al. 2007). Reflectance by Schlick's
formula (1994) for a coat of refractive index 1.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUGHNESS = (0.05, 0.07, 0.1, 0.14, 0.2, 0.35)
"""Widths of the lobes: neighbours overlap, so that any smooth coat is a mixture of them."""
FACING = 0.04
"""Reflectance of a coat of index 1.5 straight on."""
STRONGEST = 0.05
"""No lobe reflects more straight on: that would be an index above 1.57."""
NARROWEST = 0.15
"""Least that a lobe's spread falls to, over that at the expected normal.

Nearer to the mirror's angle light is an outlier, and no tail.
"""


def lobes(points_mm: Array, normals: Array, lights_mm: Array, eye_mm: Array) -> Array:
    """What lobes of reflectance 1 add to the ratio to the flat field: (lobes, lights, ...).

    Args:
        points_mm: (..., 3), mat frame.
        normals: (..., 3), unit.
        lights_mm: (lights, 3).
        eye_mm: (3,), the camera's centre.
    """
    toward = _unit(lights_mm.reshape(len(lights_mm), *(1,) * (points_mm.ndim - 1), 3) - points_mm)
    view = _unit(eye_mm - points_mm)
    facing = np.clip((_unit(toward + view) * normals).sum(axis=-1), 1e-3, 1.0)
    cos2 = facing**2
    tan2 = 1.0 / cos2 - 1.0
    seen = np.clip((view * normals).sum(axis=-1), 0.1, None)
    outside = 4.0 * seen * toward[..., 2]
    return np.stack([r**2 / (cos2**2 * (r**2 + tan2) ** 2) / outside for r in ROUGHNESS])


def transmission(points_mm: Array, lights_mm: Array, share: float) -> Array:
    """Share of each light that comes through the coat to the print, over that straight on: (lights, ...).

    Args:
        points_mm: (..., 3), mat frame.
        lights_mm: (lights, 3).
        share: of the surface that is coated.
    """
    toward = _unit(lights_mm.reshape(len(lights_mm), *(1,) * (points_mm.ndim - 1), 3) - points_mm)
    lost = (1.0 - np.clip(toward[..., 2], 0.0, 1.0)) ** 5
    return np.asarray(1.0 - share * lost, np.float64)


def coated_share(weights: NDArray[np.floating]) -> float:
    """How much of the surface a mixture of lobes covers, taking a coat of index 1.5."""
    return min(float(np.sum(weights)) / FACING, 1.0)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float64)


@dataclass(frozen=True, slots=True)
class Coat:
    """What a coat adds over a surface near the one expected, at the nodes of a light field.

    To a surface with unit normal n each light adds `shine / (spread_0 + spread_1 (n . half)**2)**2`: the
    lobes' sum and its first derivative at the expected normal, with the shape that a single lobe has.

    Attributes:
        shine: float32 (lights, rows, columns), at the expected normal.
        half: float32 (lights, rows, columns, 3), unit vectors half-way between light and eye.
        spread: float32 (lights, rows, columns, 2).
        slope: float32 (lights, rows, columns, 3), derivative of what is added by n at the expected normal.
    """

    shine: NDArray[np.float32]
    half: NDArray[np.float32]
    spread: NDArray[np.float32]
    slope: NDArray[np.float32]

    def at(self, normals: NDArray[np.floating]) -> NDArray[np.float32]:
        """What it adds at unit normals (..., 3) of the nodes: float32 (lights, rows, columns)."""
        facing2 = np.square((self.half * normals).sum(axis=-1))
        spread = np.maximum(self.spread[..., 0] + self.spread[..., 1] * facing2, NARROWEST)
        return np.asarray(self.shine / spread**2, np.float32)


def coat_over(
    points_mm: Array,
    lights_mm: Array,
    eye_mm: Array,
    weights: NDArray[np.floating],
    normals: NDArray[np.floating] | None = None,
) -> Coat:
    """The coat over a surface near the mat.

    Args:
        points_mm: (rows, columns, 3), the surface under each node, mat frame.
        lights_mm: (lights, 3).
        eye_mm: (3,), the camera's centre.
        weights: (lobes,), reflectance of each lobe straight on, as `gains.refit` finds them.
        normals: (rows, columns, 3), as expected; None: level.
    """
    upright = np.array([0.0, 0.0, 1.0])
    expected = np.broadcast_to(upright, points_mm.shape) if normals is None else np.asarray(normals)
    toward = _unit(lights_mm.reshape(len(lights_mm), 1, 1, 3) - points_mm)
    half = _unit(toward + _unit(eye_mm - points_mm))
    facing = (half * expected).sum(axis=-1)
    narrow = (1.0 - np.square(ROUGHNESS)).reshape(-1, 1, 1, 1)
    parts = np.reshape(weights, (-1, 1, 1, 1)) * lobes(points_mm, expected, lights_mm, eye_mm)
    shine = parts.sum(axis=0)
    bend = -(parts * narrow / (1.0 - narrow * facing**2)).sum(axis=0) / np.maximum(shine, 1e-30)
    spread = np.stack([1.0 - bend * facing**2, bend], axis=-1)
    steep = -4.0 * bend * facing * shine
    slope = steep[..., None] * (half - facing[..., None] * expected)
    return Coat(*(part.astype(np.float32) for part in (shine, half, spread, slope)))
