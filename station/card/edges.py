"""Sub-pixel edges across a straight side, and the robust line through them."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Project = Callable[[Array], Array]
"""Points (N, 2) of the plane in which the side lies -> pixels (N, 2)."""

_PAIRS = 300
_TUKEY = 4.685  # 95 % efficiency on normal errors
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Side:
    """A straight side to be measured, from `start` to `end`; `outward` is the unit vector across it."""

    start: Array
    end: Array
    outward: Array

    @property
    def length(self) -> float:
        """Same unit as the points."""
        return float(np.linalg.norm(self.end - self.start))

    def points(self, along: Array, across: Array) -> Array:
        """Positions at distances `along` the side and `across` it (positive outward), broadcast: (..., 2)."""
        direction = (self.end - self.start) / self.length
        return np.asarray(
            self.start + along[..., None] * direction + across[..., None] * self.outward, np.float64
        )


@dataclass(frozen=True, slots=True)
class LineFit:
    """`across = offset + slope * (along - middle)`, with what the fit rests on.

    Attributes:
        kept: which of the points the line rests on.
        rms: of the kept points around the line.
        sigma: standard error of `offset`, taking neighbouring points as independent.
    """

    offset: float
    slope: float
    middle: float
    kept: Mask
    rms: float
    sigma: float

    def at(self, along: Array) -> Array:
        """The line's distance across the side."""
        return self.offset + self.slope * (along - self.middle)


def sample_strip(
    image: NDArray[np.float32], project: Project, side: Side, along: Array, across: Array
) -> NDArray[np.float32]:
    """The picture along a side, straightened: (len(along), len(across)[, C]), bicubic."""
    grid = side.points(along[:, None], across[None, :])
    pixels = project(grid.reshape(-1, 2)).reshape(*grid.shape).astype(np.float32)
    strip = cv2.remap(image, pixels[..., 0], pixels[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(strip, np.float32)


def gradient_across(strip: NDArray[np.float32], sigma: float, smooth_along: float) -> Array:
    """Derivative across the side of a (lines, samples) strip by a Gaussian of `sigma` samples, per sample."""
    smooth = gaussian_filter1d(strip.astype(np.float64), smooth_along, axis=0) if smooth_along > 0 else strip
    return np.asarray(gaussian_filter1d(smooth, sigma, axis=1, order=1, mode="nearest"), np.float64)


def outermost_peaks(
    strength: Array, across: Array, floor: float, share: float, within: Mask | None = None
) -> Array:
    """For each line the outermost peak of an edge strength: (lines,) positions, NaN where there is none.

    `across` ascends outward on an even grid. A peak counts when it lies `within` (lines, samples) and exceeds
    `floor` and `share` of the line's largest there. The position is the vertex of the parabola through the
    logarithms: exact for a Gaussian spread.
    """
    inner, left, right = strength[:, 1:-1], strength[:, :-2], strength[:, 2:]
    allowed = np.ones(inner.shape, bool) if within is None else within[:, 1:-1]
    least = np.maximum(floor, share * np.where(allowed, inner, 0.0).max(axis=1, keepdims=True))
    peak = allowed & (inner >= left) & (inner > right) & (inner >= least)
    found = peak.any(axis=1)
    index = inner.shape[1] - 1 - np.argmax(peak[:, ::-1], axis=1)
    rows = np.arange(len(strength))
    tiny = 1e-12 + 1e-6 * inner.max()
    a, b, c = (np.log(np.maximum(part[rows, index], tiny)) for part in (left, inner, right))
    bend = a - 2 * b + c
    shift = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, -1.0), 0.0)
    step = across[1] - across[0]
    return np.where(found, across[1:-1][index] + np.clip(shift, -1, 1) * step, np.nan)


def noise_floor(strength: Array) -> float:
    """Robust scale of an edge strength that is mostly noise: what a line without an edge shows."""
    return float(_MAD_TO_SIGMA * np.median(np.abs(strength)))


def fit_line(along: Array, across: Array, tolerance: float, rounds: int = 12) -> LineFit | None:
    """Line through points of which many may be wrong; None when fewer than 8 agree within `tolerance`.

    Random pairs propose lines (fixed seed: same points, same line), the one with most supporters is refined
    by iterated weights after Tukey with the median absolute deviation as scale.
    """
    good = np.isfinite(across)
    if good.sum() < 8:
        return None
    t, d = along[good], across[good]
    middle = float((along[0] + along[-1]) / 2)
    offset, slope, support = _best_pair(t - middle, d, tolerance)
    if support < 8:
        return None
    weights = (np.abs(d - offset - slope * (t - middle)) < tolerance).astype(np.float64)
    for _ in range(rounds):
        slope, offset = _weighted_line(t - middle, d, weights)
        residual = d - offset - slope * (t - middle)
        near = np.abs(residual) < tolerance
        scale = max(_MAD_TO_SIGMA * float(np.median(np.abs(residual[near]))), 1e-4 * tolerance)
        weights = np.clip(1 - (residual / min(_TUKEY * scale, tolerance)) ** 2, 0, None) ** 2
    return _line_fit(good, weights, residual, (offset, slope, middle))


def _best_pair(t: Array, d: Array, tolerance: float) -> tuple[float, float, int]:
    random = np.random.default_rng(12345)
    first, second = random.integers(0, len(t), (2, _PAIRS))
    apart = np.abs(t[first] - t[second]) > 0.2 * np.ptp(t)
    if not apart.any():
        return 0.0, 0.0, 0
    first, second = first[apart], second[apart]
    slope = (d[first] - d[second]) / (t[first] - t[second])
    offset = d[first] - slope * t[first]
    support = (np.abs(d - offset[:, None] - slope[:, None] * t) < tolerance).sum(axis=1)
    best = int(np.argmax(support))
    return float(offset[best]), float(slope[best]), int(support[best])


def _weighted_line(t: Array, d: Array, weights: Array) -> tuple[float, float]:
    total = weights.sum()
    mean_t, mean_d = (weights * t).sum() / total, (weights * d).sum() / total
    spread = (weights * (t - mean_t) ** 2).sum()
    slope = (weights * (t - mean_t) * (d - mean_d)).sum() / spread if spread > 0 else 0.0
    return float(slope), float(mean_d - slope * mean_t)


def _line_fit(good: Mask, weights: Array, residual: Array, line: tuple[float, float, float]) -> LineFit:
    kept = np.zeros(len(good), bool)
    kept[good] = weights > 0
    rms = float(np.sqrt(np.average(residual**2, weights=weights)))
    effective = weights.sum() ** 2 / (weights**2).sum()
    return LineFit(*line, kept=kept, rms=rms, sigma=rms / float(np.sqrt(max(effective - 2, 1))))
