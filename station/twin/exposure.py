"""From samples to mean electrons per pixel: the lens, the pixels' squares, the rolling shutter."""

import numpy as np
from numba import prange

from .grid import Floats
from .jit import inner_kernel, parallel_kernel
from .samples import HALF, HALO, Shorts
from .shading import shade_row

TAPS = 8
"""Samples that reach a pixel, per axis."""
TILE_ROWS = 32


@parallel_kernel
def expose(
    electrons: Floats, buffer: Shorts, columns: int, fields: Floats, weights: Floats, colours: Floats,
    ambient: Floats, taps: Floats, vignetting: float,
) -> None:  # fmt: skip
    """The light of one exposure: mean electrons per pixel and colour.

    Args:
        electrons: float32 (rows, 3, columns); written.
        buffer: of `samples.fill`.
        columns: segments of a row.
        fields: (lights, node rows, node columns, FIELDS).
        weights: (bands, lights), electrons for unit radiance.
        colours: (lights, 3).
        ambient: (bands, 3), electrons for a white surface.
        taps: (2, TAPS): weights of the samples around a pixel, across and down.
        vignetting: loss in the corners.
    """
    height, width = electrons.shape[0], electrons.shape[2]
    bands = weights.shape[0]
    for tile in prange((height + TILE_ROWS - 1) // TILE_ROWS):
        first, last = tile * TILE_ROWS, min(height, (tile + 1) * TILE_ROWS)
        line = np.empty((3, 2, columns * HALF), np.float32)
        filtered = np.empty((2 * TILE_ROWS + TAPS, 3, width), np.float32)
        for j in range(2 * (last - first) + TAPS - 2):
            row = 2 * first + 1 + j
            band = min(height - 1, max(0, (row - HALO) // 2)) * bands // height
            shade_row(line, buffer, row, columns, fields, weights[band], colours, ambient[band])
            across(filtered[j], line, taps[0])
        for y in range(first, last):
            down(electrons[y], filtered, 2 * (y - first), taps[1])
            vignette(electrons[y], y, height, vignetting)


@inner_kernel
def across(target: Floats, line: Floats, w: Floats) -> None:
    """Filter a row; pixel p is reached by samples 2p + 1 to 2p + 8, the first of them an odd one."""
    for c in range(3):
        even, odd = line[c, 0], line[c, 1]
        for p in range(target.shape[1]):
            near = w[3] * even[p + 2] + w[4] * odd[p + 2] + w[2] * odd[p + 1] + w[5] * even[p + 3]
            far = w[0] * odd[p] + w[1] * even[p + 1] + w[6] * odd[p + 3] + w[7] * even[p + 4]
            target[c, p] = near + far


@inner_kernel
def down(target: Floats, rows: Floats, j: int, w: Floats) -> None:
    """Filter columns; a pixel is reached by rows j to j + 7."""
    for c in range(3):
        for p in range(target.shape[1]):
            near = (
                w[2] * rows[j + 2, c, p]
                + w[3] * rows[j + 3, c, p]
                + w[4] * rows[j + 4, c, p]
                + w[5] * rows[j + 5, c, p]
            )
            far = (
                w[0] * rows[j, c, p]
                + w[1] * rows[j + 1, c, p]
                + w[6] * rows[j + 6, c, p]
                + w[7] * rows[j + 7, c, p]
            )
            target[c, p] = near + far


@inner_kernel
def vignette(target: Floats, y: int, height: int, loss: float) -> None:
    """Darken a row (3, columns) towards the corners; in place."""
    width = target.shape[1]
    steep = np.float32(loss / (0.25 * (height * height + width * width)))
    dy2 = np.float32((y - 0.5 * (height - 1)) ** 2)
    middle = np.float32(0.5 * (width - 1))
    for c in range(3):
        for p in range(width):
            dx = np.float32(p) - middle
            target[c, p] *= np.float32(1) - steep * (dx * dx + dy2)
