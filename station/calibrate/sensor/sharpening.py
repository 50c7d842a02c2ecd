"""Whether a camera sharpens or smooths: overshoot at straight edges, and noise that neighbours share.

A lens spreads light and never takes any away: behind it, an edge from black to white rises all the way. What
overshoots was sharpened afterwards. The edge is sampled finer than the pixels, because it runs slanted over
them (slanted edge method, ISO 12233).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ..codes import Pixels

Array = NDArray[np.float64]

SHARPENS_PERCENT = 1.5
"""Overshoot, of the edge's height, from which a camera is said to sharpen. The twin's linear camera has less
than 0.02, an unsharp mask of strength 0.1 has 0.6 to 0.9, one of 0.3 has 2.7 to 4."""
SMOOTHS = 0.2
"""Correlation of neighbours' noise from which a camera is said to smooth. Independent pixels have 0 within
0.04, what a Gaussian of half a pixel smoothed has 0.25 after rounding to 8 bits, of one pixel 0.6."""
FEWEST = 4
"""Edges from which an overshoot is told."""
BINS_PER_PIXEL = 4
LEAST_REACH_PX, MOST_REACH_PX = 5.0, 12.0
REACH = 0.1
"""Of an edge's length on either side: a marker in a square of a board begins at an eighth of its side."""
ENDS = 0.15
"""Share of an edge left out at either end, where squares meet."""
LEAST_CONTRAST = 0.2
"""Of the bright side: fainter edges are no print of black on white."""
_RESAMPLED = 200
_BLOCK = 32  # pixels, in which noise is looked at


@dataclass(frozen=True, slots=True)
class Sharpness:
    """What the edges tell; None where they tell nothing.

    Attributes:
        overshoot_percent, overshoot_sigma_percent: of the edge's height, on its bright or its dark side,
            whichever is more.
        mtf50_cy_per_px, mtf50_sigma_cy_per_px: spatial frequency at which contrast has fallen to half.
        edges: how many were used.
        findings: that it sharpens, or that there were too few edges.
    """

    overshoot_percent: float | None
    overshoot_sigma_percent: float | None
    mtf50_cy_per_px: float | None
    mtf50_sigma_cy_per_px: float | None
    edges: int
    findings: tuple[CalibrationFinding, ...]


@dataclass(frozen=True, slots=True)
class Grain:
    """What neighbouring pixels' noise has in common.

    Attributes:
        across, down: correlation with the neighbour to the right, and with the one below.
        sigma: standard uncertainty of both.
        findings: that the camera smooths.
    """

    across: float
    down: float
    sigma: float
    findings: tuple[CalibrationFinding, ...]


def edges_of_grid(corners_px: NDArray[np.floating]) -> Array:
    """The sides of a chessboard's squares (N, 2, 2), from the inner corners (rows, columns, 2), x and y.

    Corners that were not found are NaN; their sides are left out.
    """
    corners = np.asarray(corners_px, np.float64)
    across = np.stack([corners[:, :-1], corners[:, 1:]], axis=2).reshape(-1, 2, 2)
    down = np.stack([corners[:-1], corners[1:]], axis=2).reshape(-1, 2, 2)
    sides: Array = np.concatenate([across, down])
    return sides[np.isfinite(sides).all(axis=(1, 2))]


def sharpness_of(picture: NDArray[np.floating], edges_px: NDArray[np.floating]) -> Sharpness:
    """Overshoot and sharpness of a linear picture (H, W), from edges (N, 2, 2) known to a pixel or so.

    The edges' picture must not be clipped; several may be unusable, for being too short or in line with the
    pixels.
    """
    image = np.ascontiguousarray(picture, np.float32)
    found = [
        spread for edge in np.asarray(edges_px, np.float64) if (spread := _spread(image, edge)) is not None
    ]
    if len(found) < FEWEST:
        return Sharpness(None, None, None, None, len(found), (_too_few(len(found)),))
    half = min(len(one) for one in found) // 2
    spreads = np.stack([one[len(one) // 2 - half : len(one) // 2 + half] for one in found])
    over, over_sigma = _with_sigma(spreads, _overshoot)
    mtf, mtf_sigma = _with_sigma(spreads, _mtf50)
    sharpens = over > SHARPENS_PERCENT and over > 3 * over_sigma
    return Sharpness(over, over_sigma, mtf, mtf_sigma, len(found), (_sharpens(over),) if sharpens else ())


def _spread(image: NDArray[np.float32], edge: Array) -> Array | None:
    """Mean rise over an edge, 0 dark to 1 bright, by quarters of pixels from the dark side to the bright."""
    along, across = _pixels_near(image.shape, edge)
    length = float(np.linalg.norm(edge[1] - edge[0]))
    reach = min(MOST_REACH_PX, REACH * length)
    if reach < LEAST_REACH_PX:
        return None
    start = edge[0]
    unit = (edge[1] - edge[0]) / length
    pixels = start + along[:, None] * unit + across[:, None] * np.array([-unit[1], unit[0]])
    inside = (pixels >= 0).all(axis=1) & (pixels <= np.array(image.shape[::-1]) - 1).all(axis=1)
    if not inside.all():
        return None
    values = image[np.round(pixels[:, 1]).astype(int), np.round(pixels[:, 0]).astype(int)].astype(np.float64)
    if values[across > 0].mean() < values[across < 0].mean():
        across = -across
    for _ in range(3):
        near = np.abs(across) <= reach
        lower, upper = _sides(across[near], values[near], reach)
        low, high = np.polyval(lower, across), np.polyval(upper, across)
        if not np.median(high - low) > LEAST_CONTRAST * np.median(high):
            return None
        share = (values - low) / np.maximum(high - low, 1e-9)
        across = across - _course(along[near], across[near], share[near], reach)(along)
    return _binned(across, share, reach)


def _pixels_near(shape: tuple[int, ...], edge: Array) -> tuple[Array, Array]:
    """Distance along the edge and across it of the pixels around it, its ends left out."""
    length = float(np.linalg.norm(edge[1] - edge[0]))
    reach = min(MOST_REACH_PX, REACH * length) + 2
    unit = (edge[1] - edge[0]) / max(length, 1e-9)
    low = np.floor(np.maximum(edge.min(axis=0) - reach, 0)).astype(int)
    high = np.ceil(np.minimum(edge.max(axis=0) + reach, np.array(shape[::-1]) - 1)).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    away = np.stack([x.ravel(), y.ravel()], axis=1) - edge[0]
    along, across = away @ unit, away @ np.array([-unit[1], unit[0]])
    use = (along > ENDS * length) & (along < (1 - ENDS) * length) & (np.abs(across) <= reach)
    return along[use], across[use]


def _sides(across: Array, values: Array, reach: float) -> tuple[Array, Array]:
    """Straight lines through the outer halves of the dark and of the bright side: light falls off."""
    dark, bright = across < -reach / 2, across > reach / 2
    return np.polyfit(across[dark], values[dark], 1), np.polyfit(across[bright], values[bright], 1)


def _course(along: Array, across: Array, share: Array, reach: float) -> Callable[[Array], Array]:
    """Where the edge runs: in slices across it, half of the light lies on either side; a bend is allowed."""
    slices = np.linspace(along.min(), along.max(), 13)
    which = np.clip(np.searchsorted(slices, along) - 1, 0, 11)
    count = np.bincount(which, minlength=12)
    # a slice's mean share is (reach - offset) / (2 reach); that its pixels lie unevenly is taken out
    mean = np.bincount(which, share - across / (2 * reach), minlength=12) / np.maximum(count, 1)
    offset = (0.5 - mean) * 2 * reach
    middles = (slices[:-1] + slices[1:]) / 2
    good = count > 0.3 * count.max()
    return np.poly1d(np.polyfit(middles[good], offset[good], 2 if good.sum() > 6 else 1))


def _binned(across: Array, share: Array, reach: float) -> Array | None:
    bins = int(reach * BINS_PER_PIXEL)
    which = np.floor(across * BINS_PER_PIXEL).astype(int) + bins
    use = (which >= 0) & (which < 2 * bins)
    count = np.bincount(which[use], minlength=2 * bins)
    if count.min() < 3:  # in line with the pixels, all of them at the same few distances
        return None
    return np.asarray(np.bincount(which[use], share[use], minlength=2 * bins) / count, np.float64)


def _overshoot(spread: Array) -> float:
    """Per cent of the height, the larger of both sides. The outer halves, which define it, are left out."""
    smooth = np.convolve(spread, np.full(3, 1 / 3), mode="same")
    middle, half = len(spread) // 2, len(spread) // 4
    bright, dark = smooth[middle : middle + half], smooth[middle - half : middle]
    return 100 * max(float(bright.max()) - 1, -float(dark.min()), 0.0)


def _mtf50(spread: Array) -> float:
    """Cycles per pixel."""
    line = np.diff(spread) * np.hanning(len(spread) - 1)
    padded = 16 * len(line)
    contrast = np.abs(np.fft.rfft(line, padded))
    frequency = np.fft.rfftfreq(padded, 1 / BINS_PER_PIXEL)
    contrast /= contrast[0] * np.maximum(np.sinc(frequency / BINS_PER_PIXEL) ** 2, 0.1)
    below = int(np.argmax(contrast < 0.5))
    step = (contrast[below - 1] - 0.5) / (contrast[below - 1] - contrast[below])
    return float(frequency[below - 1] + step * (frequency[below] - frequency[below - 1]))


def _with_sigma(spreads: Array, figure: Callable[[Array], float]) -> tuple[float, float]:
    """The figure of the mean edge, and its scatter over edges drawn anew (bootstrap)."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(spreads), (_RESAMPLED, len(spreads)))
    scatter = [figure(spreads[edges].mean(axis=0)) for edges in drawn]
    return figure(spreads.mean(axis=0)), float(np.std(scatter))


def grain_of(pairs: Sequence[tuple[Pixels, Pixels]]) -> Grain:
    """Correlation of neighbouring pixels' noise, from pairs of frames (H, W, 3) of the same still scene.

    Blocks in which the scene is uneven are left out, because what trembles there is shared by neighbours.

    Raises:
        ValueError: there is no pair, or the frames are smaller than a block.
    """
    found = [value for first, second in pairs for value in _correlations(first, second)]
    if not found:
        raise ValueError("no pair of frames of at least 32 x 32 pixels")
    values = np.array(found)
    across, down = (float(value) for value in np.median(values, axis=0))
    spread = 1.4826 * np.median(np.abs(values - np.median(values, axis=0)))
    sigma = float(spread * np.sqrt(np.pi / 2 / len(values)))
    smooths = max(across, down) > SMOOTHS + 3 * sigma
    return Grain(across, down, sigma, (_smooths(max(across, down)),) if smooths else ())


def _correlations(first: Pixels, second: Pixels) -> list[tuple[float, float]]:
    """Of the blocks that are about as even as the most even of all."""
    one, other = (frame.mean(axis=2, dtype=np.float64) for frame in (first, second))
    rows, columns = (size // _BLOCK for size in one.shape)
    tiles = [
        (one[r : r + _BLOCK, c : c + _BLOCK], other[r : r + _BLOCK, c : c + _BLOCK])
        for r in range(0, rows * _BLOCK, _BLOCK)
        for c in range(0, columns * _BLOCK, _BLOCK)
    ]
    uneven = [float(cv2.GaussianBlur(a + b, (0, 0), 3).std()) for a, b in tiles]
    limit = 2 * float(np.quantile(uneven, 0.02)) if uneven else 0.0
    calm = [a - b for (a, b), spread in zip(tiles, uneven, strict=True) if spread <= limit]
    return [_lagged(tile - tile.mean()) for tile in calm if tile.std() > 0]


def _lagged(tile: Array) -> tuple[float, float]:
    power = float((tile**2).mean())
    return (
        float((tile[:, 1:] * tile[:, :-1]).mean()) / power,
        float((tile[1:] * tile[:-1]).mean()) / power,
    )


def _too_few(count: int) -> CalibrationFinding:
    return CalibrationFinding(
        kind="too_few",
        message=f"{count} edges of the board could be measured for sharpness, {FEWEST} are wanted.",
        next_step="Lay the board a few degrees askew; to a coarse camera no edge is long enough.",
        severe=False,
    )


def _sharpens(percent: float) -> CalibrationFinding:
    return CalibrationFinding(
        kind="sharpens",
        message=f"The camera sharpens: it overshoots at edges by {percent:.0f} %.",
        next_step="Set its sharpness to the least in its own settings; until then its scans are marked.",
        severe=False,
    )


def _smooths(correlation: float) -> CalibrationFinding:
    return CalibrationFinding(
        kind="denoises",
        message=f"Neighbours share their noise ({correlation:.2f}): the camera smooths or compresses.",
        next_step="Switch noise reduction off, or use an uncompressed format; fine relief is lost to it.",
        severe=False,
    )
