"""The card's outline: sub-pixel edge points along its four sides, lines through them, virtual corners."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from station.documents.fault import StationError
from station.documents.profile import CameraProfile
from station.documents.scan import Outline

from .edges import (
    Array,
    LineFit,
    Project,
    Side,
    fit_line,
    gradient_across,
    noise_floor,
    outermost_peaks,
    sample_strip,
)
from .geometry import plane_to_pixels
from .mat import check_size, rough_corners

SIDE_NAMES = ("top", "right", "bottom", "left")
CORNER_MM = 6.0
"""Left out at both ends of a side: the rounding (3.2 mm) and where corners wear."""

_LINES_MM = 0.2  # a line across the side every so often
_AGREE_MM = 0.12  # points farther from the line are dust, wear or print
_LEAST_AGREEING = 0.35
_SQUARE_DEG = 1.5
_SIGMAS = 4.5
_SMOOTH_LINES = 1.5
_BARE_MM = (1.5, 3.0)  # outside the rough outline, inside any sensible picture
_PASSES = ((2.5, 0.35), (0.6, 0.5))  # half width of the search in mm, share of the strongest edge that counts


def find_outline(image: NDArray[np.float32], camera: CameraProfile, z_mm: float) -> Outline:
    """Find the one card in a linear picture (H, W), its upper face at height `z_mm`.

    The card may be brighter or darker than the mat; up is the side nearest the picture's top.

    Raises:
        StationError: `card_not_found`: no card, two, one that sticks out, no straight edges.
    """
    picture = np.ascontiguousarray(image, np.float32)
    project: Project = partial(plane_to_pixels, camera, z_mm=z_mm)
    corners = rough_corners(picture, camera, z_mm)
    floor = _gradient_noise(picture, project, card_sides(corners))
    fits: list[LineFit] = []
    for half_mm, share in _PASSES:
        sides = card_sides(corners)
        fits = [_measure(picture, project, sides, index, (half_mm, share, floor)) for index in range(4)]
        corners = _corners(sides, fits)
    return _document(corners, fits)


def card_sides(corners: Array) -> list[Side]:
    """Top, right, bottom, left of corners (4, 2) in the card's order, each with its outward normal."""
    sides = []
    for index in range(4):
        start, end = corners[index], corners[(index + 1) % 4]
        direction = (end - start) / np.linalg.norm(end - start)
        sides.append(Side(start, end, np.array([-direction[1], direction[0]])))
    return sides


def _measure(
    image: NDArray[np.float32],
    project: Project,
    sides: list[Side],
    index: int,
    search: tuple[float, float, float],
) -> LineFit:
    side, (half_mm, share, floor) = sides[index], search
    pitch = _pitch_mm(project, side)
    half = max(half_mm, 5 * pitch)
    along, across, strength = _strength(image, project, side, (-half, half))
    found = outermost_peaks(strength, across, floor, share)
    fit = fit_line(along, found, _AGREE_MM + 0.5 * pitch)
    if fit is None or fit.kept.mean() < _LEAST_AGREEING:
        raise StationError(
            "card_not_found", f"the card's {SIDE_NAMES[index]} side shows no straight edge against the mat"
        )
    return fit


def _strength(
    image: NDArray[np.float32], project: Project, side: Side, reach_mm: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Lines along, samples across (two for each pixel), and the size of the gradient across."""
    step = _pitch_mm(project, side) / 2
    along = np.arange(CORNER_MM, side.length - CORNER_MM, _LINES_MM)
    across = np.arange(reach_mm[0], reach_mm[1] + step, step)
    strip = sample_strip(image, project, side, along, across)
    return along, across, np.abs(gradient_across(strip, sigma=2.0, smooth_along=_SMOOTH_LINES))


def _gradient_noise(image: NDArray[np.float32], project: Project, sides: list[Side]) -> float:
    """What counts as an edge: well above the gradients of the bare mat beside the card."""
    beside = [_strength(image, project, side, _BARE_MM)[2].ravel() for side in sides]
    return _SIGMAS * noise_floor(np.concatenate(beside))


def _pitch_mm(project: Project, side: Side) -> float:
    middle = (side.start + side.end) / 2
    pixels = project(np.array([middle, middle + side.outward]))
    return float(1 / np.linalg.norm(pixels[1] - pixels[0]))


def _corners(sides: list[Side], fits: list[LineFit]) -> Array:
    lines = []
    for side, fit in zip(sides, fits, strict=True):
        ends = np.array([0.0, side.length])
        lines.append(side.points(ends, fit.at(ends)))
    return np.array([_intersection(lines[index - 1], lines[index]) for index in range(4)])


def _intersection(first: Array, second: Array) -> Array:
    a, b = first[1] - first[0], second[1] - second[0]
    steps = np.linalg.solve(np.column_stack([a, -b]), second[0] - first[0])
    return np.asarray(first[0] + steps[0] * a, np.float64)


def _document(corners: Array, fits: list[LineFit]) -> Outline:
    top, right, bottom, left = (np.roll(corners, -1, axis=0) - corners)[[0, 1, 2, 3]]
    _check_square(corners)
    width = float(np.linalg.norm(top) + np.linalg.norm(bottom)) / 2
    height = float(np.linalg.norm(right) + np.linalg.norm(left)) / 2
    check_size(width, height)
    downward = right - left
    axis = top - bottom + np.array([-downward[1], downward[0]])
    points = [int(fit.kept.sum()) for fit in fits]
    squares = sum(count * fit.rms**2 for count, fit in zip(points, fits, strict=True))
    return Outline(
        corners_mm=tuple((float(x), float(y)) for x, y in corners),
        width_mm=width,
        height_mm=height,
        rotation_deg=float(np.degrees(np.arctan2(axis[1], axis[0]))),
        residual_mm=float(np.sqrt(squares / sum(points))),
    )


def _check_square(corners: Array) -> None:
    sides = np.roll(corners, -1, axis=0) - corners
    units = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    cosines = np.abs((units * np.roll(units, -1, axis=0)).sum(axis=1))
    worst = float(np.degrees(np.arcsin(cosines.max())))
    if worst > _SQUARE_DEG:
        raise StationError(
            "card_not_found", f"what lies there is no rectangle: a corner is {worst:.1f} degrees off square"
        )
