"""Normals and albedo of every pixel: robust weighted least squares with the sensor's noise as scale.

Model (near lights, flat-field ratio): `I_k / F_k = rho n . (p_k, q_k, 1)`, so each pixel is a linear
problem in m = rho n. A light that hardly reaches a pixel which others do reach stands behind its surface
(attached shadow) and is set aside. Where the fit to all others leaves a residual in doubt, the fit begins
anew without the two lights whose absence explains most (least trimmed squares, all pairs judged), be they
highlights or cast shadows; from there a few rounds with Geman and McClure's weights take back what was left
out in error. Under a known coat, its shine is first moved to where the pixel's own normal puts it.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._jit import LINE, aligned, capacity
from ._passes import solve_pass
from ._survey import mean_pass
from .stack import Floats, LightField, Pictures, check_field, unusable

MOST_LEFT_OUT = 2


@dataclass(frozen=True, slots=True)
class Estimator:
    """How the lights of a pixel are weighed.

    Attributes:
        steps: rounds of reweighting.
        cut: residual in standard deviations that weighs a quarter.
        left_out: most lights that a doubtful pixel begins without, 0 to 2; four lights always stay.
        doubt: largest residual of the fit to all lights, in deviations, from which a pixel is doubtful.
        shadow: share of a pixel's mean signal below which a light counts as not reaching it, if four others
            do; 0: never.
        model_error: what the model is wrong by, as a share of the mean signal, beside the sensor's noise.
        shine_error: what the coat's shine is known to, as a share of it.
    """

    steps: int = 2
    cut: float = 4.0
    left_out: int = 2
    doubt: float = 5.0
    shadow: float = 0.1
    model_error: float = 0.005
    shine_error: float = 0.2

    def check(self) -> None:
        """See that it can be done.

        Raises:
            StationError: `stack_unusable`, more lights are to be left out than anybody judges.
        """
        if not 0 <= self.left_out <= MOST_LEFT_OUT:
            raise unusable(f"{self.left_out} lights cannot be left out of a pixel, at most {MOST_LEFT_OUT}")


ROBUST = Estimator()
LEAST_SQUARES = Estimator(steps=0, left_out=0, shadow=0.0)
TRIMMED = Estimator(steps=0, doubt=0.0, shadow=0.0)
"""Least trimmed squares: every pixel without the two lights that fit worst."""


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

    @property
    def widened_sigma_rad(self) -> Floats:
        """The uncertainty where the model holds, made wider by as much as the lights contradict it."""
        return np.asarray(self.sigma_rad * np.sqrt(np.maximum(self.chi2, 1.0)), np.float32)


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
    size = capacity(lights * channels + 3)
    mean_pass(pictures.rows(), field.table(width), sensor_row(pictures), block, size, mean, blocks)
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
    out: Solution | None = None,
) -> Solution:
    """Normals, albedo and their uncertainty.

    Args:
        pictures: K lit pictures and the ambient one.
        field: what the lights do; its powers already corrected for drift, if that is known.
        estimator: how outliers are treated.
        alignment: shifts to undo and how well they are known; None takes the pictures as they lie.
        mean: from `mean_ratio`; computed where it is needed and not given.
        out: a solution of pictures of the same size that nobody needs any more; it is written over, which
            saves the time that new memory costs.

    Raises:
        StationError: `stack_unusable`: sizes do not fit, or no pixel has three lights that are not clipped.
    """
    check_field(field, pictures.lit)
    estimator.check()
    lights, height, width, channels = pictures.lit.shape
    if alignment is not None and mean is None:
        mean = mean_ratio(pictures, field)
    about = alignment or Alignment(np.zeros((lights, 2), np.float32), np.zeros(lights, np.float32))
    found = unwritten(height, width, channels) if out is None else _fitting(out, (height, width, channels))
    solve_pass(
        pictures.rows(),
        field.table(width),
        sensor_row(pictures),
        mean.mean if mean is not None else np.zeros((1, 1, channels), np.float32),
        (np.ascontiguousarray(about.shift_px, np.float32), np.ascontiguousarray(about.jitter_px, np.float32)),
        _rule(estimator),
        capacity(lights * channels + 3),
        _maps(found),
        _streamable(found),
    )
    if not found.valid.any():
        raise unusable("no pixel has three lights that are neither clipped nor dark")
    return found


class Solver(Protocol):
    """What computes normals: `solve`, or `cuda.solve_torch`."""

    def __call__(
        self,
        pictures: Pictures,
        field: LightField,
        *,
        estimator: Estimator = ROBUST,
        alignment: Alignment | None = None,
        mean: MeanRatio | None = None,
    ) -> Solution:
        """See `solve`."""
        ...


def sensor_row(pictures: Pictures) -> Floats:
    """The sensor's figures as the passes take them."""
    s = pictures.sensor
    brighter = [number for noise in s.brighter for number in (noise.code, noise.noise_a, noise.noise_b)]
    return np.array([s.black_level, s.noise_a, s.noise_b, s.clipped_from, *brighter], np.float32)


def _rule(estimator: Estimator) -> Floats:
    e = estimator
    numbers = [e.steps, e.cut, e.doubt, e.left_out, e.model_error, e.shine_error, e.shadow or -np.inf]
    return np.array(numbers, np.float32)


def unwritten(height: int, width: int, channels: int) -> Solution:
    """Maps of a size, to be filled."""
    plain = (height, width)
    return Solution(
        normals=aligned((*plain, 3)),
        albedo=aligned((*plain, channels)),
        sigma_rad=aligned(plain),
        chi2=aligned(plain),
        gloss=aligned(plain),
        lights_used=aligned(plain, np.uint8),
        gloss_light=aligned(plain, np.int8),
        clipped=aligned(plain, np.bool_),
        dark=aligned(plain, np.bool_),
        valid=aligned(plain, np.bool_),
    )


def _fitting(out: Solution, shape: tuple[int, int, int]) -> Solution:
    if out.albedo.shape != shape:
        raise unusable(f"maps of shape {out.albedo.shape} cannot take a solution of shape {shape}")
    return out


def _maps(found: Solution) -> tuple[NDArray[Any], ...]:
    """The arrays as the pass fills them: rows side by side, marks as bytes."""
    height, width, channels = found.albedo.shape
    bytes_ = (found.lights_used, found.gloss_light, found.clipped, found.dark, found.valid)
    return (
        found.normals.reshape(height, 3 * width),
        found.albedo.reshape(height, channels * width),
        found.sigma_rad,
        found.chi2,
        found.gloss,
        *(marks.view(np.int8) for marks in bytes_),
    )


def _streamable(found: Solution) -> bool:
    """Whether every run of every row begins on a cache line."""
    floats = (found.normals, found.albedo, found.sigma_rad, found.chi2, found.gloss)
    return found.valid.shape[1] % LINE == 0 and all(a.ctypes.data % 64 == 0 for a in floats)
