"""The compiled pass for what a coat of known lobes sends back at each pixel's own normal."""

import numpy as np
from numba import prange

from ._fields import along, is_dense, table_row
from ._jit import LINE, RUN, SOURCES, Array, F, compiled, parallel
from ._memory import known, scratch

_four, _normal = scratch(4, RUN), scratch(3, RUN)
_three = known(3, RUN)


@parallel
def shine_pass(normals: Array, table: Array, lobes: Array, out: Array, _sources: int = SOURCES) -> None:
    """Shine of every light at every pixel.

    normals: (H, W, 3). table: (lights, 4, rows, columns) as `_fields` makes it: half vector, and what lies
    outside the lobe. lobes: (lobes, 2), roughness squared and weight. out: (lights, H, W), filled.
    """
    lights, height, width = out.shape
    dense = is_dense(table, width)
    for row in prange(height):
        nodes = np.empty((lights, 4, table.shape[3]), np.float32)
        table_row(table, row, height, nodes)
        half, n = _four(), _normal()
        for x0 in range(0, width, RUN):
            count = min(RUN, width - x0)
            around(normals, row, x0, count, n)
            for k in range(lights):
                for i in range(4):
                    along(nodes[k, i], x0 // LINE, (count + LINE - 1) // LINE, dense, half[i])
                reflect(n, half, lobes, count, out[k, row, x0 : x0 + count])


@compiled
def around(normals: Array, row: int, x0: int, count: int, out: Array) -> None:
    """Mean normal of each pixel and its eight neighbours: the lobe is wide, and noise would shake it."""
    height, width = normals.shape[0], normals.shape[1]
    for x in range(count):
        a, b, c = F(0), F(0), F(0)
        for r in range(max(row - 1, 0), min(row + 2, height)):
            for s in range(max(x0 + x - 1, 0), min(x0 + x + 2, width)):
                a += normals[r, s, 0]
                b += normals[r, s, 1]
                c += normals[r, s, 2]
        per = F(1) / np.sqrt(a * a + b * b + c * c)
        out[0, x], out[1, x], out[2, x] = a * per, b * per, c * per


@compiled
def reflect(n: Array, half: Array, lobes: Array, count: int, out: Array) -> None:
    """Trowbridge and Reitz's density of each lobe."""
    n = _three(n)
    for x in range(count):
        facing = n[0, x] * half[0, x] + n[1, x] * half[1, x] + n[2, x] * half[2, x]
        total = F(0)
        for i in range(lobes.shape[0]):
            spread = F(1) + facing * facing * (lobes[i, 0] - F(1))
            total += lobes[i, 1] * lobes[i, 0] / (spread * spread)
        out[x] = total * half[3, x]
