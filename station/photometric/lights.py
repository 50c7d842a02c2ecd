"""Where the light comes from: near lights over a nearly flat card, or directional lights far away."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..documents.profile import LightProfile
from .stack import LightField, unusable

Array = NDArray[np.float64]


def near_tangents(positions_mm: NDArray[np.floating], points_mm: NDArray[np.floating]) -> Array:
    """Directions from points (..., 3) to lights (K, 3), scaled to z = 1: their x and y, (K, ..., 2).

    Raises:
        StationError: `stack_unusable`, a light is not above the surface.
    """
    positions = np.asarray(positions_mm, np.float64)
    ray = positions.reshape(len(positions), *(1,) * (np.ndim(points_mm) - 1), 3) - points_mm
    if not (np.isfinite(ray).all() and (ray[..., 2] > 0).all()):
        raise unusable("a light does not lie above the card's surface")
    return np.asarray(ray[..., :2] / ray[..., 2:], np.float64)


def irradiance(light: LightProfile, points_mm: NDArray[np.floating]) -> Array:
    """What falls on a surface lying flat at points (..., 3), without the light's power: (...).

    Inverse square, emission lobe and the cosine of incidence: `cos(axis)**lobe * l_z / distance**2`.
    """
    ray = np.asarray(light.position_mm) - np.asarray(points_mm, np.float64)
    distance = np.linalg.norm(ray, axis=-1)
    axis = np.asarray(light.axis) / np.linalg.norm(light.axis)
    towards = np.clip(-(ray @ axis) / distance, 0.0, None)
    return np.asarray(towards**light.lobe * ray[..., 2] / distance**3, np.float64)


def near_field(
    lights: Sequence[LightProfile],
    points_mm: NDArray[np.floating],
    flat: NDArray[np.floating],
    flat_points_mm: NDArray[np.floating],
) -> LightField:
    """The field over a surface near the plane in which a flat field was taken.

    The flat field knows power, lobe, distance and lens better than any formula; the formula only carries it
    over the small distance from its own plane to the surface.

    Args:
        lights: K near lights.
        points_mm: (rows, columns, 3), the surface under each node, mat frame.
        flat: (K, rows, columns, channels), codes of a white matte target at the nodes.
        flat_points_mm: (rows, columns, 3), the target's surface under each node.
    """
    ratio = np.stack([irradiance(a, points_mm) / irradiance(a, flat_points_mm) for a in lights])
    tangent = near_tangents(np.array([a.position_mm for a in lights]), points_mm)
    return LightField((flat * ratio[..., None]).astype(np.float32), tangent.astype(np.float32))


def parametric_field(lights: Sequence[LightProfile], points_mm: NDArray[np.floating]) -> LightField:
    """The field without a flat field, from the lights' parameters; `power` is its unit of brightness."""
    flat = [irradiance(light, points_mm)[..., None] * np.asarray(light.power) for light in lights]
    tangent = near_tangents(np.array([light.position_mm for light in lights]), points_mm)
    return LightField(np.stack(flat).astype(np.float32), tangent.astype(np.float32))


def directional_field(directions: NDArray[np.floating], intensities: NDArray[np.floating]) -> LightField:
    """The field of lights far away.

    Args:
        directions: (K, 3), towards the lights, any length but zero.
        intensities: (K, channels), code of a white matte surface that faces the light.

    Raises:
        StationError: `stack_unusable`: a vector of length zero, a light below the surface, or not a number.
    """
    vectors = np.asarray(directions, np.float64)
    brightness = np.asarray(intensities, np.float64)
    if vectors.ndim != 2 or vectors.shape[1] != 3 or brightness.ndim != 2 or len(brightness) != len(vectors):
        raise unusable(f"light directions {vectors.shape} and intensities {brightness.shape} do not fit")
    length = np.linalg.norm(vectors, axis=1)
    if not (np.isfinite(vectors).all() and (length > 0).all()):
        raise unusable("a light direction has length zero or is not a number")
    unit = vectors / length[:, None]
    if not (unit[:, 2] > 0).all():
        raise unusable("a light lies at or below the horizon of the surface")
    flat = (brightness * unit[:, 2:])[:, None, None, :]
    tangent = (unit[:, :2] / unit[:, 2:])[:, None, None, :]
    return LightField(flat.astype(np.float32), tangent.astype(np.float32))
