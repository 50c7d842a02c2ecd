"""Is the picture sharp? Short stretches of the card's four sides at full resolution, after ISO 12233.

Print differs from card to card; the cut of the card does not. What `card.sharpness` does for whole sides on
the mean of the whole picture takes far too long before a beep; a stretch of each side has edge enough.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...calibrate.profile import LoadedProfile
from ...card.geometry import pitch_mm, plane_to_pixels
from ...card.sharpness import mtf50_across
from ...documents.judgement import Problem
from ...documents.profile import CameraProfile
from ...documents.scan import Outline
from ..pipeline import CARD_THICKNESS_MM, Stack

BLURRED_SHARE = 0.5
"""Of the sharpness at the calibration. Half of it is a blur as wide again as the lens's own, times 1.7."""
UNKNOWN_CY_PER_PX = 0.10
"""Where the profile does not say how sharp the camera is: cameras that sharpen nothing reach 0.2 and more."""
FINEST_CY_PER_PX = 0.25
"""A picture of a binned mode shows no more than that, whatever the lens could."""
STRETCH_MM, STRETCH_PX, LONGEST_MM = 20.0, 250.0, 45.0
"""Of each side, the more of the first two: an edge in line with the pixels shows few phases of them."""
REACH_MM, REACH_PX, LEAST_PX = 1.2, 12.0, 7.0
"""To both sides of the edge, whichever of the first two is less, as borders are wider; but no less than the
third, or a wide blur would look like a narrow one."""
SEARCH_MM = 1.0
"""How far the edge may lie from where the coarse look saw it."""
STRAIGHT_PX = 0.7
FEWEST = 0.4
"""Share of the rows in which the edge has to be found."""
FADED = 0.25
COARSER = (1.0, 2.0, 4.0)
"""Quarters of pixels into which an edge is binned, coarser where it is in line with them."""

Array = NDArray[np.float64]


def sharpness_cy_per_mm(stack: Stack, profile: LoadedProfile, card: Outline) -> float | None:
    """MTF50 on the card, the best of its sides; None: none of them shows a clean edge.

    The best, because a card that is bent or worn on one side is no reason to take it again.
    """
    height, width, _ = stack.ambient.shape
    camera = profile.scaled(width, height).profile.camera
    corners = np.array(card.corners_mm)
    found = [_side(stack, profile, camera, corners[side], corners[(side + 1) % 4]) for side in range(4)]
    pitch = pitch_mm(camera, tuple(corners.mean(axis=0)), CARD_THICKNESS_MM)
    return max((one / pitch for one in found if one is not None), default=None)


def least_cy_per_mm(profile: LoadedProfile, width_px: int) -> float:
    """The sharpness below which a picture is blurred."""
    camera = profile.profile.camera
    pitch = pitch_mm(camera, (0.0, 0.0), CARD_THICKNESS_MM) * camera.width_px / width_px
    if camera.mtf50_cy_per_mm is None:
        return UNKNOWN_CY_PER_PX / pitch
    return BLURRED_SHARE * min(camera.mtf50_cy_per_mm, FINEST_CY_PER_PX / pitch)


def problem(sharpness: float | None, least: float) -> Problem | None:
    """What is to be said of it."""
    if sharpness is None or sharpness >= least:
        return None
    message = f"the card's edges are blurred: {sharpness:.1f} cycles/mm, at least {least:.1f} are expected"
    return Problem(code="picture_blurred", message=message, retake=True)


def _side(
    stack: Stack, profile: LoadedProfile, camera: CameraProfile, start: Array, end: Array
) -> float | None:
    """MTF50 in cycles per pixel of the middle of one side."""
    way = (end - start) / np.linalg.norm(end - start)
    middle = (start + end) / 2
    ends = plane_to_pixels(camera, np.array([middle - way, middle + way]), CARD_THICKNESS_MM)
    per_mm = float(np.linalg.norm(ends[1] - ends[0])) / 2
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    half = max(min(REACH_MM * per_mm, REACH_PX), LEAST_PX)
    upright = abs(along[1]) > abs(along[0])
    margin = half + SEARCH_MM * per_mm
    stretch = min(max(STRETCH_MM * per_mm, STRETCH_PX), LONGEST_MM * per_mm)
    slant = stretch / 2 * abs(along)
    reach = np.where([upright, not upright], margin + slant, slant)
    patch, corner = _patch(stack, profile, ends.mean(axis=0), reach)
    if patch is None:
        return None
    if not upright:
        patch, corner, along = patch.T, corner[::-1], along[::-1]
        centre = ends.mean(axis=0)[::-1] - corner
    else:
        centre = ends.mean(axis=0) - corner
    return _edge(np.ascontiguousarray(patch), centre, float(along[0] / along[1]), half, SEARCH_MM * per_mm)


def _patch(
    stack: Stack, profile: LoadedProfile, centre: Array, reach: Array
) -> tuple[NDArray[np.float32] | None, Array]:
    """The sum of the lit pictures over the ambient one, grey, around a place, and its first pixel."""
    height, width, _ = stack.ambient.shape
    first = np.floor(centre - reach).astype(int)
    last = np.ceil(centre + reach).astype(int) + 1
    if first.min() < 0 or last[0] > width or last[1] > height:
        return None, first.astype(np.float64)
    area = np.s_[first[1] : last[1], first[0] : last[0]]
    total = -len(stack.lights) * profile.linear(stack.ambient[area]).astype(np.float32)
    for picture in stack.lights:
        total += profile.linear(picture[area])
    grey = cv2.transform(total, np.full((1, 3), 1 / 3, np.float32))
    return np.asarray(grey, np.float32), first.astype(np.float64)


def _edge(
    patch: NDArray[np.float32], centre: Array, slope: float, half: float, search: float
) -> float | None:
    """MTF50 in cycles per pixel of an upright edge through about `centre` (x, y), `slope` is dx/dy."""
    rows, columns = patch.shape
    y = np.arange(rows) - centre[1]
    expected = centre[0] + slope * y
    step = np.abs(cv2.Sobel(cv2.GaussianBlur(patch, (0, 0), 1.0), cv2.CV_32F, 1, 0, scale=1 / 8))
    x = np.arange(columns)
    step[np.abs(x - expected[:, None]) > search] = 0
    at = np.clip(step.argmax(axis=1), 1, columns - 2)
    every = np.arange(rows)
    before, peak, after = (step[every, at + one].astype(np.float64) for one in (-1, 0, 1))
    bend = before - 2 * peak + after
    place = at + np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    usable = peak > FADED * np.percentile(peak, 90)
    curve = _curve(y, place, usable)
    if curve is None:
        return None
    fitted, kept = curve
    distance = (x - fitted[kept][:, None]) / float(np.hypot(1.0, slope))
    values = patch[kept].astype(np.float64)
    found = (mtf50_across(distance.ravel(), values.ravel(), bins, half) for bins in COARSER)
    return next((one for one in found if one is not None), None)


def _curve(y: Array, place: Array, usable: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]] | None:
    """The edge as a parabola, and the rows that lie on it; None: too few do."""
    kept, scale = usable, max(float(np.abs(y).max()), 1.0)
    fitted = np.full(len(y), float(np.median(place[usable])) if usable.any() else 0.0)
    for tolerance in (4.0, 2.0, 1.0, 1.0):
        if kept.sum() < max(8, FEWEST * len(y)):
            return None
        terms = np.polynomial.polynomial.polyvander(y / scale, 2)
        solution = np.linalg.lstsq(terms[kept], place[kept], rcond=None)[0]
        fitted = terms @ solution
        kept = usable & (np.abs(place - fitted) < tolerance * STRAIGHT_PX)
    return fitted, kept
