"""The compiled passes that come before the solution: the mean picture, and sums for the shifts."""

import numpy as np
from numba import prange

from ._fields import is_dense, table_row
from ._jit import RUN, SOURCES, Array, Codes, F, Mask, compiled, parallel
from ._memory import pick, rows, scratch
from ._pixels import MOST_CHANNELS, load_ratios, spread_gains
from ._taylor import derivatives

_two = scratch(2, RUN)
_steps = scratch(5, MOST_CHANNELS, RUN)


@parallel
def mean_pass(
    stack: tuple[Codes, Codes],
    table: Array,
    sensor: Array,
    block: int,
    size: Array,
    mean: Array,
    blocks: Array,
    _sources: int = SOURCES,
) -> None:
    """Mean ratio over the lights, and each light's ratio averaged over square blocks.

    stack, table: as for `solve_pass`; size: `capacity` for a row per light and channel. mean: (H + 4, W + 4,
    channels), filled inside its border of two. blocks: (lights, H // block, W // block), mean over the
    channels; -1 where a value of the block is clipped.
    """
    lights, channels = table.shape[0], mean.shape[2]
    height, width = mean.shape[0] - 4, mean.shape[1] - 4
    dense = is_dense(table, width)
    for band in prange((height + block - 1) // block):
        nodes = np.empty((lights, table.shape[1], table.shape[3]), np.float32)
        y, v, gain, work = rows(size), rows(size), rows(size), _two()
        gain[:] = 0
        sums = np.zeros((lights, width // block + 1), np.float32)
        clipped = np.zeros((lights, width // block + 1), np.bool_)
        for row in range(band * block, min((band + 1) * block, height)):
            table_row(table, row, height, nodes)
            for x0 in range(0, width, RUN):
                n = min(RUN, width - x0)
                spread_gains(nodes, dense, x0, n, channels, gain)
                load_ratios(stack, channels, row, x0, n, gain, sensor, work, y, v)
                average(y, v, lights, channels, n, mean[row + 2, x0 + 2 : x0 + 2 + n], work[0], work[1])
                block_sums((y, v), lights, channels, x0, n, block, (sums, clipped), (work[0], work[1]))
        if band < blocks.shape[1]:
            for k in range(lights):
                for i in range(blocks.shape[2]):
                    whole = sums[k, i] / F(block * block * channels)
                    blocks[k, band, i] = F(-1) if clipped[k, i] else whole


@compiled
def average(
    y: Array, v: Array, lights: int, channels: int, n: int, out: Array, total: Array, count: Array
) -> None:
    """Mean over the lights, without the clipped ones where others are left: out (run, channels)."""
    for c in range(channels):
        total[:] = 0
        count[:] = 0
        for k in range(lights):
            i = k * channels + c
            for x in range(RUN):
                use = pick(v[i, x] > F(0), F(1), F(1e-6))
                total[x] += use * y[i, x]
                count[x] += use
        for x in range(n):
            out[x, c] = total[x] / count[x]


@compiled
def block_sums(
    signal: tuple[Array, Array],
    lights: int,
    channels: int,
    x0: int,
    n: int,
    block: int,
    out: tuple[Array, Mask],
    work: tuple[Array, Array],
) -> None:
    """Add one run to the blocks it crosses; a run begins with a block, or lies within one."""
    y, v = signal
    sums, clipped = out
    total, lowest = work
    for k in range(lights):
        total[:] = 0
        lowest[:] = 1
        for c in range(channels):
            for x in range(RUN):
                total[x] += y[k * channels + c, x]
                lowest[x] = min(lowest[x], v[k * channels + c, x])
        for i in range((n + block - 1) // block):
            for x in range(i * block, min((i + 1) * block, n)):
                sums[k, x0 // block + i] += total[x]
                clipped[k, x0 // block + i] |= lowest[x] < 0


@parallel
def tile_pass(
    stack: tuple[Codes, Codes],
    table: Array,
    sensor: Array,
    size: Array,
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
    lights, channels = table.shape[0], mean.shape[2]
    height, width = mask.shape
    dense = is_dense(table, width)
    for band in prange(out.shape[0]):
        nodes = np.empty((lights, table.shape[1], table.shape[3]), np.float32)
        y, v, gain, work, d = rows(size), rows(size), rows(size), _two(), _steps()
        gain[:] = 0
        for row in range(band * tile, min((band + 1) * tile, height)):
            table_row(table, row, height, nodes)
            for x0 in range(0, width, RUN):
                n = min(RUN, width - x0)
                if not mask[row, x0 : x0 + n].any():
                    continue
                spread_gains(nodes, dense, x0, n, channels, gain)
                load_ratios(stack, channels, row, x0, n, gain, sensor, work, y, v)
                derivatives(mean, row, x0, n, d)
                near = mean[row + 2, x0 + 2 : x0 + 2 + n]
                tile_sums((y, v), lights, near, d, mask[row], x0, n, F(least), tile, out[band])


@compiled
def tile_sums(
    signal: tuple[Array, Array],
    lights: int,
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
    y, v = signal
    channels = mean.shape[1]
    design = np.empty(4)
    for x in range(n):
        gx, gy, level = F(0), F(0), F(0)
        for c in range(channels):
            gx += d[0, c, x]
            gy += d[1, c, x]
            level += mean[x, c]
        if not mask[x0 + x] or gx * gx + gy * gy < least * least:
            continue
        lowest = v[0, x]
        for i in range(lights * channels):
            lowest = min(lowest, v[i, x])
        if lowest < 0:
            continue
        to = out[(x0 + x) // tile]
        design[0], design[1], design[2], design[3] = 1.0, level, gx, gy
        place = 0
        for i in range(4):
            for j in range(i, 4):
                to[place] += design[i] * design[j]
                place += 1
        for k in range(lights):
            value = F(0)
            for c in range(channels):
                value += y[k * channels + c, x]
            for i in range(4):
                to[10 + 4 * k + i] += design[i] * value
