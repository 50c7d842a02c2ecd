"""Compiled passes around the cosine transforms of the height."""

import numpy as np
from numba import prange

from ._jit import SOURCES, Array, F, parallel


@parallel
def divergence_pass(x: Array, y: Array, half_pitch: F, out: Array, _sources: int = SOURCES) -> None:
    """What goes into each pixel less what goes out, steps being means of neighbouring slopes: out (H, W).

    x, y: slopes (H, W), y against the rows. half_pitch: half the distance of pixels, in the height's unit.
    """
    height, width = x.shape
    for row in prange(height):
        across, to = x[row], out[row]
        on, above, below = y[row], y[max(row - 1, 0)], y[min(row + 1, height - 1)]
        up, down = F(row > 0) * half_pitch, F(row < height - 1) * half_pitch
        for c in range(width):
            to[c] = up * (on[c] + above[c]) - down * (on[c] + below[c])
        to[0] += half_pitch * (across[0] + across[1]) if width > 1 else F(0)
        for c in range(1, width - 1):
            to[c] += half_pitch * (across[c + 1] - across[c - 1])
        if width > 1:
            to[width - 1] -= half_pitch * (across[width - 1] + across[width - 2])


@parallel
def scale_pass(spectrum: Array, rows: Array, columns: Array, _sources: int = SOURCES) -> None:
    """Divide a cosine spectrum (H, W) by the eigenvalues of the Laplacian; its mean becomes zero."""
    height, width = spectrum.shape
    for row in prange(height):
        line, own = spectrum[row], rows[row]
        for c in range(width):
            line[c] /= own + columns[c]
        if row == 0:
            line[0] = F(0)


def eigenvalues(count: int) -> Array:
    """Of the second difference with free ends."""
    return (2.0 * np.cos(np.pi * np.arange(count) / count) - 2.0).astype(np.float32)
