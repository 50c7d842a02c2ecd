"""The compiled pass that solves every pixel."""

import numpy as np
from numba import prange

from ._fit import fit, trim, uncertainty
from ._jit import SOURCES, Array, Codes, F, compiled, parallel
from ._pixels import RUN, channel_levels, combine, grid_columns, grid_row, load_ratios, spread
from ._taylor import derivatives, unshift, widen


@parallel
def solve_pass(
    stack: tuple[Codes, Codes],
    per_flat: Array,
    directions: Array,
    sensor: Array,
    mean: Array,
    motion: tuple[Array, Array],
    rule: Array,
    subsets: Array,
    maps: tuple[Array, Array, Array, Array],
    _sources: int = SOURCES,
) -> None:
    """The whole computation of every pixel.

    stack: lit and ambient. motion: shifts and jitter. rule as in `fit`, subsets as in `trim` (none: `fit`).
    maps, filled: normals (H, W, 3), albedo (H, W, channels), figures (3, H, W: sigma, chi-square, gloss),
    marks (4, H, W: lights used, light of the gloss, flags, valid).
    """
    shifts, jitter = motion
    lights, height, width, channels = stack[0].shape
    node, part = np.empty(width, np.uint32), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    for row in prange(height):
        nodes = np.empty((lights, channels, per_flat.shape[2] + 1), np.float32)
        ways = np.empty((lights, 3, per_flat.shape[2] + 1), np.float32)
        signal = np.empty((3, lights, channels, RUN), np.float32)
        pq = np.empty((2, lights, 3, RUN), np.float32)
        d = np.zeros((5, channels, RUN), np.float32)
        mix = np.empty((3, channels, RUN), np.float32)
        zw = np.empty((2, 5, lights, RUN), np.float32)
        work = np.empty((42, RUN), np.float32)
        grid_row(per_flat, row, height, nodes)
        grid_row(directions, row, height, ways)
        for x0 in range(0, width, RUN):
            n = min(RUN, width - x0)
            spread(nodes, node, part, x0, n, signal[2])
            spread(ways, node, part, x0, n, pq[0])
            look(stack, sensor, mean, shifts, row, x0, n, signal, d, mix[2])
            weigh(signal, d, mix, pq[0], zw[0], (jitter, rule), n, work)
            if len(subsets) > 0:
                trim(zw[0], pq[0], n, subsets, work)
            else:
                fit(zw, pq, n, rule, work)
            write(signal, zw[0], pq[0], n, work, maps, row, x0)


@compiled
def look(
    stack: tuple[Codes, Codes],
    sensor: Array,
    mean: Array,
    shifts: Array,
    row: int,
    x0: int,
    n: int,
    signal: Array,
    d: Array,
    dark: Array,
) -> None:
    """Fill signal (ratios, inverse variances; its third is 1 / flat), derivatives, the ambient's variance."""
    lit, ambient = stack
    load_ratios(lit, ambient, row, x0, n, signal[2], sensor, signal[0], signal[1])
    dark_noise(ambient, row, x0, n, sensor, dark)
    if len(mean) > 1:
        derivatives(mean, row, x0, n, d)
        unshift(signal[0], d, shifts, n)


@compiled
def weigh(
    signal: Array, d: Array, mix: Array, pq: Array, zw: Array, trust: tuple[Array, Array], n: int, work: Array
) -> None:
    """One signal of all channels, and everything that makes it uncertain: zw[:3]. trust: jitter and rule."""
    jitter, rule = trust
    take_off(signal[0], pq, n)
    channel_levels(signal[0], signal[1], n, mix[0], mix[1], work[40:42])
    combine(signal[0], signal[1], signal[2], mix, n, zw[0], zw[1], zw[2], work[41], work)
    widen(zw[1], d, mix[1], work[41], jitter, rule[4:6], pq, work, n)


@compiled
def write(
    signal: Array,
    zw: Array,
    pq: Array,
    n: int,
    work: Array,
    maps: tuple[Array, Array, Array, Array],
    row: int,
    x0: int,
) -> None:
    """Put the run into the maps."""
    normals, albedo, figures, marks = maps
    write_normals(zw, pq, n, work, normals[row, x0:], figures, marks, row, x0)
    uncertainty(zw, pq, n, work, figures[0, row, x0:])
    shade(pq, n, normals[row, x0:], work, zw[2])
    write_albedo(signal[0], signal[1], zw[3], zw[2], n, work, albedo[row, x0:])


@compiled
def dark_noise(ambient: Codes, row: int, x0: int, n: int, sensor: Array, out: Array) -> None:
    """Variance of the ambient picture's codes: (channels, run)."""
    for c in range(ambient.shape[2]):
        for x in range(n):
            code = max(F(ambient[row, x0 + x, c]) - sensor[0], F(0))
            out[c, x] = sensor[1] * code + sensor[2]


@compiled
def take_off(y: Array, pq: Array, n: int) -> None:
    """Subtract what the coat adds, the same in all channels."""
    for k in range(y.shape[0]):
        for c in range(y.shape[1]):
            for x in range(n):
                y[k, c, x] -= pq[k, 2, x]


@compiled
def write_normals(
    zw: Array, pq: Array, n: int, work: Array, normals: Array, figures: Array, marks: Array, row: int, x0: int
) -> None:
    """Normals, chi-square, gloss and marks of one run.

    A pixel without an answer gets (0, 0, 1) and is marked invalid.
    """
    z, w, h = zw[0], zw[1], zw[3]
    m0, m1, m2, whole = work[15], work[16], work[17], work[40]
    used, unclipped, dim, chi2, gloss, where = work[20], work[21], work[22], work[23], work[24], work[25]
    work[20:25, :n] = 0
    where[:n] = -1
    for k in range(z.shape[0]):
        for x in range(n):
            r = z[k, x] - (m0[x] * pq[k, 0, x] + m1[x] * pq[k, 1, x] + m2[x])
            where[x] = F(k) if r > gloss[x] else where[x]
            gloss[x] = max(gloss[x], r)
            seen = F(1) if w[k, x] > 0 else F(0)
            unclipped[x] += seen
            used[x] += seen if h[k, x] > F(0.25) else F(0)
            dim[x] = max(dim[x], seen if z[k, x] * z[k, x] * w[k, x] < F(9) else F(0))
            chi2[x] += r * r * w[k, x]
    fit_quality, excess = figures[1, row, x0:], figures[2, row, x0:]
    believed, source, flags, sound = (
        marks[0, row, x0:],
        marks[1, row, x0:],
        marks[2, row, x0:],
        marks[3, row, x0:],
    )
    for x in range(n):
        length = np.sqrt(m0[x] * m0[x] + m1[x] * m1[x] + m2[x] * m2[x])
        valid = (work[14, x] > 0) & (m2[x] > 0) & (used[x] >= F(3))
        scale = F(1) / length if valid else F(0)
        normals[x, 0], normals[x, 1] = m0[x] * scale, m1[x] * scale
        normals[x, 2] = m2[x] * scale if valid else F(1)
        fit_quality[x] = chi2[x] / (unclipped[x] - F(3)) if unclipped[x] > F(3) else F(0)
        excess[x] = gloss[x] if valid else F(0)
        believed[x], source[x] = np.int16(used[x]), np.int16(where[x])
        clipped = 1 if whole[x] < F(z.shape[0]) - F(0.5) else 0
        flags[x], sound[x] = clipped + (2 if dim[x] > 0 else 0), 1 if valid else 0


@compiled
def shade(pq: Array, n: int, normals: Array, work: Array, out: Array) -> None:
    """What each light sends back from a white surface with these normals: out (lights, run)."""
    n0, n1, n2 = work[20], work[21], work[22]
    for x in range(n):
        n0[x], n1[x], n2[x] = normals[x, 0], normals[x, 1], normals[x, 2]
    for k in range(out.shape[0]):
        for x in range(n):
            out[k, x] = n0[x] * pq[k, 0, x] + n1[x] * pq[k, 1, x] + n2[x]


@compiled
def write_albedo(
    y: Array, weight: Array, h: Array, shading: Array, n: int, work: Array, albedo: Array
) -> None:
    """Albedo of each channel under the shading that all channels share.

    Clipped in every light: the lower bound that is known.
    """
    lights = y.shape[0]
    up, down = work[20], work[21]
    for c in range(y.shape[1]):
        work[20:22, :n] = 0
        for k in range(lights):
            for x in range(n):
                ws = weight[k, c, x] * h[k, x] * shading[k, x]
                up[x] += ws * y[k, c, x]
                down[x] += ws * shading[k, x]
        for x in range(n):
            if down[x] > 0:
                albedo[x, c] = up[x] / down[x]
            else:
                albedo[x, c] = clipped_mean(y, c, x)


@compiled
def clipped_mean(y: Array, c: int, x: int) -> F:
    """Mean of one channel over the lights."""
    total = F(0)
    for k in range(y.shape[0]):
        total += y[k, c, x]
    return total / F(y.shape[0])
