"""What a segment of samples sends to the camera under one light, in units of radiance times pi."""

import numpy as np

from .grid import Floats
from .jit import inner_kernel
from .samples import HALF, SEGMENT, STRIDE, UNIT, Number, Shorts


@inner_kernel
def shade_row(
    line: Floats,
    buffer: Shorts,
    row: int,
    columns: int,
    fields: Floats,
    weights: Floats,
    colours: Floats,
    ambient: Floats,
) -> None:
    """One row of samples under all burning lights.

    Args:
        line: (3, 2, samples / 2), even and odd samples apart; written.
        buffer: of `samples.fill`.
        row: of the buffer.
        columns: segments of a row.
        fields: (lights, node rows, node columns, FIELDS), see `lights.light_field`.
        weights: (lights,) strength; a light of strength 0 costs nothing.
        colours: (lights, 3).
        ambient: (3,).
    """
    above, share = row // SEGMENT, np.float32(row % SEGMENT) / np.float32(SEGMENT)
    out = np.empty(3 * SEGMENT, np.float32)
    colour, count = np.empty(3, np.float32), fields.shape[3]
    left, step = np.empty(count, np.float32), np.empty(count, np.float32)
    order = np.empty(SEGMENT, np.float32)
    for i in range(HALF):
        order[i], order[HALF + i] = 2 * i, 2 * i + 1
    for segment in range(columns):
        base = (row * columns + segment) * STRIDE
        g = buffer[base : base + STRIDE]
        _ambient(g, ambient, out)
        foil = _has_foil(g)
        for light in range(weights.size):
            if weights[light] != 0:
                _between(fields[light], above, share, segment, left, step)
                for c in range(3):
                    colour[c] = colours[light, c] * weights[light]
                _shade(g, left, step, order, colour, out)
                if foil:
                    _glitter(g, left, step, order, colour, out)
        _store(line, out, segment)


@inner_kernel
def _store(line: Floats, out: Floats, segment: int) -> None:
    for c in range(3):
        for i in range(HALF):
            line[c, 0, segment * HALF + i] = out[c * SEGMENT + i]
            line[c, 1, segment * HALF + i] = out[c * SEGMENT + HALF + i]


@inner_kernel
def _between(field: Floats, above: int, share: Number, segment: int, left: Floats, step: Floats) -> None:
    """The light field at a segment's start, and its change from sample to sample."""
    for k in range(left.size):
        left[k] = field[above, segment, k] * (1 - share) + field[above + 1, segment, k] * share
        right = field[above, segment + 1, k] * (1 - share) + field[above + 1, segment + 1, k] * share
        step[k] = (right - left[k]) * np.float32(1 / SEGMENT)


@inner_kernel
def _ambient(g: Shorts, ambient: Floats, out: Floats) -> None:
    for c in range(3):
        for i in range(SEGMENT):
            out[c * SEGMENT + i] = ambient[c] * np.float32(g[(2 + c) * SEGMENT + i]) * np.float32(1 / UNIT)


@inner_kernel
def _shade(g: Shorts, a: Floats, s: Floats, order: Floats, colour: Floats, out: Floats) -> None:
    """Matte light and the coat's GGX lobe (Walter 2007). a, s: field at the start, and per sample."""
    for i in range(SEGMENT):
        t = order[i]
        nx, ny = np.float32(g[i]) * np.float32(1 / UNIT), np.float32(g[SEGMENT + i]) * np.float32(1 / UNIT)
        nz = np.sqrt(np.float32(1) - nx * nx - ny * ny)
        lit = nx * (a[0] + t * s[0]) + ny * (a[1] + t * s[1]) + nz * (a[2] + t * s[2])
        lit = max(np.float32(0), lit)
        nh = nx * (a[3] + t * s[3]) + ny * (a[4] + t * s[4]) + nz * (a[5] + t * s[5])
        coat = np.int32(g[5 * SEGMENT + i])
        alpha = np.float32(coat >> 9) * np.float32(1 / 63)
        gloss = np.float32((coat >> 4) & 31) * np.float32(1 / 31)
        a2 = alpha * alpha + np.float32(1e-6)
        d = nh * nh * (a2 - np.float32(1)) + np.float32(1)
        mirror = lit * gloss * (a[6] + t * s[6]) * a2 / (d * d)
        diffuse = lit * (np.float32(1) - gloss * (a[7] + t * s[7])) * np.float32(1 / UNIT)
        out[i] += colour[0] * (np.float32(g[2 * SEGMENT + i]) * diffuse + mirror)
        out[SEGMENT + i] += colour[1] * (np.float32(g[3 * SEGMENT + i]) * diffuse + mirror)
        out[2 * SEGMENT + i] += colour[2] * (np.float32(g[4 * SEGMENT + i]) * diffuse + mirror)


@inner_kernel
def _has_foil(g: Shorts) -> bool:
    found = 0
    for i in range(SEGMENT):
        found |= g[5 * SEGMENT + i] & 15
    return found != 0


@inner_kernel
def _glitter(g: Shorts, a: Floats, s: Floats, order: Floats, colour: Floats, out: Floats) -> None:
    """Foil: a grating of 1.6 um sends each colour where the ways differ by whole waves."""
    for i in range(SEGMENT):
        foil = np.float32(g[5 * SEGMENT + i] & 15) * np.float32(1 / 15)
        t = order[i]
        lit = max(np.float32(0), a[2] + t * s[2])
        hx = a[3] + t * s[3] + np.float32(g[i]) * np.float32(4 / UNIT)
        hy = a[4] + t * s[4] + np.float32(g[SEGMENT + i]) * np.float32(4 / UNIT)
        path = np.float32(1.9 * 1.6) * (np.float32(0.8) * hx + np.float32(0.6) * hy)
        for c in range(3):
            order_of = path / (np.float32(0.62) - np.float32(0.085) * c)
            miss = abs(order_of - np.floor(order_of) - np.float32(0.5)) * 2
            peak = miss * miss
            out[c * SEGMENT + i] += foil * lit * colour[c] * np.float32(0.7) * peak * peak
