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
    """Interpolate a grid (lights, rows, columns, n) at a picture row: out (lights, n, columns)."""
    rows = grid.shape[1]
    at = row * (rows - 1) / max(height - 1, 1)
    above = min(int(at), max(rows - 2, 0))
    below = min(above + 1, rows - 1)
    t = F(at - above)
    for k in range(grid.shape[0]):
        for c in range(grid.shape[3]):
            for j in range(grid.shape[2]):
                top = grid[k, above, j, c]
                out[k, c, j] = top + t * (grid[k, below, j, c] - top)


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
    """Interpolate (lights, m, columns) to the pixels of a run: out (lights, m, run)."""
    last = nodes.shape[2] - 1
    for k in range(nodes.shape[0]):
        for c in range(nodes.shape[1]):
            for x in range(n):
                j = node[x0 + x]
                left = nodes[k, c, j]
                out[k, c, x] = left + part[x0 + x] * (nodes[k, c, min(j + 1, last)] - left)


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

    `sensor` holds black level, noise a, noise b and the lowest clipped code. The ambient picture's own
    noise is left out: it is common to all lights and treated apart.
    """
    black, noise_a, noise_b, clipped = sensor[0], sensor[1], sensor[2], sensor[3]
    for k in range(lit.shape[0]):
        for c in range(lit.shape[3]):
            for x in range(n):
                code = F(lit[k, row, x0 + x, c])
                gain = per_flat[k, c, x]
                y[k, c, x] = (code - F(ambient[row, x0 + x, c])) * gain
                variance = (noise_a * max(code - black, F(0)) + noise_b) * gain * gain
                weight[k, c, x] = F(0) if code >= clipped else F(1) / max(variance, TINY)


@compiled
def channel_levels(y: Array, weight: Array, n: int, level: Array, share: Array) -> None:
    """Mean ratio of each channel, and the share with which it enters the one signal all normals come from.

    Shares are signal over variance, the same for all lights, or a coloured print would tilt the normals.
    Lights with a clipped channel are left out unless no other is left. level, share: (channels, run).
    """
    lights, channels = y.shape[0], y.shape[1]
    for x in range(n):
        whole = F(0)
        for c in range(channels):
            level[c, x] = 0
            share[c, x] = 0
        for k in range(lights):
            lowest = weight[k, 0, x]
            for c in range(1, channels):
                lowest = min(lowest, weight[k, c, x])
            use = F(1) if lowest > 0 else F(1e-6)
            whole += use
            for c in range(channels):
                level[c, x] += use * y[k, c, x]
                share[c, x] += use * weight[k, c, x]
        for c in range(channels):
            level[c, x] = max(level[c, x] / whole, F(1e-4))
            share[c, x] *= level[c, x] / whole


@compiled
def combine(
    y: Array,
    weight: Array,
    per_flat: Array,
    dark: Array,
    n: int,
    level: Array,
    share: Array,
    z: Array,
    w: Array,
    common: Array,
) -> None:
    """Channels to one ratio z per light, its inverse variance w, and what the ambient's noise does to it.

    A clipped channel is left out of its light alone; the levels of the others stand in for it. `dark` is the
    ambient picture's variance in codes, (channels, run). z, w, common (a deviation): (lights, run).
    """
    lights, channels = y.shape[0], y.shape[1]
    for x in range(n):
        total, mixed = TINY, TINY
        for c in range(channels):
            total += share[c, x]
            mixed += share[c, x] * level[c, x]
        target = mixed / total
        for k in range(lights):
            value, expected, variance, ambient = F(0), F(0), F(0), F(0)
            for c in range(channels):
                s = share[c, x] if weight[k, c, x] > 0 else F(0)
                value += s * y[k, c, x]
                expected += s * level[c, x]
                variance += s * s / max(weight[k, c, x], TINY)
                ambient += s * s * per_flat[k, c, x] * per_flat[k, c, x] * dark[c, x]
            if expected > 0:
                scale = target / expected
                z[k, x] = value * scale
                w[k, x] = F(1) / max(variance * scale * scale, TINY)
                common[k, x] = np.sqrt(ambient) * scale
            else:
                z[k, x], w[k, x], common[k, x] = (
                    clipped_value(y, k, x, channels),
                    F(0),
                    F(0),
                )


@compiled
def clipped_value(y: Array, k: int, x: int, channels: int) -> F:
    """A light with every channel clipped was at least this bright."""
    value = F(0)
    for c in range(channels):
        value += y[k, c, x]
    return value / F(channels)
