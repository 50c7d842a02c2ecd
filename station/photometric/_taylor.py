"""What a small shift does to a picture, by the derivatives of the mean picture."""

from ._jit import Array, F, compiled
from ._pixels import TINY


@compiled
def derivatives(mean: Array, row: int, x0: int, n: int, out: Array) -> None:
    """Derivatives (5, channels, run) of the mean ratio: x, y, xx, xy, yy. `mean` has a border of two pixels.

    First derivatives by five points (error of fourth order), the others by three.
    """
    near, far = F(2 / 3), F(1 / 12)
    r = row + 2
    for c in range(mean.shape[2]):
        for x in range(n):
            i = x0 + x + 2
            middle = mean[r, i, c]
            left, right, up, down = mean[r, i - 1, c], mean[r, i + 1, c], mean[r - 1, i, c], mean[r + 1, i, c]
            out[0, c, x] = near * (right - left) - far * (mean[r, i + 2, c] - mean[r, i - 2, c])
            out[1, c, x] = near * (down - up) - far * (mean[r + 2, i, c] - mean[r - 2, i, c])
            out[2, c, x] = right + left - F(2) * middle
            out[4, c, x] = up + down - F(2) * middle
            slant = (
                mean[r + 1, i + 1, c] - mean[r + 1, i - 1, c] - mean[r - 1, i + 1, c] + mean[r - 1, i - 1, c]
            )
            out[3, c, x] = F(0.25) * slant


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
def widen(w: Array, z: Array, d: Array, share: Array, jitter: Array, trust: Array, pq: Array, n: int) -> None:
    """Add to each light's variance what is left of the shifts, the model and the coat's shine.

    jitter: px per axis. trust: errors of the model and of the shine (pq[:, 2]) as shares of them.
    """
    channels = share.shape[0]
    for x in range(n):
        total, gx, gy = TINY, F(0), F(0)
        for c in range(channels):
            total += share[c, x]
            gx += share[c, x] * d[0, c, x]
            gy += share[c, x] * d[1, c, x]
        gx, gy = gx / total, gy / total
        slope2 = gx * gx + gy * gy
        for k in range(w.shape[0]):
            model, shine = trust[0] * z[k, x], trust[1] * pq[k, 2, x]
            extra = jitter[k] * jitter[k] * slope2 + model * model + shine * shine
            w[k, x] = w[k, x] / (F(1) + w[k, x] * extra)
