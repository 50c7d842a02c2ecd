"""The noise line: variance of a code over its brightness, by photon transfer from pairs of frames.

Two frames of the same still scene differ by their noise alone (Janesick, "Photon Transfer", 2007). Pixels of
a pair are sorted by their code; the variance of the differences within such a bin is twice that of a code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ..codes import Pixels
from .rounding import ROUNDING, whole_variance

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

BINS = 48
"""Of each channel, over all codes: at 8 bits more than five codes wide, so that each holds as many even sums
of two codes as odd ones, which rounding binds to the differences."""
MOST_PIXELS = 400_000
"""Of a pair that are looked at: a hundredth of a per cent of the variance is not wanted."""
FEWEST = 200
"""Pixels of a bin that count."""
EDGE = 0.02
"""Share of the codes above black that is left out: what noise takes below it may be cut off."""
NEAR_WHITE = 0.95
"""Share of the light at which a bin may end: of brighter light noise takes some to where it is clipped."""
OUTLIER = 5.0
"""Standard deviations beyond which a pixel moved or blinked; one in two million does so by chance."""
MODEL_ERROR = 0.03
"""Of a bin's variance, relative: fixed steps of a real converter and what the scene moved."""
_SPACED = 4.0  # share of bins that the line must span: the brightest over the darkest level


@dataclass(frozen=True, slots=True)
class NoiseSamples:
    """Variances by level.

    Attributes:
        channel: (N,), 0 to 2.
        level: (N,), linear codes over the black level.
        variance, sigma: (N,), linear codes squared, rounding included, and its standard uncertainty.
    """

    channel: NDArray[np.int64]
    level: Array
    variance: Array
    sigma: Array


@dataclass(frozen=True, slots=True)
class NoiseLine:
    """Variance of a code I above black level is `a * I + b`.

    Attributes:
        a, b: linear codes.
        covariance: (2, 2) of both, scaled by the misfit.
        by_channel: (3, 2), the same line for each channel alone; NaN where a channel has too few levels.
        chi2: of the fit, per degree of freedom.
        levels: how many variances it is through.
        findings: what is wrong.
    """

    a: float
    b: float
    covariance: Array
    by_channel: Array
    chi2: float
    levels: int
    findings: tuple[CalibrationFinding, ...] = ()

    @property
    def a_sigma(self) -> float:
        """Standard uncertainty of a."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def b_sigma(self) -> float:
        """Standard uncertainty of b."""
        return float(np.sqrt(self.covariance[1, 1]))


def pair_samples(
    first: Pixels,
    second: Pixels,
    *,
    black: NDArray[np.floating] | float,
    bit_depth: int,
    table: Floats | None = None,
) -> NoiseSamples:
    """Variances by level from two frames (H, W, 3) of the same still scene under the same light.

    A light that was a little brighter in one of them does no harm: only what differs within a bin counts.

    Args:
        first: as the camera gave it.
        second: of the same size.
        black: black level, one or by channel, in linear codes.
        bit_depth: of the camera's codes.
        table: linear code of every code (3, codes), for a camera that is not linear.

    Raises:
        ValueError: the frames differ in size.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(f"frames {first.shape} and {second.shape} are no pair")
    step = max(1, int(np.sqrt(first.shape[0] * first.shape[1] / MOST_PIXELS)))
    levels = np.broadcast_to(np.asarray(black, np.float64), (3,))
    found = [
        _channel(
            first[::step, ::step, channel].ravel().astype(np.float64),
            second[::step, ::step, channel].ravel().astype(np.float64),
            np.arange(2**bit_depth, dtype=np.float64) if table is None else table[channel].astype(np.float64),
            levels[channel],
        )
        for channel in range(3)
    ]
    return NoiseSamples(
        channel=np.concatenate([np.full(len(one), channel) for channel, one in enumerate(found)]),
        level=np.concatenate([one[:, 0] - levels[channel] for channel, one in enumerate(found)]),
        variance=np.concatenate([one[:, 1] for one in found]),
        sigma=np.concatenate([one[:, 2] for one in found]),
    )


def _channel(first: Array, second: Array, table: Array, black: float) -> Array:
    """Level, variance and its uncertainty (bins, 3) of one channel, in linear codes."""
    codes = len(table)
    lowest = np.searchsorted(table, black) + EDGE * codes
    highest = np.searchsorted(table, black + NEAR_WHITE * (table[-1] - black))
    bins = np.floor((first + second) * (BINS / 2 / codes)).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], np.arange(BINS + 1))
    rows = []
    for begin, end in pairwise(starts):
        if end - begin < FEWEST:
            continue
        these = order[begin:end]
        level = float((first[these] + second[these]).mean() / 2)
        if not lowest < level < highest:
            continue
        rows.append(_of_bin(level, first[these] - second[these], table))
    return np.array(rows).reshape(-1, 3)


def _of_bin(level: float, difference: Array, table: Array) -> tuple[float, float, float]:
    kept = difference
    for _ in range(3):
        centre, spread = kept.mean(), max(kept.std(), 0.5)
        kept = kept[np.abs(kept - centre) <= OUTLIER * spread]
    seen = float(kept.var(ddof=1) / 2)
    whole = float(whole_variance(np.array([seen]))[0])
    sigma = max(whole, ROUNDING) * np.sqrt(2 / len(kept))
    codes = np.arange(len(table))
    linear = float(np.interp(level, codes, table))
    reach = max(
        1.0, len(table) / BINS / 2
    )  # a table's single steps are rounded and fitted, its slope is smooth
    ends = np.interp([level - reach, level + reach], codes, table)
    slope = float(ends[1] - ends[0]) / (2 * reach)
    return linear, whole * slope**2, sigma * slope**2


def noise_line(samples: Iterable[NoiseSamples]) -> NoiseLine:
    """The line through variances of several pairs, bins that do not fit counting for less (Huber).

    With fewer than three levels, or when they span too little, the finding `poor_spread` says so.

    Raises:
        ValueError: there is no level at all.
    """
    parts = list(samples)
    channel = np.concatenate([one.channel for one in parts]) if parts else np.empty(0, np.int64)
    if len(channel) == 0:
        raise ValueError("no pair of frames has a level with enough pixels")
    level = np.concatenate([one.level for one in parts])
    variance = np.concatenate([one.variance for one in parts])
    sigma = np.concatenate([one.sigma for one in parts])
    line, covariance, chi2 = _line(level, variance, sigma)
    single = np.full((3, 2), np.nan)
    for one in range(3):
        own = channel == one
        if own.sum() >= 3:
            single[one] = _line(level[own], variance[own], sigma[own])[0]
    return NoiseLine(
        float(line[0]), float(line[1]), covariance, single, chi2, len(level), _spread(level, line, covariance)
    )


def _line(level: Array, variance: Array, sigma: Array) -> tuple[Array, Array, float]:
    """Slope and offset, neither below zero; covariance; chi squared per degree of freedom."""
    design = np.column_stack([level, np.ones_like(level)])
    weights = 1 / (sigma**2 + (MODEL_ERROR * variance) ** 2)
    use = np.ones_like(weights)
    for _ in range(20):
        line, normal = _solved(design, variance, weights * use)
        residual = (variance - design @ line) * np.sqrt(weights)
        use = 1 / np.maximum(1, np.abs(residual) / 2)
    freedom = max(len(level) - 2, 1)
    chi2 = float((use * residual**2).sum() / freedom)
    return line, np.asarray(np.linalg.pinv(normal) * max(chi2, 1.0)), chi2


def _solved(design: Array, values: Array, weights: Array) -> tuple[Array, Array]:
    normal = design.T @ (design * weights[:, None])
    line = np.linalg.pinv(normal) @ (design.T @ (weights * values))
    if line[0] < 0:
        line = np.array([0.0, max(float(np.average(values, weights=weights)), 0.0)])
    elif line[1] < 0:
        line = np.array([float((weights * design[:, 0] * values).sum() / normal[0, 0]), 0.0])
    return line, normal


def _spread(level: Array, line: Array, covariance: Array) -> tuple[CalibrationFinding, ...]:
    reach = float(level.max() / max(level.min(), 1e-9)) if len(level) else 0.0
    if len(level) >= 3 and reach >= _SPACED and covariance[0, 0] <= (0.25 * line[0]) ** 2:
        return ()
    return (
        CalibrationFinding(
            kind="poor_spread",
            message=f"Noise was seen at {len(level)} levels, the brightest {reach:.1f} times the darkest.",
            next_step="Take pairs of frames at several exposures, from nearly dark to nearly clipped.",
            severe=False,
        ),
    )
