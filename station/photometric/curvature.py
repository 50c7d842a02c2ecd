"""How steep and how bent a surface is, at several scales, each figure with its standard uncertainty.

Curvatures are those of the height over the card's plane, first derivatives of the slopes p = dz/dx and
q = dz/dy under a Gaussian: a card is so nearly level that the terms in p squared and q squared, which the
exact ones of differential geometry have besides, stay below their noise.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .integrate import Slopes
from .stack import unusable

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

SCALES_MM = (0.02, 0.04, 0.08, 0.16)
"""Standard deviations of the Gaussians: about 0.5, 1, 2 and 4 pixels at 600 dpi."""
REACH = 4.0
"""Standard deviations after which a Gaussian counts as zero."""
SAMPLE = 20_000
"""Values that are enough to know a robust scatter to one percent."""
MEDIAN_OF_SQUARE = 0.4549
"""Median of the square of a normal deviate of variance one."""


@dataclass(frozen=True, slots=True)
class Curvature:
    """Curvatures at one scale, all float32 (H, W), 1/mm; positive is a valley or the floor of a dent.

    Attributes:
        mean: half the sum of the principal curvatures.
        largest, smallest: the principal curvatures, by value.
        angle_deg: direction in which `largest` is measured, across a groove, 0 to 180 counter-clockwise from
            x.
        mean_sigma: standard uncertainty of `mean`.
        sigma: standard uncertainty of the curvature in any one direction, so of a principal curvature that is
            not chosen by its noise.
        valid: bool, all that is averaged was measured; elsewhere the other maps mean nothing.
    """

    mean: Floats
    largest: Floats
    smallest: Floats
    angle_deg: Floats
    mean_sigma: Floats
    sigma: Floats
    valid: Bools


def slope_deg(surface: Slopes) -> Floats:
    """Angle between the surface and the card's plane, (H, W)."""
    return np.asarray(np.degrees(np.arctan(np.hypot(surface.x, surface.y))), np.float32)


def curvature(surface: Slopes, sigma: Floats, valid: Bools, scale_mm: float) -> Curvature:
    """Curvatures under a Gaussian of `scale_mm`, and what the slopes' noise makes of them.

    Noise is taken as independent from pixel to pixel and of the two slopes, as it is where pictures are
    solved pixel by pixel. What the card's own relief adds is in the maps, as it is on the card;
    `own_variance` tells how much that is.

    Args:
        surface: slopes, zero where not valid.
        sigma: (H, W), standard uncertainty of a slope per axis (radians serve: slopes are small).
        valid: (H, W).
        scale_mm: standard deviation of the Gaussian; below half a pixel it is a difference of neighbours.

    Raises:
        StationError: `stack_unusable`: shapes do not fit, or the scale is not positive.
    """
    if not sigma.shape == valid.shape == surface.x.shape or not scale_mm > 0:
        raise unusable(
            f"curvature needs slopes, uncertainty and mask of one size and a scale above 0; given are"
            f" {surface.x.shape}, {sigma.shape}, {valid.shape} and {scale_mm} mm"
        )
    smooth, steep = _kernels(scale_mm / surface.pitch_mm)
    per_mm = 1.0 / surface.pitch_mm
    xx, yx = (_filtered(slope, steep, smooth, per_mm) for slope in (surface.x, surface.y))
    xy, yy = (_filtered(slope, smooth, steep, -per_mm) for slope in (surface.x, surface.y))  # y is up
    shear = 0.5 * (xy + yx)
    mean, half = 0.5 * (xx + yy), 0.5 * (xx - yy)
    radius = np.hypot(half, shear)
    variance = np.where(valid, sigma, 0).astype(np.float32) ** 2
    along_x = _filtered(variance, steep**2, smooth**2, per_mm**2)
    along_y = _filtered(variance, smooth**2, steep**2, per_mm**2)
    return Curvature(
        mean=mean,
        largest=mean + radius,
        smallest=mean - radius,
        angle_deg=np.asarray(np.degrees(0.5 * np.arctan2(shear, half)) % 180, np.float32),
        mean_sigma=0.5 * np.sqrt(along_x + along_y),
        sigma=np.sqrt(0.5 * (along_x + along_y)),
        valid=_whole(valid, len(smooth) // 2),
    )


def own_variance(values: NDArray[np.floating], variance: NDArray[np.floating]) -> float:
    """What the card itself adds to the variance of a figure that is zero on a level card.

    It is the one number that, added to the propagated variances, makes the figures' robust scatter (the
    median of their squares) that of normal deviates. Flaws and print cover too little of a card to move it.
    """
    step = max(1, values.size // SAMPLE)
    squares = np.square(values.ravel()[::step], dtype=np.float64)
    known = np.asarray(variance, np.float64).ravel()[::step]
    if squares.size == 0:
        return 0.0
    low, high = 0.0, float(np.median(squares)) / MEDIAN_OF_SQUARE
    for _ in range(24):
        middle = 0.5 * (low + high)
        wide = np.median(squares / np.maximum(known + middle, 1e-30)) > MEDIAN_OF_SQUARE
        low, high = (middle, high) if wide else (low, middle)
    return low


def _kernels(sigma_px: float) -> tuple[Floats, Floats]:
    """A Gaussian of sum one, and its slope, exact on straight lines; both as correlations along a row."""
    reach = max(1, int(np.ceil(REACH * sigma_px)))
    place = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (place / max(sigma_px, 0.1)) ** 2)
    # so narrow a Gaussian has no neighbours to take a difference of
    steep = place * np.maximum(bell, 1e-6 * (np.abs(place) == 1))
    return (bell / bell.sum()).astype(np.float32), (steep / (steep * place).sum()).astype(np.float32)


def _filtered(image: Floats, across: Floats, down: Floats, factor: float) -> Floats:
    scaled = (across * factor).astype(np.float32)
    return np.asarray(
        cv2.sepFilter2D(image, cv2.CV_32F, scaled, down, borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _whole(valid: Bools, reach: int) -> Bools:
    box = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(
        cv2.erode(valid.astype(np.uint8), box, borderType=cv2.BORDER_CONSTANT, borderValue=0) != 0
    )
