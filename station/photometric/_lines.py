"""The compiled pass that looks for lines: slopes across a direction, averaged along it, on both flanks.

A groove falls on one side and rises on the other; a step of ink, and print embossed by motion, do one of the
two. So what counts at a pixel is the weaker of its two flanks. Means are running sums along digital lines,
so their cost does not grow with the line's length. Directions lie within 45 degrees of the rows' own; the
others are found in the transposed picture.
"""

import numpy as np
from numba import prange

from ._jit import SOURCES, Array, F, compiled, parallel

BAND = 128
"""Rows that one thread goes through before it looks at its share of the result."""


@parallel
def line_pass(
    fields: Array, ways: Array, flanks: Array, rule: Array, z: Array, way: Array, _sources: int = SOURCES
) -> None:
    """The best line through every pixel.

    fields: (4, H, W), weighted slope along columns, along rows, weight, weighted print slope, all smoothed.
    ways: (directions, 4), tangent of the angle to the rows' own direction, the normal's column and row part,
    rows to either side. flanks: int (directions, offsets, 2), column and row step from the middle to a
    flank. rule: see `level_row`. z: (H, W), filled: deviations of the weaker flank. way: int16 (H, W),
    filled: direction, plus the number of directions where the line is raised.
    """
    height, width = z.shape
    for band in prange((height + BAND - 1) // BAND):
        first, last = band * BAND, min((band + 1) * BAND, height)
        reach = np.abs(flanks[:, :, 1]).max()
        level = np.empty((last - first + 2 * reach, width), np.float32)
        z[first:last] = 0
        way[first:last] = 0
        for k in range(ways.shape[0]):
            level_band(fields, ways[k], rule, first - reach, level)
            for i in range(flanks.shape[1]):
                weaker_flank(level, flanks[k, i], reach, k, ways.shape[0], z[first:last], way[first:last])


@parallel
def mean_slope_pass(
    fields: Array, way: Array, rule: Array, mean: Array, variance: Array, _sources: int = SOURCES
) -> None:
    """The mean slope across one direction, and its variance before the card's own relief: (H, W), filled."""
    height, width = mean.shape
    for band in prange((height + BAND - 1) // BAND):
        first, last = band * BAND, min((band + 1) * BAND, height)
        sums = np.zeros((3, width + 4 * BAND), np.float32)
        half = int(way[3])
        for row in range(first - half, first + half):
            add_row(fields, way, row, first, F(1), sums)
        for row in range(first, last):
            add_row(fields, way, row + half, first, F(1), sums)
            start = 2 * BAND - shift(way, row - first)
            mean_row(sums[:, start : start + width], rule, way, mean[row], variance[row])
            add_row(fields, way, row - half, first, F(-1), sums)


@compiled
def level_band(fields: Array, way: Array, rule: Array, first: int, level: Array) -> None:
    """Deviations of the mean slope across a direction, for the rows from `first` on."""
    width = level.shape[1]
    sums = np.zeros((3, width + 4 * BAND), np.float32)
    half = int(way[3])
    variance = np.empty(width, np.float32)
    for row in range(first - half, first + half):
        add_row(fields, way, row, first, F(1), sums)
    for i in range(level.shape[0]):
        row = first + i
        add_row(fields, way, row + half, first, F(1), sums)
        start = 2 * BAND - shift(way, i)
        mean_row(sums[:, start : start + width], rule, way, level[i], variance)
        for x in range(width):
            level[i, x] /= np.sqrt(variance[x] + rule[2])
        add_row(fields, way, row - half, first, F(-1), sums)


@compiled
def shift(way: Array, rows: int) -> int:
    """Columns that a digital line moves over so many rows."""
    return int(np.floor(way[0] * F(rows) + F(0.5)))


@compiled
def add_row(fields: Array, way: Array, row: int, first: int, sign: float, sums: Array) -> None:
    """Add a row of the picture to the sums of the lines it is crossed by, or take it away again."""
    if row < 0 or row >= fields.shape[1]:
        return
    width = fields.shape[2]
    start = 2 * BAND - shift(way, row - first)
    across, weight, printed = (
        sums[0, start : start + width],
        sums[1, start : start + width],
        sums[2, start : start + width],
    )
    along_columns, along_rows = fields[0, row], fields[1, row]
    w, s = fields[2, row], fields[3, row]
    a, b = sign * way[1], sign * way[2]
    for x in range(width):
        across[x] += a * along_columns[x] + b * along_rows[x]
        weight[x] += sign * w[x]
        printed[x] += sign * s[x]


@compiled
def mean_row(sums: Array, rule: Array, way: Array, mean: Array, variance: Array) -> None:
    """Mean slope and its variance: sensor, and print whose every pixel errs alike.

    rule: share of a pixel's variance that smoothing leaves for lines along the rows' direction, least sum
    of weights, variance of the card's own relief.
    """
    share = rule[0] / np.sqrt(F(1) + way[0] * way[0])  # digital lines are sparser the more they slant
    for x in range(mean.shape[0]):
        seen = sums[1, x] > rule[1]
        per = F(1) / max(sums[1, x], rule[1])
        printed = sums[2, x] * per
        mean[x] = sums[0, x] * per if seen else F(0)
        variance[x] = share * per + printed * printed


@compiled
def weaker_flank(
    level: Array, step: Array, reach: int, direction: int, directions: int, z: Array, way: Array
) -> None:
    """Keep the direction where the weaker of the two flanks stands out most."""
    column, width = int(step[0]), z.shape[1]
    margin = abs(column)
    for row in range(z.shape[0]):
        here = row + reach
        before = level[here - int(step[1])]
        after = level[here + int(step[1])]
        best, which = z[row], way[row]
        for x in range(margin, width - margin):
            low, high = before[x - column], after[x + column]
            valley, ridge = min(-low, high), min(low, -high)
            either = max(valley, ridge)
            if either > best[x]:
                best[x] = either
                which[x] = direction if valley >= ridge else direction + directions
