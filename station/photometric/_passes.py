"""The compiled pass that solves every pixel."""

import numpy as np
from numba import prange

from ._fit import fit, uncertainty
from ._jit import Array, Codes, F, compiled, parallel
from ._pixels import RUN, channel_levels, combine, grid_columns, grid_row, load_ratios, spread
from ._taylor import derivatives, unshift, widen


@parallel
def solve_pass(
    stack: tuple[Codes, Codes],
    per_flat: Array,
    directions: Array,
    sensor: Array,
    mean: Array,
    shifts: Array,
    jitter: Array,
    rule: Array,
    maps: tuple[Array, Array, Array, Array],
) -> None:
    """The whole computation of every pixel.

    stack: lit and ambient. rule as in `fit`. maps, filled: normals (H, W, 3),
    albedo (H, W, channels), figures (3, H, W: sigma, chi-square, gloss), marks (4, H, W: lights used, light
    of the gloss, flags, valid).
    """
    lit, ambient = stack
    normals, albedo, figures, marks = maps
    lights, height, width, channels = lit.shape
    node, part = np.empty(width, np.int64), np.empty(width, np.float32)
    grid_columns(per_flat.shape[2], width, node, part)
    moved = np.any(shifts != 0)
    watched = moved or np.any(jitter != 0)
    for row in prange(height):
        nodes = np.empty((lights, channels, per_flat.shape[2]), np.float32)
        ways = np.empty((lights, 3, per_flat.shape[2]), np.float32)
        flat = np.empty((lights, channels, RUN), np.float32)
        pq = np.empty((lights, 3, RUN), np.float32)
        y, weight = np.empty_like(flat), np.empty_like(flat)
        d = np.zeros((5, channels, RUN), np.float32)
        cs = np.empty((3, channels, RUN), np.float32)
        zw = np.empty((6, lights, RUN), np.float32)
        work = np.empty((40, RUN), np.float32)
        grid_row(per_flat, row, height, nodes)
        grid_row(directions, row, height, ways)
        for x0 in range(0, width, RUN):
            n = min(RUN, width - x0)
            spread(nodes, node, part, x0, n, flat)
            spread(ways, node, part, x0, n, pq)
            load_ratios(lit, ambient, row, x0, n, flat, sensor, y, weight)
            dark_noise(ambient, row, x0, n, sensor, cs[2])
            if watched:
                derivatives(mean, row, x0, n, d)
            if moved:
                unshift(y, d, shifts, n)
            take_off(y, pq, n)
            channel_levels(y, weight, n, cs[0], cs[1])
            combine(y, weight, flat, cs[2], n, cs[0], cs[1], zw[0], zw[1], zw[2])
            widen(zw[1], zw[0], d, cs[1], jitter, rule[4:6], pq, n)
            fit(zw[0], zw[1], pq, n, rule, zw[3:5], zw[5], work)
            write_normals(
                zw[0], zw[1], zw[3], pq, n, work, normals[row, x0:], figures[:, row, x0:], marks[:, row, x0:]
            )
            uncertainty(
                zw[1], zw[3], pq, zw[2], work[9:15], work[15:18], n, work[20:32], figures[0, row, x0:]
            )
            write_albedo(y, weight, zw[3], pq, normals[row, x0:], n, albedo[row, x0:], marks[:, row, x0:])


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
    z: Array, w: Array, h: Array, pq: Array, n: int, work: Array, normals: Array, figures: Array, marks: Array
) -> None:
    """Normals, chi-square, gloss and marks of one run.

    A pixel without an answer gets (0, 0, 1) and is marked invalid.
    """
    lights = z.shape[0]
    for x in range(n):
        m0, m1, m2 = work[15, x], work[16, x], work[17, x]
        used, unclipped, dim, chi2, gloss, where = 0, 0, 0, F(0), F(0), -1
        for k in range(lights):
            r = z[k, x] - (m0 * pq[k, 0, x] + m1 * pq[k, 1, x] + m2)
            if r > gloss:
                gloss, where = r, k
            if w[k, x] > 0 and z[k, x] * z[k, x] * w[k, x] < F(9):
                dim = 1
            if w[k, x] > 0:
                unclipped += 1
                used += 1 if h[k, x] > F(0.25) else 0
                chi2 += r * r * w[k, x]
        length = np.sqrt(m0 * m0 + m1 * m1 + m2 * m2)
        valid = work[14, x] > 0 and m2 > 0 and used >= 3
        scale = F(1) / length if valid else F(0)
        normals[x, 0], normals[x, 1] = m0 * scale, m1 * scale
        normals[x, 2] = m2 * scale if valid else F(1)
        figures[1, x] = chi2 / F(unclipped - 3) if unclipped > 3 else F(0)
        figures[2, x] = gloss if valid else F(0)
        marks[0, x], marks[1, x], marks[2, x], marks[3, x] = used, where, 2 * dim, valid


@compiled
def write_albedo(
    y: Array, weight: Array, h: Array, pq: Array, normals: Array, n: int, albedo: Array, marks: Array
) -> None:
    """Albedo of each channel under the shading that all channels share.

    Clipped in every light: the lower bound that is known.
    """
    lights, channels = y.shape[0], y.shape[1]
    for x in range(n):
        for c in range(channels):
            up, down, bound = F(0), F(0), F(0)
            for k in range(lights):
                s = normals[x, 0] * pq[k, 0, x] + normals[x, 1] * pq[k, 1, x] + normals[x, 2]
                ws = weight[k, c, x] * h[k, x] * s
                up += ws * y[k, c, x]
                down += ws * s
                bound += y[k, c, x]
                if weight[k, c, x] == 0:
                    marks[2, x] |= 1
            albedo[x, c] = up / down if down > 0 else bound / F(lights)
