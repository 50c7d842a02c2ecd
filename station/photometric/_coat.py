"""Compiled pieces for a coat of known lobes: its shine moved to where each pixel's own normal puts it.

One step of Gauss and Newton: the shine's derivative joins each light's ray, so that a slope under dark ink,
where the coat sends back as much as the print, is neither doubled nor taken for a highlight.
"""

import numpy as np

from ._fields import along
from ._fit import answer
from ._jit import LINE, RUN, Array, F, compiled
from ._memory import known, pick, scratch
from .coat import NARROWEST

LEAST = F(1e-12)
"""Square of m below which a pixel has no normal."""
Rows = tuple[Array, ...]
_law, _unit, _step, _covariance, _sums = (
    scratch(5, RUN),
    scratch(4, RUN),
    scratch(3, RUN),
    scratch(6, RUN),
    scratch(9, RUN),
)
_three, _four, _five, _nine = known(3, RUN), known(4, RUN), known(5, RUN), known(9, RUN)


@compiled
def reshine(
    nodes: Array,
    dense: bool,
    m: Array,
    ways: tuple[Array, Array],
    at: tuple[int, int, int],
    signal: tuple[Array, Array, Array, Array],
    error: F,
    spare: Rows,
) -> None:
    """Exchange the shine the field began with for that of the fit, and bring the fit up to date.

    nodes: (lights, parts, columns), a row of the field's table. m: of the fit. ways: p, q. at: first column,
    pixels, channels. signal: ratios of all channels, one ratio per light, its weight, the shine taken off so
    far. All are brought up to date. error: of the shine, as a share. spare: four arrays of a row per light.
    """
    x0, n, channels = at
    y, z, w, shine = signal
    p, q = ways
    fresh, jx, jy, jz = spare[0], spare[1], spare[2], spare[3]
    law, unit, step, c, s = _law(), _unit(), _step(), _covariance(), _sums()
    lights, first = nodes.shape[0], channels + 3
    law[:] = 0
    s[:] = 0
    normals(m, unit)
    for k in range(lights):
        for i in range(5):
            along(nodes[k, first + i], x0 // LINE, (n + LINE - 1) // LINE, dense, law[i])
        reflect(unit, law, shine[k], fresh[k], jx[k], jy[k], jz[k])
        gather(z[k], w[k], p[k], q[k], shine[k], m, (fresh[k], jx[k], jy[k], jz[k]), s)
    answer(s, c, step)
    for k in range(lights):
        exchange(unit, step, (fresh[k], jx[k], jy[k], jz[k]), error, z[k], w[k], shine[k])
        if channels > 1:
            for i in range(channels):
                of_channel = y[k * channels + i]
                for x in range(RUN):
                    of_channel[x] -= fresh[k, x]
    for x in range(RUN):
        m[0, x] += step[0, x]
        m[1, x] += step[1, x]
        m[2, x] += step[2, x]


@compiled
def normals(m: Array, out: Array) -> None:
    """Unit vectors along m (3, run), and one over its length; zero where none faces the camera."""
    m, out = _three(m), _four(out)
    for x in range(RUN):
        a, b, c = m[0, x], m[1, x], m[2, x]
        length2 = a * a + b * b + c * c
        per = pick((length2 > LEAST) & (c > F(0)), F(1) / np.sqrt(length2 + LEAST), F(0))
        out[0, x], out[1, x], out[2, x], out[3, x] = a * per, b * per, c * per, per


@compiled
def reflect(n: Array, law: Array, shine: Array, fresh: Array, jx: Array, jy: Array, jz: Array) -> None:
    """What the coat adds to a light's ratio, see `coat.Coat`, and its derivative by m.

    law: half vector and spread. The derivative of n by m is (1 - n n') / |m|.
    """
    n, law = _four(n), _five(law)
    for x in range(RUN):
        h0, h1, h2 = law[0, x], law[1, x], law[2, x]
        n0, n1, n2 = n[0, x], n[1, x], n[2, x]
        facing = n0 * h0 + n1 * h1 + n2 * h2
        spread = max(law[3, x] + law[4, x] * facing * facing, F(NARROWEST))
        per = F(1) / spread
        value = shine[x] * per * per
        slope = F(-4) * law[4, x] * facing * value * per * n[3, x]
        fresh[x] = value
        jx[x], jy[x], jz[x] = (
            slope * (h0 - facing * n0),
            slope * (h1 - facing * n1),
            slope * (h2 - facing * n2),
        )


@compiled
def gather(z: Array, w: Array, p: Array, q: Array, old: Array, m: Array, light: Rows, s: Array) -> None:
    """One light in the sums (9, run) of the step: its ray with the derivative, its residual at the fit."""
    m, s = _three(m), _nine(s)
    fresh, jx, jy, jz = light
    for x in range(RUN):
        r = z[x] + old[x] - fresh[x] - (m[0, x] * p[x] + m[1, x] * q[x] + m[2, x])
        a, b, d = p[x] + jx[x], q[x] + jy[x], F(1) + jz[x]
        wa, wb, wd = w[x] * a, w[x] * b, w[x] * d
        s[0, x] += wa * a
        s[1, x] += wa * b
        s[2, x] += wa * d
        s[3, x] += wb * b
        s[4, x] += wb * d
        s[5, x] += wd * d
        s[6, x] += wa * r
        s[7, x] += wb * r
        s[8, x] += wd * r


@compiled
def exchange(n: Array, step: Array, light: Rows, error: F, z: Array, w: Array, shine: Array) -> None:
    """Exchange the shine of one light; its first row becomes the difference. Without a normal, none."""
    n, step = _four(n), _three(step)
    fresh, jx, jy, jz = light
    for x in range(RUN):
        old = shine[x]
        moved = fresh[x] + jx[x] * step[0, x] + jy[x] * step[1, x] + jz[x] * step[2, x]
        new = pick(n[2, x] > F(0), max(moved, F(0)), old)
        wider = error * error * (new * new - old * old)
        fresh[x] = new - old
        z[x] -= new - old
        w[x] = pick(w[x] > F(0), w[x] / (F(1) + w[x] * wider), F(0))
        shine[x] = new
