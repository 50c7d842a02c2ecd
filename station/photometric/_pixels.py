"""Compiled pieces that every pass over the pictures shares: codes to ratios, channels to one signal.

All work on a run of neighbouring pixels of one row, kept in small buffers that stay in the processor's
first cache: index order (light, pixel), or (light and channel, pixel), the channels of a light together.
Variances are -1 where a code is clipped.
"""

import numpy as np

from ._fields import along
from ._jit import LINE, RUN, Array, Codes, F, compiled
from ._memory import known, pick

TINY = F(1e-20)
MOST_CHANNELS = 4
_five = known(5, RUN)


@compiled
def channel(codes: Codes, channels: int, c: int, n: int, out: Array) -> None:
    """One channel of a row's codes (n * channels,) as numbers."""
    if channels == 1:
        for x in range(n):
            out[x] = F(codes[x])
    elif channels == 3:
        part = codes[c:]
        for x in range(n):
            out[x] = F(part[3 * x])
    else:
        for x in range(n):
            out[x] = F(codes[x * channels + c])


@compiled
def load_ratios(
    stack: tuple[Codes, Codes], channels: int, row: int, x0: int, n: int, gain: Array, sensor: Array,
    work: Array, y: Array, v: Array,
) -> None:  # fmt: skip
    """Codes to ratios of the flat field, and their variances.

    stack: lit (lights, H, W channels) and ambient (H, W channels) or (0, 0). gain: 1 / flat. `sensor` holds
    black level, noise a, noise b and the lowest clipped code, then by threes a code and the noise from there
    on. The ambient picture's own noise is left out: it is common to all lights and treated apart. work: (2,
    run).
    """
    lit, ambient = stack
    black, noise_a, noise_b, clipped = sensor[0], sensor[1], sensor[2], sensor[3]
    code, dark = work[0], work[1]
    for c in range(channels):
        for x in range(RUN):
            dark[x] = black
        if len(ambient) > 0:
            channel(ambient[row, x0 * channels : (x0 + n) * channels], channels, c, n, dark)
        for k in range(lit.shape[0]):
            channel(lit[k, row, x0 * channels : (x0 + n) * channels], channels, c, n, code)
            g, ratio, variance = gain[k * channels + c], y[k * channels + c], v[k * channels + c]
            for x in range(RUN):
                ratio[x] = (code[x] - dark[x]) * g[x]
                of_code = (noise_a * max(code[x] - black, F(0)) + noise_b) * (g[x] * g[x])
                variance[x] = pick(code[x] >= clipped, F(-1), max(of_code, TINY))
            for i in range(4, len(sensor), 3):
                of_brighter(code, g, black, sensor[i], sensor[i + 1], sensor[i + 2], variance)


@compiled
def of_brighter(code: Array, gain: Array, black: F, begins: F, noise_a: F, noise_b: F, out: Array) -> None:
    """Variance of the codes from which another noise holds; what is clipped stays so."""
    for x in range(RUN):
        of_code = (noise_a * (code[x] - black) + noise_b) * (gain[x] * gain[x])
        out[x] = pick((code[x] >= begins) & (out[x] > F(0)), max(of_code, TINY), out[x])


@compiled
def dark_noise(ambient: Codes, channels: int, row: int, x0: int, n: int, sensor: Array, out: Array) -> None:
    """Variance of the ambient picture's codes: (channels, run); none where there is no such picture."""
    out[:] = 0
    if len(ambient) > 0:
        for c in range(channels):
            channel(ambient[row, x0 * channels : (x0 + n) * channels], channels, c, n, out[c])
            for x in range(RUN):
                out[c, x] = sensor[1] * max(out[c, x] - sensor[0], F(0)) + sensor[2]


@compiled
def spread_gains(nodes: Array, dense: bool, x0: int, n: int, channels: int, gain: Array) -> None:
    """1 / flat at the pixels of a run, from a row of the field's table (lights, channels + 3, columns)."""
    for k in range(nodes.shape[0]):
        for c in range(channels):
            along(nodes[k, c], x0 // LINE, (n + LINE - 1) // LINE, dense, gain[k * channels + c])


@compiled
def spread_ways(
    nodes: Array, dense: bool, x0: int, n: int, channels: int, p: Array, q: Array, shine: Array
) -> None:
    """Directions and the coat's shine at the pixels of a run."""
    for k in range(nodes.shape[0]):
        line, lines = x0 // LINE, (n + LINE - 1) // LINE
        along(nodes[k, channels], line, lines, dense, p[k])
        along(nodes[k, channels + 1], line, lines, dense, q[k])
        if nodes.shape[1] > channels + 2:
            along(nodes[k, channels + 2], line, lines, dense, shine[k])


@compiled
def one_channel(v: Array, y: Array, lights: int, level: Array, whole: Array) -> None:
    """Mean ratio without the clipped lights, unless no other is left; how many are not clipped."""
    whole[:] = TINY
    level[:] = 0
    for k in range(lights):
        for x in range(RUN):
            use = pick(v[k, x] > F(0), F(1), F(1e-6))
            whole[x] += use
            level[x] += use * y[k, x]
    for x in range(RUN):
        level[x] = max(level[x] / whole[x], F(1e-4))


@compiled
def shadows(z: Array, lights: int, level: Array, share: F, w: Array, bright: Array, hidden: Array) -> None:
    """Lights that hardly reach a pixel which four others do reach (attached shadows) lose their weight.

    They say that the surface turns away from them, not how far. level: mean ratio; a light below `share` of
    it counts as not reaching. bright: (run,), written over. hidden: (run,), 1 where a light was set aside.
    """
    bright[:] = 0
    hidden[:] = 0
    for k in range(lights):
        for x in range(RUN):
            bright[x] += pick((z[k, x] > share * level[x]) & (w[k, x] > F(0)), F(1), F(0))
    for k in range(lights):
        for x in range(RUN):
            behind = (z[k, x] <= share * level[x]) & (bright[x] >= F(4))
            hidden[x] = pick(behind, F(1), hidden[x])
            w[k, x] = pick(behind, F(0), w[k, x])


@compiled
def one_common(gain: Array, dark: Array, lights: int, common: Array) -> None:
    """Deviation that the ambient picture's noise makes in each ratio."""
    for k in range(lights):
        for x in range(RUN):
            common[k, x] = np.sqrt(dark[0, x]) * gain[k, x]


@compiled
def channel_levels(
    y: Array, v: Array, lights: int, channels: int, level: Array, share: Array, whole: Array, use: Array
) -> None:
    """Mean ratio of each channel, and the share with which it enters the one signal all normals come from.

    Shares are signal over variance, the same for all lights, or a coloured print would tilt the normals.
    Lights with a clipped channel are left out unless no other is left. level, share: (channels, run).
    whole: how many lights are without clipping.
    """
    whole[:] = 0
    level[:] = 0
    share[:] = 0
    for k in range(lights):
        for x in range(RUN):
            use[x] = v[k * channels, x]
        for c in range(1, channels):
            for x in range(RUN):
                use[x] = min(use[x], v[k * channels + c, x])
        for x in range(RUN):
            use[x] = pick(use[x] > F(0), F(1), F(1e-6))
            whole[x] += use[x]
        for c in range(channels):
            i = k * channels + c
            for x in range(RUN):
                level[c, x] += use[x] * y[i, x]
                share[c, x] += pick(v[i, x] > F(0), use[x] / v[i, x], F(0))
    for c in range(channels):
        for x in range(RUN):
            level[c, x] = max(level[c, x] / whole[x], F(1e-4))
            share[c, x] *= level[c, x] / whole[x]


@compiled
def combine(
    signal: tuple[Array, Array, Array],
    lights: int,
    channels: int,
    mix: tuple[Array, Array, Array],
    target: Array,
    work: Array,
    out: tuple[Array, Array, Array],
) -> None:
    """Channels to one ratio z per light, its variance, and what the ambient's noise does to it.

    A clipped channel is left out of its light alone; the levels of the others stand in for it. A light with
    all channels clipped keeps its mean, which it exceeds, and no weight. mix: levels, shares and the ambient
    picture's variance in codes, (channels, run) each. target: (run,), the mean of z. work: (5, run).
    """
    y, v, gain = signal
    z, variance, common = out
    level, share, dark = mix
    work = _five(work)
    mean_level(level, share, channels, target, work[0])
    for k in range(lights):
        work[:] = 0
        for c in range(channels):
            i = k * channels + c
            for x in range(RUN):
                s = pick(v[i, x] > F(0), share[c, x], F(0))
                work[0, x] += s * y[i, x]
                work[1, x] += s * level[c, x]
                work[2, x] += s * s * v[i, x]
                work[3, x] += s * s * gain[i, x] * gain[i, x] * dark[c, x]
                work[4, x] += y[i, x]
        for x in range(RUN):
            seen = work[1, x] > F(0)
            scale = target[x] / max(work[1, x], TINY)
            z[k, x] = pick(seen, work[0, x] * scale, work[4, x] / F(channels))
            variance[k, x] = pick(seen, max(work[2, x] * scale * scale, TINY), F(-1))
            common[k, x] = pick(seen, np.sqrt(work[3, x]) * scale, F(0))


@compiled
def mean_level(level: Array, share: Array, channels: int, out: Array, total: Array) -> None:
    """Mean of the channels' levels, weighted by their shares."""
    out[:] = TINY
    total[:] = TINY
    for c in range(channels):
        for x in range(RUN):
            total[x] += share[c, x]
            out[x] += share[c, x] * level[c, x]
    for x in range(RUN):
        out[x] /= total[x]
