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
    flank. rule: see `mean_row`. z: (H, W), filled: deviations of the weaker flank. way: (H, W), filled:
    direction, plus the number of directions where the line is raised.
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
    fields: Array, way: Array, rule: Array, every: int, mean: Array, variance: Array, _sources: int = SOURCES
) -> None:
    """The mean slope across one direction, and its variance before the card's own relief.

    mean, variance: (H, W), filled in the first of `every` bands.
    """
    height, width = mean.shape
    for part in prange((height + every * BAND - 1) // (every * BAND)):
        first = part * every * BAND
        sums = np.zeros((3, width + 4 * BAND), np.float32)
        half = int(way[3])
        for row in range(first - half, first + half):
            add_row(fields, way, row, first, F(1), sums)
        for row in range(first, min(first + BAND, height)):
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
        deviate(level[i], variance, rule[2])
        add_row(fields, way, row - half, first, F(-1), sums)


@compiled
def shift(way: Array, rows: int) -> int:
    """Columns that a digital line moves over so many rows."""
    return int(np.floor(way[0] * F(rows) + F(0.5)))


@compiled
def add_row(fields: Array, way: Array, row: int, first: int, sign: F, sums: Array) -> None:
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
    across, weight, printed = sums[0], sums[1], sums[2]
    for x in range(mean.shape[0]):
        per = F(1) / max(weight[x], rule[1])
        doubt = printed[x] * per
        mean[x] = across[x] * per
        variance[x] = share * per + doubt * doubt


@compiled
def deviate(mean: Array, variance: Array, own: F) -> None:
    """Means in units of their deviation, in place."""
    for x in range(mean.shape[0]):
        mean[x] /= np.sqrt(variance[x] + own)


@compiled
def weaker_flank(
    level: Array, step: Array, reach: int, direction: int, directions: int, z: Array, way: Array
) -> None:
    """Keep the direction where the weaker of the two flanks stands out most."""
    column = int(step[0])
    margin = abs(column)
    count = z.shape[1] - 2 * margin
    cut, raised = F(direction), F(direction + directions)
    for row in range(z.shape[0]):
        before = level[row + reach - int(step[1]), margin - column :]
        after = level[row + reach + int(step[1]), margin + column :]
        keep(before, after, count, cut, raised, z[row, margin:], way[row, margin:])


@compiled
def keep(before: Array, after: Array, count: int, cut: F, raised: F, best: Array, which: Array) -> None:
    """One row of `weaker_flank`."""
    for x in range(count):
        low, high = before[x], after[x]
        valley, ridge = min(-low, high), min(low, -high)
        either = max(valley, ridge)
        name = cut if valley >= ridge else raised
        better = either > best[x]
        which[x] = name if better else which[x]
        best[x] = either if better else best[x]
