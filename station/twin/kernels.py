"""The inner loops: filling the buffer of what each sample sees, and turning it into pixels.

The picture is sampled twice as fine as its pixels in each direction. The samples of one row are kept in segments of 32, the 16
even ones first, then the 16 odd ones, so that every loop runs over neighbouring memory; a segment holds six planes of int16:
normal x, normal y, reflectance of three colours, and the coat (roughness 6 bits, gloss 5 bits, foil 4 bits).
"""

import numpy as np
from numba import prange

from .grid import Floats
from .jit import inner_kernel, parallel_kernel

SEGMENT = 32
HALF = SEGMENT // 2
PLANES = 6
STRIDE = SEGMENT * PLANES
HALO = 4
"""Samples beyond the picture's edge, each side."""
TAPS = 8
TILE_ROWS = 32
UNIT = 32767.0
CHANNELS = 10  # of a packed texture: normal x, y; colour; coverage; roughness; gloss; foil; spare
INV_PI = 0.3183098861837907

Shorts = np.ndarray
Counts = np.ndarray


@parallel_kernel
def fill(buffer: Shorts, nodes: Floats, texture: Shorts, mat: Shorts, turn: Floats, columns: int) -> None:
    """Sample card and mat for every sample of the picture.

    Args:
        buffer: int16, flat, rows * segments * STRIDE; written.
        nodes: float32 (node rows, node columns, 4): card texture column and row, mat texture column and row, every 32 samples.
        texture: int16 (H, W, CHANNELS) of the card, its outermost texels uncovered.
        mat: int16 (N, N), reflectance, wraps around.
        turn: cosine and sine of the card's rotation.
        columns: segments of a row.
    """
    rows = buffer.size // (columns * STRIDE)
    height, width = texture.shape[0], texture.shape[1]
    size = mat.shape[0]
    for row in prange(rows):
        above, share = row // SEGMENT, np.float32(row % SEGMENT) / np.float32(SEGMENT)
        sample = np.empty(CHANNELS, np.float32)
        for segment in range(columns):
            base = (row * columns + segment) * STRIDE
            left = nodes[above, segment] * (1 - share) + nodes[above + 1, segment] * share
            step = (
                nodes[above, segment + 1] * (1 - share) + nodes[above + 1, segment + 1] * share - left
            ) / SEGMENT
            for i in range(SEGMENT):
                slot = base + (i // 2) + HALF * (i % 2)
                u, v = left[0] + i * step[0], left[1] + i * step[1]
                grey = np.float32(mat[int(left[3] + i * step[3]) % size, int(left[2] + i * step[2]) % size])
                if u < 0 or v < 0 or u >= width - 1 or v >= height - 1:
                    _store_mat(buffer, slot, grey)
                else:
                    _bilinear(sample, texture, u, v)
                    if sample[5] <= 0:
                        _store_mat(buffer, slot, grey)
                    else:
                        _store_card(buffer, slot, sample, grey, turn)


@inner_kernel
def _store_mat(buffer: Shorts, slot: int, grey: float) -> None:
    buffer[slot] = 0
    buffer[slot + SEGMENT] = 0
    for c in range(3):
        buffer[slot + (2 + c) * SEGMENT] = np.int16(grey)
    buffer[slot + 5 * SEGMENT] = np.int16(63 << 9)


@inner_kernel
def _bilinear(sample: Floats, texture: Shorts, u: float, v: float) -> None:
    c, r = int(u), int(v)
    fu, fv = np.float32(u - c), np.float32(v - r)
    for k in range(CHANNELS):
        upper = texture[r, c, k] * (1 - fu) + texture[r, c + 1, k] * fu
        lower = texture[r + 1, c, k] * (1 - fu) + texture[r + 1, c + 1, k] * fu
        sample[k] = upper * (1 - fv) + lower * fv


@inner_kernel
def _store_card(buffer: Shorts, slot: int, sample: Floats, grey: float, turn: Floats) -> None:
    """A sample on the cut edge sees card and mat in the share the card covers."""
    cover = min(np.float32(1), sample[5] / np.float32(UNIT))
    nx, ny = sample[0] * cover, sample[1] * cover
    buffer[slot] = np.int16(nx * turn[0] - ny * turn[1])
    buffer[slot + SEGMENT] = np.int16(nx * turn[1] + ny * turn[0])
    for c in range(3):
        buffer[slot + (2 + c) * SEGMENT] = np.int16(sample[2 + c] * cover + grey * (1 - cover))
    rough = int(sample[6] / UNIT * 63 + 0.5)
    gloss, foil = int(sample[7] * cover / UNIT * 31 + 0.5), int(sample[8] * cover / UNIT * 15 + 0.5)
    buffer[slot + 5 * SEGMENT] = np.int16((rough << 9) | (gloss << 4) | foil)


@inner_kernel
def _shade(g: Shorts, a: Floats, s: Floats, offset: Floats, colour: Floats, out: Floats) -> None:
    """Add one light's radiance (times pi) of one segment to `out` (3 * 32). a, s: field at its start and per sample."""
    for i in range(SEGMENT):
        t = offset[i]
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
def _ambient(g: Shorts, ambient: Floats, out: Floats) -> None:
    for c in range(3):
        for i in range(SEGMENT):
            out[c * SEGMENT + i] = ambient[c] * np.float32(g[(2 + c) * SEGMENT + i]) * np.float32(1 / UNIT)


@inner_kernel
def _glitter(g: Shorts, a: Floats, s: Floats, offset: Floats, colour: Floats, out: Floats) -> None:
    """Foil: a grating of 1.6 um sends each colour where path lengths differ by whole waves; its lines turn with the place."""
    for i in range(SEGMENT):
        foil = np.float32(g[5 * SEGMENT + i] & 15) * np.float32(1 / 15)
        t = offset[i]
        lit = max(np.float32(0), a[2] + t * s[2])
        hx, hy = (
            a[3] + t * s[3] + np.float32(g[i]) * np.float32(4 / UNIT),
            a[4] + t * s[4] + np.float32(g[SEGMENT + i]) * np.float32(4 / UNIT),
        )
        path = np.float32(1.9 * 1.6) * (np.float32(0.8) * hx + np.float32(0.6) * hy)
        for c in range(3):
            order = path / (np.float32(0.62) - np.float32(0.085) * c)
            miss = abs(order - np.floor(order) - np.float32(0.5)) * 2
            peak = miss * miss
            out[c * SEGMENT + i] += foil * lit * colour[c] * np.float32(0.7) * peak * peak


@inner_kernel
def _has_foil(g: Shorts) -> bool:
    found = 0
    for i in range(SEGMENT):
        found |= g[5 * SEGMENT + i] & 15
    return found != 0


@inner_kernel
def _shade_row(
    line: Floats,
    buffer: Shorts,
    row: int,
    columns: int,
    fields: Floats,
    weights: Floats,
    colours: Floats,
    ambient: Floats,
    offset: Floats,
) -> None:
    """Radiance of one row of samples: `line` (3, 2, samples / 2), even and odd ones apart."""
    above, share = row // SEGMENT, np.float32(row % SEGMENT) / np.float32(SEGMENT)
    out = np.empty(3 * SEGMENT, np.float32)
    colour = np.empty(3, np.float32)
    count = fields.shape[3]
    left, step = np.empty(count, np.float32), np.empty(count, np.float32)
    for segment in range(columns):
        base = (row * columns + segment) * STRIDE
        g = buffer[base : base + STRIDE]
        _ambient(g, ambient, out)
        foil = _has_foil(g)
        for light in range(weights.size):
            if weights[light] == 0:
                continue
            for k in range(count):
                left[k] = (
                    fields[light, above, segment, k] * (1 - share)
                    + fields[light, above + 1, segment, k] * share
                )
                right = (
                    fields[light, above, segment + 1, k] * (1 - share)
                    + fields[light, above + 1, segment + 1, k] * share
                )
                step[k] = (right - left[k]) * np.float32(1 / SEGMENT)
            for c in range(3):
                colour[c] = colours[light, c] * weights[light]
            _shade(g, left, step, offset, colour, out)
            if foil:
                _glitter(g, left, step, offset, colour, out)
        for c in range(3):
            for i in range(HALF):
                line[c, 0, segment * HALF + i] = out[c * SEGMENT + i]
                line[c, 1, segment * HALF + i] = out[c * SEGMENT + HALF + i]


@inner_kernel
def _mix(state: np.uint64) -> np.uint64:
    """The output function of splitmix64 (Steele, Lea and Flood 2014)."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inner_kernel
def _gauss_row(out: Floats, table: Floats, seed: np.uint64) -> None:
    """Fill with normal deviates: four 14-bit indices of each 64-bit number into a table of quantiles."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    state = _mix(seed)
    for q in range(out.size // 4):
        state += golden
        bits = _mix(state)
        out[4 * q] = table[np.intp(bits & np.uint64(16383))]
        out[4 * q + 1] = table[np.intp((bits >> np.uint64(16)) & np.uint64(16383))]
        out[4 * q + 2] = table[np.intp((bits >> np.uint64(32)) & np.uint64(16383))]
        out[4 * q + 3] = table[np.intp((bits >> np.uint64(48)) & np.uint64(16383))]


@parallel_kernel
def expose(
    electrons: Floats, buffer: Shorts, columns: int, fields: Floats, weights: Floats, colours: Floats, ambient: Floats,
    taps: Floats, vignetting: float,
) -> None:  # fmt: skip
    """The light of one exposure: mean electrons per pixel and colour.

    Args:
        electrons: float32 (rows, 3, columns); written.
        buffer: of `fill`.
        columns: segments of a row.
        fields: (lights, node rows, node columns, FIELDS).
        weights: (bands, lights) electrons for unit radiance.
        colours: (lights, 3).
        ambient: (bands, 3) electrons for a white surface.
        taps: (2, 2, TAPS / 2): across and down, weights of the even and the odd samples around a pixel.
        vignetting: loss in the corners.
    """
    height, width = electrons.shape[0], electrons.shape[2]
    bands = weights.shape[0]
    corner = np.float32(vignetting / (0.25 * (height * height + width * width)))
    order = np.empty(SEGMENT, np.float32)
    for i in range(HALF):
        order[i], order[HALF + i] = 2 * i, 2 * i + 1
    for tile in prange((height + TILE_ROWS - 1) // TILE_ROWS):
        first = tile * TILE_ROWS
        last = min(height, first + TILE_ROWS)
        line = np.empty((3, 2, columns * HALF), np.float32)
        across = np.empty((2 * TILE_ROWS + TAPS, 3, width), np.float32)
        for j in range(2 * (last - first) + TAPS - 2):
            row = 2 * first + 1 + j
            pixel = min(height - 1, max(0, (row - HALO) // 2))
            band = pixel * bands // height
            _shade_row(line, buffer, row, columns, fields, weights[band], colours, ambient[band], order)
            for c in range(3):
                even, odd, target = line[c, 0], line[c, 1], across[j, c]
                for p in range(width):
                    target[p] = (
                        taps[0, 1, 0] * odd[p] + taps[0, 0, 0] * even[p + 1]
                        + taps[0, 1, 1] * odd[p + 1] + taps[0, 0, 1] * even[p + 2]
                        + taps[0, 1, 2] * odd[p + 2] + taps[0, 0, 2] * even[p + 3]
                        + taps[0, 1, 3] * odd[p + 3] + taps[0, 0, 3] * even[p + 4]
                    )  # fmt: skip
        for y in range(first, last):
            j = 2 * (y - first)
            dy = np.float32(y - 0.5 * (height - 1))
            for c in range(3):
                target = electrons[y, c]
                for p in range(width):
                    dx = np.float32(p) - np.float32(0.5) * np.float32(width - 1)
                    shade = np.float32(1) - corner * (dx * dx + dy * dy)
                    target[p] = shade * (
                        taps[1, 1, 0] * across[j, c, p] + taps[1, 0, 0] * across[j + 1, c, p]
                        + taps[1, 1, 1] * across[j + 2, c, p] + taps[1, 0, 1] * across[j + 3, c, p]
                        + taps[1, 1, 2] * across[j + 4, c, p] + taps[1, 0, 2] * across[j + 5, c, p]
                        + taps[1, 1, 3] * across[j + 6, c, p] + taps[1, 0, 3] * across[j + 7, c, p]
                    )  # fmt: skip


@parallel_kernel
def digitise(
    codes: Counts, electrons: Floats, table: Floats, seed: np.uint64, noise: Floats, scale: Floats
) -> None:
    """Electrons to codes.

    Args:
        codes: uint8 or uint16 (rows, columns, 3); written.
        electrons: float32 (rows, 3, columns), mean.
        table: quantiles of the normal distribution, 16384.
        seed: of this frame.
        noise: 1 or 0 for shot noise, variance of the read noise (electrons squared).
        scale: codes per electron, black level, highest code, full well.
    """
    height, width = electrons.shape[0], electrons.shape[2]
    shot, read = noise[0], noise[1]
    gain, black, top, well = scale[0], scale[1], scale[2], scale[3]
    for y in prange(height):
        deviates = np.empty(4 * ((width + 3) // 4), np.float32)
        for c in range(3):
            _gauss_row(deviates, table, seed + np.uint64(3 * y + c) * np.uint64(0xD1B54A32D192ED03))
            source = electrons[y, c]
            for p in range(width):
                e = min(well, source[p])
                e += np.sqrt(shot * e + read) * deviates[p]
                deviates[p] = min(top, max(np.float32(0), black + gain * e + np.float32(0.5)))
            for p in range(width):
                codes[y, p, c] = np.int32(deviates[p])
