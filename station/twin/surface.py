"""The shape of the face: warp, relief of the paper, and the signed distance to the cut edge."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .chance import stream
from .design import Body, Design
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, CardGrid, Floats

Indices = NDArray[np.int64]
TILE_TEXELS = 1024
TILE_PITCH_MM = 0.02


def warp_mm(body: Body, x_mm: Floats, y_mm: Floats) -> Floats:
    """Height of the warped sheet over its nominal plane; the bow's mean over the card is zero."""
    level, tilt, u = warp_parts_mm(body, x_mm, y_mm)
    return (level + tilt * u).astype(np.float32)


def warp_parts_mm(body: Body, x_mm: Floats, y_mm: Floats) -> tuple[Floats, Floats, Floats]:
    """The warp as `level + tilt * u`: the first two of the shape of y, u of the shape of x."""
    u, v = x_mm / (CARD_WIDTH_MM / 2), y_mm / (CARD_HEIGHT_MM / 2)
    level, tilt = body.bow_mm * (1 / 3 - v * v), body.twist_mm * v
    return level.astype(np.float32), tilt.astype(np.float32), u.astype(np.float32)


def lowest_warp_mm(body: Body) -> float:
    """The warp's lowest value over the card: that point touches the mat."""
    corner = np.array([[-0.5, 0.0, 0.5]], np.float32)
    return float(warp_mm(body, corner * body.width_mm, corner.T * body.height_mm).min())


def face_height_mm(design: Design) -> float:
    """Height over the mat of the face's nominal plane: the sheet rests on the lowest point of its warp."""
    return design.spec.unkind.thickness_mm - lowest_warp_mm(design.body)


def edge_distance_mm(body: Body, x_mm: Floats, y_mm: Floats) -> Floats:
    """Distance to the cut edge with its rounded corners, positive inside."""
    r = body.corner_radius_mm
    dx, dy = np.abs(x_mm) - (body.width_mm / 2 - r), np.abs(y_mm) - (body.height_mm / 2 - r)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return (r - outside - np.minimum(np.maximum(dx, dy), 0)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Noise:
    """A stationary Gaussian field of unit variance over a grid, autocorrelation exp(-(r/correlation)^2).

    It is made once on a fixed fine tile that wraps around, then area-averaged to the texels: the same card at
    another resolution has the same relief.

    Attributes:
        tile: (N, N), wraps around.
        rows, columns: of the tile, at each row and column of the grid.
    """

    tile: Floats
    rows: Indices
    columns: Indices

    def at(self, rows: slice, columns: slice) -> Floats:
        """The field in a box of the grid."""
        return np.asarray(self.tile[self.rows[rows, None], self.columns[columns]], np.float32)


def noise(grid: CardGrid, correlation_mm: float, *, seed: int, name: str) -> Noise:
    """The field of a name and a seed."""
    tile = noise_tile(grid.pitch_mm, correlation_mm, seed=seed, name=name)
    rows, columns = grid.y_mm()[:, 0] / grid.pitch_mm, grid.x_mm()[0] / grid.pitch_mm
    places = (np.round(along).astype(np.int64) % len(tile) for along in (rows, columns))
    return Noise(tile, *places)


def noise_tile(pitch_mm: float, correlation_mm: float, *, seed: int, name: str) -> Floats:
    """A square of the same field, (N, N), that wraps around."""
    tile = _tile(max(correlation_mm, TILE_PITCH_MM), seed, name)
    size = round(TILE_TEXELS * TILE_PITCH_MM / pitch_mm)
    how = cv2.INTER_AREA if pitch_mm > TILE_PITCH_MM else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(tile, (size, size), interpolation=how), np.float32)


@lru_cache(maxsize=6)
def _tile(correlation_mm: float, seed: int, name: str) -> Floats:
    """White noise, filtered in the frequency domain, so that the tile wraps around by itself."""
    white = stream(seed, name).standard_normal((TILE_TEXELS, TILE_TEXELS), dtype=np.float32)
    frequency = np.fft.fftfreq(TILE_TEXELS, TILE_PITCH_MM)
    half = np.fft.rfftfreq(TILE_TEXELS, TILE_PITCH_MM)
    # exp(-(r/l)^2) has the power spectrum exp(-(pi l f)^2); the filter is its square root
    gain = np.exp(-((np.pi * correlation_mm) ** 2) * (frequency[:, None] ** 2 + half[None, :] ** 2) / 2)
    gain = gain.astype(np.float32)  # single precision throughout: its rounding is far below any relief
    tile = np.fft.irfft2(np.fft.rfft2(white) * gain, s=white.shape)
    return np.asarray((tile - tile.mean()) / tile.std(), np.float32)
