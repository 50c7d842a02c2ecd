"""How steep print may seem where the surface is not.

Ink has a thickness, and pictures that do not lie quite on each other emboss what is printed. Both follow the
print's own edges. So a slope there is doubted by as much as the print is steep, and every pixel of an edge
errs alike: the doubt does not average out along it.
"""

from math import e, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PRINT_UM = 1.0
"""Relief that print may have, or seem to have, per factor e of reflectance.

A layer of ink is about 1 um thick and darkens paper by more than that; a misregistration of 0.02 pixels at
600 dpi makes as much as 0.4 um.
"""
BLACK = 0.02
"""Reflectance added before the logarithm: darker ink is noise, not print."""
STRAY = 5e-4
"""Light that no model accounts for, in units of albedo: shine of the coat, light between card and rig."""
SMOOTH_PX = 0.7


def print_relief_um(albedo: Floats) -> Floats:
    """The relief that print may seem to have, (H, W, channels): `PRINT_UM` times the log of reflectance."""
    return np.asarray(np.float32(PRINT_UM) * np.log(np.maximum(albedo, 0) + np.float32(BLACK)), np.float32)


def print_slope(albedo: Floats, pitch_mm: float) -> Floats:
    """The slope that print may seem to have at each pixel, (H, W), in any direction; of the worst channel."""
    worst = np.zeros(albedo.shape[:2], np.float32)
    relief = print_relief_um(albedo)
    for channel in range(albedo.shape[2]):
        smooth = _smoothed(relief[..., channel], SMOOTH_PX)
        np.maximum(worst, _steepness(smooth, 1e-3 / pitch_mm), out=worst)
    return worst


def print_curvature(albedo: Floats, pitch_mm: float, scale_mm: float) -> Floats:
    """The mean curvature (1/mm) that print may seem to have under a Gaussian, (H, W).

    Of its relief, in the worst channel, and of stray light, which tilts dark print more than bright.
    """
    worst = np.zeros(albedo.shape[:2], np.float32)
    relief = print_relief_um(albedo)
    for channel in range(albedo.shape[2]):
        smooth = _smoothed(relief[..., channel], scale_mm / pitch_mm)
        bent = cv2.Laplacian(smooth, cv2.CV_32F, ksize=1, scale=0.5e-3 / pitch_mm**2)
        np.maximum(worst, np.abs(bent), out=worst)
    tilt = np.float32(STRAY) / (np.maximum(albedo.mean(axis=2), 0) + np.float32(BLACK))
    stray = _steepness(_smoothed(tilt, scale_mm / pitch_mm), 0.5 / pitch_mm)
    return np.asarray(cv2.magnitude(worst, stray), np.float32)


def _smoothed(image: Floats, sigma_px: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(image), (0, 0), sigma_px), np.float32)


def _steepness(image: Floats, factor: float) -> Floats:
    """Length of the gradient per pixel, times a factor."""
    across = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=factor / 8)
    down = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=factor / 8)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def step_curvature(scale_mm: float) -> float:
    """The most mean curvature (1/mm) that the edge of a layer `PRINT_UM` high has under a Gaussian.

    Such an edge need not show: ink on a border of its own colour, varnish, white.
    """
    return 0.5 * 1e-3 * PRINT_UM / (sqrt(2 * pi * e) * scale_mm**2)
