"""The compiled passes for least squares in which all codes weigh alike.

There the solution is a fixed matrix at each place: it is worked out on the rows of a coarse table and
interpolated, so a pixel costs hardly more than reading its codes and writing its normal.
"""

import numpy as np
from numba import prange

from ._fields import along, table_row
from ._jit import LINE, SOURCES, Array, Codes, F, compiled, parallel
from ._memory import known, pick, scratch, stream_line
from ._rank import BLOCK, extremes, without_extremes

LEAST = F(1e-5)
"""Albedo below which a pixel is black: rounding alone makes a tenth of it."""
CLIPPED, EMPTY = np.uint8(1), np.uint8(2)
"""Marks: a code is clipped; there is no normal."""
LINES = BLOCK // LINE

_solution = scratch(3, BLOCK)
_length = scratch(BLOCK)
_peak = scratch(BLOCK)
_dark = scratch(BLOCK)
_packed = scratch(3 * BLOCK)
_state = scratch(13, BLOCK)
_ray = scratch(16, BLOCK)
_sums = scratch(6, BLOCK)
_three, _six = known(3, BLOCK), known(6, BLOCK)


@parallel
def fixed_pass(
    stack: tuple[Codes, Codes],
    table: Array,
    sensor: Array,
    kind: tuple[bool, bool],
    maps: tuple[Array, Array, Array],
    streamed: bool,
    _sources: int = SOURCES,
) -> None:
    """Least squares of all lights, or of all but the ones with the highest and the lowest ratio.

    stack: lit (lights, H, W) and ambient (H, W), or (0, 0) where there is none. table: (lights, 4, rows,
    columns) as `_fields` makes it: a (3) with code = a . m, and 1 / flat. sensor: black level, lowest clipped
    code. maps, filled: normals (H, 3 W), albedo (H, W), marks (H, W): 0, or 1 where a code is clipped.
    """
    lit, ambient = stack
    by_rank, uniform = kind
    normals, albedo, marks = maps
    height, width = albedo.shape
    first = rows_of(table, 0, height, by_rank)
    for row in prange(height):
        rays, still, matrix = first if uniform else rows_of(table, row, height, by_rank)
        m, length, peak, dark, packed = _solution(), _length(), _peak(), _dark(), _packed()
        state, ray, s = _state(), _ray(), _sums()
        for x0 in range(0, width, BLOCK):
            n = min(BLOCK, width - x0)
            background(ambient, sensor, row, x0, n, dark)
            peak[:] = 0
            if by_rank:
                extremes(lit, rays, dark, row, x0, n, uniform, state, ray, peak)
                without_extremes(still, x0 // LINE, n, state, s, m)
            else:
                product(lit, matrix, dark, (row, x0, n), uniform, ray, m, peak)
            unit(m, length)
            write(
                m, length, peak, sensor[1], packed, streamed, (normals[row], albedo[row], marks[row]), x0, n
            )


@compiled
def rows_of(table: Array, row: int, height: int, by_rank: bool) -> tuple[Array, Array, Array]:
    """What a picture row needs, at each column: rays (lights, 4), normal matrix (6), `inverses`."""
    lights, columns = table.shape[0], table.shape[3]
    rays = np.empty((lights, 4, columns), np.float32)
    still = np.empty((6, columns), np.float32)
    matrix = np.empty((lights + 2, 3, columns), np.float32)
    table_row(table, row, height, rays)
    if by_rank:
        sums(rays, still)
    else:
        inverses(rays, still, matrix)
    return rays, still, matrix


@compiled
def background(ambient: Codes, sensor: Array, row: int, x0: int, n: int, dark: Array) -> None:
    """The code without light."""
    if len(ambient) == 0:
        dark[:] = sensor[0]
    else:
        codes = ambient[row, x0 : x0 + n]
        for x in range(n):
            dark[x] = F(codes[x])


@compiled
def sums(rays: Array, out: Array) -> None:
    """Normal matrix at each column, all lights: out (6, columns) of pp, pq, p, qq, q, 1."""
    out[:] = 0
    for k in range(rays.shape[0]):
        a, b, c = rays[k, 0], rays[k, 1], rays[k, 2]
        add_square(a, out[0])
        add_product(a, b, out[1])
        add_product(a, c, out[2])
        add_square(b, out[3])
        add_product(b, c, out[4])
        add_square(c, out[5])


@compiled
def add_product(a: Array, b: Array, to: Array) -> None:
    """One term of a sum."""
    for x in range(len(to)):
        to[x] += a[x] * b[x]


@compiled
def add_square(a: Array, to: Array) -> None:
    """One term of a sum."""
    for x in range(len(to)):
        to[x] += a[x] * a[x]


@compiled
def inverses(rays: Array, s: Array, out: Array) -> None:
    """The matrix that turns codes into m at each column: out (lights + 2, 3, columns).

    The last row but one, for the code without light, is minus the sum of the others; the last is zero.
    s: room for (6, columns).
    """
    lights = rays.shape[0]
    sums(rays, s)
    invert(s[0], s[1], s[2], s[3], s[4], s[5])
    out[lights:] = 0
    for k in range(lights):
        a, b, c = rays[k, 0], rays[k, 1], rays[k, 2]
        multiply(s[0], s[1], s[2], a, b, c, out[k, 0], out[lights, 0])
        multiply(s[1], s[3], s[4], a, b, c, out[k, 1], out[lights, 1])
        multiply(s[2], s[4], s[5], a, b, c, out[k, 2], out[lights, 2])


@compiled
def invert(s0: Array, s1: Array, s2: Array, s3: Array, s4: Array, s5: Array) -> None:
    """Symmetric matrices become their inverses; zeros where they have none."""
    for x in range(len(s0)):
        a, d, e, f, g, i = s0[x], s1[x], s2[x], s3[x], s4[x], s5[x]
        c0, c1, c2 = f * i - g * g, e * g - d * i, d * g - e * f
        determinant = a * c0 + d * c1 + e * c2
        scale = pick(determinant > F(1e-5) * a * f * i, F(1) / determinant, F(0))
        s0[x], s1[x], s2[x] = c0 * scale, c1 * scale, c2 * scale
        s3[x], s4[x] = (a * i - e * e) * scale, (e * d - a * g) * scale
        s5[x] = (a * f - d * d) * scale


@compiled
def multiply(u: Array, v: Array, w: Array, a: Array, b: Array, c: Array, out: Array, total: Array) -> None:
    """One row of the product, and minus its running sum."""
    for x in range(len(out)):
        out[x] = u[x] * a[x] + v[x] * b[x] + w[x] * c[x]
    for x in range(len(out)):
        total[x] -= out[x]


@compiled
def product(
    lit: Codes, matrix: Array, dark: Array, at: tuple[int, int, int], uniform: bool, room: Array, m: Array,
    peak: Array,
) -> None:  # fmt: skip
    """M (3, block) = matrix times codes; peak: highest code. The matrix's last row but one is the dark's."""
    row, x0, n = at
    lights = lit.shape[0]
    from_dark(matrix[lights], dark, x0 // LINE, n, m)
    if uniform:
        for k in range(0, lights, 4):
            four(lit, matrix, k, row, x0, n, m, peak)
    else:
        for k in range(0, lights, 2):
            two(lit, matrix, k, row, x0, n, room, m, peak)


@compiled
def from_dark(matrix: Array, dark: Array, line: int, n: int, m: Array) -> None:
    """What the code without light puts into m."""
    for i in range(3):
        to = m[i]
        along(matrix[i], line, (n + LINE - 1) // LINE, False, to)
        for x in range(n):
            to[x] *= dark[x]


@compiled
def four(lit: Codes, matrix: Array, k: int, row: int, x0: int, n: int, m: Array, peak: Array) -> None:
    """Add four lights under a matrix that is the same everywhere; beyond the last light its rows are zero."""
    lights, m = lit.shape[0], _three(m)
    k1, k2, k3 = min(k + 1, lights - 1), min(k + 2, lights - 1), min(k + 3, lights - 1)
    c0, c1 = lit[k, row, x0 : x0 + n], lit[k1, row, x0 : x0 + n]
    c2, c3 = lit[k2, row, x0 : x0 + n], lit[k3, row, x0 : x0 + n]
    last = lights + 1
    a, b = matrix[k, :, 0], matrix[k + 1 if k + 1 < lights else last, :, 0]
    c, d = matrix[k + 2 if k + 2 < lights else last, :, 0], matrix[k + 3 if k + 3 < lights else last, :, 0]
    a0, a1, a2, b0, b1, b2 = a[0], a[1], a[2], b[0], b[1], b[2]
    d0, d1, d2, e0, e1, e2 = c[0], c[1], c[2], d[0], d[1], d[2]
    for x in range(n):
        v0, v1, v2, v3 = F(c0[x]), F(c1[x]), F(c2[x]), F(c3[x])
        m[0, x] += a0 * v0 + b0 * v1 + d0 * v2 + e0 * v3
        m[1, x] += a1 * v0 + b1 * v1 + d1 * v2 + e1 * v3
        m[2, x] += a2 * v0 + b2 * v1 + d2 * v2 + e2 * v3
        peak[x] = max(peak[x], v0, v1, v2, v3)


@compiled
def two(
    lit: Codes, matrix: Array, k: int, row: int, x0: int, n: int, coefficients: Array, m: Array, peak: Array
) -> None:
    """Add two lights under a matrix that changes from place to place. coefficients: room for (6, block)."""
    lights = lit.shape[0]
    other = k + 1 if k + 1 < lights else lights + 1
    m, a = _three(m), _six(coefficients)
    for i in range(3):
        along(matrix[k, i], x0 // LINE, (n + LINE - 1) // LINE, False, a[i])
        along(matrix[other, i], x0 // LINE, (n + LINE - 1) // LINE, False, a[3 + i])
    codes, codes2 = lit[k, row, x0 : x0 + n], lit[min(k + 1, lights - 1), row, x0 : x0 + n]
    for x in range(n):
        v, v2 = F(codes[x]), F(codes2[x])
        m[0, x] += a[0, x] * v + a[3, x] * v2
        m[1, x] += a[1, x] * v + a[4, x] * v2
        m[2, x] += a[2, x] * v + a[5, x] * v2
        peak[x] = max(peak[x], v, v2)


@compiled
def unit(m: Array, length: Array) -> None:
    """Split m into its length and a unit vector; (0, 0, 1) where there is none or it points away."""
    m = _three(m)
    for x in range(BLOCK):
        p, q, r = m[0, x], m[1, x], m[2, x]
        size = np.sqrt(p * p + q * q + r * r)
        good = (size > LEAST) & (r > 0)
        scale = pick(good, F(1) / size, F(0))
        m[0, x], m[1, x] = p * scale, q * scale
        m[2, x] = pick(good, r * scale, F(1))
        length[x] = pick(good, size, F(0))


@compiled
def write(
    m: Array, length: Array, peak: Array, clipped: F, packed: Array, streamed: bool,
    maps: tuple[Array, Array, Array], x0: int, n: int,
) -> None:  # fmt: skip
    """Put a block into the rows of the maps."""
    normals, albedo, marks = maps
    m = _three(m)
    for x in range(BLOCK):
        packed[3 * x], packed[3 * x + 1], packed[3 * x + 2] = m[0, x], m[1, x], m[2, x]
    if streamed and n % LINE == 0:
        for x in range(0, 3 * n, LINE):
            stream_line(normals, 3 * x0 + x, packed, x)
        for x in range(0, n, LINE):
            stream_line(albedo, x0 + x, length, x)
    else:
        to, size = normals[3 * x0 : 3 * (x0 + n)], albedo[x0 : x0 + n]
        for x in range(3 * n):
            to[x] = packed[x]
        for x in range(n):
            size[x] = length[x]
    mark = marks[x0 : x0 + n]
    for x in range(n):
        mark[x] = (CLIPPED if peak[x] >= clipped else 0) | (0 if length[x] > 0 else EMPTY)
