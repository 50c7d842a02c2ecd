"""Normals and albedo of every pixel: robust weighted least squares with the sensor's noise as scale.

Model (near lights, flat-field ratio): `I_k / F_k = rho n . (p_k, q_k, 1)`, so each pixel is a linear
problem in m = rho n. The estimator is Geman and McClure's, its scale lowered step by step from the largest
residual to a few standard deviations; where a light remains doubtful it starts again without the brightest
and without the darkest lights.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from ._passes import solve_pass
from ._survey import mean_pass
from .stack import FEWEST_LIGHTS, Floats, LightField, Pictures, check_field, unusable

CLIPPED = 1
DARK = 2


@dataclass(frozen=True, slots=True)
class Estimator:
    """How the lights of a pixel are weighed.

    Attributes:
        steps: most rounds of reweighting; 0 is plain weighted least squares.
        cut: residual in standard deviations that weighs a quarter.
        highlight: cost of disbelieving a light for being too bright, against one for being too dark; below 1
            highlights are the more likely explanation.
        dropped_share: share of the lights left out, the brightest or the darkest, in the second and third
            fit.
        model_error: what the model is wrong by, as a share of the mean signal, beside the sensor's noise.
        shine_error: what the coat's shine is known to, as a share of it.
        trimmed: lights left out of every pixel, whichever fit worst; above 0 it is least trimmed squares over
            all subsets, and what is said of rounds and starts does not apply.
    """

    steps: int = 12
    cut: float = 3.0
    highlight: float = 0.8
    dropped_share: float = 0.25
    model_error: float = 0.005
    shine_error: float = 0.2
    trimmed: int = 0


ROBUST = Estimator()
LEAST_SQUARES = Estimator(steps=0, dropped_share=0.0)
TRIMMED = Estimator(trimmed=2)
MOST_SUBSETS = 500


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the pictures lie against their mean.

    Attributes:
        shift_px: float32 (lights, 2), x right and y down: what is at x in the mean is at x + shift in the
            picture.
        jitter_px: float32 (lights,), standard uncertainty of a shift per axis after correction.
    """

    shift_px: Floats
    jitter_px: Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """What the pictures say of each pixel; all maps (H, W, ...).

    Attributes:
        normals: float32 (H, W, 3), unit, x right, y up, z to the camera.
        albedo: float32 (H, W, channels), 1 is a white matte surface.
        sigma_rad: standard uncertainty of the normal, per axis, from noise and alignment.
        chi2: reduced chi-square of all lights that are not clipped, believed or not; 0 where they are three.
        lights_used: uint8, lights that kept more than a quarter of their weight.
        gloss: largest positive residual, in units of albedo: light that no matte surface sends.
        gloss_light: int8, the light it came from, -1 where there is none.
        clipped, dark: in any channel of any light; in any light below three standard deviations.
        valid: False where no normal could be computed; there the normal reads (0, 0, 1) and means nothing.
    """

    normals: Floats
    albedo: Floats
    sigma_rad: Floats
    chi2: Floats
    lights_used: NDArray[np.uint8]
    gloss: Floats
    gloss_light: NDArray[np.int8]
    clipped: NDArray[np.bool_]
    dark: NDArray[np.bool_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MeanRatio:
    """First look at the pictures.

    Attributes:
        mean: float32 (H + 4, W + 4, channels), ratio to the flat field averaged over the lights, with a
            border of 2 pixels.
        blocks: float32 (lights, H // block, W // block), each light's ratio averaged over square blocks and
            channels; -1
            where something in the block is clipped.
        block: side of a block, pixels.
    """

    mean: Floats
    blocks: Floats
    block: int


def mean_ratio(pictures: Pictures, field: LightField, block: int = 8) -> MeanRatio:
    """Ratios to the flat field, averaged over lights and over blocks (of 1, 2, 4, ... 128 pixels across).

    Raises:
        StationError: `stack_unusable`, the field does not fit the pictures, or every value is clipped.
    """
    check_field(field, pictures.lit)
    lights, height, width, channels = pictures.lit.shape
    mean = np.empty((height + 4, width + 4, channels), np.float32)
    blocks = np.empty((lights, height // block, width // block), np.float32)
    per_flat = np.ascontiguousarray(1.0 / field.flat, np.float32)
    mean_pass(pictures.lit, pictures.ambient, per_flat, sensor_row(pictures), block, mean, blocks)
    mean[:2], mean[-2:] = mean[2], mean[-3]
    mean[:, :2], mean[:, -2:] = mean[:, 2:3], mean[:, -3:-2]
    return MeanRatio(mean, blocks, block)


def solve(
    pictures: Pictures,
    field: LightField,
    *,
    estimator: Estimator = ROBUST,
    alignment: Alignment | None = None,
    mean: MeanRatio | None = None,
) -> Solution:
    """Normals, albedo and their uncertainty.

    Args:
        pictures: K lit pictures and the ambient one.
        field: what the lights do; its powers already corrected for drift, if that is known.
        estimator: how outliers are treated.
        alignment: shifts to undo and how well they are known; None takes the pictures as they lie.
        mean: from `mean_ratio`; computed where it is needed and not given.

    Raises:
        StationError: `stack_unusable`: sizes do not fit, or no pixel has three lights that are not clipped.
    """
    check_field(field, pictures.lit)
    lights, height, width, channels = pictures.lit.shape
    if alignment is not None and mean is None:
        mean = mean_ratio(pictures, field)
    about = alignment or Alignment(np.zeros((lights, 2), np.float32), np.zeros(lights, np.float32))
    normals = np.empty((height, width, 3), np.float32)
    albedo = np.empty((height, width, channels), np.float32)
    figures = np.empty((3, height, width), np.float32)
    marks = np.empty((4, height, width), np.int16)
    solve_pass(
        (pictures.lit, pictures.ambient),
        np.ascontiguousarray(1.0 / field.flat, np.float32),
        field.ways(),
        sensor_row(pictures),
        mean.mean if mean is not None else np.zeros((1, 1, 1), np.float32),
        (
            np.ascontiguousarray(about.shift_px, np.float32),
            np.ascontiguousarray(about.jitter_px, np.float32),
        ),
        _rule(estimator, lights),
        _subsets(estimator.trimmed, lights),
        (normals, albedo, figures, marks),
    )
    return _solution(normals, albedo, figures, marks)


def sensor_row(pictures: Pictures) -> Floats:
    """The sensor's figures as the passes take them."""
    s = pictures.sensor
    return np.array([s.black_level, s.noise_a, s.noise_b, s.clipped_from], np.float32)


def _rule(estimator: Estimator, lights: int) -> Floats:
    dropped = int(estimator.dropped_share * lights)
    trust = [estimator.model_error, estimator.shine_error]
    numbers = [dropped, estimator.steps, estimator.cut, estimator.highlight, *trust]
    return np.array(numbers, np.float32)


def _subsets(trimmed: int, lights: int) -> Floats:
    """All ways to leave out so many lights, as rows of 0 and 1; no row at all for none."""
    if trimmed == 0:
        return np.empty((0, lights), np.float32)
    if not 0 < trimmed <= lights - FEWEST_LIGHTS - 1:
        raise unusable(f"of {lights} lights {trimmed} cannot be left out")
    if comb(lights, trimmed) > MOST_SUBSETS:
        raise unusable(f"there are too many ways to leave out {trimmed} of {lights} lights")
    rows = np.ones((comb(lights, trimmed), lights), np.float32)
    for row, left_out in enumerate(combinations(range(lights), trimmed)):
        rows[row, list(left_out)] = 0
    return rows


def _solution(normals: Floats, albedo: Floats, figures: Floats, marks: NDArray[np.int16]) -> Solution:
    valid = marks[3] != 0
    if not valid.any():
        raise unusable("no pixel has three lights that are neither clipped nor dark")
    return Solution(
        normals=normals,
        albedo=albedo,
        sigma_rad=figures[0],
        chi2=figures[1],
        lights_used=marks[0].astype(np.uint8),
        gloss=figures[2],
        gloss_light=marks[1].astype(np.int8),
        clipped=(marks[2] & CLIPPED) != 0,
        dark=(marks[2] & DARK) != 0,
        valid=valid,
    )
