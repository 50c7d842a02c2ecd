"""Which two lights of a pixel to leave out: least trimmed squares, exactly, from one fit to all of them.

Leaving the lights J out of a least squares fit lowers the sum of squares by `r_J (I - H_JJ)^-1 r_J`, r being
the residuals and H the hat matrix (Cook and Weisberg 1982, section 2.2): all pairs are judged without
fitting any of them.
"""

import numpy as np

from ._jit import RUN, Array, F, compiled, inlined
from ._memory import known, pick

Rows = tuple[Array, ...]
State = tuple[F, F, F]
Light = tuple[F, F, F]
_six, _three = known(6, RUN), known(3, RUN)
LEAST_LEFT = F(0.02)
"""Of the normal matrix's determinant, after a pair is left out: the other lights must still span space."""
NOBODY = F(-1)
MANY = 256
"""More than there are lights; small enough for a float to hold its square."""
FEWEST_LEFT = 4


@compiled
def hats(
    z: Array, w: Array, p: Array, q: Array, lights: int, c: Array, m: Array, hat: Rows, worst: Array
) -> None:
    """Residuals, and factors of the hat matrix: `H_jk = w_j (p_j, q_j, 1) . v_k`.

    hat, filled: residual, 1 - H_kk, v (3). worst: (run,), the largest residual in deviations.
    """
    r, a, e0, e1, e2 = hat
    c, m = _six(c), _three(m)
    worst[:] = 0
    for k in range(lights):
        zk, wk, pk, qk, rk, ak = z[k], w[k], p[k], q[k], r[k], a[k]
        v0, v1, v2 = e0[k], e1[k], e2[k]
        for x in range(RUN):
            own, x0, x1 = wk[x], pk[x], qk[x]
            residual = zk[x] - (m[0, x] * x0 + m[1, x] * x1 + m[2, x])
            d0 = c[0, x] * x0 + c[1, x] * x1 + c[2, x]
            d1 = c[1, x] * x0 + c[3, x] * x1 + c[4, x]
            d2 = c[2, x] * x0 + c[4, x] * x1 + c[5, x]
            rk[x], v0[x], v1[x], v2[x] = residual, d0, d1, d2
            ak[x] = F(1) - own * (x0 * d0 + x1 * d1 + d2)
            worst[x] = max(worst[x], residual * residual * own)
    for k in range(lights, lights + 2):
        for x in range(RUN):
            r[k, x] = e0[k, x] = e1[k, x] = e2[k, x] = F(0)
            a[k, x] = F(1)
    for x in range(RUN):
        worst[x] = np.sqrt(worst[x])


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
def compare(s: State, pair: F, one: Light, other: Light, g: F, allowed: bool) -> State:
    """One more pair, g being the scalar product of its rays under the covariance.

    State: gain in the sum of squares times determinant of I - H, that determinant, the pair.
    """
    y, w, a = one
    u, t, d = other
    o = t * g
    det = a * d - (w * g) * o
    gain = d * (w * y * y) + a * (t * u * u) + (F(2) * w * y) * (o * u)
    better = allowed & (det > LEAST_LEFT) & (gain * s[1] > s[0] * det)
    return pick(better, gain, s[0]), pick(better, det, s[1]), pick(better, pair, s[2])


@compiled
def judge(lights: int, weight: Array, p: Array, q: Array, hat: Rows, room: Array, chosen: Rows) -> None:
    """The pair whose absence lowers the sum of squares most; a light beyond the last is nobody.

    chosen, filled: gain and determinant of the best so far, and the pair as `MANY` first + second.
    """
    r, a, e0, e1, e2 = hat
    best, over, who = chosen
    best[:] = 0
    over[:] = 1
    who[:] = NOBODY
    tight = scarce(room)
    last = lights + 1 if tight else lights
    for j in range(lights):
        rj, wj, aj, pj, qj = r[j], weight[j], a[j], p[j], q[j]
        for k in range(j + 1, last, 2):
            r0, w0, a0, u0, u1, u2 = r[k], weight[k], a[k], e0[k], e1[k], e2[k]
            r1, w1, a1, v0, v1, v2 = r[k + 1], weight[k + 1], a[k + 1], e0[k + 1], e1[k + 1], e2[k + 1]
            one, two = F(j * MANY + k), F(j * MANY + k + 1)
            if tight:
                for x in range(RUN):
                    s, mine = (best[x], over[x], who[x]), (rj[x], wj[x], aj[x])
                    left = room[x] - pick(wj[x] > F(0), F(1), F(0))
                    g = pj[x] * u0[x] + qj[x] * u1[x] + u2[x]
                    fits = left >= pick(w0[x] > F(0), F(1), F(0))
                    s = compare(s, one, mine, (r0[x], w0[x], a0[x]), g, fits)
                    g = pj[x] * v0[x] + qj[x] * v1[x] + v2[x]
                    fits = left >= pick(w1[x] > F(0), F(1), F(0))
                    best[x], over[x], who[x] = compare(s, two, mine, (r1[x], w1[x], a1[x]), g, fits)
            else:
                for x in range(RUN):
                    s, mine = (best[x], over[x], who[x]), (rj[x], wj[x], aj[x])
                    g = pj[x] * u0[x] + qj[x] * u1[x] + u2[x]
                    s = compare(s, one, mine, (r0[x], w0[x], a0[x]), g, True)
                    g = pj[x] * v0[x] + qj[x] * v1[x] + v2[x]
                    best[x], over[x], who[x] = compare(s, two, mine, (r1[x], w1[x], a1[x]), g, True)


@compiled
def only_doubtful(who: Array, worst: Array, doubt: F, first: Array, second: Array) -> None:
    """The pair of each pixel whose largest residual is in doubt; of the others nobody."""
    for x in range(RUN):
        j = np.floor(who[x] * F(1 / MANY))
        out = (worst[x] > doubt) & (who[x] >= F(0))
        first[x] = pick(out, j, NOBODY)
        second[x] = pick(out, who[x] - j * F(MANY), NOBODY)


@compiled
def scarce(room: Array) -> bool:
    """Whether a pixel of the run cannot do without two lights."""
    least = F(2)
    for x in range(RUN):
        least = min(least, room[x])
    return bool(least < F(2))


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
