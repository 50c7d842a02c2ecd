"""Compiled pieces for a coat of known lobes: its shine moved to where each pixel's own normal puts it."""

import numpy as np

from ._fields import along
from ._jit import LINE, RUN, Array, F, compiled
from ._memory import known, pick, scratch
from .coat import NARROWEST

LEAST = F(1e-12)
"""Square of m below which a pixel has no normal."""
_half, _unit, _fresh, _less = scratch(5, RUN), scratch(3, RUN), scratch(RUN), scratch(3, RUN)
_three, _five, _six = known(3, RUN), known(5, RUN), known(6, RUN)


@compiled
def reshine(
    nodes: Array,
    dense: bool,
    fitted: tuple[Array, Array],
    ways: tuple[Array, Array],
    at: tuple[int, int, int],
    signal: tuple[Array, Array, Array, Array],
    error: F,
) -> None:
    """Take off the shine that belongs to the fit in place of the shine the field began with, and fit again.

    One step, not a settled solution: a coat's strength is known to some per cent only, and what is wrong with
    it grows with every further step while the noise of one step already helps to tell the slope.

    nodes: (lights, parts, columns), a row of the field's table. fitted: covariance and m, which is brought up
    to date, as are the signals. ways: p, q. at: first column, pixels, channels. signal: ratios of all
    channels, one ratio per light, its weight, the shine taken off so far. error: of the shine, as a share.
    """
    x0, n, channels = at
    y, z, w, shine = signal
    c, m = fitted
    p, q = ways
    half, unit, fresh, less = _half(), _unit(), _fresh(), _less()
    less[:] = 0
    half[:] = 0
    normals(m, unit)
    first = channels + 3
    for k in range(nodes.shape[0]):
        for i in range(5):
            along(nodes[k, first + i], x0 // LINE, (n + LINE - 1) // LINE, dense, half[i])
        reflect(unit, half, shine[k], fresh)
        step_to(fresh, unit, error, z[k], w[k], shine[k])
        gather(fresh, w[k], p[k], q[k], less)
        if channels > 1:
            for i in range(channels):
                of_channel = y[k * channels + i]
                for x in range(RUN):
                    of_channel[x] -= fresh[x]
    lower(m, c, less)


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
def reflect(n: Array, half: Array, shine: Array, out: Array) -> None:
    """What the coat adds to a light's ratio: see `coat.Coat`. half: with the spread behind it."""
    n, half = _three(n), _five(half)
    for x in range(RUN):
        facing = n[0, x] * half[0, x] + n[1, x] * half[1, x] + n[2, x] * half[2, x]
        spread = max(half[3, x] + half[4, x] * facing * facing, F(NARROWEST))
        out[x] = shine[x] / (spread * spread)


@compiled
def step_to(fresh: Array, n: Array, error: F, z: Array, w: Array, shine: Array) -> None:
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


@compiled
def gather(step: Array, w: Array, p: Array, q: Array, less: Array) -> None:
    """What a light's step takes from the right side of the normal equations."""
    less = _three(less)
    for x in range(RUN):
        d = w[x] * step[x]
        less[0, x] += d * p[x]
        less[1, x] += d * q[x]
        less[2, x] += d


@compiled
def lower(m: Array, c: Array, less: Array) -> None:
    """The answer after the right side has fallen: the weights changed too little to be solved for again."""
    m, c, less = _three(m), _six(c), _three(less)
    for x in range(RUN):
        a, b, d = less[0, x], less[1, x], less[2, x]
        m[0, x] -= c[0, x] * a + c[1, x] * b + c[2, x] * d
        m[1, x] -= c[1, x] * a + c[3, x] * b + c[4, x] * d
        m[2, x] -= c[2, x] * a + c[4, x] * b + c[5, x] * d
