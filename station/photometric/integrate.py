"""From slopes to height, and what the slopes say of the sheet as a whole.

Poisson's equation with free borders, solved by cosine transforms: a periodic solution would bend every
corner that lifts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ._poisson import divergence_pass, eigenvalues, scale_pass
from .stack import unusable

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Slopes:
    """Surface slopes on a regular picture grid.

    Attributes:
        x: float32 (H, W), dz/dx, x to the right.
        y: float32 (H, W), dz/dy, y up (against the rows).
        pitch_mm: distance of neighbouring pixels.
    """

    x: Floats
    y: Floats
    pitch_mm: float


@dataclass(frozen=True, slots=True)
class Bend:
    """The quadratic part of a height map.

    Attributes:
        bow_mm: height of the middle above the middles of two opposite edges, along the more bent of the two
            axes; positive
            is a dome.
        twist_mm: distance of one corner from the plane of the three others, from the product term; positive
            lifts top right.
    """

    bow_mm: float
    twist_mm: float


def slopes(normals: NDArray[np.floating], valid: NDArray[np.bool_], pitch_mm: float) -> Slopes:
    """Slopes of unit normals (H, W, 3); zero where not valid.

    Raises:
        StationError: `stack_unusable`: shapes do not fit, a valid normal is not a number, or nothing is
            valid.
    """
    if normals.ndim != 3 or normals.shape[2] != 3 or valid.shape != normals.shape[:2] or not pitch_mm > 0:
        raise unusable(f"normals {normals.shape} and their mask {valid.shape} cannot be integrated")
    if not valid.any():
        raise unusable("no pixel has a normal to integrate")
    usable = valid & (normals[..., 2] > 0.02)
    z = np.where(usable, normals[..., 2], np.float32(1))
    x = np.where(usable, -normals[..., 0] / z, np.float32(0)).astype(np.float32)
    y = np.where(usable, -normals[..., 1] / z, np.float32(0)).astype(np.float32)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise unusable("a normal marked valid is not a number")
    return Slopes(x, y, pitch_mm)


def height_um(surface: Slopes) -> Floats:
    """Height in micrometres, mean zero: (H, W).

    The step between neighbours is the mean of their slopes times the pitch; the height is the one whose
    steps come closest in the least-squares sense.
    """
    divergence = np.empty(surface.x.shape, np.float32)
    half_pitch_um = np.float32(surface.pitch_mm * 500.0)
    x, y = (np.ascontiguousarray(slope, np.float32) for slope in (surface.x, surface.y))
    divergence_pass(x, y, half_pitch_um, divergence)
    return solve_poisson(divergence)


def solve_poisson(divergence: Floats) -> Floats:
    """The array of mean zero whose Laplacian with free borders this is, float32 (H, W); overwrites it."""
    spectrum = fft.dctn(divergence, type=2, norm="ortho", workers=2, overwrite_x=True)
    rows, columns = spectrum.shape
    scale_pass(spectrum, eigenvalues(rows), eigenvalues(columns))
    return np.asarray(fft.idctn(spectrum, type=2, norm="ortho", workers=2, overwrite_x=True), np.float32)


def curl(surface: Slopes, valid: NDArray[np.bool_]) -> Floats:
    """Curl of the slopes, 1/mm: float32 (H, W), each pixel that of the cell of four to its lower right.

    A surface has none: it shows errors of calibration, cast shadows, and whatever else is not one surface.
    NaN where one of the four is not valid, and in the last row and column.
    """
    x, y = surface.x, surface.y
    along_y = (x[:-1, :-1] + x[:-1, 1:] - x[1:, :-1] - x[1:, 1:]) * np.float32(0.5)
    along_x = (y[:-1, 1:] + y[1:, 1:] - y[:-1, :-1] - y[1:, :-1]) * np.float32(0.5)
    cells = valid[:-1, :-1] & valid[:-1, 1:] & valid[1:, :-1] & valid[1:, 1:]
    out = np.full(x.shape, np.nan, np.float32)
    out[:-1, :-1] = np.where(cells, (along_y - along_x) / np.float32(surface.pitch_mm), np.nan)
    return out


def curl_rms(surface: Slopes, valid: NDArray[np.bool_]) -> float:
    """Root mean square of `curl` over the cells that have one, 1/mm.

    Raises:
        StationError: `stack_unusable`, no four neighbouring pixels are valid.
    """
    cells = curl(surface, valid)
    known = cells[np.isfinite(cells)]
    if not known.size:
        raise unusable("no four neighbouring pixels have normals")
    return float(np.sqrt(np.mean(np.square(known, dtype=np.float64))))


def bend(height: Floats, valid: NDArray[np.bool_], pitch_mm: float) -> Bend:
    """Bow and twist of a height map (um), by a quadratic surface through its valid pixels."""
    rows, columns = height.shape
    step = max(1, min(rows, columns) // 100)
    r, c = np.mgrid[0:rows:step, 0:columns:step]
    use = valid[::step, ::step]
    half_x, half_y = columns * pitch_mm / 2, rows * pitch_mm / 2
    x = ((c[use] + 0.5) * pitch_mm - half_x) / half_x
    y = (half_y - (r[use] + 0.5) * pitch_mm) / half_y
    terms = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    if len(terms) < 6:
        raise unusable("too few valid pixels to tell bow and twist")
    fitted = np.linalg.lstsq(terms, height[::step, ::step][use].astype(np.float64), rcond=None)[0] / 1000.0
    bow = -fitted[3] if abs(fitted[3]) > abs(fitted[5]) else -fitted[5]
    return Bend(float(bow), float(4.0 * fitted[4]))
