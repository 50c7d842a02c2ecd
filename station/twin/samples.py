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
from .optics import Doubles

SEGMENT = 32
HALF = SEGMENT // 2
PLANES = 6
STRIDE = SEGMENT * PLANES
HALO = 4
"""Samples beyond the picture's edge, each side."""
UNIT = 32767.0
CHANNELS = 8
"""Of a packed texture: normal x, y; three colours; coverage; roughness; gloss."""
ROUGHEST = 63 << 9
"""The coat of what has none."""

Shorts = NDArray[np.int16]
Bytes = NDArray[np.uint8]
Number = float | np.floating[Any]


def to_pixel(index: Doubles | NDArray[np.int64]) -> Doubles:
    """The pixel coordinate of a sample's, along a row or a column."""
    return np.asarray((index - HALO + 0.5) / 2 - 0.5, np.float64)


@parallel_kernel
def fill(
    buffer: Shorts, nodes: Floats, texture: Shorts, foil: Bytes, mat: Shorts, turn: Floats, columns: int
) -> None:
    """Sample card and mat for every sample of the picture.

    Args:
        buffer: int16, flat, rows * columns * STRIDE; written.
        nodes: float32 (node rows, node columns, 4) at every 32nd sample: column and row in the card's
            texture, column and row in the mat's.
        texture: int16 (H, W, CHANNELS) of the card, its outermost texels uncovered.
        foil: uint8 (H, W) of the card, 0 or 1; (0, 0): none.
        mat: int16 (N, N), reflectance, wraps around; more than SEGMENT texels.
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
            base = (row * columns + segment) * STRIDE
            _fill_segment(buffer[base : base + STRIDE], left, right, texture, foil, mat, turn, sample)


@inner_kernel
def _between(node: Floats, nodes: Floats, above: int, column: int, share: Number) -> None:
    for k in range(node.size):
        node[k] = nodes[above, column, k] + (nodes[above + 1, column, k] - nodes[above, column, k]) * share


@inner_kernel
def _fill_segment(
    target: Shorts, left: Floats, right: Floats, texture: Shorts, foil: Bytes, mat: Shorts, turn: Floats,
    sample: Floats,
) -> None:  # fmt: skip
    height, width, size = texture.shape[0], texture.shape[1], mat.shape[0]
    u0, v0, x0, y0 = left[0], left[1], left[2], left[3]
    du, dv, dx, dy = right[0] - u0, right[1] - v0, right[2] - x0, right[3] - y0
    start_x, start_y = int(x0) // size * size, int(y0) // size * size
    for i in range(SEGMENT):
        slot = (i // 2) + HALF * (i % 2)
        t = np.float32(i / SEGMENT)
        u, v = u0 + t * du, v0 + t * dv
        cover = np.float32(0)
        if u >= 0 and v >= 0 and u < width - 1 and v < height - 1:
            _bilinear(sample, texture, u, v)
            cover = min(np.float32(1), sample[5] * np.float32(1 / UNIT))
        grey = mat[0, 0]
        if cover < 1:
            grey = mat[_wrap(int(y0 + t * dy) - start_y, size), _wrap(int(x0 + t * dx) - start_x, size)]
        if cover > 0:
            shine = _foil(foil, u, v) if foil.size > 0 else np.float32(0)
            _store_card(target, slot, sample, cover, shine, grey, turn)
        else:
            _store_mat(target, slot, grey)


@inner_kernel
def _wrap(index: int, size: int) -> int:
    """An index that is off by one turn at most, put right without a division."""
    if index < 0:
        return index + size
    return index - size if index >= size else index


@inner_kernel
def _store_mat(target: Shorts, slot: int, grey: np.int16) -> None:
    target[slot] = 0
    target[slot + SEGMENT] = 0
    for c in range(3):
        target[slot + (2 + c) * SEGMENT] = grey
    target[slot + 5 * SEGMENT] = ROUGHEST


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
def _foil(foil: Bytes, u: Number, v: Number) -> Number:
    c, r = np.intp(u), np.intp(v)
    fu, fv = np.float32(u - c), np.float32(v - r)
    upper = foil[r, c] + fu * (np.float32(foil[r, c + 1]) - np.float32(foil[r, c]))
    lower = foil[r + 1, c] + fu * (np.float32(foil[r + 1, c + 1]) - np.float32(foil[r + 1, c]))
    return np.float32(upper + fv * (lower - upper))


@inner_kernel
def _store_card(
    target: Shorts, slot: int, sample: Floats, cover: Number, shine: Number, grey: np.int16, turn: Floats
) -> None:
    """A sample on the cut edge sees card and mat in the share the card covers."""
    half = np.float32(0.5)
    nx, ny = sample[0] * cover, sample[1] * cover
    target[slot] = np.int16(nx * turn[0] - ny * turn[1])
    target[slot + SEGMENT] = np.int16(nx * turn[1] + ny * turn[0])
    beside = np.float32(grey) * (np.float32(1) - cover) + half
    for c in range(3):
        target[slot + (2 + c) * SEGMENT] = np.int16(sample[2 + c] * cover + beside)
    rough = np.int32(sample[6] * np.float32(63 / UNIT) + half)
    gloss = np.int32(sample[7] * cover * np.float32(31 / UNIT) + half)
    target[slot + 5 * SEGMENT] = np.int16(
        (rough << 9) | (gloss << 4) | np.int32(shine * cover * np.float32(15) + half)
    )
