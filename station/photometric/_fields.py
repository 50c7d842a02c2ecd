"""Compiled interpolation of what varies slowly over a picture, by additions and multiplications alone.

A grid of any pitch is first brought to columns `LINE` pixels apart, once; each picture row then needs one
interpolation per column, and each pixel one multiplication: between two columns everything is linear.
"""

import numpy as np

from ._jit import LINE, RUN, Array, F, compiled, inlined
from ._memory import ramp

COARSE = 1.5 * LINE
"""Pixels from node to node above which straight lines between columns `LINE` apart do a grid no harm."""


def table_of(grid: Array, width: int) -> Array:
    """A grid (K, rows, columns, n) as the passes take it: float32 (K, n, rows, columns).

    Its columns are `LINE` pixels apart; of a fine grid there is one for each pixel, and some more.
    """
    pitch = (width - 1) / max(grid.shape[2] - 1, 1)
    if grid.shape[2] == 1 or pitch >= COARSE:
        return columns_every(grid, width, LINE, -(-width // LINE) + 1)
    return columns_every(grid, width, 1, max(-(-width // RUN) * RUN, 2 * LINE))


def columns_every(grid: Array, width: int, step: int, count: int) -> Array:
    """A grid (K, rows, columns, n) at every so many pixels: float32 (K, n, rows, count).

    The grid's first and last columns lie on the first and last pixel; beyond, it goes on as a straight line.
    """
    apart = np.ascontiguousarray(grid.transpose(0, 3, 1, 2), np.float32)
    columns = grid.shape[2]
    places = np.arange(count) * step * ((columns - 1) / max(width - 1, 1))
    left = np.clip(places.astype(int), 0, max(columns - 2, 0))
    share = (places - left).astype(np.float32)
    between: Array = np.take(apart, left, axis=3)
    further = np.take(apart, np.minimum(left + 1, columns - 1), axis=3)
    further -= between
    further *= share
    between += further
    return between


@compiled
def table_row(table: Array, row: int, height: int, out: Array) -> None:
    """A table (K, n, rows, columns) at a picture row: out (K, n, columns)."""
    rows, columns = table.shape[2], table.shape[3]
    at = row * (rows - 1) / max(height - 1, 1)
    above = min(int(at), max(rows - 2, 0))
    below = min(above + 1, rows - 1)
    t = F(at - above)
    for k in range(table.shape[0]):
        for i in range(table.shape[1]):
            top, bottom, to = table[k, i, above], table[k, i, below], out[k, i]
            for j in range(columns):
                to[j] = top[j] + t * (bottom[j] - top[j])


@compiled
def is_dense(table: Array, width: int) -> bool:
    """Whether a table has a column for each pixel."""
    return bool((table.shape[3] >= width) & (table.shape[3] >= 2 * LINE))


@inlined
def along(row: Array, line: int, lines: int, dense: bool, out: Array) -> None:
    """One row of a table at the pixels of `lines` lines from `line` on: out (lines * LINE,)."""
    if dense:
        part = row[line * LINE : (line + lines) * LINE]
        for x in range(len(part)):
            out[x] = part[x]
    else:
        for i in range(lines):
            left = row[line + i]
            ramp(out, i * LINE, left, (row[line + i + 1] - left) * F(1 / LINE))
