"""The compiled passes that come before the solution: the mean picture, and sums for the shifts."""

import numpy as np
from numba import prange

from ._jit import Array, Codes, F, Mask, compiled, parallel
from ._pixels import RUN, grid_columns, grid_row, load_ratios, spread
from ._taylor import derivatives


@parallel
def mean_pass(
    lit: Codes, ambient: Codes, per_flat: Array, sensor: Array, block: int, mean: Array, blocks: Array
) -> None:
    """Mean ratio over the lights, and each light's ratio averaged over square blocks.

    mean: (H + 4, W + 4, channels), filled inside its border of two. blocks: (lights, H // block, W //
    block), mean over the channels; -1 where a value of the block is clipped.
    """
    lights, height, width, channels = lit.shape
    node, part = np.empty(width, np.int64), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    for band in prange((height + block - 1) // block):
        nodes = np.empty((lights, channels, per_flat.shape[2]), np.float32)
        flat = np.empty((lights, channels, RUN), np.float32)
        y, weight = np.empty_like(flat), np.empty_like(flat)
        sums = np.zeros((lights, width // block + 1), np.float32)
        clipped = np.zeros((lights, width // block + 1), np.bool_)
        for row in range(band * block, min((band + 1) * block, height)):
            grid_row(per_flat, row, height, nodes)
            for x0 in range(0, width, RUN):
                n = min(RUN, width - x0)
                spread(nodes, node, part, x0, n, flat)
                load_ratios(lit, ambient, row, x0, n, flat, sensor, y, weight)
                average(y, weight, n, mean[row + 2, x0 + 2 : x0 + 2 + n])
                block_sums(y, weight, x0, n, block, sums, clipped)
        if band < blocks.shape[1]:
            for k in range(lights):
                for i in range(blocks.shape[2]):
                    whole = sums[k, i] / F(block * block * channels)
                    blocks[k, band, i] = F(-1) if clipped[k, i] else whole


@compiled
def average(y: Array, weight: Array, n: int, out: Array) -> None:
    """Mean over the lights, without the clipped ones where others are left: out (run, channels)."""
    for c in range(y.shape[1]):
        for x in range(n):
            total, count = F(0), F(0)
            for k in range(y.shape[0]):
                use = F(1) if weight[k, c, x] > 0 else F(1e-6)
                total += use * y[k, c, x]
                count += use
            out[x, c] = total / count


@compiled
def block_sums(y: Array, weight: Array, x0: int, n: int, block: int, sums: Array, clipped: Mask) -> None:
    """Add one run to the blocks it crosses."""
    for k in range(y.shape[0]):
        for c in range(y.shape[1]):
            for x in range(n):
                i = (x0 + x) // block
                sums[k, i] += y[k, c, x]
                clipped[k, i] |= weight[k, c, x] == 0


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
) -> None:
    """Sums for the shift of each light against the mean picture, tile by tile.

    In a tile light k is `a_k + b_k Y - dx_k Y_x - dy_k Y_y` with Y the mean ratio. out: (tile rows, tile
    columns, 15 + 4 lights): count, mean Y, sums of the products of (1, Y, Y_x, Y_y) (10), two spare, then
    per light the products with it. Only pixels of the mask with a gradient above `least` and nothing
    clipped take part.
    """
    lights, height, width, channels = lit.shape
    node, part = np.empty(width, np.int64), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    for band in prange(out.shape[0]):
        nodes = np.empty((lights, channels, per_flat.shape[2]), np.float32)
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
    """Add one run to the sums of its tiles; channels count as further pixels."""
    lights = y.shape[0]
    for c in range(y.shape[1]):
        for x in range(n):
            gx, gy = d[0, c, x], d[1, c, x]
            if not mask[x0 + x] or gx * gx + gy * gy < least * least:
                continue
            lowest = weight[0, c, x]
            for k in range(1, lights):
                lowest = min(lowest, weight[k, c, x])
            if lowest <= 0:
                continue
            to = out[(x0 + x) // tile]
            design = (1.0, np.float64(mean[x, c]), np.float64(gx), np.float64(gy))
            place = 0
            for i in range(4):
                for j in range(i, 4):
                    to[place] += design[i] * design[j]
                    place += 1
            for k in range(lights):
                value = np.float64(y[k, c, x])
                for i in range(4):
                    to[10 + 4 * k + i] += design[i] * value
