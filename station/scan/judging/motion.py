"""Did the card move between the frames? What is compared does not depend on the light.

Logarithms of ratios to the flat field make light a sum, and taking their surroundings away leaves the print
and the card's edge. Between the first lit frame and each other one that pattern is moved by a shift and a
turn, which follow from its gradients (Lucas and Kanade 1981), weighted so that glints have little say. What
moved by more than the pattern is wide has little in common with itself afterwards.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...card.geometry import plane_to_pixels
from ...documents.judgement import Problem
from ...documents.scan import Outline
from ..pipeline import CARD_THICKNESS_MM
from .reduced import Floats, Reduced

MOVED_MM = 0.15
"""Of any corner. Still cards of the twin, foil and sleeves among them, seem to move by up to 0.07 mm at 110
dots per inch; jostles of 0.3 mm or 0.3 degrees by 0.25 and more."""
ALIKE = 0.2
"""Correlation with the first frame's pattern: still ones 0.96 and more, in a sleeve 0.66; after 0.3 mm 0.7 at
75 dots per inch and none at 250, after 2 mm none anywhere: how far such a card moved is not known."""
SURROUNDINGS_MM = 2.5
GRAIN_MM = 0.2
"""Detail finer than this is smoothed away: less than it moves between pictures."""
FLOOR = 0.05
"""Of the card's mean ratio: logarithms of less would be noise."""
TEXTURED = 6_000
"""So many pixels, the steepest, have a say: more do not make it better."""
ROUNDS = 3

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Motion:
    """How far the card moved.

    Attributes:
        moved_mm: largest motion of a corner against the first lit frame, in any frame.
        alike: the least correlation of a frame's pattern with the first frame's.
    """

    moved_mm: float
    alike: float

    @property
    def problem(self) -> Problem | None:
        """What is to be said."""
        if self.alike < ALIKE:
            return moved(f"the card moved by {self.moved_mm:.1f} mm or more while it was scanned")
        if self.moved_mm > MOVED_MM:
            return moved(f"the card moved by {self.moved_mm:.1f} mm while it was scanned")
        return None


def moved(message: str) -> Problem:
    """Something moved, and taking the card again may mend it."""
    return Problem(code="card_moved", message=message, retake=True)


def motion(small: Reduced, card: Outline) -> Motion:
    """How far a card moved between the lit frames."""
    corners = plane_to_pixels(small.camera, np.array(card.corners_mm), CARD_THICKNESS_MM)
    per_mm = small.dpi / 25.4
    left, top, right, bottom = _box(corners, small, per_mm)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners - (left, top)).astype(np.int32), (1,))
    patterns = [_pattern(one[top:bottom, left:right], mask, per_mm) for one in small.ratios]
    gradient, rows, columns = _steepest(patterns)
    seen = np.stack([pattern[rows, columns] for pattern in patterns])
    middle = corners.mean(axis=0)
    places = np.column_stack([columns + left, rows + top]) - middle
    change = [_rigid(gradient, places, seen[0] - other) for other in seen[1:]]
    farthest = [float(_at(corners - middle, one).max()) / per_mm for one in change]
    alike = np.atleast_2d(np.corrcoef(seen))[0, 1:]
    return Motion(max(farthest, default=0.0), float(alike.min(initial=1.0)))


def _box(corners: Array, small: Reduced, margin: float) -> tuple[int, int, int, int]:
    size = np.array([small.camera.width_px, small.camera.height_px])
    first = np.clip(np.floor(corners.min(axis=0) - margin), 0, size - 2)
    last = np.clip(np.ceil(corners.max(axis=0) + margin), first + 2, size)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _pattern(ratio: Floats, mask: NDArray[np.uint8], per_mm: float) -> Floats:
    level = float(cv2.mean(ratio, mask)[0])
    logs = cv2.log(np.maximum(ratio, np.float32(max(FLOOR * level, 1e-12))))
    fine = cv2.GaussianBlur(logs, (0, 0), max(GRAIN_MM * per_mm, 0.8))
    wide = 2 * round(SURROUNDINGS_MM * per_mm / 2) + 1
    return np.asarray(fine - cv2.blur(cv2.blur(fine, (wide, wide)), (wide, wide)), np.float32)


def _steepest(patterns: list[Floats]) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Gradient (N, 2) of the mean pattern per pixel where it is steepest; the rows and columns of that."""
    mean = np.mean(patterns, axis=0)
    across = cv2.Sobel(mean, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(mean, cv2.CV_32F, 0, 1, scale=1 / 8)
    steep = across * across + down * down
    count = min(TEXTURED, steep.size)
    chosen = np.argpartition(steep.ravel(), steep.size - count)[steep.size - count :]
    rows, columns = np.unravel_index(chosen, steep.shape)
    return np.column_stack([across[rows, columns], down[rows, columns]]), rows, columns


def _rigid(gradient: Floats, places: Array, change: Floats) -> tuple[float, float, float]:
    """Shift in pixels and turn in radians that explain a change of the pattern."""
    turning = gradient[:, 1] * places[:, 0] - gradient[:, 0] * places[:, 1]
    design = np.column_stack([gradient, turning]).astype(np.float64)
    found: Array = np.zeros(3)
    weights: Array = np.ones(len(change))
    for _ in range(ROUNDS):
        weighted = design * weights[:, None]
        normal, right = weighted.T @ design + 1e-9 * np.eye(3), weighted.T @ change
        found = np.asarray(np.linalg.solve(normal, right), np.float64)
        left = np.abs(change - design @ found)
        scale = 3 * float(np.median(left)) + 1e-9
        weights = np.square(1 / (1 + np.square(left / scale)), dtype=np.float64)
    return float(found[0]), float(found[1]), float(found[2])


def _at(places: Array, change: tuple[float, float, float]) -> Array:
    """How far places (N, 2) from the middle are moved, in pixels."""
    x, y, turn = change
    return np.hypot(x - turn * places[:, 1], y + turn * places[:, 0])
