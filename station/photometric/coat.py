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
    """A coat of known lobes over a surface, at the nodes of a light field.

    Attributes:
        weights: (lobes,), reflectance of each lobe straight on.
        half: float32 (lights, rows, columns, 3), unit vectors half-way between light and eye.
        outside: float32 (lights, rows, columns), what a lobe's density is multiplied by.
    """

    weights: Array
    half: NDArray[np.float32]
    outside: NDArray[np.float32]

    def table(self) -> NDArray[np.float32]:
        """The lobes that reflect anything: float32 (lobes, 2), roughness squared and weight."""
        some = self.weights > 0
        return np.column_stack([np.square(ROUGHNESS)[some], self.weights[some]]).astype(np.float32)

    def shine(self, normals: NDArray[np.floating]) -> NDArray[np.float32]:
        """What the coat adds to the ratios of a surface with unit normals (..., 3) at the nodes.

        Returns:
            float32 (lights, rows, columns).
        """
        facing2 = np.square((self.half * normals).sum(axis=-1))
        spread = [(a2, w, 1.0 + facing2 * (a2 - 1.0)) for a2, w in self.table()]
        total = sum((w * a2 / wide**2 for a2, w, wide in spread), np.zeros_like(facing2))
        return np.asarray(total * self.outside, np.float32)


def coat_over(points_mm: Array, lights_mm: Array, eye_mm: Array, weights: NDArray[np.floating]) -> Coat:
    """The coat over a surface near the mat, whose large shape lies flat within a few degrees.

    Args:
        points_mm: (rows, columns, 3), the surface under each node, mat frame.
        lights_mm: (lights, 3).
        eye_mm: (3,), the camera's centre.
        weights: (lobes,), as `gains.refit` finds them.
    """
    toward = _unit(lights_mm.reshape(len(lights_mm), 1, 1, 3) - points_mm)
    view = _unit(eye_mm - points_mm)
    outside = 1.0 / (4.0 * view[..., 2] * toward[..., 2])
    half = _unit(toward + view).astype(np.float32)
    return Coat(np.asarray(weights, np.float64), half, outside.astype(np.float32))
