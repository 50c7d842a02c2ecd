"""Compiled pieces of least squares by rank: without the brightest and the darkest light of each pixel."""

import numpy as np

from ._fields import along
from ._jit import LINE, Array, Codes, F, compiled, inlined
from ._memory import known, pick

BLOCK = 256
"""Pixels of one block of a row."""
State = tuple[F, F, F, F, F, F, F, F, F, F, F, F, F]
_thirteen, _sixteen, _six, _three = known(13, BLOCK), known(16, BLOCK), known(6, BLOCK), known(3, BLOCK)


@compiled
def extremes(
    lit: Codes, rays: Array, dark: Array, row: int, x0: int, n: int, uniform: bool, state: Array,
    ray: Array, peak: Array,
) -> None:  # fmt: skip
    """Sums over the lights, and the two to leave out: state (13, block), see `meet`."""
    lights, state = lit.shape[0], _thirteen(state)
    state[:] = 0
    state[3] = -np.inf
    state[8] = np.inf
    for k in range(0, lights, 4):
        k1, k2, k3 = min(k + 1, lights - 1), min(k + 2, lights - 1), min(k + 3, lights - 1)
        c0, c1 = lit[k, row, x0 : x0 + n], lit[k1, row, x0 : x0 + n]
        c2, c3 = lit[k2, row, x0 : x0 + n], lit[k3, row, x0 : x0 + n]
        count = min(4, lights - k)
        if uniform:
            ray4((c0, c1, c2, c3), (rays[k], rays[k1], rays[k2], rays[k3]), count, dark, n, state, peak)
        else:
            for i in range(count):
                for c in range(4):
                    along(rays[k + i, c], x0 // LINE, (n + LINE - 1) // LINE, False, ray[4 * i + c])
            near4(c0, c1, c2, c3, ray, count, dark, n, state, peak)


@inlined
def meet(s: State, y: F, p: F, q: F, r: F, g: F) -> State:
    """One more light: code y, ray (p, q, r), ratio y g.

    State: right side (3); ratio, code and ray of the brightest light (5), and of the darkest (5).
    """
    b0, b1, b2, z1, y1, p1, q1, r1, z2, y2, p2, q2, r2 = s
    z = y * g
    more, less = z > z1, z < z2
    return (
        b0 + p * y, b1 + q * y, b2 + r * y,
        pick(more, z, z1), pick(more, y, y1), pick(more, p, p1), pick(more, q, q1), pick(more, r, r1),
        pick(less, z, z2), pick(less, y, y2), pick(less, p, p2), pick(less, q, q2), pick(less, r, r2),
    )  # fmt: skip


@inlined
def get(a: Array, x: int) -> State:
    """The state of one pixel."""
    return (
        a[0, x], a[1, x], a[2, x], a[3, x], a[4, x], a[5, x], a[6, x],
        a[7, x], a[8, x], a[9, x], a[10, x], a[11, x], a[12, x],
    )  # fmt: skip


@inlined
def put(s: State, a: Array, x: int) -> None:
    """Keep the state of one pixel."""
    a[0, x], a[1, x], a[2, x], a[3, x], a[4, x], a[5, x], a[6, x] = s[0], s[1], s[2], s[3], s[4], s[5], s[6]
    a[7, x], a[8, x], a[9, x], a[10, x], a[11, x], a[12, x] = s[7], s[8], s[9], s[10], s[11], s[12]


@compiled
def ray4(
    codes: tuple[Codes, Codes, Codes, Codes],
    rays: tuple[Array, Array, Array, Array],
    count: int,
    dark: Array,
    n: int,
    state: Array,
    peak: Array,
) -> None:
    """Up to four lights whose rays are the same everywhere."""
    c0, c1, c2, c3 = codes
    a, b, c, d = rays
    a0, a1, a2, a3, b0, b1, b2, b3 = a[0, 0], a[1, 0], a[2, 0], a[3, 0], b[0, 0], b[1, 0], b[2, 0], b[3, 0]
    d0, d1, d2, d3, e0, e1, e2, e3 = c[0, 0], c[1, 0], c[2, 0], c[3, 0], d[0, 0], d[1, 0], d[2, 0], d[3, 0]
    state = _thirteen(state)
    if count == 4:
        for x in range(n):
            v0, v1, v2, v3, o = F(c0[x]), F(c1[x]), F(c2[x]), F(c3[x]), dark[x]
            s = meet(get(state, x), v0 - o, a0, a1, a2, a3)
            s = meet(meet(s, v1 - o, b0, b1, b2, b3), v2 - o, d0, d1, d2, d3)
            put(meet(s, v3 - o, e0, e1, e2, e3), state, x)
            peak[x] = max(peak[x], v0, v1, v2, v3)
    else:
        one(c0, a0, a1, a2, a3, dark, n, state, peak)
        if count > 1:
            one(c1, b0, b1, b2, b3, dark, n, state, peak)
        if count > 2:
            one(c2, d0, d1, d2, d3, dark, n, state, peak)


@compiled
def one(c: Codes, p: F, q: F, r: F, g: F, dark: Array, n: int, state: Array, peak: Array) -> None:
    """One light whose ray is the same everywhere."""
    state = _thirteen(state)
    for x in range(n):
        code = F(c[x])
        put(meet(get(state, x), code - dark[x], p, q, r, g), state, x)
        peak[x] = max(peak[x], code)


@compiled
def near4(
    c0: Codes, c1: Codes, c2: Codes, c3: Codes, ray: Array, count: int, dark: Array, n: int,
    state: Array, peak: Array,
) -> None:  # fmt: skip
    """Up to four lights, their rays at every pixel: ray (16, block)."""
    state, ray = _thirteen(state), _sixteen(ray)
    if count == 4:
        for x in range(n):
            v0, v1, v2, v3, o = F(c0[x]), F(c1[x]), F(c2[x]), F(c3[x]), dark[x]
            s = meet(get(state, x), v0 - o, ray[0, x], ray[1, x], ray[2, x], ray[3, x])
            s = meet(s, v1 - o, ray[4, x], ray[5, x], ray[6, x], ray[7, x])
            s = meet(s, v2 - o, ray[8, x], ray[9, x], ray[10, x], ray[11, x])
            put(meet(s, v3 - o, ray[12, x], ray[13, x], ray[14, x], ray[15, x]), state, x)
            peak[x] = max(peak[x], v0, v1, v2, v3)
    else:
        for i in range(count):
            codes = c0 if i == 0 else (c1 if i == 1 else c2)
            p, q, r, g = ray[4 * i], ray[4 * i + 1], ray[4 * i + 2], ray[4 * i + 3]
            for x in range(n):
                code = F(codes[x])
                put(meet(get(state, x), code - dark[x], p[x], q[x], r[x], g[x]), state, x)
                peak[x] = max(peak[x], code)


@compiled
def without_extremes(still: Array, line: int, n: int, state: Array, s: Array, m: Array) -> None:
    """Take both lights out of the sums s and solve for m."""
    state, s, m = _thirteen(state), _six(s), _three(m)
    for i in range(6):
        along(still[i], line, (n + LINE - 1) // LINE, False, s[i])
    for x in range(n):
        b0, b1, b2, _, y, p, q, r, _, y2, p2, q2, r2 = get(state, x)
        a, d, e = s[0, x] - p * p - p2 * p2, s[1, x] - p * q - p2 * q2, s[2, x] - p * r - p2 * r2
        f, g, i = s[3, x] - q * q - q2 * q2, s[4, x] - q * r - q2 * r2, s[5, x] - r * r - r2 * r2
        c0, c1, c2 = f * i - g * g, e * g - d * i, d * g - e * f
        c3, c4, c5 = a * i - e * e, e * d - a * g, a * f - d * d
        determinant = a * c0 + d * c1 + e * c2
        scale = pick(determinant > F(1e-5) * a * f * i, F(1) / determinant, F(0))
        b0, b1, b2 = b0 - p * y - p2 * y2, b1 - q * y - q2 * y2, b2 - r * y - r2 * y2
        m[0, x] = (c0 * b0 + c1 * b1 + c2 * b2) * scale
        m[1, x] = (c1 * b0 + c3 * b1 + c4 * b2) * scale
        m[2, x] = (c2 * b0 + c4 * b1 + c5 * b2) * scale
