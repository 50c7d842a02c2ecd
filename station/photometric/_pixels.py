"""Compiled pieces that every pass over the pictures shares: codes to ratios, channels to one signal.

All work on a run of neighbouring pixels of one row, kept in small buffers that stay in the processor's
first cache: index order (light, channel, pixel).
"""

import numpy as np

from ._jit import Array, Codes, F, Places, compiled

RUN = 128
"""Pixels of one run."""

TINY = F(1e-20)


@compiled
def grid_row(grid: Array, row: int, height: int, out: Array) -> None:
    """Interpolate a grid (lights, rows, columns, n) at a picture row: out (lights, n, columns + 1).

    The last column is there twice, so that every node has one to its right.
    """
    rows, columns = grid.shape[1], grid.shape[2]
    at = row * (rows - 1) / max(height - 1, 1)
    above = min(int(at), max(rows - 2, 0))
    below = min(above + 1, rows - 1)
    t = F(at - above)
    for k in range(grid.shape[0]):
        for c in range(grid.shape[3]):
            for j in range(columns):
                top = grid[k, above, j, c]
                out[k, c, j] = top + t * (grid[k, below, j, c] - top)
            out[k, c, columns] = out[k, c, columns - 1]


@compiled
def grid_columns(columns: int, width: int, node: Places, part: Array) -> None:
    """For each picture column its left grid node and the share of the right one."""
    scale = (columns - 1) / max(width - 1, 1)
    for x in range(width):
        at = x * scale
        left = min(int(at), max(columns - 2, 0))
        node[x] = left
        part[x] = F(at - left)


@compiled
def spread(nodes: Array, node: Places, part: Array, x0: int, n: int, out: Array) -> None:
    """Interpolate (lights, m, columns + 1) to the pixels of a run: out (lights, m, run)."""
    at, share = node[x0 : x0 + n], part[x0 : x0 + n]
    for k in range(nodes.shape[0]):
        for c in range(nodes.shape[1]):
            row, to = nodes[k, c], out[k, c]
            right = row[1:]
            for x in range(n):
                left = row[at[x]]
                to[x] = left + share[x] * (right[at[x]] - left)


@compiled
def load_ratios(
    lit: Codes,
    ambient: Codes,
    row: int,
    x0: int,
    n: int,
    per_flat: Array,
    sensor: Array,
    y: Array,
    weight: Array,
) -> None:
    """Codes to ratios of the flat field and their inverse variances; a clipped value has weight zero.

    `sensor` holds black level, noise a, noise b and the lowest clipped code. The ambient picture's own noise
    is left out: it is common to all lights and treated apart.
    """
    black, noise_a, noise_b, clipped = sensor[0], sensor[1], sensor[2], sensor[3]
    dark = ambient[row, x0 : x0 + n]
    for k in range(lit.shape[0]):
        codes = lit[k, row, x0 : x0 + n]
        for c in range(lit.shape[3]):
            flat, ratio, to = per_flat[k, c], y[k, c], weight[k, c]
            for x in range(n):
                code = F(codes[x, c])
                gain = flat[x]
                ratio[x] = (code - F(dark[x, c])) * gain
                variance = (noise_a * max(code - black, F(0)) + noise_b) * gain * gain
                to[x] = F(0) if code >= clipped else F(1) / max(variance, TINY)


@compiled
def channel_levels(y: Array, weight: Array, n: int, level: Array, share: Array, work: Array) -> None:
    """Mean ratio of each channel, and the share with which it enters the one signal all normals come from.

    Shares are signal over variance, the same for all lights, or a coloured print would tilt the normals.
    Lights with a clipped channel are left out unless no other is left. level, share: (channels, run).
    work: (2, run); its first row says how many lights are without clipping.
    """
    lights, channels = y.shape[0], y.shape[1]
    whole, use = work[0], work[1]
    whole[:n] = 0
    level[:, :n] = 0
    share[:, :n] = 0
    for k in range(lights):
        for x in range(n):
            use[x] = weight[k, 0, x]
        for c in range(1, channels):
            for x in range(n):
                use[x] = min(use[x], weight[k, c, x])
        for x in range(n):
            use[x] = F(1) if use[x] > 0 else F(1e-6)
            whole[x] += use[x]
        for c in range(channels):
            for x in range(n):
                level[c, x] += use[x] * y[k, c, x]
                share[c, x] += use[x] * weight[k, c, x]
    for c in range(channels):
        for x in range(n):
            level[c, x] = max(level[c, x] / whole[x], F(1e-4))
            share[c, x] *= level[c, x] / whole[x]


@compiled
def combine(
    y: Array,
    weight: Array,
    per_flat: Array,
    mix: Array,
    n: int,
    z: Array,
    w: Array,
    common: Array,
    target: Array,
    work: Array,
) -> None:
    """Channels to one ratio z per light, its inverse variance w, and what the ambient's noise does to it.

    A clipped channel is left out of its light alone; the levels of the others stand in for it. A light with
    all channels clipped keeps its mean, which it exceeds, and no weight. mix: (3, channels, run), levels,
    shares and the ambient picture's variance in codes. z, w, common (a deviation): (lights, run). target:
    (run,), the mean of z.
    """
    channels = y.shape[1]
    level, share, dark = mix[0], mix[1], mix[2]
    value, expected, variance, ambient, bound = work[1], work[2], work[3], work[4], work[5]
    mean_level(level, share, n, target, value)
    for k in range(y.shape[0]):
        for row in range(1, 6):
            work[row, :n] = 0
        for c in range(channels):
            for x in range(n):
                s = share[c, x] if weight[k, c, x] > 0 else F(0)
                value[x] += s * y[k, c, x]
                expected[x] += s * level[c, x]
                variance[x] += s * s / max(weight[k, c, x], TINY)
                ambient[x] += s * s * per_flat[k, c, x] * per_flat[k, c, x] * dark[c, x]
                bound[x] += y[k, c, x]
        for x in range(n):
            seen = expected[x] > 0
            scale = target[x] / max(expected[x], TINY)
            z[k, x] = value[x] * scale if seen else bound[x] / F(channels)
            w[k, x] = F(1) / max(variance[x] * scale * scale, TINY) if seen else F(0)
            common[k, x] = np.sqrt(ambient[x]) * scale if seen else F(0)


@compiled
def mean_level(level: Array, share: Array, n: int, out: Array, total: Array) -> None:
    """Mean of the channels' levels, weighted by their shares."""
    out[:n] = TINY
    total[:n] = TINY
    for c in range(level.shape[0]):
        for x in range(n):
            total[x] += share[c, x]
            out[x] += share[c, x] * level[c, x]
    for x in range(n):
        out[x] /= total[x]
