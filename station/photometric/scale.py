"""What nobody measured about the camera, taken from the pictures: their deviations and their black level.

The scale is the median deviation from the robust fit, over all lights and bright places, in codes. The fit
needs the scale and the scale the fit: they are found by turns. The black level is found with them: a wrong
one adds the same code to every light, and where lights stand at different heights no surface explains that.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .solve import LEAST_SQUARES, ROBUST, Solution, solve
from .stack import Floats, LightField, Pictures, unusable

ROUNDS = 4
MOST_PIXELS = 100_000
BRIGHT_SHARE = 0.02
"""Of the brightest places' level; what is darker is background."""
ROUNDING = 1 / 12
"""Variance of a value that was rounded to a whole code."""
BLACK_ROUNDS = 6
BLACK_PIXELS = 15_000
CUT = 3.0
SEEN = 1e-3
"""Share of a common code that no surface must be able to explain, or the black level cannot be told."""


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
    thin, use = _thinned(pictures, mask, MOST_PIXELS)
    light = thin.above_dark()
    variance = float(np.var(light[:, use])) + ROUNDING
    for turn in range(ROUNDS):
        seen = _with_variance(thin, variance)
        found = solve(seen, field, estimator=ROBUST if turn else LEAST_SQUARES)
        deviation = np.abs(light - _predicted(found, field))[:, use & found.valid]
        variance = float((1.4826 * np.median(deviation)) ** 2) + ROUNDING
    return _with_variance(pictures, variance)


def with_estimated_black(
    pictures: Pictures, field: LightField, mask: NDArray[np.bool_] | None = None
) -> Pictures:
    """The same pictures with black level and noise estimated from them; for pictures without a dark one.

    One number for all pixels and lights, from the residuals alone (Frisch, Waugh and Lovell): what of a
    common code the surfaces cannot explain, fitted to what they did not.

    Args:
        pictures: without an ambient picture; their black level is where the search begins.
        field: what the lights do.
        mask: (H, W), where there is something; None: wherever it is not nearly black.

    Raises:
        StationError: `stack_unusable`: an ambient picture is there, nothing is bright enough, or the lights
            stand so that any black level looks like albedo (a single ring over a flat surface does).
    """
    if pictures.ambient is not None:
        raise unusable("the pictures come with a dark one: their black level is known")
    there = _there(pictures, mask)
    thin, use = _thinned(pictures, there, BLACK_PIXELS)
    for _ in range(BLACK_ROUNDS):
        thin = with_estimated_noise(thin, field, use)
        found = solve(thin, field)
        step = _black_step(thin, field, found, use & found.valid)
        thin = replace(thin, sensor=replace(thin.sensor, black_level=thin.sensor.black_level + step))
    whole = replace(pictures, sensor=replace(pictures.sensor, black_level=thin.sensor.black_level))
    return with_estimated_noise(whole, field, there)


def _there(pictures: Pictures, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Where the mask, or else a level that is not nearly black, says that there is something: (H, W).

    Raises:
        StationError: `stack_unusable`, nowhere.
    """
    level = pictures.above_dark().mean(axis=(0, 3))
    found = np.asarray(level > BRIGHT_SHARE * np.percentile(level, 99)) if mask is None else mask
    if not (found & (level > 0)).any():
        raise unusable("nothing in the pictures is bright enough to estimate their noise from")
    return found


def _thinned(
    pictures: Pictures, mask: NDArray[np.bool_] | None, most: int
) -> tuple[Pictures, NDArray[np.bool_]]:
    """Every so many pixels, and where there is something."""
    step = max(1, int(np.sqrt(pictures.lit[0, ..., 0].size / most)))
    dark = None if pictures.ambient is None else np.ascontiguousarray(pictures.ambient[::step, ::step])
    thin = Pictures(np.ascontiguousarray(pictures.lit[:, ::step, ::step]), dark, pictures.sensor)
    return thin, _there(thin, None if mask is None else mask[::step, ::step])


def _black_step(thin: Pictures, field: LightField, found: Solution, use: NDArray[np.bool_]) -> float:
    """How much higher than believed the code without light is."""
    error = (thin.above_dark() - _predicted(found, field)).mean(axis=3)[:, use].T
    flat, tangent = (a[:, use] for a in _at_pixels(field, use.shape))
    design = np.concatenate([tangent, np.ones_like(tangent[..., :1])], axis=2) * flat.mean(axis=2)[..., None]
    design = design.transpose(1, 0, 2).astype(np.float64)
    sigma = np.sqrt(thin.sensor.noise_b / thin.channels)
    weight = 1.0 / (1.0 + (error / (CUT * sigma)) ** 2) ** 2
    weighted = design * weight[..., None]
    normal = weighted.transpose(0, 2, 1) @ design
    normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    fit = np.linalg.solve(
        normal, np.stack([weighted.sum(axis=1), (weighted * error[..., None]).sum(axis=1)], 2)
    )
    common, left = 1.0 - (design @ fit[..., :1])[..., 0], error - (design @ fit[..., 1:])[..., 0]
    known = float((weight * common**2).sum())
    if known < SEEN * float(weight.sum()):
        raise unusable("the lights stand so that any black level looks like albedo: take a dark picture")
    return float((weight * common * left).sum()) / known


def _with_variance(pictures: Pictures, variance: float) -> Pictures:
    return replace(pictures, sensor=replace(pictures.sensor, noise_a=0.0, noise_b=variance))


def _predicted(found: Solution, field: LightField) -> Floats:
    """Codes above those without light that the fit explains: (lights, H, W, channels)."""
    flat, ways = _at_pixels(field, found.valid.shape)
    n = found.normals
    shading = n[..., 0] * ways[..., 0] + n[..., 1] * ways[..., 1] + n[..., 2]
    return np.asarray(flat * found.albedo * shading[..., None], np.float32)


def _at_pixels(field: LightField, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Flat field and directions of the nearest node, (lights, H, W, ...): near enough to judge deviations."""
    rows = _nearest(field.flat.shape[1], shape[0])[:, None]
    columns = _nearest(field.flat.shape[2], shape[1])[None, :]
    return field.flat[:, rows, columns], field.tangent[:, rows, columns]


def _nearest(nodes: int, pixels: int) -> NDArray[np.int64]:
    """The nearest node of each pixel along one axis."""
    return np.round(np.linspace(0, nodes - 1, pixels)).astype(np.int64)
