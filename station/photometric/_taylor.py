"""What a small shift does to a picture, by the derivatives of the mean picture."""

from ._jit import Array, F, compiled
from ._pixels import TINY


@compiled
def derivatives(mean: Array, row: int, x0: int, n: int, out: Array) -> None:
    """Derivatives (5, channels, run) of the mean ratio: x, y, xx, xy, yy.

    `mean` has a border of two pixels. First derivatives by five points (error of fourth order), the others by
    three.
    """
    near, far = F(2 / 3), F(1 / 12)
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
def unshift(y: Array, d: Array, shifts: Array, n: int) -> None:
    """Move each light's ratios back by its shift (x, y in pixels), by the Taylor series of the mean picture.

    Only the mean's derivatives enter, so neighbouring pixels of one picture keep independent noise.
    """
    for k in range(y.shape[0]):
        dx, dy = shifts[k, 0], shifts[k, 1]
        xx, xy, yy = F(0.5) * dx * dx, dx * dy, F(0.5) * dy * dy
        for c in range(y.shape[1]):
            for x in range(n):
                first = dx * d[0, c, x] + dy * d[1, c, x]
                y[k, c, x] += first - xx * d[2, c, x] - xy * d[3, c, x] - yy * d[4, c, x]


@compiled
def widen(
    w: Array,
    d: Array,
    share: Array,
    level: Array,
    jitter: Array,
    trust: Array,
    pq: Array,
    work: Array,
    n: int,
) -> None:
    """Add to each light's variance what is left of the shifts, the model and the coat's shine.

    jitter: px per axis. trust: errors of the model, as a share of the mean level over the lights (not of each
    ratio, or shadows would count most), and of the shine (pq[:, 2]), as a share of it.
    """
    total, gx, gy = work[0], work[1], work[2]
    total[:n] = TINY
    gx[:n] = 0
    gy[:n] = 0
    for c in range(share.shape[0]):
        for x in range(n):
            total[x] += share[c, x]
            gx[x] += share[c, x] * d[0, c, x]
            gy[x] += share[c, x] * d[1, c, x]
    for x in range(n):
        across, down = gx[x] / total[x], gy[x] / total[x]
        total[x] = across * across + down * down
    for k in range(w.shape[0]):
        motion = jitter[k] * jitter[k]
        for x in range(n):
            model, shine = trust[0] * level[x], trust[1] * pq[k, 2, x]
            extra = motion * total[x] + model * model + shine * shine
            w[k, x] = w[k, x] / (F(1) + w[k, x] * extra)
