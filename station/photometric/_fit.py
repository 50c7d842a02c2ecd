"""Compiled pieces of the fit: robust weighted least squares for the pixels of one run.

The model of a ratio is `m . (p, q, 1)`, m being albedo times normal: with light k towards (p_k, q_k, 1) a
flat field turns the near-light equation into one that is linear in m and needs no square root. Index order
(light, pixel). Lights come in fours: rows beyond the last one hold zeros and weigh nothing. The six sums of
the symmetric normal matrix are pp, pq, p, qq, q, 1; the right side follows them.
"""

from ._jit import RUN, Array, F, compiled, inlined
from ._memory import known, pick

TINY = F(1e-20)
Sums = tuple[F, F, F, F, F, F, F, F, F]
_nine, _six, _three = known(9, RUN), known(6, RUN), known(3, RUN)


@inlined
def add(s: Sums, w: F, z: F, p: F, q: F) -> Sums:
    """One more light in the sums."""
    wp, wq, wz = w * p, w * q, w * z
    return (
        s[0] + wp * p, s[1] + wp * q, s[2] + wp, s[3] + wq * q, s[4] + wq, s[5] + w,
        s[6] + wz * p, s[7] + wz * q, s[8] + wz,
    )  # fmt: skip


@inlined
def get(s: Array, x: int) -> Sums:
    """The sums of one pixel."""
    return s[0, x], s[1, x], s[2, x], s[3, x], s[4, x], s[5, x], s[6, x], s[7, x], s[8, x]


@inlined
def put(v: Sums, s: Array, x: int) -> None:
    """Keep the sums of one pixel."""
    s[0, x], s[1, x], s[2, x], s[3, x], s[4, x] = v[0], v[1], v[2], v[3], v[4]
    s[5, x], s[6, x], s[7, x], s[8, x] = v[5], v[6], v[7], v[8]


@compiled
def accumulate(z: Array, w: Array, p: Array, q: Array, lights: int, s: Array) -> None:
    """The sums s (9, run) with weights w."""
    s = _nine(s)
    s[:] = 0
    for k in range(0, lights, 4):
        z0, z1, z2, z3 = z[k], z[k + 1], z[k + 2], z[k + 3]
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        p0, p1, p2, p3 = p[k], p[k + 1], p[k + 2], p[k + 3]
        q0, q1, q2, q3 = q[k], q[k + 1], q[k + 2], q[k + 3]
        for x in range(RUN):
            v = add(get(s, x), w0[x], z0[x], p0[x], q0[x])
            v = add(v, w1[x], z1[x], p1[x], q1[x])
            v = add(v, w2[x], z2[x], p2[x], q2[x])
            put(add(v, w3[x], z3[x], p3[x], q3[x]), s, x)


@inlined
def halved(s: Sums, w: F, z: F, p: F, q: F, m0: F, m1: F, m2: F, per_cut2: F) -> Sums:
    """One more light, with Geman and McClure's weight for its residual."""
    r = z - (m0 * p + m1 * q + m2)
    u = F(1) / (F(1) + r * r * w * per_cut2)
    return add(s, w * u * u, z, p, q)


@compiled
def reweighted(z: Array, w: Array, p: Array, q: Array, lights: int, m: Array, cut: F, s: Array) -> None:
    """The sums with weights w times those for the residuals from m (3, run)."""
    c, s, m = F(1) / (cut * cut), _nine(s), _three(m)
    s[:] = 0
    for k in range(0, lights, 4):
        z0, z1, z2, z3 = z[k], z[k + 1], z[k + 2], z[k + 3]
        w0, w1, w2, w3 = w[k], w[k + 1], w[k + 2], w[k + 3]
        p0, p1, p2, p3 = p[k], p[k + 1], p[k + 2], p[k + 3]
        q0, q1, q2, q3 = q[k], q[k + 1], q[k + 2], q[k + 3]
        for x in range(RUN):
            a, b, d = m[0, x], m[1, x], m[2, x]
            v = halved(get(s, x), w0[x], z0[x], p0[x], q0[x], a, b, d, c)
            v = halved(v, w1[x], z1[x], p1[x], q1[x], a, b, d, c)
            v = halved(v, w2[x], z2[x], p2[x], q2[x], a, b, d, c)
            put(halved(v, w3[x], z3[x], p3[x], q3[x], a, b, d, c), s, x)


@compiled
def answer(s: Array, c: Array, m: Array) -> None:
    """Solve: covariance c (6, run), upper half, and m (3, run); zeros where the lights do not span space."""
    s, c, m = _nine(s), _six(c), _three(m)
    for x in range(RUN):
        a, d, e, f, g, i = s[0, x], s[1, x], s[2, x], s[3, x], s[4, x], s[5, x]
        b0, b1, b2 = s[6, x], s[7, x], s[8, x]
        c0, c1, c2 = f * i - g * g, e * g - d * i, d * g - e * f
        determinant = a * c0 + d * c1 + e * c2
        bound = F(1e-5) * (a * f * i)
        scale = pick((determinant > bound) & (bound > F(0)), F(1) / determinant, F(0))
        c0, c1, c2 = c0 * scale, c1 * scale, c2 * scale
        c3, c4, c5 = (a * i - e * e) * scale, (e * d - a * g) * scale, (a * f - d * d) * scale
        c[0, x], c[1, x], c[2, x], c[3, x], c[4, x], c[5, x] = c0, c1, c2, c3, c4, c5
        m[0, x] = c0 * b0 + c1 * b1 + c2 * b2
        m[1, x] = c1 * b0 + c3 * b1 + c4 * b2
        m[2, x] = c2 * b0 + c4 * b1 + c5 * b2
