"""Candidates for flaws: places where the relief stands out of its noise by a fixed number of deviations.

A candidate is a place to look at, not a judgement. Nothing is set per card: the threshold is one published
number, and what differs from card to card is the noise it is counted in.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .curvature import curvature, own_variance
from .gauge import RING_MM, Depth, Extent, extent, line_depth, ridge, spot_depth
from .integrate import Slopes
from .lines import Lines, find_lines
from .printing import print_curvature, print_slope, step_curvature
from .stack import unusable

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

THRESHOLD_SIGMA = 8.0
"""A candidate's clearest pixel exceeds its noise so many times."""
GROWN_SIGMA = 4.0
"""From there it grows over what exceeds the noise so many times."""
SPOT_SCALES_MM = (0.15, 0.3)
"""Gaussians under which dents and bumps are looked for."""
SPOT_BLOCK_MM = 0.17
"""Side of the blocks in which they are."""
LEVEL_MM = 1.0
"""Slopes are taken against their mean over a square so wide: bow, twist and tilt are no surface flaws."""
RIM_MM = 0.6
"""What lies nearer to the border of what was measured is left to those who judge edges and corners."""
HOLE_MM = 0.2
"""Unmeasured pixels that reach no further than this are holes, not rim."""
JOIN_MM = 0.2
"""Pieces of a flaw nearer to each other than twice this are one."""
SLENDER = 3.0
"""A line is so many times longer than wide."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place that stands out.

    Attributes:
        kind: a hint: long and narrow, or not.
        x_mm, y_mm: its middle; x right, y up, from the middle of the picture (of the card, in its own frame).
        length_mm, width_mm: along and across `angle_deg`; of a line where it is half as clear as on the whole
            (across, that is the filter's width rather than the line's), of a spot of all that stands out.
        angle_deg: of its long axis, counter-clockwise from x, 0 to 180.
        depth_um: of its middle under its surroundings, as the camera resolves it; negative: raised.
        depth_sigma_um: standard uncertainty of `depth_um` from the scatter of the height around it; what a
            coat's shine does to all slopes of a flaw alike is not in it.
        peak_sigma, mean_sigma: by how many standard deviations its clearest pixel, and all on average, stand
            out.
    """

    kind: Literal["line", "spot"]
    x_mm: float
    y_mm: float
    length_mm: float
    width_mm: float
    angle_deg: float
    depth_um: float
    depth_sigma_um: float
    peak_sigma: float
    mean_sigma: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was found, the clearest first.

    Attributes:
        items: the candidates.
        labels: int32 (H, W), number of the candidate that a pixel belongs to, from 1; 0: none.
        searched: bool (H, W), where anything could have been found.
    """

    items: tuple[Candidate, ...]
    labels: NDArray[np.int32]
    searched: Bools


def find_candidates(
    surface: Slopes, sigma: Floats, albedo: Floats, height_um: Floats, valid: Bools
) -> Candidates:
    """Scratches, dents and whatever else stands out of a printed surface.

    Args:
        surface: slopes, zero where not valid.
        sigma: (H, W), standard uncertainty of a slope per axis, independent from pixel to pixel; where it is
            not a positive number nothing is searched.
        albedo: (H, W, channels): slopes along the edges of print are doubted.
        height_um: (H, W), of the same surface: depths are read from it.
        valid: (H, W), what was measured.

    Raises:
        StationError: `stack_unusable`: the maps differ in size.
    """
    shapes = {a.shape[:2] for a in (surface.x, surface.y, sigma, albedo, height_um, valid)}
    if len(shapes) != 1 or albedo.ndim != 3:
        raise unusable(f"maps of the shapes {sorted(shapes)} cannot be searched for flaws together")
    sound = valid & np.isfinite(sigma) & (sigma > 0)
    searched = _inner(sound, surface.pitch_mm)
    if not searched.any():
        return Candidates((), np.zeros(valid.shape, np.int32), searched)
    sigma = np.where(sound, sigma, np.float32(1))  # no warnings where it does not count
    printed = print_slope(albedo, surface.pitch_mm)
    lines = find_lines(_levelled(surface, sigma, printed, searched), sigma, printed, searched)
    spots = _spots(surface, sigma, albedo, sound, searched)
    maps = _Maps(lines, spots, height_um, searched, surface.pitch_mm)
    found = [(_candidate(maps, piece), piece) for piece in _pieces(lines.deviations, spots, surface.pitch_mm)]
    found.sort(key=lambda pair: (-pair[0].peak_sigma, pair[0].y_mm, pair[0].x_mm))
    labels = np.zeros(valid.shape, np.int32)
    for number, (_, piece) in enumerate(found, 1):
        labels[piece.box][piece.pixels] = number
    return Candidates(tuple(candidate for candidate, _ in found), labels, searched)


@dataclass(frozen=True, slots=True)
class _Maps:
    """What candidates are measured in."""

    lines: Lines
    spots: Floats
    height_um: Floats
    searched: Bools
    pitch_mm: float


@dataclass(frozen=True, slots=True)
class _Piece:
    """Connected pixels that stand out: a mask inside a box of the picture."""

    box: tuple[slice, slice]
    pixels: Bools


def _pieces(lines: Floats, spots: Floats, pitch_mm: float) -> list[_Piece]:
    """Hysteresis: what exceeds the lower threshold and holds together with what exceeds the higher one."""
    clear = np.maximum(lines, spots)
    grown = (clear >= GROWN_SIGMA).astype(np.uint8)
    reach = max(1, round(JOIN_MM / pitch_mm))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(grown, disc), connectivity=8)
    found = []
    for label in np.unique(labels[clear >= THRESHOLD_SIGMA]):
        left, top, width, height, _ = (int(figure) for figure in stats[label])
        box = slice(top, top + height), slice(left, left + width)
        found.append(_Piece(box, (labels[box] == label) & (grown[box] != 0)))
    return found


def _candidate(maps: _Maps, piece: _Piece) -> Candidate:
    """Measure one piece: a line where it is clearer as one than as a spot, and slender."""
    lines, spots = maps.lines.deviations[piece.box], maps.spots[piece.box]
    along = piece.pixels & (lines >= GROWN_SIGMA)
    clearer = lines[piece.pixels].max() >= spots[piece.pixels].max()
    return (
        _line(maps, piece, along)
        if clearer and _is_slender(along, maps.pitch_mm)
        else _spot(maps, piece, np.maximum(lines, spots))
    )


def _is_slender(pixels: Bools, pitch_mm: float) -> bool:
    rows, columns = np.nonzero(pixels)
    length_mm = extent(rows, columns, pitch_mm).length_mm
    return bool(length_mm**2 >= SLENDER * pixels.sum() * pitch_mm**2)


def _line(maps: _Maps, piece: _Piece, along: Bools) -> Candidate:
    """Where a line is half as clear as on the whole it ends: so a filter longer than wide sees ends."""
    rows, columns = _places(along, piece)
    clear = maps.lines.deviations[rows, columns]
    middle = ridge(rows, columns, clear, maps.pitch_mm)
    core = clear >= 0.5 * np.median(clear[middle])
    middle = middle[core[middle]]
    shape = extent(rows[core], columns[core], maps.pitch_mm)
    angle_deg = maps.lines.angle_deg(rows[middle], columns[middle])
    depth = line_depth(maps.height_um, rows[middle], columns[middle], angle_deg, maps.pitch_mm)
    width_mm = int(core.sum()) * maps.pitch_mm**2 / shape.length_mm
    return _noted("line", maps, shape, width_mm, depth, clear)


def _spot(maps: _Maps, piece: _Piece, clear: Floats) -> Candidate:
    rows, columns = _places(piece.pixels, piece)
    shape = extent(rows, columns, maps.pitch_mm)
    margin = int(np.ceil(RING_MM[1] / maps.pitch_mm)) + 1
    box = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in piece.box)
    spot = np.zeros(maps.searched.shape, np.bool_)
    spot[rows, columns] = True
    depth = spot_depth(maps.height_um[box], spot[box], maps.searched[box], maps.pitch_mm)
    return _noted("spot", maps, shape, shape.across_mm, depth, clear[piece.pixels])


def _places(pixels: Bools, piece: _Piece) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the picture where a mask of the piece's box is set."""
    rows, columns = np.nonzero(pixels)
    return rows + piece.box[0].start, columns + piece.box[1].start


def _noted(
    kind: Literal["line", "spot"], maps: _Maps, shape: Extent, width_mm: float, depth: Depth, clear: Floats
) -> Candidate:
    height, width = maps.searched.shape
    return Candidate(
        kind=kind,
        x_mm=(shape.column + 0.5 - width / 2) * maps.pitch_mm,
        y_mm=(height / 2 - shape.row - 0.5) * maps.pitch_mm,
        length_mm=shape.length_mm,
        width_mm=width_mm,
        angle_deg=shape.angle_deg,
        depth_um=depth.um,
        depth_sigma_um=depth.sigma_um,
        peak_sigma=float(clear.max()),
        mean_sigma=float(clear.mean(dtype=np.float64)),
    )


def _inner(valid: Bools, pitch_mm: float) -> Bools:
    """Valid and not at the rim; the picture's own border is rim too, the border of a small hole is not."""
    reach = round(HOLE_MM / pitch_mm)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    framed = cv2.morphologyEx(np.pad(valid.astype(np.uint8), reach + 1), cv2.MORPH_CLOSE, disc)
    inside = cv2.distanceTransform(framed, cv2.DIST_L2, 5) * pitch_mm > RIM_MM
    return np.asarray(inside[reach + 1 : -reach - 1, reach + 1 : -reach - 1] & valid)


def _levelled(surface: Slopes, sigma: Floats, printed: Floats, searched: Bools) -> Slopes:
    """The slopes without their broad part: the weighted mean over a square."""
    weight = np.where(searched, 1 / (sigma**2 + printed**2), 0).astype(np.float32)
    square = (max(3, round(LEVEL_MM / surface.pitch_mm)),) * 2
    total = cv2.blur(weight, square) + np.float32(1e-6 * weight.max())

    def fine(slope: Floats) -> Floats:
        return np.where(searched, slope - cv2.blur(weight * slope, square) / total, 0).astype(np.float32)

    return Slopes(fine(surface.x), fine(surface.y), surface.pitch_mm)


def _spots(surface: Slopes, sigma: Floats, albedo: Floats, valid: Bools, searched: Bools) -> Floats:
    """Mean curvature in standard deviations, of the scale where it stands out most; 0 where not searched.

    Spots are broad, so they are looked for in the means of blocks.
    """
    side = max(1, int(SPOT_BLOCK_MM / surface.pitch_mm))
    rows, columns = (count // side for count in valid.shape)

    def blocks(image: Floats) -> Floats:
        cut = image[: rows * side, : columns * side]
        return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)

    coarse = Slopes(blocks(surface.x), blocks(surface.y), surface.pitch_mm * side)
    variance = blocks(np.where(valid, sigma, 0).astype(np.float32) ** 2) / side**2
    whole = blocks(valid.astype(np.float32)) > 0.999
    noise, colour = np.sqrt(variance), blocks(albedo)
    best = np.zeros((rows, columns), np.float32)
    for scale_mm in SPOT_SCALES_MM:
        np.maximum(best, _spots_at(scale_mm, coarse, noise, colour, whole), out=best)
    found = np.zeros(valid.shape, np.float32)
    found[: rows * side, : columns * side] = np.repeat(np.repeat(best, side, axis=0), side, axis=1)
    return np.where(searched, found, 0)


def _spots_at(scale_mm: float, surface: Slopes, sigma: Floats, albedo: Floats, valid: Bools) -> Floats:
    bent = curvature(surface, sigma, valid, scale_mm)
    printed = print_curvature(albedo, surface.pitch_mm, scale_mm)
    variance = bent.mean_sigma**2 + printed**2 + np.float32(step_curvature(scale_mm)) ** 2
    own = own_variance(bent.mean[bent.valid], variance[bent.valid])
    return np.where(bent.valid, np.abs(bent.mean) / np.sqrt(variance + np.float32(own)), 0)
