"""How far pictures deviate from the model, where nobody measured the camera's noise.

The scale comes from the pictures: the median deviation from the robust fit, over all lights and bright
places, in codes. The fit needs the scale and the scale the fit: they are found by turns.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .solve import LEAST_SQUARES, ROBUST, Solution, solve
from .stack import Floats, LightField, Pictures, Sensor, unusable

ROUNDS = 4
MOST_PIXELS = 100_000
BRIGHT_SHARE = 0.02
"""Of the brightest places' level; what is darker is background."""
ROUNDING = 1 / 12
"""Variance of a value that was rounded to a whole code."""


def with_estimated_noise(
    pictures: Pictures, field: LightField, mask: NDArray[np.bool_] | None = None
) -> Pictures:
    """The same pictures with a noise model estimated from them: one variance for all codes.

    Args:
        pictures: their sensor's noise is not looked at.
        field: what the lights do.
        mask: (H, W), where there is something; None: wherever it is not nearly black.

    Raises:
        StationError: `stack_unusable`, nothing is bright enough, or see `solve`.
    """
    step = max(1, int(np.sqrt(pictures.lit[0, ..., 0].size / MOST_PIXELS)))
    thin = Pictures(
        np.ascontiguousarray(pictures.lit[:, ::step, ::step]),
        np.ascontiguousarray(pictures.ambient[::step, ::step]),
        pictures.sensor,
    )
    light = thin.lit.astype(np.float32) - thin.ambient
    level = light.mean(axis=(0, 3))
    use = level > BRIGHT_SHARE * np.percentile(level, 99)
    if mask is not None:
        use &= mask[::step, ::step]
    if not use.any():
        raise unusable("nothing in the pictures is bright enough to estimate their noise from")
    variance = float(np.var(light[:, use])) + ROUNDING
    for turn in range(ROUNDS):
        seen = _with_variance(thin, variance)
        found = solve(seen, field, estimator=ROBUST if turn else LEAST_SQUARES)
        deviation = np.abs(light - _predicted(found, field))[:, use & found.valid]
        variance = float((1.4826 * np.median(deviation)) ** 2) + ROUNDING
    return _with_variance(pictures, variance)


def _with_variance(pictures: Pictures, variance: float) -> Pictures:
    sensor: Sensor = replace(pictures.sensor, noise_a=0.0, noise_b=variance)
    return replace(pictures, sensor=sensor)


def _predicted(found: Solution, field: LightField) -> Floats:
    """Codes above the ambient picture that the fit explains: (lights, H, W, channels)."""
    height, width = found.valid.shape
    rows = _nearest(field.flat.shape[1], height)[:, None]
    columns = _nearest(field.flat.shape[2], width)[None, :]
    ways, n = field.tangent[:, rows, columns], found.normals
    shading = n[..., 0] * ways[..., 0] + n[..., 1] * ways[..., 1] + n[..., 2]
    return np.asarray(field.flat[:, rows, columns] * found.albedo * shading[..., None], np.float32)


def _nearest(nodes: int, pixels: int) -> NDArray[np.int64]:
    """The nearest node of each pixel along one axis: close enough to judge deviations by."""
    return np.round(np.linspace(0, nodes - 1, pixels)).astype(np.int64)
