"""Which two lights of a pixel to leave out: least trimmed squares, exactly, from one fit to all of them.

Leaving the lights J out of a least squares fit lowers the sum of squares by `r_J (I - H_JJ)^-1 r_J`, r being
the residuals and H the hat matrix (Cook and Weisberg 1982, section 2.2): all pairs are judged without
fitting any of them.
"""

import numpy as np

from ._jit import RUN, Array, F, compiled, inlined
from ._memory import known, pick

Rows = tuple[Array, ...]
State = tuple[F, F, F, F]
Light = tuple[F, F, F]
_six, _three = known(6, RUN), known(3, RUN)
LEAST_LEFT = F(0.02)
"""Of the normal matrix's determinant, after a pair is left out: the other lights must still span space."""
NOBODY = F(-1)
FEWEST_LEFT = 4


@compiled
def hats(
    z: Array, w: Array, p: Array, q: Array, lights: int, c: Array, m: Array, hat: Rows, worst: Array
) -> None:
    """Residuals in deviations, and factors of the hat matrix: `H_jk = root_j (p_j, q_j, 1) . v_k`.

    hat, filled: residual, 1 - H_kk, root of the weight, v (3). worst: (run,), the largest residual.
    """
    r, a, roots, e0, e1, e2 = hat
    c, m = _six(c), _three(m)
    worst[:] = 0
    for k in range(lights):
        zk, wk, pk, qk, rk, ak, root_k = z[k], w[k], p[k], q[k], r[k], a[k], roots[k]
        v0, v1, v2 = e0[k], e1[k], e2[k]
        for x in range(RUN):
            root, x0, x1 = np.sqrt(wk[x]), pk[x], qk[x]
            residual = root * (zk[x] - (m[0, x] * x0 + m[1, x] * x1 + m[2, x]))
            d0 = root * (c[0, x] * x0 + c[1, x] * x1 + c[2, x])
            d1 = root * (c[1, x] * x0 + c[3, x] * x1 + c[4, x])
            d2 = root * (c[2, x] * x0 + c[4, x] * x1 + c[5, x])
            root_k[x], v0[x], v1[x], v2[x] = root, d0, d1, d2
            rk[x] = residual
            ak[x] = F(1) - root * (x0 * d0 + x1 * d1 + d2)
            worst[x] = max(worst[x], abs(residual))
    for k in range(lights, lights + 2):
        for x in range(RUN):
            r[k, x] = e0[k, x] = e1[k, x] = e2[k, x] = roots[k, x] = F(0)
            a[k, x] = F(1)


@compiled
def room_to_drop(w: Array, lights: int, most: int, room: Array) -> None:
    """How many lights each pixel can do without: four stay."""
    room[:] = -F(FEWEST_LEFT)
    for k in range(lights):
        for x in range(RUN):
            room[x] += pick(w[k, x] > F(0), F(1), F(0))
    for x in range(RUN):
        room[x] = min(max(room[x], F(0)), F(most))


@inlined
def compare(s: State, j: F, k: F, one: Light, other: Light, o: F, allowed: bool) -> State:
    """One more pair (j, k), o being minus its element of I - H. State: gain, determinant, first, second."""
    y, a, _ = one
    u, d, _ = other
    det = a * d - o * o
    gain = (d * y + F(2) * o * u) * y + a * u * u
    better = allowed & (det > LEAST_LEFT) & (gain * s[1] > s[0] * det)
    return pick(better, gain, s[0]), pick(better, det, s[1]), pick(better, j, s[2]), pick(better, k, s[3])


@compiled
def judge(lights: int, p: Array, q: Array, hat: Rows, room: Array, pair: Rows) -> None:
    """The pair whose absence lowers the sum of squares most; a light beyond the last is nobody.

    pair, filled: gain and determinant of the best so far, first and second light (`NOBODY`: none).
    """
    r, a, roots, e0, e1, e2 = hat
    best, over, first, second = pair
    best[:] = 0
    over[:] = 1
    tight = scarce(room)
    for j in range(lights):
        rj, aj, root_j, pj, qj, fj = r[j], a[j], roots[j], p[j], q[j], F(j)
        last = lights + 1 if tight else lights
        for k in range(j + 1, last, 2):
            r0, a0, w0, u0, u1, u2 = r[k], a[k], roots[k], e0[k], e1[k], e2[k]
            r1, a1, w1, v0, v1, v2 = r[k + 1], a[k + 1], roots[k + 1], e0[k + 1], e1[k + 1], e2[k + 1]
            k0, k1 = F(k), F(k + 1)
            if tight:
                for x in range(RUN):
                    s, root = (best[x], over[x], first[x], second[x]), root_j[x]
                    mine, left = (rj[x], aj[x], root), room[x] - pick(root > F(0), F(1), F(0))
                    o = root * (pj[x] * u0[x] + qj[x] * u1[x] + u2[x])
                    fits = left >= pick(w0[x] > F(0), F(1), F(0))
                    s = compare(s, fj, k0, mine, (r0[x], a0[x], w0[x]), o, fits)
                    o = root * (pj[x] * v0[x] + qj[x] * v1[x] + v2[x])
                    fits = left >= pick(w1[x] > F(0), F(1), F(0))
                    s = compare(s, fj, k1, mine, (r1[x], a1[x], w1[x]), o, fits)
                    best[x], over[x], first[x], second[x] = s
            else:
                for x in range(RUN):
                    s, root = (best[x], over[x], first[x], second[x]), root_j[x]
                    mine = (rj[x], aj[x], root)
                    o = root * (pj[x] * u0[x] + qj[x] * u1[x] + u2[x])
                    s = compare(s, fj, k0, mine, (r0[x], a0[x], w0[x]), o, True)
                    o = root * (pj[x] * v0[x] + qj[x] * v1[x] + v2[x])
                    s = compare(s, fj, k1, mine, (r1[x], a1[x], w1[x]), o, True)
                    best[x], over[x], first[x], second[x] = s


@compiled
def scarce(room: Array) -> bool:
    """Whether a pixel of the run cannot do without two lights."""
    least = F(2)
    for x in range(RUN):
        least = min(least, room[x])
    return bool(least < F(2))


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
