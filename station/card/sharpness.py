"""How sharp the picture is, from the card's own edges (slanted edge method after ISO 12233)."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from station.documents.profile import CameraProfile
from station.documents.scan import Outline

from .edges import Array, Project, Side, fit_line, gradient_across, noise_floor, outermost_peaks, sample_strip
from .geometry import pitch_mm, pixels_to_plane, plane_to_pixels
from .outline import CORNER_MM, card_sides

_BINS_PER_PIXEL = 4
_HALF_PX = 12
_HALF_MM = 1.2  # stays inside the narrowest border
_LEAST_PER_BIN = 12
_LEAST_CONTRAST = 12.0  # of the edge, in standard errors of a bin
_LINES_MM = 0.1
_TRACK_MM = 1.5
_TAPER = 0.5  # share of the window that fades: the middle half of the spread is taken as it is


def mtf50(
    image: NDArray[np.float32], camera: CameraProfile, outline: Outline, z_mm: float = 0.3
) -> float | None:
    """Spatial frequency in cycles per mm where the contrast of a linear picture (H, W) has fallen to half.

    Median over the sides on which it can be measured; None where none can: an edge in line with the pixels
    (no sub-pixel phases), too little contrast, too much noise.
    """
    picture = np.ascontiguousarray(image, np.float32)
    sides = card_sides(np.asarray(outline.corners_mm))
    values = [_side_mtf50(picture, camera, side, z_mm) for side in sides]
    measured = [value for value in values if value is not None]
    return float(np.median(measured)) if measured else None


def _side_mtf50(image: NDArray[np.float32], camera: CameraProfile, side: Side, z_mm: float) -> float | None:
    middle = (side.start + side.end) / 2
    pitch = pitch_mm(camera, (float(middle[0]), float(middle[1])), z_mm)
    half = min(_HALF_PX * pitch, _HALF_MM)
    track = _track(image, partial(plane_to_pixels, camera, z_mm=z_mm), side, pitch, half)
    if track is None:
        return None
    distance, values = _edge_pixels(image, camera, side, z_mm, half, track)
    spread = _spread_function(distance, values, pitch / _BINS_PER_PIXEL, half)
    return None if spread is None else _half_contrast(spread, pitch / _BINS_PER_PIXEL)


def _track(
    image: NDArray[np.float32], project: Project, side: Side, pitch: float, half: float
) -> tuple[Array, Array] | None:
    """Where the edge really runs: positions along, distance from the ideal side; only where it is clean."""
    along = np.arange(CORNER_MM, side.length - CORNER_MM, _LINES_MM)
    across = np.arange(-half, half + pitch / 4, pitch / 2)
    strip = sample_strip(image, project, side, along, across)
    signed = gradient_across(strip, 2.0, 1.0)
    strength = np.abs(signed)
    outside = strength[:, across > half / 2]
    found = outermost_peaks(strength, across, 4.5 * noise_floor(outside), 0.5)
    fit = fit_line(along, found, 2 * pitch)
    if fit is None or fit.kept.mean() < 0.3:
        return None
    kept = fit.kept & _usual_step(strip, across, half)
    if kept.sum() < 0.2 * len(kept):
        return None
    wobble = gaussian_filter1d(found[kept] - fit.at(along[kept]), _TRACK_MM / _LINES_MM, mode="nearest")
    return along[kept], fit.at(along[kept]) + wobble


def _usual_step(strip: NDArray[np.float32], across: Array, half: float) -> NDArray[np.bool_]:
    """Lines whose step between card and mat is like that of most: no print, no dust."""
    inner = strip[:, across < -half / 2]
    outer = strip[:, across > half / 2]
    step = np.asarray(inner.mean(axis=1) - outer.mean(axis=1), np.float64)
    usual = float(np.median(step))
    return np.abs(step - usual) < 0.15 * abs(usual)


def _edge_pixels(
    image: NDArray[np.float32],
    camera: CameraProfile,
    side: Side,
    z_mm: float,
    half: float,
    track: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Every pixel near the tracked edge: its distance from it in mm (positive outward) and its value."""
    columns, rows = _pixels_along(camera, side, z_mm, half)
    flat = pixels_to_plane(camera, np.column_stack([columns, rows]), z_mm) - side.start
    along = flat @ (side.end - side.start) / side.length
    distance = flat @ side.outward - np.interp(along, *track)
    nearest = np.searchsorted(track[0], along).clip(1, len(track[0]) - 1)
    clean = np.minimum(np.abs(track[0][nearest] - along), np.abs(track[0][nearest - 1] - along)) < _LINES_MM
    used = clean & (np.abs(distance) < half)
    return distance[used], image[rows[used], columns[used]].astype(np.float64)


def _pixels_along(
    camera: CameraProfile, side: Side, z_mm: float, half: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns and rows of all pixels in a band around a side, somewhat wider than `half`."""
    steps, reach = np.linspace(0.0, side.length, 50), np.array([-1.5 * half, 1.5 * half])
    points = side.points(steps[:, None], reach[None, :]).reshape(-1, 2)
    edges = plane_to_pixels(camera, points, z_mm).reshape(50, 2, 2)
    upright = np.ptp(edges[..., 1]) > np.ptp(edges[..., 0])
    main, cross = (1, 0) if upright else (0, 1)
    order = slice(None) if edges[0, 0, main] < edges[-1, 0, main] else slice(None, None, -1)
    lines = np.arange(int(np.ceil(edges[..., main].min())), int(edges[..., main].max()) + 1)
    borders = [np.interp(lines, edges[order, k, main], edges[order, k, cross]) for k in (0, 1)]
    first = np.floor(np.minimum(*borders)).astype(int)
    wide = int(np.ceil(np.abs(borders[0] - borders[1]).max())) + 2
    across = (first[:, None] + np.arange(wide)[None, :]).ravel()
    pair = (across, np.repeat(lines, wide)) if upright else (np.repeat(lines, wide), across)
    inside = (pair[0] >= 0) & (pair[0] < camera.width_px) & (pair[1] >= 0) & (pair[1] < camera.height_px)
    return pair[0][inside], pair[1][inside]


def _spread_function(distance: Array, values: Array, bin_mm: float, half: float) -> Array | None:
    """Derivative of the binned edge; None when a bin is starved or the edge drowns in noise."""
    count = int(2 * half / bin_mm)
    index = np.clip(((distance + half) / bin_mm).astype(int), 0, count - 1)
    number = np.bincount(index, minlength=count)
    if number.min() < _LEAST_PER_BIN:
        return None
    edge = np.bincount(index, values, count) / number
    variance = np.bincount(index, values**2, count) / number - edge**2
    plateau = np.r_[0 : count // 6, count - count // 6 : count]
    error = float(np.sqrt(np.median(np.maximum(variance[plateau], 0) / number[plateau])))
    if abs(edge[: count // 6].mean() - edge[-(count // 6) :].mean()) < _LEAST_CONTRAST * error:
        return None
    return np.asarray(np.gradient(edge)[1:-1] * _window(count - 2), np.float64)


def _window(count: int) -> Array:
    """Tapered cosine (Harris 1978). Scipy has it, too, in a package that is slow to import."""
    from_middle = np.abs(np.linspace(-1.0, 1.0, count))
    faded = np.clip((from_middle - 1 + _TAPER) / _TAPER, 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * faded), np.float64)


def _half_contrast(spread: Array, bin_mm: float) -> float | None:
    """First frequency (cycles per mm) at which the transform of the line spread falls to half."""
    size = 16 * len(spread)
    contrast = np.abs(np.fft.rfft(spread, size))
    if contrast[0] <= 0:
        return None
    frequency = np.fft.rfftfreq(size, bin_mm)
    # what binning (a box of one bin) and the central difference (over two bins) took away
    lost = np.sinc(frequency * bin_mm) * np.sinc(2 * frequency * bin_mm)
    usable = frequency < 1 / (4 * bin_mm) * 1.5
    curve = contrast[usable] / contrast[0] / lost[usable]
    below = np.flatnonzero(curve < 0.5)
    if len(below) == 0:
        return None
    right = int(below[0])
    share = (curve[right - 1] - 0.5) / (curve[right - 1] - curve[right])
    return float(frequency[right - 1] + share * (frequency[right] - frequency[right - 1]))


def mtf50_across(distance: Array, values: Array, pitch: float, half: float) -> float | None:
    """Where the contrast has fallen to half, from pixels around one edge; None: too few, or too little of it.

    Args:
        distance: (N,), from the edge, positive outward; the answer is per unit of it.
        values: (N,), linear.
        pitch: of the pixels.
        half: pixels farther away are not looked at.
    """
    near = np.abs(distance) < half
    spread = _spread_function(distance[near], values[near], pitch / _BINS_PER_PIXEL, half)
    return None if spread is None else _half_contrast(spread, pitch / _BINS_PER_PIXEL)
