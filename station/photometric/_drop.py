"""Which two lights of a pixel to leave out: least trimmed squares, exactly, from one fit to all of them.

Leaving the lights J out of a least squares fit lowers the sum of squares by `r_J (I - H_JJ)^-1 r_J`, r being
the residuals and H the hat matrix (Cook and Weisberg 1982, section 2.2): all pairs are judged without
fitting any of them.
"""

import numpy as np

from ._jit import RUN, Array, F, compiled
from ._memory import known, pick

Rows = tuple[Array, ...]
_six, _three = known(6, RUN), known(3, RUN)
LEAST_LEFT = F(0.02)
"""Of the normal matrix's determinant, after a pair is left out: the other lights must still span space."""
NOBODY = F(-1)
FEWEST_LEFT = 4


@compiled
def hats(
    z: Array, w: Array, p: Array, q: Array, lights: int, c: Array, m: Array, hat: Rows,
    worst: Array,
) -> None:  # fmt: skip
    """Residuals in deviations, and factors of the hat matrix `H_jk = b_j . v_k`.

    hat, filled: residual, 1 - H_kk, b (3), v (3). worst: (run,), the largest residual.
    """
    r, a, c0, c1, c2, e0, e1, e2 = hat
    c, m = _six(c), _three(m)
    worst[:] = 0
    for k in range(lights):
        zk, wk, pk, qk, rk, ak = z[k], w[k], p[k], q[k], r[k], a[k]
        b0, b1, b2, v0, v1, v2 = c0[k], c1[k], c2[k], e0[k], e1[k], e2[k]
        for x in range(RUN):
            root = np.sqrt(wk[x])
            rp, rq = root * pk[x], root * qk[x]
            residual = root * zk[x] - (m[0, x] * rp + m[1, x] * rq + m[2, x] * root)
            d0 = c[0, x] * rp + c[1, x] * rq + c[2, x] * root
            d1 = c[1, x] * rp + c[3, x] * rq + c[4, x] * root
            d2 = c[2, x] * rp + c[4, x] * rq + c[5, x] * root
            b0[x], b1[x], b2[x], v0[x], v1[x], v2[x] = rp, rq, root, d0, d1, d2
            rk[x] = residual
            ak[x] = F(1) - (rp * d0 + rq * d1 + root * d2)
            worst[x] = max(worst[x], abs(residual))
    for x in range(RUN):
        r[lights, x] = e0[lights, x] = e1[lights, x] = e2[lights, x] = F(0)
        a[lights, x] = F(1)


@compiled
def room_to_drop(w: Array, lights: int, most: int, room: Array) -> None:
    """How many lights each pixel can do without: four stay."""
    room[:] = -F(FEWEST_LEFT)
    for k in range(lights):
        for x in range(RUN):
            room[x] += pick(w[k, x] > F(0), F(1), F(0))
    for x in range(RUN):
        room[x] = min(max(room[x], F(0)), F(most))


@compiled
def judge(
    lights: int, w: Array, hat: Rows, room: Array, pair: Rows
) -> None:  # fmt: skip
    """The pair whose absence lowers the sum of squares most; a light beyond the last is nobody.

    pair, filled: gain and determinant of the best so far, first and second light (`NOBODY`: none).
    """
    r, a, c0, c1, c2, e0, e1, e2 = hat
    best, over, first, second = pair
    best[:] = 0
    over[:] = 1
    for j in range(lights):
        rj, aj, wj, b0, b1, b2 = r[j], a[j], w[j], c0[j], c1[j], c2[j]
        for k in range(j + 1, lights + 1):
            rk, ak, wk, v0, v1, v2 = r[k], a[k], w[k], e0[k], e1[k], e2[k]
            for x in range(RUN):
                o = b0[x] * v0[x] + b1[x] * v1[x] + b2[x] * v2[x]
                y, u = rj[x], rk[x]
                det = aj[x] * ak[x] - o * o
                gain = ak[x] * y * y + F(2) * o * y * u + aj[x] * u * u
                cost = pick(wj[x] > F(0), F(1), F(0)) + pick(wk[x] > F(0), F(1), F(0))
                allowed = (cost <= room[x]) & (det > LEAST_LEFT)
                better = allowed & (gain * over[x] > best[x] * det)
                best[x] = pick(better, gain, best[x])
                over[x] = pick(better, det, over[x])
                first[x] = pick(better, F(j), first[x])
                second[x] = pick(better, F(k), second[x])


@compiled
def only_doubtful(worst: Array, doubt: F, first: Array, second: Array) -> None:
    """Nobody is left out where no residual is in doubt."""
    for x in range(RUN):
        first[x] = pick(worst[x] > doubt, first[x], NOBODY)
        second[x] = pick(worst[x] > doubt, second[x], NOBODY)


@compiled
def leave_out(w: Array, lights: int, first: Array, second: Array, out: Array) -> None:
    """The weights w without the chosen pair; rows up to the next four are zero."""
    for k in range(lights, lights + 3):
        for x in range(RUN):
            out[k, x] = F(0)
    for k in range(lights):
        for x in range(RUN):
            out[k, x] = pick((first[x] == F(k)) | (second[x] == F(k)), F(0), w[k, x])


@compiled
def largest(worst: Array, n: int) -> F:
    """Of the run's pixels."""
    found = F(0)
    for x in range(n):
        found = max(found, worst[x])
    return found
