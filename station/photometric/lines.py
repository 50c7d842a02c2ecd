"""Lines in the relief, such as scratches: how clearly one runs through each pixel, and which way.

The matched filter of a long groove: slopes across a direction, averaged along it. Both flanks of the line
have to stand out of the noise, with opposite signs. The noise is the sensor's and the alignment's, as
propagated; what print may pretend; and the paper's own relief, measured on the card itself.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ._lines import BAND, line_pass, mean_slope_pass
from .curvature import own_variance
from .integrate import Slopes

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

LENGTH_MM = 1.4
"""Over which slopes are averaged: short enough for a line drawn by hand to be straight."""
DIRECTIONS = 16
"""Within 45 degrees of the rows' direction, and as many of the columns': the ends of a line that lies between
two of them are off by less than a pixel at 600 dpi."""
_SLANT_DEG = (np.arange(DIRECTIONS) + 0.5) * 90 / DIRECTIONS - 45
WAYS_DEG = (
    np.concatenate([_SLANT_DEG - 90, _SLANT_DEG - 90, -_SLANT_DEG, -_SLANT_DEG]).astype(np.float32) % 180
)
"""Directions of lines: those near the columns', cut and raised, and those near the rows', cut and raised."""
FLANKS_MM = (0.04, 0.085, 0.13)
"""Distances of the steepest places of a groove from its middle."""
SMOOTH_PX = 0.7
LEAST_WEIGHT = 0.01
"""Lines with less weight than this share of one ordinary pixel's are not looked at."""
EVERY = 4
"""The paper's relief is estimated from every fourth band of the picture,"""
STEP = 16
"""and there from every sixteenth row: the rows between say much the same."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The best line through every pixel.

    Attributes:
        deviations: float32 (H, W), the weaker flank's mean slope in standard deviations; 0 where not valid.
        way: uint8 (H, W), which of `WAYS_DEG` the line takes.
        relief_slope: standard deviation of the mean slope that the paper's own relief makes.
    """

    deviations: Floats
    way: NDArray[np.uint8]
    relief_slope: float

    def angle_deg(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        """Direction of the line at some pixels, 0 to 180 counter-clockwise from x."""
        return WAYS_DEG[self.way[rows, columns]]


@dataclass(frozen=True, slots=True)
class _View:
    """What the compiled pass takes: the picture as it lies or transposed."""

    fields: Floats
    valid: Bools


def find_lines(surface: Slopes, sigma: Floats, printed: Floats, valid: Bools) -> Lines:
    """Look for lines of any direction.

    Args:
        surface: slopes without their broad part, zero where not valid.
        sigma: (H, W), standard uncertainty of a slope per axis.
        printed: (H, W), slope that print may pretend.
        valid: (H, W), where to look.
    """
    weight = np.where(valid, 1 / (sigma**2 + printed**2), 0).astype(np.float32)
    fields = np.stack([weight * surface.x, weight * -surface.y, weight, weight * printed])
    for field in fields:
        cv2.GaussianBlur(field, (0, 0), SMOOTH_PX, dst=field)
    upright = _View(fields, valid)
    lying = _View(np.stack([cv2.transpose(fields[part]) for part in (1, 0, 2, 3)]), valid.T)
    ways, flanks = _ways(surface.pitch_mm)
    rule = np.array([_smoothing_share(), LEAST_WEIGHT * float(np.median(weight[valid])), 0], np.float32)
    rule[2] = _relief_variance((upright, lying), ways, rule)
    z, way = _search(upright, ways, flanks, rule)
    z_lying, way_lying = (np.asarray(cv2.transpose(part)) for part in _search(lying, ways, flanks, rule))
    turned = z < z_lying
    return Lines(
        deviations=np.where(valid, np.maximum(z, z_lying), 0),
        way=np.where(turned, way_lying + 2 * DIRECTIONS, way).astype(np.uint8),
        relief_slope=float(np.sqrt(rule[2])),
    )


def _ways(pitch_mm: float) -> tuple[Floats, NDArray[np.int64]]:
    """Directions and steps to their flanks, as `line_pass` takes them."""
    slant = np.radians(_SLANT_DEG)
    half = np.maximum(1, np.round(0.5 * LENGTH_MM / pitch_mm * np.cos(slant)))
    ways = np.column_stack([np.tan(slant), np.cos(slant), -np.sin(slant), half]).astype(np.float32)
    offsets = np.unique(np.maximum(1, np.round(np.array(FLANKS_MM) / pitch_mm)))
    return ways, np.round(offsets[None, :, None] * ways[:, None, 1:3]).astype(np.int64)


def _smoothing_share() -> float:
    """What smoothing leaves of the variance of a sum along a row or column."""
    taps = np.exp(-0.5 * (np.arange(-8, 9) / SMOOTH_PX) ** 2)
    return float((taps**2).sum() / taps.sum() ** 2)


def _relief_variance(views: tuple[_View, _View], ways: Floats, rule: Floats) -> float:
    """Variance of the mean slopes beyond what noise and print make, robustly, over four directions."""
    squares, known = [], []
    for view in views:
        mean, variance = (np.empty(view.valid.shape, np.float32) for _ in range(2))
        rows = np.arange(len(mean))
        here = view.valid & ((rows // BAND % EVERY == 0) & (rows % STEP == 0))[:, None]
        for way in ways[DIRECTIONS // 4 :: DIRECTIONS // 2]:
            mean_slope_pass(view.fields, way, rule, EVERY, mean, variance)
            squares.append(mean[here])
            known.append(variance[here])
    return own_variance(np.concatenate(squares), np.concatenate(known))


def _search(view: _View, ways: Floats, flanks: NDArray[np.int64], rule: Floats) -> tuple[Floats, Floats]:
    z, way = (np.empty(view.valid.shape, np.float32) for _ in range(2))
    line_pass(view.fields, ways, flanks, rule, z, way)
    return z, way
