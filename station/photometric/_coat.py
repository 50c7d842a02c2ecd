"""Compiled pieces for a coat of known lobes: its shine moved to where each pixel's own normal puts it.

The fit is done anew with the shine's slope in each light's ray, linear around the expected normal; at the
normal that comes of it the shine is then taken by its law. Under dark ink, where the coat sends back as much
as the print, a step that left its slope out would double a dent, or leave nothing of it.
"""

import numpy as np

from ._fields import along
from ._fit import answer
from ._jit import LINE, RUN, Array, F, compiled
from ._memory import known, pick, scratch
from .coat import NARROWEST

LEAST = F(1e-12)
"""Square of m below which a pixel has no normal."""
_law, _unit, _fresh, _sums = scratch(5, RUN), scratch(3, RUN), scratch(RUN), scratch(9, RUN)
_covariance, _fit = scratch(6, RUN), scratch(3, RUN)
_three, _five, _nine = known(3, RUN), known(5, RUN), known(9, RUN)


@compiled
def reshine(
    nodes: Array,
    dense: bool,
    m: Array,
    ways: tuple[Array, Array],
    at: tuple[int, int, int],
    signal: tuple[Array, Array, Array, Array],
    error: F,
) -> None:
    """Exchange the shine the field began with for that of the fit, and bring the fit up to date.

    nodes: (lights, parts, columns), a row of the field's table. m: of the fit. ways: p, q. at: first column,
    pixels, channels. signal: ratios of all channels, one ratio per light, its weight, the shine taken off so
    far. All are brought up to date. error: of the shine, as a share.
    """
    x0, n, channels = at
    y, z, w, shine = signal
    law, unit, fresh = _law(), _unit(), _fresh()
    lights, first = nodes.shape[0], channels + 3
    law[:] = 0
    sloped(nodes, dense, (x0, n, first + 5), m, ways, z, w, law)
    normals(m, unit)
    for k in range(lights):
        for i in range(5):
            along(nodes[k, first + i], x0 // LINE, (n + LINE - 1) // LINE, dense, law[i])
        reflect(unit, law, shine[k], fresh)
        exchange(unit, fresh, error, z[k], w[k], shine[k])
        if channels > 1:
            for i in range(channels):
                of_channel = y[k * channels + i]
                for x in range(RUN):
                    of_channel[x] -= fresh[x]


@compiled
def sloped(
    nodes: Array,
    dense: bool,
    at: tuple[int, int, int],
    m: Array,
    ways: tuple[Array, Array],
    z: Array,
    w: Array,
    room: Array,
) -> None:
    """Fit again with the shine's slope in the rays. at: first column, pixels, first part of the slopes."""
    x0, n, first = at
    p, q = ways
    s, c, found = _sums(), _covariance(), _fit()
    s[:] = 0
    for k in range(nodes.shape[0]):
        for i in range(3):
            along(nodes[k, first + i], x0 // LINE, (n + LINE - 1) // LINE, dense, room[i])
        gather(z[k], w[k], p[k], q[k], m, room, s)
    answer(s, c, found)
    for x in range(RUN):
        solved = (c[5, x] > F(0)) & (found[2, x] > F(0))
        m[0, x] = pick(solved, found[0, x], m[0, x])
        m[1, x] = pick(solved, found[1, x], m[1, x])
        m[2, x] = pick(solved, found[2, x], m[2, x])


@compiled
def gather(z: Array, w: Array, p: Array, q: Array, m: Array, slope: Array, s: Array) -> None:
    """One light in the sums (9, run), the shine's slope (3, run) over the albedo in its ray."""
    m, slope, s = _three(m), _five(slope), _nine(s)
    for x in range(RUN):
        per = pick(m[2, x] * m[2, x] > LEAST, F(1) / m[2, x], F(0))
        a, b, d = p[x] + slope[0, x] * per, q[x] + slope[1, x] * per, F(1) + slope[2, x] * per
        wa, wb, wd = w[x] * a, w[x] * b, w[x] * d
        s[0, x] += wa * a
        s[1, x] += wa * b
        s[2, x] += wa * d
        s[3, x] += wb * b
        s[4, x] += wb * d
        s[5, x] += wd * d
        s[6, x] += wa * z[x]
        s[7, x] += wb * z[x]
        s[8, x] += wd * z[x]


@compiled
def normals(m: Array, out: Array) -> None:
    """Unit vectors along m (3, run); zero where there is none that faces the camera."""
    m, out = _three(m), _three(out)
    for x in range(RUN):
        a, b, c = m[0, x], m[1, x], m[2, x]
        length2 = a * a + b * b + c * c
        per = pick((length2 > LEAST) & (c > F(0)), F(1) / np.sqrt(length2 + LEAST), F(0))
        out[0, x], out[1, x], out[2, x] = a * per, b * per, c * per


@compiled
def reflect(n: Array, law: Array, shine: Array, out: Array) -> None:
    """What the coat adds to a light's ratio, see `coat.Coat`. law: half vector and spread."""
    n, law = _three(n), _five(law)
    for x in range(RUN):
        facing = n[0, x] * law[0, x] + n[1, x] * law[1, x] + n[2, x] * law[2, x]
        spread = max(law[3, x] + law[4, x] * facing * facing, F(NARROWEST))
        out[x] = shine[x] / (spread * spread)


@compiled
def exchange(n: Array, fresh: Array, error: F, z: Array, w: Array, shine: Array) -> None:
    """Exchange the shine of one light; `fresh` becomes the difference. Where there is no normal, none."""
    n = _three(n)
    for x in range(RUN):
        old = shine[x]
        new = pick(n[2, x] > F(0), fresh[x], old)
        wider = error * error * (new * new - old * old)
        fresh[x] = new - old
        z[x] -= new - old
        w[x] = pick(w[x] > F(0), w[x] / (F(1) + w[x] * wider), F(0))
        shine[x] = new
