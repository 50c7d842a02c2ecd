"""The shape of the face: warp, relief of the paper, and the signed distance to the cut edge."""

from functools import lru_cache

import cv2
import numpy as np

from .chance import stream
from .design import Body, Design
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, CardGrid, Floats

TILE_TEXELS = 1024
TILE_PITCH_MM = 0.02


def warp_mm(body: Body, x_mm: Floats, y_mm: Floats) -> Floats:
    """Height of the warped sheet over its nominal plane; the bow's mean over the card is zero."""
    u, v = x_mm / (CARD_WIDTH_MM / 2), y_mm / (CARD_HEIGHT_MM / 2)
    return (body.bow_mm * (1 / 3 - v * v) + body.twist_mm * u * v).astype(np.float32)


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


def noise_field(grid: CardGrid, correlation_mm: float, *, seed: int, name: str) -> Floats:
    """A stationary Gaussian field of unit variance over the grid, autocorrelation exp(-(r/correlation)^2).

    It is made once on a fixed fine tile that wraps around, then area-averaged to the texels: the same card at
    another resolution has the same relief.
    """
    scaled = noise_tile(grid.pitch_mm, correlation_mm, seed=seed, name=name)
    rows = np.round(grid.y_mm()[:, 0] / grid.pitch_mm).astype(np.int64) % len(scaled)
    columns = np.round(grid.x_mm()[0] / grid.pitch_mm).astype(np.int64) % len(scaled)
    return np.ascontiguousarray(scaled[rows][:, columns])


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
    tile = np.fft.irfft2(np.fft.rfft2(white) * gain, s=white.shape).astype(np.float32)
    return np.asarray((tile - tile.mean()) / tile.std(), np.float32)
