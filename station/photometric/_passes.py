"""The compiled pass that solves every pixel."""

import numpy as np
from numba import prange

from ._coat import reshine
from ._drop import NOBODY, hats, judge, largest, leave_out, only_doubtful, room_to_drop
from ._fields import is_dense, table_row
from ._fit import accumulate, answer, reweighted
from ._jit import RUN, SOURCES, Array, Codes, F, compiled, parallel
from ._memory import pick, rows, scratch
from ._pixels import (
    MOST_CHANNELS,
    channel_levels,
    combine,
    dark_noise,
    load_ratios,
    one_channel,
    one_common,
    shadows,
    spread_gains,
    spread_ways,
)  # fmt: skip
from ._taylor import derivatives, steepness, unshift, weights
from ._write import (
    Maps,
    directions,
    judged,
    of_channel,
    put_albedo,
    put_bytes,
    put_line,
    put_normals,
    shade,
    uncertainty,
)  # fmt: skip

Rows = tuple[Array, ...]
Found = tuple[Array, Array, tuple[Array, Array]]
Place = tuple[int, int, int, int, bool]
"""Row, first column, pixels, channels, whether anything shines."""
_steps = scratch(5, MOST_CHANNELS, RUN)
_levels, _shares, _darks = (
    scratch(MOST_CHANNELS, RUN),
    scratch(MOST_CHANNELS, RUN),
    scratch(MOST_CHANNELS, RUN),
)
_figures, _good, _out = scratch(7, RUN), scratch(RUN), scratch(RUN)
_work, _sums, _covariance, _m = scratch(6, RUN), scratch(9, RUN), scratch(6, RUN), scratch(3, RUN)
_best, _over, _who, _first, _second = scratch(RUN), scratch(RUN), scratch(RUN), scratch(RUN), scratch(RUN)
_worst, _room, _level, _whole, _steep = scratch(RUN), scratch(RUN), scratch(RUN), scratch(RUN), scratch(RUN)
_hidden = scratch(RUN)


@parallel
def solve_pass(
    stack: tuple[Codes, Codes],
    table: Array,
    sensor: Array,
    mean: Array,
    motion: tuple[Array, Array],
    rule: Array,
    size: Array,
    maps: Maps,
    streamed: bool,
    _sources: int = SOURCES,
) -> None:
    """The whole computation of every pixel.

    stack: lit (lights, H, W channels), ambient (H, W channels) or (0, 0). table: (lights, parts, rows,
    columns) as `_fields` makes it: 1 / flat of each channel, direction (2), then where there is a coat its
    shine, and where that is to follow the normals half vector (3), spread (2) and slope (3). motion: shifts
    and jitter. rule: rounds, cut, doubt, lights to leave out, errors of model and shine, shadow. size:
    `capacity` for a row per light and channel, and three more.
    """
    lights, parts, columns = table.shape[0], table.shape[1], table.shape[3]
    height, width = maps[2].shape
    channels = maps[1].shape[1] // width
    dense = is_dense(table, width)
    for row in prange(height):
        nodes = np.empty((lights, parts, columns), np.float32)
        table_row(table, row, height, nodes)
        y, v, gain = rows(size), rows(size), rows(size)
        z, w, p, q = rows(size), rows(size), rows(size), rows(size)
        shine, common, h = rows(size), rows(size), rows(size)
        hat = (rows(size), rows(size), rows(size), rows(size), rows(size))
        level, whole, hidden = _level(), _whole(), _hidden()
        c, m, pair = _covariance(), _m(), (_first(), _second())
        zeros(y, v, gain, (z, w, p, q, shine, common))
        for x0 in range(0, width, RUN):
            n = min(RUN, width - x0)
            at = (row, x0, n, channels, parts > channels + 2)
            spread_gains(nodes, dense, x0, n, channels, gain)
            spread_ways(nodes, dense, x0, n, channels, p, q, shine)
            look(
                stack, sensor, mean, motion, rule, at, (y, v, gain), (z, w, shine, common, h), (level, whole)
            )
            one = (y, w, p, q) if channels == 1 else (z, w, p, q)
            shadows(one[0], lights, level, rule[6], w, h[0], hidden)
            first_fit(one, lights, (c, m, pair))
            if parts > channels + 3:
                move = (y, one[0], w, shine)
                reshine(nodes, dense, m, (p, q), (x0, n, channels), move, rule[5])
            fit(one, lights, rule, hat, (c, m, pair), n)
            where, others = (row, x0, n, channels, lights, len(stack[1]) > 0), (common, h, gain)
            finish((y, v), one, others, (c, m, level, whole, hidden), pair, rule, where, maps, streamed)


@compiled
def zeros(y: Array, v: Array, gain: Array, others: Rows) -> None:
    """No pixel beyond the picture's edge and no light beyond the last may be anything but harmless."""
    y[:] = 0
    gain[:] = 0
    v[:] = 1
    z, w, p, q, shine, common = others
    z[:] = 0
    w[:] = 0
    p[:] = 0
    q[:] = 0
    shine[:] = 0
    common[:] = 0


@compiled
def look(
    stack: tuple[Codes, Codes],
    sensor: Array,
    mean: Array,
    motion: tuple[Array, Array],
    rule: Array,
    at: Place,
    signal: Rows,
    of_lights: Rows,
    of_pixels: tuple[Array, Array],
) -> None:
    """Ratios y of all channels, one ratio z of each light (or just y), and how uncertain they are: w."""
    row, x0, n, channels, glossy = at
    level, whole = of_pixels
    y, v, gain = signal
    z, w, shine, common, variance = of_lights
    shifts, jitter = motion
    lights = stack[0].shape[0]
    work, levels, shares, darks, d, steep = _work(), _levels(), _shares(), _darks(), _steps(), _steep()
    load_ratios(stack, channels, row, x0, n, gain, sensor, work, y, v)
    dark_noise(stack[1], channels, row, x0, n, sensor, darks)
    steep[:] = 0
    if len(mean) > 1:
        derivatives(mean, row, x0, n, d)
        unshift(y, lights, channels, d, shifts)
    if glossy:
        take_off(y, shine, lights, channels)
    if channels == 1:
        one_channel(v, y, lights, level, whole)
        if len(stack[1]) > 0:
            one_common(gain, darks, lights, common)
    else:
        channel_levels(y, v, lights, channels, levels, shares, whole, work[0])
        mix, out = (levels, shares, darks), (z, variance, common)
        combine((y, v, gain), lights, channels, mix, level, work, out)
    if len(mean) > 1:
        steepness(d, shares, channels, steep, work)
    weights(v if channels == 1 else variance, lights, level, steep, jitter, rule[4:6], shine, w)


@compiled
def take_off(y: Array, shine: Array, lights: int, channels: int) -> None:
    """Subtract what the coat adds, the same in all channels."""
    for k in range(lights):
        for c in range(channels):
            for x in range(RUN):
                y[k * channels + c, x] -= shine[k, x]


@compiled
def first_fit(signal: Rows, lights: int, found: Found) -> None:
    """Weighted least squares of all lights: covariance c, m, and nobody left out."""
    z, w, p, q = signal
    c, m, pair = found
    pair[0][:] = NOBODY
    pair[1][:] = NOBODY
    s = _sums()
    accumulate(z, w, p, q, lights, s)
    answer(s, c, m)


@compiled
def fit(signal: Rows, lights: int, rule: Array, hat: Rows, found: Found, n: int) -> None:
    """From the first fit on: in doubt all lights but two; then rounds of reweighting from there."""
    z, w, p, q = signal
    c, m, pair = found
    steps, cut, doubt, most = int(rule[0]), rule[1], rule[2], int(rule[3])
    first, second = pair
    s = _sums()
    if most > 0:
        best, over, who, worst, room = _best(), _over(), _who(), _worst(), _room()
        hats(z, w, p, q, lights, c, m, hat, worst)
        if largest(worst, n) > doubt:
            room_to_drop(w, lights, most, room)
            judge(lights, w, p, q, hat, room, (best, over, who))
            only_doubtful(who, worst, doubt, first, second)
            leave_out(w, lights, first, second, hat[0])
            accumulate(z, hat[0], p, q, lights, s)
            answer(s, c, m)
    for _ in range(steps):
        reweighted(z, w, p, q, lights, m, cut, s)
        answer(s, c, m)


@compiled
def finish(
    signal: tuple[Array, Array],
    one: tuple[Array, Array, Array, Array],
    others: Rows,
    found: Rows,
    pair: tuple[Array, Array],
    rule: Array,
    at: tuple[int, int, int, int, int, bool],
    maps: Maps,
    streamed: bool,
) -> None:
    """Put the run into the maps."""
    y, v = signal
    c, m, level, whole, hidden = found
    row, x0, n, channels, lights, ambient = at
    _, w, p, q = one
    common, h, shading = others
    normals, albedo, sigma, chi2, gloss, used, source, clipped, dark, valid = maps
    f, good, out, work = _figures(), _good(), _out(), _work()
    judged(one, lights, m, pair, rule, h, f)
    uncertainty(w, h, common, p, q, lights if ambient else 0, c, m, work, out)
    put_line(sigma[row], x0, out, n, streamed)
    directions(m, c, f, level, good)
    put_normals(normals[row], x0, m, n, streamed)
    if channels == 1:
        put_line(albedo[row], x0, f[6], n, streamed)
    else:
        shade(m, lights, p, q, shading)
        for channel in range(channels):
            of_channel(y, v, h, shading, lights, channels, channel, out, work)
            put_albedo(albedo[row], x0, channels, channel, out, n, streamed)
    put_line(chi2[row], x0, f[0], n, streamed)
    put_line(gloss[row], x0, f[1], n, streamed)
    for x in range(RUN):
        out[x] = pick(whole[x] < F(lights) - F(0.5), F(1), F(0))
        f[5, x] = max(f[5, x], hidden[x])
    put_bytes(source[row], x0, f[2], n)
    put_bytes(used[row], x0, f[3], n)
    put_bytes(clipped[row], x0, out, n)
    put_bytes(dark[row], x0, f[5], n)
    put_bytes(valid[row], x0, good, n)
