"""Compiled pieces that turn the answer of a run into maps."""

import numpy as np

from ._fit import TINY
from ._jit import LINE, RUN, Array, F, compiled
from ._memory import known, pick, scratch, stream_line

Maps = tuple[Array, ...]
DARK = F(9)
"""Square of the deviations below which a light counts as dark."""

_packed = scratch(3 * RUN)
_three, _six, _seven = known(3, RUN), known(6, RUN), known(7, RUN)


@compiled
def shade(m: Array, lights: int, p: Array, q: Array, out: Array) -> None:
    """What each light sends back from a white surface with these normals: out (lights, run)."""
    m = _three(m)
    for k in range(lights):
        for x in range(RUN):
            out[k, x] = m[0, x] * p[k, x] + m[1, x] * q[k, x] + m[2, x]


@compiled
def judged(
    signal: tuple[Array, Array, Array, Array], lights: int, m: Array, pair: tuple[Array, Array], rule: Array,
    h: Array, f: Array,
) -> None:  # fmt: skip
    """Weights h that the lights ended with, and figures of the fit.

    f, filled (7, run): chi-square, largest positive residual, its light, lights used, lights seen, and
    whether one is dark.
    """
    z, w, p, q = signal
    m, f = _three(m), _seven(f)
    f[:] = 0
    f[2] = F(-1)
    cut, steps = rule[1], rule[0]
    per_cut2 = F(0) if steps <= F(0) else F(1) / (cut * cut)
    for k in range(lights):
        h[k] = 1
        if steps <= F(0):
            leave_for_good(F(k), pair, h[k])
        hear(z[k], w[k], p[k], q[k], h[k], m, per_cut2, F(k), f)


@compiled
def hear(
    z: Array, w: Array, p: Array, q: Array, h: Array, m: Array, per_cut2: F, number: F, f: Array
) -> None:
    """One light's part in the figures; its weight h, 1 or 0 before, is taken down by its residual."""
    m, f = _three(m), _seven(f)
    for x in range(RUN):
        r = z[x] - (m[0, x] * p[x] + m[1, x] * q[x] + m[2, x])
        t2 = r * r * w[x]
        u = F(1) / (F(1) + t2 * per_cut2)
        weight, most, seen = h[x] * u * u, f[1, x], pick(w[x] > F(0), F(1), F(0))
        h[x] = weight
        f[0, x] += t2
        f[1, x] = max(r, most)
        f[2, x] = pick(r > most, number, f[2, x])
        f[3, x] += pick(weight > F(0.25), seen, F(0))
        f[4, x] += seen
        f[5, x] = max(f[5, x], pick(z[x] * z[x] * w[x] < DARK, seen, F(0)))


@compiled
def leave_for_good(number: F, pair: tuple[Array, Array], h: Array) -> None:
    """No weight for a light that was left out and is not taken back."""
    first, second = pair
    for x in range(RUN):
        h[x] = pick((first[x] == number) | (second[x] == number), F(0), h[x])


@compiled
def uncertainty(
    w: Array, h: Array, common: Array, p: Array, q: Array, lights: int, c: Array, m: Array, b: Array,
    out: Array,
) -> None:  # fmt: skip
    """Standard uncertainty (rad) of the normal, per axis, from the covariance of m.

    The covariance is the inverse normal matrix, whose weights are inverse variances. The ambient picture's
    noise shifts all lights together; it adds the outer product of what that shift does to m. lights: none
    where there is no such picture. b: (3, run).
    """
    b, c, m = _three(b), _six(c), _three(m)
    b[:] = 0
    for k in range(lights):
        for x in range(RUN):
            wc = w[k, x] * h[k, x] * common[k, x]
            b[0, x] += wc * p[k, x]
            b[1, x] += wc * q[k, x]
            b[2, x] += wc
    for x in range(RUN):
        c0, c1, c2, c3, c4, c5 = c[0, x], c[1, x], c[2, x], c[3, x], c[4, x], c[5, x]
        b0, b1, b2, m0, m1, m2 = b[0, x], b[1, x], b[2, x], m[0, x], m[1, x], m[2, x]
        v0, v1, v2 = c0 * b0 + c1 * b1 + c2 * b2, c1 * b0 + c3 * b1 + c4 * b2, c2 * b0 + c4 * b1 + c5 * b2
        length2 = max(m0 * m0 + m1 * m1 + m2 * m2, TINY)
        trace = c0 + c3 + c5 + v0 * v0 + v1 * v1 + v2 * v2
        e0, e1, e2 = c0 * m0 + c1 * m1 + c2 * m2, c1 * m0 + c3 * m1 + c4 * m2, c2 * m0 + c4 * m1 + c5 * m2
        shift = v0 * m0 + v1 * m1 + v2 * m2
        along = (m0 * e0 + m1 * e1 + m2 * e2 + shift * shift) / length2
        across = max(trace - along, F(0))
        value = np.sqrt(F(0.5) * across / length2)
        out[x] = pick(value < F(np.pi / 2), value, F(np.pi / 2))  # what is not a number too


@compiled
def directions(m: Array, c: Array, f: Array, level: Array, valid: Array) -> None:
    """Turn m into unit normals; without an answer it gets (0, 0, 1). level: mean ratio. valid: 1 or 0.

    f, from `judged`: its chi-square becomes reduced, its residual zero where there is no answer, its last row
    the albedo of one channel, or the mean level where there is no answer.
    """
    m, c, f = _three(m), _six(c), _seven(f)
    for x in range(RUN):
        m0, m1, m2 = m[0, x], m[1, x], m[2, x]
        length = np.sqrt(m0 * m0 + m1 * m1 + m2 * m2)
        good = (c[5, x] > F(0)) & (m2 > F(0)) & (f[3, x] >= F(3))
        per = pick(good, F(1) / max(length, TINY), F(0))
        f[6, x] = pick(good, length, level[x])
        valid[x] = pick(good, F(1), F(0))
        m[0, x], m[1, x], m[2, x] = m0 * per, m1 * per, pick(good, m2 * per, F(1))
        f[0, x] = pick(f[4, x] > F(3), f[0, x] / max(f[4, x] - F(3), F(1)), F(0))
        f[1, x] = pick(good, f[1, x], F(0))


@compiled
def of_channel(
    y: Array, v: Array, h: Array, shading: Array, lights: int, channels: int, c: int, out: Array, work: Array
) -> None:  # fmt: skip
    """Albedo of a channel under the shading that all channels share.

    Clipped in every light: the mean, which the truth exceeds. work: (3, run).
    """
    work = _three(work)
    work[:] = 0
    for k in range(lights):
        i = k * channels + c
        for x in range(RUN):
            s = shading[k, x]
            ws = pick(v[i, x] > F(0), h[k, x] * s / v[i, x], F(0))
            work[0, x] += ws * y[i, x]
            work[1, x] += ws * s
            work[2, x] += y[i, x]
    for x in range(RUN):
        bound = work[2, x] / F(lights)
        out[x] = pick(work[1, x] > F(0), work[0, x] / max(work[1, x], TINY), bound)


@compiled
def put_line(to: Array, at: int, source: Array, n: int, streamed: bool) -> None:
    """Copy n floats to a row of a map."""
    if streamed and n % LINE == 0:
        for x in range(0, n, LINE):
            stream_line(to, at + x, source, x)
    else:
        part = to[at : at + n]
        for x in range(n):
            part[x] = source[x]


@compiled
def put_bytes(to: Array, at: int, source: Array, n: int) -> None:
    """Copy n small whole numbers to a row of a map of bytes."""
    part = to[at : at + n]
    for x in range(n):
        part[x] = np.int8(source[x])


@compiled
def put_normals(to: Array, x0: int, m: Array, n: int, streamed: bool) -> None:
    """Normals side by side."""
    packed, m = _packed(), _three(m)
    for x in range(RUN):
        packed[3 * x], packed[3 * x + 1], packed[3 * x + 2] = m[0, x], m[1, x], m[2, x]
    put_line(to, 3 * x0, packed, 3 * n, streamed)


@compiled
def put_albedo(to: Array, x0: int, channels: int, c: int, source: Array, n: int, streamed: bool) -> None:
    """One channel of the albedo."""
    if channels == 1:
        put_line(to, x0, source, n, streamed)
    else:
        part = to[x0 * channels + c : (x0 + n) * channels]
        if channels == 3:
            for x in range(n):
                part[3 * x] = source[x]
        else:
            for x in range(n):
                part[x * channels] = source[x]
