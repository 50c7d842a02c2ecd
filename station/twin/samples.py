"""The buffer of what each sample of the picture sees, and the loops that fill it.

The picture is sampled twice as fine as its pixels in each direction. The samples of one row are kept in
segments of 32, the 16 even ones first, then the 16 odd ones, so that every later loop runs over
neighbouring memory. A segment holds six planes of int16: normal x, normal y, reflectance of three colours,
and the coat (roughness 6 bits, gloss 5 bits, foil 4 bits).
"""

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .grid import Floats
from .jit import inner_kernel, parallel_kernel

SEGMENT = 32
HALF = SEGMENT // 2
PLANES = 6
STRIDE = SEGMENT * PLANES
HALO = 4
"""Samples beyond the picture's edge, each side."""
UNIT = 32767.0
CHANNELS = 9
"""Of a packed texture: normal x, y; three colours; coverage; roughness; gloss; foil."""
ROUGHEST = 63 << 9
"""The coat of what has none."""

Shorts = NDArray[np.int16]
Number = float | np.floating[Any]


@parallel_kernel
def fill(buffer: Shorts, nodes: Floats, texture: Shorts, mat: Shorts, turn: Floats, columns: int) -> None:
    """Sample card and mat for every sample of the picture.

    Args:
        buffer: int16, flat, rows * columns * STRIDE; written.
        nodes: float32 (node rows, node columns, 4) at every 32nd sample: column and row in the card's
            texture, column and row in the mat's.
        texture: int16 (H, W, CHANNELS) of the card, its outermost texels uncovered.
        mat: int16 (N, N), reflectance, wraps around.
        turn: cosine and sine of the card's rotation.
        columns: segments of a row.
    """
    for row in prange(buffer.size // (columns * STRIDE)):
        sample = np.empty(CHANNELS, np.float32)
        left, right = np.empty(4, np.float32), np.empty(4, np.float32)
        above, share = row // SEGMENT, np.float32(row % SEGMENT) / np.float32(SEGMENT)
        for segment in range(columns):
            _between(left, nodes, above, segment, share)
            _between(right, nodes, above, segment + 1, share)
            _fill_segment(buffer, (row * columns + segment) * STRIDE, left, right, texture, mat, turn, sample)


@inner_kernel
def _between(node: Floats, nodes: Floats, above: int, column: int, share: Number) -> None:
    for k in range(node.size):
        node[k] = nodes[above, column, k] + (nodes[above + 1, column, k] - nodes[above, column, k]) * share


@inner_kernel
def _fill_segment(
    buffer: Shorts,
    base: int,
    left: Floats,
    right: Floats,
    texture: Shorts,
    mat: Shorts,
    turn: Floats,
    sample: Floats,
) -> None:
    height, width, size = texture.shape[0], texture.shape[1], mat.shape[0]
    u0, v0, x0, y0 = left[0], left[1], left[2], left[3]
    du, dv, dx, dy = right[0] - u0, right[1] - v0, right[2] - x0, right[3] - y0
    for i in range(SEGMENT):
        slot = base + (i // 2) + HALF * (i % 2)
        t = np.float32(i / SEGMENT)
        u, v = u0 + t * du, v0 + t * dv
        grey = mat[int(y0 + t * dy) % size, int(x0 + t * dx) % size]
        sample[5] = 0
        if u >= 0 and v >= 0 and u < width - 1 and v < height - 1:
            _bilinear(sample, texture, u, v)
        if sample[5] > 0:
            _store_card(buffer, slot, sample, grey, turn)
        else:
            _store_mat(buffer, slot, grey)


@inner_kernel
def _store_mat(buffer: Shorts, slot: int, grey: int) -> None:
    buffer[slot] = 0
    buffer[slot + SEGMENT] = 0
    for c in range(3):
        buffer[slot + (2 + c) * SEGMENT] = grey
    buffer[slot + 5 * SEGMENT] = ROUGHEST


@inner_kernel
def _bilinear(sample: Floats, texture: Shorts, u: Number, v: Number) -> None:
    c, r = np.intp(u), np.intp(v)
    fu, fv = np.float32(u - c), np.float32(v - r)
    lower_right, lower_left, upper_right = fu * fv, fv - fu * fv, fu - fu * fv
    upper_left = np.float32(1) - fu - fv + fu * fv
    for k in range(CHANNELS):
        upper = upper_left * np.float32(texture[r, c, k]) + upper_right * np.float32(texture[r, c + 1, k])
        lower = lower_left * np.float32(texture[r + 1, c, k]) + lower_right * np.float32(
            texture[r + 1, c + 1, k]
        )
        sample[k] = upper + lower


@inner_kernel
def _store_card(buffer: Shorts, slot: int, sample: Floats, grey: int, turn: Floats) -> None:
    """A sample on the cut edge sees card and mat in the share the card covers."""
    cover = min(np.float32(1), sample[5] / np.float32(UNIT))
    nx, ny = sample[0] * cover, sample[1] * cover
    buffer[slot] = np.int16(nx * turn[0] - ny * turn[1])
    buffer[slot + SEGMENT] = np.int16(nx * turn[1] + ny * turn[0])
    for c in range(3):
        buffer[slot + (2 + c) * SEGMENT] = np.int16(
            sample[2 + c] * cover + np.float32(grey) * (np.float32(1) - cover) + np.float32(0.5)
        )
    rough = int(sample[6] / UNIT * 63 + 0.5)
    gloss, foil = int(sample[7] * cover / UNIT * 31 + 0.5), int(sample[8] * cover / UNIT * 15 + 0.5)
    buffer[slot + 5 * SEGMENT] = np.int16((rough << 9) | (gloss << 4) | foil)


@parallel_kernel
def pack(
    packed: Shorts, slope_x: Floats, slope_y: Floats, albedo: Floats, others: tuple[Floats, ...]
) -> None:
    """A texture as `fill` wants it.

    Args:
        packed: int16 (H, W, CHANNELS); written.
        slope_x: (H, W), dz/dx.
        slope_y: (H, W), dz/dy.
        albedo: (H, W, 3).
        others: coverage, roughness, gloss, foil, each (H, W) and 0 to 1.
    """
    for row in prange(packed.shape[0]):
        for column in range(packed.shape[1]):
            x, y = slope_x[row, column], slope_y[row, column]
            steep = np.float32(UNIT) / np.sqrt(np.float32(1) + x * x + y * y)
            packed[row, column, 0] = np.int16(np.rint(-x * steep))
            packed[row, column, 1] = np.int16(np.rint(-y * steep))
            for c in range(3):
                packed[row, column, 2 + c] = _share(albedo[row, column, c])
            for k in range(4):
                packed[row, column, 5 + k] = _share(others[k][row, column])


@inner_kernel
def _share(value: Number) -> np.int16:
    return np.int16(min(np.float32(1), max(np.float32(0), value)) * np.float32(UNIT) + np.float32(0.5))
