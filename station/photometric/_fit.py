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
def seed(z: Array, w: Array, n: int, dropped: int, sign: int, h: Array, work: Array) -> None:
    """Weights to begin with: ones, but zero for the `dropped` brightest (sign 1) or darkest (-1) ratios.

    At least four lights stay, or all where there are fewer. Clipped ones (w zero) count as dropped already.
    """
    lights = z.shape[0]
    usable, worst, which = work[0], work[1], work[2]
    usable[:n] = 0
    h[:, :n] = 1
    for k in range(lights):
        for x in range(n):
            usable[x] += F(1) if w[k, x] > 0 else F(0)
    for x in range(n):
        usable[x] = min(F(dropped) - (F(lights) - usable[x]), usable[x] - F(4))
    for already in range(dropped):
        worst[:n] = -np.inf
        which[:n] = -1
        for k in range(lights):
            for x in range(n):
                better = (w[k, x] > 0) & (h[k, x] > 0) & (F(sign) * z[k, x] > worst[x])
                worst[x] = F(sign) * z[k, x] if better else worst[x]
                which[x] = F(k) if better else which[x]
        for k in range(lights):
            for x in range(n):
                h[k, x] = F(0) if (which[x] == F(k)) & (F(already) < usable[x]) else h[k, x]


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
def cost(r: Array, n: int, cut: float, highlight: float, out: Array, largest: Array) -> None:
    """Sum of the losses per pixel, highlights' times a factor; the square of the largest residual in cuts."""
    out[:n] = 0
    largest[:n] = 0
    for k in range(r.shape[0]):
        for x in range(n):
            t = r[k, x] / F(cut)
            t2 = t * t
            largest[x] = max(largest[x], t2)
            out[x] += t2 / (F(1) + t2) * (F(highlight) if t > 0 else F(1))


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
def fit(zws: Array, pqs: Array, n: int, rule: Array, work: Array) -> None:
    """The fit from all lights; where it doubts one, also those without the brightest and without the darkest.

    The fit of least cost stays, in work and zws[0, 3]. zws: (2, 5, lights, run), ratios, inverse variances,
    (one that is not touched), weights, residuals; and room for a copy of the doubtful pixels. pqs likewise,
    (2, lights, 3, run). rule: (dropped, steps, cut, highlight, ...). work: (40, run), see `descend`, its
    second half for the other fits.
    """
    dropped, cut, highlight = int(rule[0]), rule[2], rule[3]
    zw, pq, spare, spare_pq = zws[0], pqs[0], zws[1], pqs[1]
    seed(zw[0], zw[1], n, 0, 1, zw[3], work)
    descend(zw[0], zw[1], pq, n, rule, zw[3], zw[4], work[:20])
    if dropped == 0:
        return
    cost(zw[4], n, cut, highlight, work[19], work[18])
    m = pack(zw, pq, n, work, spare, spare_pq)
    for sign in (1, -1):
        if m == 0:
            return
        seed(spare[0], spare[1], m, dropped, sign, spare[3], work[20:40])
        descend(spare[0], spare[1], spare_pq, m, rule, spare[3], spare[4], work[20:40])
        cost(spare[4], m, cut, highlight, work[39], work[38])
        unpack(zw, m, work, spare)


@compiled
def trim(zw: Array, pq: Array, n: int, subsets: Array, work: Array) -> None:
    """Least trimmed squares: of the fits to each subset of the lights, rows of 0 and 1, the closest one."""
    lights = zw.shape[1]
    best, chosen = work[19], work[39]
    work[9:18, :n] = 0
    best[:n] = np.inf
    chosen[:n] = 0
    for number in range(subsets.shape[0]):
        for k in range(lights):
            zw[3, k, :n] = subsets[number, k]
        accumulate(zw[0], zw[1], zw[3], pq, n, work[20:26], work[26:29])
        invert(work[20:26], n, work[29:35])
        apply(work[29:35], work[26:29], n, work[35:38])
        residuals(zw[0], zw[1], pq, work[35:38], n, zw[4])
        work[38, :n] = 0
        for k in range(lights):
            for x in range(n):
                work[38, x] += zw[3, k, x] * zw[4, k, x] * zw[4, k, x]
        for x in range(n):
            if work[38, x] < best[x] and work[34, x] > 0:
                best[x], chosen[x] = work[38, x], F(number)
                for i in range(9):
                    work[9 + i, x] = work[29 + i, x]
    for x in range(n):
        for k in range(lights):
            zw[3, k, x] = subsets[int(chosen[x]), k]


@compiled
def pack(zw: Array, pq: Array, n: int, work: Array, spare: Array, spare_pq: Array) -> int:
    """Copy the doubtful pixels side by side; their places go to spare[2, 0]. Returns how many they are."""
    m = 0
    for x in range(n):
        if work[18, x] > DOUBT:
            for k in range(zw.shape[1]):
                spare[0, k, m], spare[1, k, m] = zw[0, k, x], zw[1, k, x]
                spare_pq[k, 0, m], spare_pq[k, 1, m] = pq[k, 0, x], pq[k, 1, x]
            spare[2, 0, m] = F(x)
            m += 1
    return m


@compiled
def unpack(zw: Array, m: int, work: Array, spare: Array) -> None:
    """Take over the fits that cost less."""
    for i in range(m):
        x = int(spare[2, 0, i])
        if work[39, i] < work[19, x]:
            for row in range(9, 20):
                work[row, x] = work[20 + row, i]
            for k in range(zw.shape[1]):
                zw[3, k, x] = spare[3, k, i]


@compiled
def uncertainty(zw: Array, pq: Array, n: int, work: Array, out: Array) -> None:
    """Standard uncertainty (rad) of the normal, per axis, from the covariance of m.

    The covariance is the inverse normal matrix, whose weights are inverse variances. The ambient picture's
    noise (zw[2]) shifts all lights together; it adds the outer product of what that shift does to m.
    """
    c, m, v = work[9:15], work[15:18], work[29:32]
    accumulate(zw[2], zw[1], zw[3], pq, n, work[20:26], work[26:29])
    apply(c, work[26:29], n, v)
    for x in range(n):
        length2 = max(m[0, x] * m[0, x] + m[1, x] * m[1, x] + m[2, x] * m[2, x], TINY)
        trace = c[0, x] + c[3, x] + c[5, x] + v[0, x] * v[0, x] + v[1, x] * v[1, x] + v[2, x] * v[2, x]
        c0 = c[0, x] * m[0, x] + c[1, x] * m[1, x] + c[2, x] * m[2, x]
        c1 = c[1, x] * m[0, x] + c[3, x] * m[1, x] + c[4, x] * m[2, x]
        c2 = c[2, x] * m[0, x] + c[4, x] * m[1, x] + c[5, x] * m[2, x]
        shift = v[0, x] * m[0, x] + v[1, x] * m[1, x] + v[2, x] * m[2, x]
        along = (m[0, x] * c0 + m[1, x] * c1 + m[2, x] * c2 + shift * shift) / length2
        across = max(trace - along, F(0))
        out[x] = min(np.sqrt(F(0.5) * across / length2), F(np.pi / 2))
