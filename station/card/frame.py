"""The inner print frame, and how well it is centred between the card's edges."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from station.documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from station.documents.scan import Centering, Outline

from .edges import (
    Array,
    LineFit,
    Side,
    fit_line,
    gradient_across,
    noise_floor,
    outermost_peaks,
    sample_strip,
)
from .outline import card_sides
from .rectify import mat_to_card

_MM_PER_INCH = 25.4
_CORNER_MM = 9.0  # the widest border, and the rounding of the frame's own corners
_LINES_MM = 0.1
_CLEAN_MM = (0.6, 1.1)  # of the border: inside the edge's wear, outside the narrowest frame
_NARROWEST_MM = 1.0
_WIDEST_MM = 6.5
_AGREE_MM = 0.08
_LEAST_AGREEING = 0.5  # full art shows edges too, but never half of them in one line
_STEEPEST = 0.035  # 2 degrees between frame and card edge: beyond, it is no frame
_SIGMAS = 6.0
_FAINTEST = 0.05  # of the strongest change on the line: a pale frame beside black text
_AROUND_MM = 0.3
_CORRELATED_MM = 0.4  # lines nearer than this share their print and their blur
_COMMON_PX = 0.05  # of a pixel: interpolation and the shape of the blur
_COMMON_MM = 0.003  # a card bowed by 0.3 mm shows its borders tilted


@dataclass(frozen=True, slots=True)
class _Border:
    width_mm: float
    sigma_mm: float


def find_centering(albedo: NDArray[np.float32], dpi: float, outline: Outline) -> Centering | None:
    """Border widths of a rectified albedo (H, W, 3); None without four straight frame lines (full art).

    On each side the first change of colour inward from the card's edge is looked for on many lines; where at
    least half of them agree on a straight line, that is the frame.
    """
    picture = np.ascontiguousarray(albedo, np.float32)
    sides = card_sides(mat_to_card(outline, np.asarray(outline.corners_mm)))
    borders = [_border(picture, dpi, side, outline.residual_mm) for side in sides]
    top, right, bottom, left = borders
    if top is None or right is None or bottom is None or left is None:
        return None
    return _document(left, right, top, bottom)


def _document(left: _Border, right: _Border, top: _Border, bottom: _Border) -> Centering:
    left_percent = 100 * left.width_mm / (left.width_mm + right.width_mm)
    top_percent = 100 * top.width_mm / (top.width_mm + bottom.width_mm)
    return Centering(
        left_mm=left.width_mm,
        right_mm=right.width_mm,
        top_mm=top.width_mm,
        bottom_mm=bottom.width_mm,
        sigma_mm=max(border.sigma_mm for border in (left, right, top, bottom)),
        left_percent=left_percent,
        top_percent=top_percent,
        horizontal_percent=max(left_percent, 100 - left_percent),
        vertical_percent=max(top_percent, 100 - top_percent),
    )


def _to_pixels(xy_mm: Array, pitch_mm: float) -> Array:
    x, y = xy_mm.T
    return np.column_stack(
        [(x + CARD_WIDTH_MM / 2) / pitch_mm - 0.5, (CARD_HEIGHT_MM / 2 - y) / pitch_mm - 0.5]
    )


def _border(picture: NDArray[np.float32], dpi: float, side: Side, outline_rms_mm: float) -> _Border | None:
    pitch = _MM_PER_INCH / dpi
    along = np.arange(_CORNER_MM, side.length - _CORNER_MM, _LINES_MM)
    across = np.arange(-_WIDEST_MM, -0.3, pitch / 2)
    strip = sample_strip(picture, partial(_to_pixels, pitch_mm=pitch), side, along, across)
    strength = _colour_strength(strip)
    clean = (across > -_CLEAN_MM[1]) & (across < -_CLEAN_MM[0])
    floor = _SIGMAS * noise_floor(strength[:, clean])
    fit = _frame_line(along, across, strength, floor, pitch)
    if fit is None or fit.kept.mean() < _LEAST_AGREEING or abs(fit.slope) > _STEEPEST:
        return None
    return _Border(-fit.offset, _sigma(fit, outline_rms_mm, side.length, pitch))


def _colour_strength(strip: NDArray[np.float32]) -> Array:
    gradients = [gradient_across(strip[..., channel], 2.0, 1.0) for channel in range(strip.shape[2])]
    return np.asarray(np.sqrt(np.sum(np.square(gradients), axis=0)), np.float64)


def _frame_line(along: Array, across: Array, strength: Array, floor: float, pitch: float) -> LineFit | None:
    """The first line of change inward, then again, closely around it."""
    tolerance = _AGREE_MM + 0.5 * pitch
    inward = np.broadcast_to(across < -_NARROWEST_MM, strength.shape)
    first = outermost_peaks(strength, across, floor, _FAINTEST, inward)
    rough = fit_line(along, first, tolerance)
    if rough is None:
        return None
    near = np.abs(across[None, :] - rough.at(along)[:, None]) < max(_AROUND_MM, 2 * pitch)
    found = outermost_peaks(strength, across, floor, 0.5, near)
    return fit_line(along, found, tolerance)


def _sigma(fit: LineFit, outline_rms_mm: float, length_mm: float, pitch: float) -> float:
    """Standard uncertainty of one width: frame line, card edge, and what no averaging removes."""
    kept_mm = float(fit.kept.sum()) * _LINES_MM
    frame = fit.rms * np.sqrt(_CORRELATED_MM / kept_mm)
    edge = outline_rms_mm * np.sqrt(_CORRELATED_MM / length_mm)
    return float(np.sqrt(frame**2 + edge**2 + (_COMMON_PX * pitch) ** 2 + _COMMON_MM**2))
