"""The compiled passes that come before the solution: the mean picture, and sums for the shifts."""

import numpy as np
from numba import prange

from ._jit import SOURCES, Array, Codes, F, Mask, compiled, parallel
from ._pixels import RUN, grid_columns, grid_row, load_ratios, spread
from ._taylor import derivatives


@parallel
def mean_pass(
    lit: Codes,
    ambient: Codes,
    per_flat: Array,
    sensor: Array,
    block: int,
    mean: Array,
    blocks: Array,
    _sources: int = SOURCES,
) -> None:
    """Mean ratio over the lights, and each light's ratio averaged over square blocks.

    mean: (H + 4, W + 4, channels), filled inside its border of two. blocks: (lights, H // block, W //
    block), mean over the channels; -1 where a value of the block is clipped.
    """
    lights, height, width, channels = lit.shape
    node, part = np.empty(width, np.uint32), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    for band in prange((height + block - 1) // block):
        nodes = np.empty((lights, channels, per_flat.shape[2] + 1), np.float32)
        flat = np.empty((lights, channels, RUN), np.float32)
        y, weight = np.empty_like(flat), np.empty_like(flat)
        work = np.empty((2, RUN), np.float32)
        sums = np.zeros((lights, width // block + 1), np.float32)
        clipped = np.zeros((lights, width // block + 1), np.bool_)
        for row in range(band * block, min((band + 1) * block, height)):
            grid_row(per_flat, row, height, nodes)
            for x0 in range(0, width, RUN):
                n = min(RUN, width - x0)
                spread(nodes, node, part, x0, n, flat)
                load_ratios(lit, ambient, row, x0, n, flat, sensor, y, weight)
                average(y, weight, n, mean[row + 2, x0 + 2 : x0 + 2 + n], work[0], work[1])
                block_sums(y, weight, x0, n, block, sums, clipped, work[0], work[1])
        if band < blocks.shape[1]:
            for k in range(lights):
                for i in range(blocks.shape[2]):
                    whole = sums[k, i] / F(block * block * channels)
                    blocks[k, band, i] = F(-1) if clipped[k, i] else whole


@compiled
def average(y: Array, weight: Array, n: int, out: Array, total: Array, count: Array) -> None:
    """Mean over the lights, without the clipped ones where others are left: out (run, channels)."""
    for c in range(y.shape[1]):
        total[:n] = 0
        count[:n] = 0
        for k in range(y.shape[0]):
            for x in range(n):
                use = F(1) if weight[k, c, x] > 0 else F(1e-6)
                total[x] += use * y[k, c, x]
                count[x] += use
        for x in range(n):
            out[x, c] = total[x] / count[x]


@compiled
def block_sums(
    y: Array,
    weight: Array,
    x0: int,
    n: int,
    block: int,
    sums: Array,
    clipped: Mask,
    total: Array,
    lowest: Array,
) -> None:
    """Add one run to the blocks it crosses; runs begin with a block."""
    for k in range(y.shape[0]):
        for x in range(n):
            total[x], lowest[x] = y[k, 0, x], weight[k, 0, x]
        for c in range(1, y.shape[1]):
            for x in range(n):
                total[x] += y[k, c, x]
                lowest[x] = min(lowest[x], weight[k, c, x])
        for i in range((n + block - 1) // block):
            for x in range(i * block, min((i + 1) * block, n)):
                sums[k, x0 // block + i] += total[x]
                clipped[k, x0 // block + i] |= lowest[x] == 0


@parallel
def tile_pass(
    lit: Codes,
    ambient: Codes,
    per_flat: Array,
    sensor: Array,
    mean: Array,
    mask: Mask,
    least: F,
    tile: int,
    out: Array,
    _sources: int = SOURCES,
) -> None:
    """Sums for the shift of each light against the mean picture, tile by tile.

    In a tile light k is `a_k + b_k Y - dx_k Y_x - dy_k Y_y` with Y the mean ratio. out: (tile rows, tile
    columns, 15 + 4 lights): count, mean Y, sums of the products of (1, Y, Y_x, Y_y) (10), two spare, then
    per light the products with it. Only pixels of the mask with a gradient above `least` and nothing
    clipped take part.
    """
    lights, height, width, channels = lit.shape
    node, part = np.empty(width, np.uint32), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    for band in prange(out.shape[0]):
        nodes = np.empty((lights, channels, per_flat.shape[2] + 1), np.float32)
        flat = np.empty((lights, channels, RUN), np.float32)
        y, weight = np.empty_like(flat), np.empty_like(flat)
        d = np.empty((5, channels, RUN), np.float32)
        for row in range(band * tile, min((band + 1) * tile, height)):
            grid_row(per_flat, row, height, nodes)
            for x0 in range(0, width, RUN):
                n = min(RUN, width - x0)
                if not mask[row, x0 : x0 + n].any():
                    continue
                spread(nodes, node, part, x0, n, flat)
                load_ratios(lit, ambient, row, x0, n, flat, sensor, y, weight)
                derivatives(mean, row, x0, n, d)
                tile_sums(
                    y,
                    weight,
                    mean[row + 2, x0 + 2 : x0 + 2 + n],
                    d,
                    mask[row],
                    x0,
                    n,
                    F(least),
                    tile,
                    out[band],
                )


@compiled
def tile_sums(
    y: Array,
    weight: Array,
    mean: Array,
    d: Array,
    mask: Mask,
    x0: int,
    n: int,
    least: F,
    tile: int,
    out: Array,
) -> None:
    """Add one run to the sums of its tiles, the channels taken together."""
    lights, channels = y.shape[0], y.shape[1]
    design = np.empty(4)
    for x in range(n):
        gx, gy, level = F(0), F(0), F(0)
        for c in range(channels):
            gx += d[0, c, x]
            gy += d[1, c, x]
            level += mean[x, c]
        if not mask[x0 + x] or gx * gx + gy * gy < least * least:
            continue
        lowest = weight[0, 0, x]
        for k in range(lights):
            for c in range(channels):
                lowest = min(lowest, weight[k, c, x])
        if lowest <= 0:
            continue
        to = out[(x0 + x) // tile]
        design[0], design[1], design[2], design[3] = 1.0, level, gx, gy
        place = 0
        for i in range(4):
            for j in range(i, 4):
                to[place] += design[i] * design[j]
                place += 1
        for k in range(lights):
            value = y[k, 0, x]
            for c in range(1, channels):
                value += y[k, c, x]
            for i in range(4):
                to[10 + 4 * k + i] += design[i] * value
