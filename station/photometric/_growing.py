"""The compiled passes for least squares that takes one light at a time."""

import numpy as np
from numba import prange

from ._fields import along, table_row
from ._fixed import background, inverses, unit, write
from ._jit import LINE, SOURCES, Array, Codes, F, parallel
from ._memory import scratch
from ._rank import BLOCK

_coefficients, _solution, _dark = scratch(3, BLOCK), scratch(3, BLOCK), scratch(BLOCK)
_length, _peak, _packed = scratch(BLOCK), scratch(BLOCK), scratch(3 * BLOCK)


@parallel
def matrix_pass(table: Array, out: Array, _sources: int = SOURCES) -> None:
    """What each light's code counts in the solution, at the field's own rows.

    table: as for `fixed_pass`. out: (lights, 3, rows, columns), filled.
    """
    lights, columns = out.shape[0], out.shape[3]
    for row in prange(out.shape[2]):
        rays = np.empty((lights, 4, columns), np.float32)
        still = np.empty((6, columns), np.float32)
        matrix = np.empty((lights + 2, 3, columns), np.float32)
        table_row(table, row, out.shape[2], rays)
        inverses(rays, still, matrix)
        for k in range(lights):
            for i in range(3):
                for c in range(columns):
                    out[k, i, row, c] = matrix[k, i, c]


@parallel
def grow_pass(
    codes: Codes, ambient: Codes, matrix: Array, sensor: Array, sums: Array, peaks: Array,
    _sources: int = SOURCES,
) -> None:  # fmt: skip
    """Add one light's share of the solution.

    codes, ambient: (H, W); ambient (0, 0) where there is none. matrix: (1, 3, rows, columns), of this light.
    sensor: black level. sums: (H, 3, W), albedo times normal so far. peaks: (H, W), highest code so far.
    """
    height, width = codes.shape
    for row in prange(height):
        nodes = np.empty((1, 3, matrix.shape[3]), np.float32)
        table_row(matrix, row, height, nodes)
        a, dark = _coefficients(), _dark()
        for x0 in range(0, width, BLOCK):
            n = min(BLOCK, width - x0)
            background(ambient, sensor, row, x0, n, dark)
            for i in range(3):
                along(nodes[0, i], x0 // LINE, (n + LINE - 1) // LINE, False, a[i])
                to, part = sums[row, i, x0 : x0 + n], codes[row, x0 : x0 + n]
                for x in range(n):
                    to[x] += a[i, x] * (F(part[x]) - dark[x])
            top, part = peaks[row, x0 : x0 + n], codes[row, x0 : x0 + n]
            for x in range(n):
                top[x] = max(top[x], part[x])


@parallel
def grown_pass(
    sums: Array, peaks: Codes, clipped: F, maps: tuple[Array, Array, Array], streamed: bool,
    _sources: int = SOURCES,
) -> None:  # fmt: skip
    """Turn the sums of all lights into the maps of `fixed_pass`."""
    normals, albedo, marks = maps
    height, width = albedo.shape
    for row in prange(height):
        m, length, peak, packed = _solution(), _length(), _peak(), _packed()
        m[:] = 0
        for x0 in range(0, width, BLOCK):
            n = min(BLOCK, width - x0)
            for x in range(n):
                m[0, x], m[1, x], m[2, x] = sums[row, 0, x0 + x], sums[row, 1, x0 + x], sums[row, 2, x0 + x]
                peak[x] = F(peaks[row, x0 + x])
            unit(m, length)
            write(m, length, peak, clipped, packed, streamed, (normals[row], albedo[row], marks[row]), x0, n)
