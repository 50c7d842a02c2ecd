"""Compiled pieces of the fit: robust weighted least squares for the pixels of one run.

The model of a ratio is `m . (p, q, 1)`, m being albedo times normal: with light k towards (p_k, q_k, 1) a
flat field turns the near-light equation into one that is linear in m and needs no square root. Index order
(light, pixel); the six sums of the symmetric normal matrix are pp, pq, p, qq, q, 1.
"""

import numpy as np

from ._jit import Array, F, compiled
from ._pixels import TINY

SHRINK = F(0.35)
"""From one round to the next, while the scale is larger than the cut."""
SETTLED = 3
"""Rounds with the smallest scale."""
DOUBT = F(1.5**2)
"""Square of the residual, in cuts, that asks for another start; noise alone seldom reaches it."""


@compiled
def seed(z: Array, w: Array, n: int, dropped: int, sign: int, h: Array) -> None:
    """Weights to begin with: ones, but zero for the `dropped` brightest (sign 1) or darkest (-1) ratios.

    At least four lights stay, or all where there are fewer. Clipped ones (w zero) count as dropped already.
    """
    lights = z.shape[0]
    for x in range(n):
        usable = 0
        for k in range(lights):
            h[k, x] = 1
            if w[k, x] > 0:
                usable += 1
        drop = min(dropped - (lights - usable), usable - 4)
        for _ in range(drop):
            worst = -1
            for k in range(lights):
                if w[k, x] > 0 and h[k, x] > 0 and (worst < 0 or F(sign) * (z[k, x] - z[worst, x]) > 0):
                    worst = k
            h[worst, x] = 0


@compiled
def accumulate(z: Array, w: Array, h: Array, pq: Array, n: int, s: Array, b: Array) -> None:
    """Normal matrix s (6, run) and right side b (3, run) with weights w times h."""
    for x in range(n):
        for i in range(6):
            s[i, x] = 0
        for i in range(3):
            b[i, x] = 0
    for k in range(z.shape[0]):
        for x in range(n):
            weight = w[k, x] * h[k, x]
            p, q = pq[k, 0, x], pq[k, 1, x]
            wp, wq, wz = weight * p, weight * q, weight * z[k, x]
            s[0, x] += wp * p
            s[1, x] += wp * q
            s[2, x] += wp
            s[3, x] += wq * q
            s[4, x] += wq
            s[5, x] += weight
            b[0, x] += wz * p
            b[1, x] += wz * q
            b[2, x] += wz


@compiled
def invert(s: Array, n: int, c: Array) -> None:
    """Inverse of the symmetric matrices, same layout; all zero where the lights do not span space."""
    for x in range(n):
        a, d, e, f, g, i = s[0, x], s[1, x], s[2, x], s[3, x], s[4, x], s[5, x]
        c0, c1, c2 = f * i - g * g, e * g - d * i, d * g - e * f
        determinant = a * c0 + d * c1 + e * c2
        bound = a * f * i
        good = determinant > F(1e-5) * bound and bound > 0
        inverse = F(1) / determinant if good else F(0)
        c[0, x] = c0 * inverse
        c[1, x] = c1 * inverse
        c[2, x] = c2 * inverse
        c[3, x] = (a * i - e * e) * inverse
        c[4, x] = (e * d - a * g) * inverse
        c[5, x] = (a * f - d * d) * inverse


@compiled
def apply(c: Array, b: Array, n: int, m: Array) -> None:
    """M = c b, for symmetric c."""
    for x in range(n):
        b0, b1, b2 = b[0, x], b[1, x], b[2, x]
        m[0, x] = c[0, x] * b0 + c[1, x] * b1 + c[2, x] * b2
        m[1, x] = c[1, x] * b0 + c[3, x] * b1 + c[4, x] * b2
        m[2, x] = c[2, x] * b0 + c[4, x] * b1 + c[5, x] * b2


@compiled
def residuals(z: Array, w: Array, pq: Array, m: Array, n: int, r: Array) -> None:
    """Residuals in units of their deviation: r (lights, run)."""
    for k in range(z.shape[0]):
        for x in range(n):
            fitted = m[0, x] * pq[k, 0, x] + m[1, x] * pq[k, 1, x] + m[2, x]
            r[k, x] = (z[k, x] - fitted) * np.sqrt(w[k, x])


@compiled
def begin(r: Array, n: int, cut: float, scale: Array) -> None:
    """The scale to begin with, per pixel: its largest residual, so that no light is given up too early."""
    for x in range(n):
        largest = F(cut)
        for k in range(r.shape[0]):
            largest = max(largest, abs(r[k, x]))
        scale[x] = largest


@compiled
def reweight(r: Array, n: int, cut: float, scale: Array, h: Array) -> bool:
    """Geman-McClure weights, then a smaller scale for the next round; True when it was `cut` everywhere."""
    for k in range(r.shape[0]):
        for x in range(n):
            t = r[k, x] / scale[x]
            u = F(1) / (F(1) + t * t)
            h[k, x] = u * u
    settled = True
    for x in range(n):
        settled &= scale[x] <= F(cut)
        scale[x] = max(F(cut), SHRINK * scale[x])
    return settled


@compiled
def cost(r: Array, n: int, cut: float, highlight: float, out: Array) -> bool:
    """Sum of the losses per pixel, highlights' times a factor; True if any light is doubted."""
    doubt = False
    for x in range(n):
        out[x] = 0
    for k in range(r.shape[0]):
        for x in range(n):
            t = r[k, x] / F(cut)
            t2 = t * t
            doubt |= t2 > DOUBT
            out[x] += t2 / (F(1) + t2) * (F(highlight) if t > 0 else F(1))
    return doubt


@compiled
def descend(z: Array, w: Array, pq: Array, n: int, rule: Array, h: Array, r: Array, work: Array) -> None:
    """Reweighted fits from the weights h on, the scale shrinking from the largest residual to the cut.

    work: normal matrix (0 to 5), right side (6 to 8), covariance (9 to 14), m (15 to 17), scale (18).
    """
    steps, cut = int(rule[1]), rule[2]
    settled = 0
    for step in range(steps + 1):
        accumulate(z, w, h, pq, n, work[0:6], work[6:9])
        invert(work[0:6], n, work[9:15])
        apply(work[9:15], work[6:9], n, work[15:18])
        residuals(z, w, pq, work[15:18], n, r)
        if step == steps or settled == SETTLED:
            break
        if step == 0:
            begin(r, n, cut, work[18])
        settled += reweight(r, n, cut, work[18], h)


@compiled
def fit(z: Array, w: Array, pq: Array, n: int, rule: Array, hs: Array, r: Array, work: Array) -> None:
    """The fit from all lights; where it doubts one, also those without the brightest and without the darkest.

    The fit of least cost stays, in work[:19] and hs[0]. rule: (dropped, steps, cut, highlight, ...).
    hs: (2, lights, run). work: (40, run), its second half for the other fits.
    """
    dropped, cut, highlight = int(rule[0]), rule[2], rule[3]
    seed(z, w, n, 0, 1, hs[0])
    descend(z, w, pq, n, rule, hs[0], r, work[:20])
    if dropped == 0 or not cost(r, n, cut, highlight, work[19]):
        return
    for sign in (1, -1):
        seed(z, w, n, dropped, sign, hs[1])
        descend(z, w, pq, n, rule, hs[1], r, work[20:])
        cost(r, n, cut, highlight, work[39])
        for x in range(n):
            if work[39, x] < work[19, x]:
                for i in range(9, 20):
                    work[i, x] = work[20 + i, x]
                for k in range(z.shape[0]):
                    hs[0, k, x] = hs[1, k, x]


@compiled
def uncertainty(
    w: Array, h: Array, pq: Array, common: Array, c: Array, m: Array, n: int, scratch: Array, out: Array
) -> None:
    """Standard uncertainty (rad) of the normal, per axis, from the covariance of m.

    c is the covariance where the weights are inverse variances. The ambient picture's noise shifts all
    lights together; it adds the outer product of what that shift does to m.
    """
    accumulate(common, w, h, pq, n, scratch[:6], scratch[6:9])
    apply(c, scratch[6:9], n, scratch[9:12])
    for x in range(n):
        x0, x1, x2 = scratch[9, x], scratch[10, x], scratch[11, x]
        length2 = max(m[0, x] * m[0, x] + m[1, x] * m[1, x] + m[2, x] * m[2, x], TINY)
        trace = c[0, x] + c[3, x] + c[5, x] + x0 * x0 + x1 * x1 + x2 * x2
        c0 = c[0, x] * m[0, x] + c[1, x] * m[1, x] + c[2, x] * m[2, x]
        c1 = c[1, x] * m[0, x] + c[3, x] * m[1, x] + c[4, x] * m[2, x]
        c2 = c[2, x] * m[0, x] + c[4, x] * m[1, x] + c[5, x] * m[2, x]
        shift = x0 * m[0, x] + x1 * m[1, x] + x2 * m[2, x]
        along = (m[0, x] * c0 + m[1, x] * c1 + m[2, x] * c2 + shift * shift) / length2
        across = max(trace - along, F(0))
        out[x] = min(np.sqrt(F(0.5) * across / length2), F(np.pi / 2))
