"""A circle, or a nearly round ellipse, through edge points: robust, with its covariance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDS = 8
_CUT = 4.685
"""Of Tukey's weights, in standard deviations: 95 % efficient on normal residuals (Holland, Welsch 1977)."""
_FLOOR_PX = 0.02
"""Edges are not better than this: a rendered edge without noise scatters as much from sampling alone."""


@dataclass(frozen=True, slots=True)
class CircleFit:
    """A circle `radius + cos2 cos 2t + sin2 sin 2t` about a centre.

    Attributes:
        values: x, y, radius, cos2, sin2; the last two are zero where a circle was asked for.
        covariance: (5, 5), px^2; neighbours along the circle err alike, which is counted in.
        residual_px: root mean square.
    """

    values: Array
    covariance: Array
    residual_px: float


def fit_circle(x: Array, y: Array, start: tuple[float, float, float], *, oval: bool) -> CircleFit:
    """Fit points (N,), in order along the circle, with Tukey's weights.

    Args:
        x: of the points.
        y: of the points.
        start: centre and radius of a circle near which most of them lie; from there the others are told.
        oval: whether an ellipse is allowed.
    """
    values = np.array([*start, 0.0, 0.0])
    for free in (3, 5) if oval else (3,):
        off, slope, weight = _settled(x, y, values, free)
    variance = max(float(weight @ off**2 / max(weight.sum() - free, 1.0)), _FLOOR_PX**2)
    covariance = np.zeros((5, 5))
    normal = slope.T @ (slope * weight[:, None])
    covariance[:free, :free] = variance * _run_length(off * np.sqrt(weight)) * np.linalg.pinv(normal)
    return CircleFit(values, covariance, variance**0.5)


def _settled(x: Array, y: Array, values: Array, free: int) -> tuple[Array, Array, Array]:
    """Improve the first `free` values in place; residuals, their slopes and weights."""
    for _ in range(_ROUNDS):
        off, slope = _residuals(x, y, values, free)
        scale = max(1.4826 * float(np.median(np.abs(off))), _FLOOR_PX)
        weight = np.clip(1.0 - (off / (_CUT * scale)) ** 2, 0.0, None) ** 2
        root = np.sqrt(weight)
        values[:free] += np.linalg.lstsq(slope * root[:, None], off * root, rcond=None)[0]
    return off, slope, weight


def _residuals(x: Array, y: Array, values: Array, free: int) -> tuple[Array, Array]:
    """How far the points lie outside, and what of that each parameter would take away."""
    dx, dy = x - values[0], y - values[1]
    distance = np.hypot(dx, dy)
    angle = np.arctan2(dy, dx)
    twice = np.cos(2 * angle), np.sin(2 * angle)
    off = distance - values[2] - values[3] * twice[0] - values[4] * twice[1]
    slope = np.stack([dx / distance, dy / distance, np.ones_like(dx), *twice], axis=1)
    return off, slope[:, :free]


def _run_length(off: Array) -> float:
    """How many neighbouring residuals are worth one: one and twice the sum of their correlations."""
    centred = off - off.mean()
    power = float(centred @ centred)
    if power == 0.0:
        return 1.0
    total = 1.0
    for lag in range(1, len(off) // 4):
        together = float(centred[lag:] @ centred[:-lag]) / power
        if together <= 0.05:
            break
        total += 2.0 * together
    return total
