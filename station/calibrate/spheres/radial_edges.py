"""Edges of either sign on rays that leave a circle's middle, to a fraction of a pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, map_coordinates

from .composites import Floats

Array = NDArray[np.float64]

STEP_PX = 0.25
SMOOTH_PX = 1.0
"""Width of the derivative along and the mean across a ray: a lens blurs an edge by about as much."""
_FAINT = 0.1
"""Of what most rays' strongest edges reach; fainter ones are none."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Edge points: number of their ray, place, angle."""

    ray: NDArray[np.intp]
    x: Array
    y: Array


def edges_near(
    image: Floats, circle: tuple[float, float, float], reach: float, per_ray: int
) -> tuple[Edges, int]:
    """The strongest edges within reach of a circle, and how many rays there are.

    Args:
        image: (H, W).
        circle: centre and radius, px.
        reach: px, how far in and out of the circle.
        per_ray: how many edges of one ray at most.
    """
    x0, y0, radius = circle
    rays = int(np.clip(np.pi * radius, 48, 720))  # one every two pixels
    angle = np.arange(rays) * (2 * np.pi / rays)
    distance = np.arange(max(radius - reach, 2.0), radius + reach, STEP_PX)
    x = x0 + np.cos(angle)[:, None] * distance
    y = y0 + np.sin(angle)[:, None] * distance
    strength = _strength(image, x, y, radius * 2 * np.pi / rays)
    inner = strength[:, 1:-1]
    peak = (inner >= strength[:, :-2]) & (inner > strength[:, 2:])
    level = _FAINT * float(np.percentile(strength.max(axis=1), 75))
    ranked = np.where(peak & (inner > level), inner, 0.0)
    best = np.argsort(ranked, axis=1)[:, ::-1][:, :per_ray] + 1
    ray, which = np.nonzero(np.take_along_axis(ranked, best - 1, axis=1))
    column = best[ray, which]
    before, at, after = (strength[ray, column + step] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    vertex = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    out = distance[column] + STEP_PX * vertex
    place = x0 + np.cos(angle[ray]) * out, y0 + np.sin(angle[ray]) * out
    return Edges(ray, *place), rays


def _strength(image: Floats, x: Array, y: Array, apart_px: float) -> Array:
    """How much the picture changes along each ray; nothing outside of the picture."""
    sampled = map_coordinates(image, [y, x], output=np.float64, order=1, mode="nearest")
    sampled = gaussian_filter1d(sampled, SMOOTH_PX / apart_px, axis=0, mode="wrap")
    slope = gaussian_filter1d(sampled, SMOOTH_PX / STEP_PX, axis=1, order=1, mode="nearest")
    rows, columns = image.shape
    there = (x > 1) & (x < columns - 2) & (y > 1) & (y < rows - 2)
    return np.where(there, np.abs(slope), 0.0)
