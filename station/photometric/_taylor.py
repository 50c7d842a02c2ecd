"""What a small shift does to a picture, by the derivatives of the mean picture."""

from ._jit import RUN, Array, F, compiled
from ._memory import known, pick
from ._pixels import MOST_CHANNELS, TINY

_five, _three = known(5, MOST_CHANNELS, RUN), known(3, RUN)


@compiled
def derivatives(mean: Array, row: int, x0: int, n: int, out: Array) -> None:
    """Derivatives (5, channels, run) of the mean ratio: x, y, xx, xy, yy.

    `mean` has a border of two pixels. First derivatives by five points (error of fourth order), the others by
    three.
    """
    near, far = F(2 / 3), F(1 / 12)
    out = _five(out)
    to = x0 + n + 4
    up2, up1, on = mean[row, x0:to], mean[row + 1, x0:to], mean[row + 2, x0:to]
    down1, down2 = mean[row + 3, x0:to], mean[row + 4, x0:to]
    for c in range(mean.shape[2]):
        for x in range(n):
            middle, left, right = on[x + 2, c], on[x + 1, c], on[x + 3, c]
            up, down = up1[x + 2, c], down1[x + 2, c]
            out[0, c, x] = near * (right - left) - far * (on[x + 4, c] - on[x, c])
            out[1, c, x] = near * (down - up) - far * (down2[x + 2, c] - up2[x + 2, c])
            out[2, c, x] = right + left - F(2) * middle
            out[3, c, x] = F(0.25) * (down1[x + 3, c] - down1[x + 1, c] - up1[x + 3, c] + up1[x + 1, c])
            out[4, c, x] = up + down - F(2) * middle


@compiled
def unshift(y: Array, lights: int, channels: int, d: Array, shifts: Array) -> None:
    """Move each light's ratios back by its shift (x, y in pixels), by the Taylor series of the mean picture.

    Only the mean's derivatives enter, so neighbouring pixels of one picture keep independent noise.
    """
    for k in range(lights):
        dx, dy = shifts[k, 0], shifts[k, 1]
        xx, xy, yy = F(0.5) * dx * dx, dx * dy, F(0.5) * dy * dy
        for c in range(channels):
            to = y[k * channels + c]
            d0, d1, d2, d3, d4 = d[0, c], d[1, c], d[2, c], d[3, c], d[4, c]
            for x in range(RUN):
                to[x] += dx * d0[x] + dy * d1[x] - xx * d2[x] - xy * d3[x] - yy * d4[x]


@compiled
def steepness(d: Array, share: Array, channels: int, out: Array, work: Array) -> None:
    """Square of the gradient of the one signal, from those of the channels. work: (3, run)."""
    d, work = _five(d), _three(work)
    total, gx, gy = work[0], work[1], work[2]
    total[:] = TINY
    gx[:] = 0
    gy[:] = 0
    for c in range(channels):
        for x in range(RUN):
            s = pick(F(channels) > F(1), share[c, x], F(1))
            total[x] += s
            gx[x] += s * d[0, c, x]
            gy[x] += s * d[1, c, x]
    for x in range(RUN):
        across, down = gx[x] / total[x], gy[x] / total[x]
        out[x] = across * across + down * down


@compiled
def weights(
    variance: Array, lights: int, level: Array, steep: Array, jitter: Array, trust: Array, shine: Array,
    w: Array,
) -> None:  # fmt: skip
    """Inverse variances, what is left of the shifts, the model and the coat's shine added.

    jitter: px per axis. trust: errors of the model, as a share of the mean level over the lights (not of each
    ratio, or shadows would count most), and of the shine, as a share of it.
    """
    for k in range(lights):
        motion = jitter[k] * jitter[k]
        for x in range(RUN):
            model, coat, v = trust[0] * level[x], trust[1] * shine[k, x], variance[k, x]
            extra = motion * steep[x] + model * model + coat * coat
            w[k, x] = pick(v > F(0), F(1) / max(v + extra, TINY), F(0))
