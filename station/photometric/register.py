"""How far the card moved between the pictures: a few hundredths of a pixel are enough to emboss the print.

Pictures under different lights are compared as ratios to the flat field, so only the print is left to
compare. In small tiles, so small that shading is constant in them, each light is the mean picture times a
factor plus its gradient times the shift; the tiles' answers are joined robustly, and their scatter says how
well the shift is known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ._jit import capacity
from ._survey import tile_pass
from .solve import Alignment, MeanRatio, sensor_row
from .stack import LightField, Pictures, unusable

Array = NDArray[np.float64]

TILE_PX = 64
FEWEST_PIXELS = 60
"""A tile with fewer textured pixels has no say."""
FEWEST_TILES = 4
CERTAIN = 0.4
"""Height of a correlation's peak, over that of a picture with itself, that is no accident."""
DERIVATIVE = 0.1
"""Differences of neighbouring pixels know how steep the finest print is, and so a shift, to a tenth."""
TEXTURE = 4.0
"""A gradient counts as texture from this many standard deviations of its noise."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """Of T tiles: information (T, 2, 2), right side (T, K, 2), centre (T, 2) from -1 to 1."""

    information: Array
    right: Array
    centre: Array


def register(pictures: Pictures, field: LightField, mean: MeanRatio, mask: NDArray[np.bool_]) -> Alignment:
    """Shift of each light's picture against the mean of all.

    Meant for shifts below half a pixel; whole pixels are for `coarse_shifts` and another crop.

    Args:
        pictures: the stack.
        field: its light.
        mean: its mean.
        mask: (H, W), where the card is and nothing else: what stands out of its plane throws shadows that
            wander.

    Returns:
        Shifts and their uncertainty. A card without any print gives shifts of zero with an uncertainty of
        infinity.
    """
    lights, height, width, _ = pictures.lit.shape
    size = (-(-height // TILE_PX), -(-width // TILE_PX))
    sums = np.zeros((*size, 10 + 4 * lights))
    least = TEXTURE * _gradient_noise(pictures, field, mean)
    tile_pass(
        pictures.rows(),
        field.table(width),
        sensor_row(pictures),
        capacity(lights * pictures.channels + 3),
        mean.mean,
        np.ascontiguousarray(mask),
        np.float32(least),
        TILE_PX,
        sums,
    )
    tiles = _tiles(sums, FEWEST_PIXELS)
    if len(tiles.centre) < FEWEST_TILES:
        return Alignment(np.zeros((lights, 2), np.float32), np.full(lights, np.inf, np.float32))
    joined = [_join(tiles, light) for light in range(lights)]
    shifts = np.array([shift for shift, _ in joined])
    shifts -= shifts.mean(axis=0)
    length2 = (shifts**2).sum(axis=1) / 2
    jitter = np.sqrt(np.array([sigma**2 for _, sigma in joined]) + DERIVATIVE**2 * length2)
    return Alignment(shifts.astype(np.float32), jitter.astype(np.float32))


def _gradient_noise(pictures: Pictures, field: LightField, mean: MeanRatio) -> float:
    """Standard deviation of the mean ratio's gradient, summed over the channels, where the light is poor."""
    sensor, lights = pictures.sensor, len(pictures.lit)
    level = max(float(np.median(mean.mean[::8, ::8])), 0.0)
    of_lights = (sensor.noise_a * level * field.flat + sensor.noise_b) / field.flat**2
    of_ambient = _ambient_variance(pictures) * (1.0 / field.flat).mean(axis=0) ** 2
    variance = (of_lights.sum(axis=0) / lights**2 + of_ambient).sum(axis=-1)
    taps = 2 * ((2 / 3) ** 2 + (1 / 12) ** 2)
    return float(np.sqrt(np.percentile(variance, 90) * taps * 2))


def _ambient_variance(pictures: Pictures) -> float:
    """Of a code of the ambient picture; none where there is no such picture."""
    if pictures.ambient is None:
        return 0.0
    sensor = pictures.sensor
    dark = max(float(np.median(pictures.ambient[::8, ::8])) - sensor.black_level, 0.0)
    return sensor.noise_a * dark + sensor.noise_b


def _tiles(sums: Array, fewest: float) -> _Tiles:
    """Take factor and offset out of each tile's normal equations (Schur complement)."""
    rows, columns, width = sums.shape
    where = np.argwhere(sums[..., 0] >= fewest)
    used = sums[where[:, 0], where[:, 1]]
    normal = np.empty((len(used), 4, 4))
    upper = np.triu_indices(4)
    normal[:, upper[0], upper[1]] = used[:, :10]
    normal[:, upper[1], upper[0]] = used[:, :10]
    right = used[:, 10:].reshape(len(used), (width - 10) // 4, 4)
    nuisance = normal[:, :2, :2] + 1e-9 * np.eye(2) * normal[:, :1, :1]
    carry = np.linalg.solve(nuisance, normal[:, :2, 2:]).transpose(0, 2, 1)
    information = normal[:, 2:, 2:] - carry @ normal[:, :2, 2:]
    reduced = right[:, :, 2:] - right[:, :, :2] @ carry.transpose(0, 2, 1)
    centre = 2.0 * (where + 0.5) / np.array([rows, columns]) - 1.0
    sound = np.linalg.eigvalsh(information)[:, 0] > 0
    return _Tiles(information[sound], -reduced[sound], centre[sound])


def _join(tiles: _Tiles, light: int) -> tuple[Array, float]:
    """One light's shift from all tiles, with its standard uncertainty per axis."""
    information, right = tiles.information, tiles.right[:, light]
    weight = np.ones(len(information))
    shift = np.zeros(2)
    for _ in range(6):
        total = np.einsum("t,tij->ij", weight, information)
        shift = np.linalg.solve(total, weight @ right)
        error = right - information @ shift
        badness = np.einsum("ti,ti->t", error, np.linalg.solve(information, error[..., None])[..., 0])
        scale = max(float(np.median(badness)) / 1.386, 1e-30)
        weight = 1.0 / (1.0 + badness / (9.0 * scale)) ** 2
    spread = np.linalg.inv(np.einsum("t,tij->ij", weight, information))
    scatter = np.einsum("t,ti,tj->ij", weight**2, error, error)
    covariance = spread @ scatter @ spread
    return shift, float(np.sqrt(np.trace(covariance) / 2 + _warp(tiles, error, weight)))


def _warp(tiles: _Tiles, error: Array, weight: Array) -> float:
    """Mean square per axis of what a turn or a change of scale leaves over, less its own noise."""
    places = np.column_stack([tiles.centre[:, 0], tiles.centre[:, 1]])
    basis = np.einsum("tp,ij->tpij", places, np.eye(2)).transpose(0, 2, 1, 3).reshape(len(places), 2, 4)
    design = tiles.information @ basis
    normal = np.einsum("t,tji,tjk->ik", weight, basis, design) + 1e-12 * np.eye(4)
    right = np.einsum("t,tji,tj->i", weight, basis, error)
    linear = np.linalg.solve(normal, right)
    score = np.einsum("t,tji,tj->ti", weight, basis, error - design @ linear)
    inverse = np.linalg.inv(normal)
    noise = inverse @ (score.T @ score) @ inverse
    moment = np.einsum("tji,tjk->ik", basis, basis) / len(places)
    return max(float(linear @ moment @ linear - np.trace(moment @ noise)) / 2, 0.0)


def coarse_shifts(blocks: NDArray[np.float32], block: int) -> Array:
    """Shifts of any size, (lights, 2) px: phase correlation of the block means with the first light's.

    Good to about a third of a block's side; for a camera or card that was bumped. Zero where the pictures
    have too little in common to tell.

    Raises:
        StationError: `stack_unusable`, every block is clipped or dark.
    """
    if not (blocks > 0).any():
        raise unusable("the pictures are clipped or dark all over")
    seen = np.where(blocks < 0, np.nan, blocks)
    level = np.nanmedian(seen)
    logs = np.log(np.clip(np.nan_to_num(seen, nan=1.2 * level), 0.02 * level, None))
    rows, columns = logs.shape[1:]
    window = np.hanning(rows)[:, None] * np.hanning(columns)[None, :]
    detail = (logs - logs.mean(axis=(1, 2), keepdims=True)) * window
    spectra = fft.rfft2(detail, axes=(1, 2))
    cross = spectra * spectra[0].conj()
    smooth = _low_pass(rows, columns)
    peaks = fft.irfft2(smooth * cross / (np.abs(cross) + 1e-9 * np.abs(cross).max()), s=(rows, columns))
    certain = CERTAIN * smooth.sum() / peaks[0].size * 2
    shifts = np.array([_peak(peak) if peak.max() > certain else (0.0, 0.0) for peak in peaks]) * block
    return np.asarray(shifts - shifts.mean(axis=0), np.float64)


def _low_pass(rows: int, columns: int) -> Array:
    down, across = fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)[None, :]
    return np.exp(-((down**2 + across**2) / (2 * 0.12**2)))


def _peak(surface: NDArray[np.floating]) -> tuple[float, float]:
    """Place of the highest value of a cyclic surface, by parabolas through its neighbours: (x, y)."""
    rows, columns = surface.shape
    r, c = np.unravel_index(int(np.argmax(surface)), surface.shape)
    x = _vertex(surface[r, c - 1], surface[r, c], surface[r, (c + 1) % columns])
    y = _vertex(surface[r - 1, c], surface[r, c], surface[(r + 1) % rows, c])
    across = (c + columns // 2) % columns - columns // 2
    down = (r + rows // 2) % rows - rows // 2
    return float(across + x), float(down + y)


def _vertex(before: float, at: float, after: float) -> float:
    curvature = before - 2 * at + after
    return 0.0 if curvature >= 0 else 0.5 * (before - after) / curvature
