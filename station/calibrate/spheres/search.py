"""Looking for a sphere where nobody says where it is."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.fault import StationError
from .ball import WINDOW, Circle, Outline, refit
from .composites import Composites, Floats

SIDE_PX = 200
"""Pictures are made this small for the search; the outline is then measured in the whole picture."""
SMALLEST = 0.06
"""Radius as a share of the picture's shorter side; less is too coarse for directions."""
LARGEST = 0.6
CHANCE = 0.3
"""Share of a circumference on which edges agree by chance."""
_MOST = 8


def find_sphere(seen: Composites) -> Outline:
    """The sphere with the most complete outline.

    Raises:
        StationError: `calibration_failed`, there is none.
    """
    side = min(seen.shape)
    found = outlines(seen, (SMALLEST * side, LARGEST * side), WINDOW)
    if not found:
        raise StationError(
            "calibration_failed", "no sphere was found in the pictures; a mask would say where it is"
        )
    return max(found, key=lambda one: (one.coverage - CHANCE) * one.radius_px**0.5)


def outlines(seen: Composites, radii_px: tuple[float, float], window: float) -> list[Outline]:
    """All different outlines of spheres whose radii lie between two.

    Args:
        seen: the pictures.
        radii_px: smallest and largest.
        window: how far an outline may lie from the circle by which it was found, as a share of the radius.
    """
    found: list[Outline] = []
    for near in _candidates(seen, radii_px):
        if any(_same(one, near) for one in found):
            continue
        try:
            outline = refit(seen, near, window)
        except StationError:
            continue  # a circle in the small picture, nothing in the whole one
        if not any(_same(one, outline.circle) for one in found):
            found.append(outline)
    return found


def _same(one: Outline, other: Circle) -> bool:
    """Whether a circle is an outline that was found, within what a small picture tells."""
    apart = np.hypot(one.x_px - other.x_px, one.y_px - other.y_px) + abs(one.radius_px - other.radius_px)
    return bool(apart < 0.1 * one.radius_px)


def _candidates(seen: Composites, radii_px: tuple[float, float]) -> list[Circle]:
    """Circles that OpenCV's Hough transform sees in any of the composites, the best of each first."""
    scale = min(1.0, SIDE_PX / min(seen.shape))
    found = []
    for image in seen.for_edges():
        small = _small(image, scale)
        circles = cv2.HoughCircles(
            small,
            cv2.HOUGH_GRADIENT,
            dp=2,
            minDist=max(radii_px[0] * scale, 1.0),
            param1=60,
            param2=20,
            minRadius=int(radii_px[0] * scale),
            maxRadius=int(radii_px[1] * scale + 1),
        )
        if circles is not None:
            found += [_circle(row, scale) for row in np.asarray(circles, np.float64).reshape(-1, 3)[:_MOST]]
    return found


def _small(image: Floats, scale: float) -> NDArray[np.uint8]:
    """Small and of even contrast: the edge of a dark sphere before a dark wall is one code high."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    values = np.sort(small, axis=None)
    ranks = np.searchsorted(values, small) * (255.0 / values.size)
    return ranks.astype(np.uint8)


def _circle(row: NDArray[np.float64], scale: float) -> Circle:
    x, y, radius = row.tolist()
    return Circle((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5, radius / scale)
