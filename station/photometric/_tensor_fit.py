"""The fit on tensors: robust weighted least squares, what is left out of it, and the figures of its answer.

Stage by stage what `_fit`, `_drop` and `_write` do for a run of pixels, for all pixels of a band at once.
Only methods of tensors are called: the module needs no torch itself and works wherever the tensors lie. Index
order (light, pixel).
"""

from typing import NamedTuple

import numpy as np

from . import _drop, _write
from ._tensor_pixels import TINY, Signal, Tensor, Vector

LEAST_LEFT, DARK, NOBODY = float(_drop.LEAST_LEFT), float(_write.DARK), int(_drop.NOBODY)


class Answer(NamedTuple):
    """Of the normal equations.

    Attributes:
        c: upper half of the covariance, six of (pixels,); zeros where the lights do not span space.
        m: albedo times normal, three of (pixels,).
    """

    c: tuple[Tensor, ...]
    m: Vector


class Pair(NamedTuple):
    """The numbers of the lights left out of each pixel, (pixels,) each; `NOBODY` where there is none."""

    first: Tensor
    second: Tensor

    def kept(self, w: Tensor) -> Tensor:
        """The weights (lights, pixels) without them."""
        number = w.new_tensor(range(len(w)))[:, None]
        return w.where((number != self.first) & (number != self.second), 0.0)


def nobody(s: Signal) -> Pair:
    """Nothing left out."""
    return Pair(s.w.new_full(s.w.shape[1:], NOBODY), s.w.new_full(s.w.shape[1:], NOBODY))


def least_squares(s: Signal) -> Answer:
    """Weighted least squares of all lights for `m . (p, q, 1)` in closed form."""
    return fitted(s.w, (s.p, s.q, s.w.new_ones(())), s.z)


def fitted(w: Tensor, rays: Vector, z: Tensor) -> Answer:
    """Weighted least squares for `m . rays`, (lights, pixels) each."""
    p, q, o = rays
    wp, wq, wo = w * p, w * q, w * o
    a, d, e = (wp * p).sum(0), (wp * q).sum(0), (wp * o).sum(0)
    f, g, i = (wq * q).sum(0), (wq * o).sum(0), (wo * o).sum(0)
    c0, c1, c2 = f * i - g * g, e * g - d * i, d * g - e * f
    determinant = a * c0 + d * c1 + e * c2
    bound = 1e-5 * (a * f * i)
    scale = determinant.reciprocal().where((determinant > bound) & (bound > 0), 0.0)
    c = (
        c0 * scale, c1 * scale, c2 * scale,
        (a * i - e * e) * scale, (e * d - a * g) * scale, (a * f - d * d) * scale,
    )  # fmt: skip
    return Answer(c, turned(c, ((wp * z).sum(0), (wq * z).sum(0), (wo * z).sum(0))))


def turned(c: tuple[Tensor, ...], b: Vector) -> Vector:
    """The symmetric matrix c times the vector b."""
    return (
        c[0] * b[0] + c[1] * b[1] + c[2] * b[2],
        c[1] * b[0] + c[3] * b[1] + c[4] * b[2],
        c[2] * b[0] + c[4] * b[1] + c[5] * b[2],
    )


def shaded(s: Signal, m: Vector) -> Tensor:
    """What each light sends back from m."""
    return m[0] * s.p + m[1] * s.q + m[2]


def refit_doubtful(s: Signal, found: Answer, doubt: float, most: int) -> Pair:
    """Fit the pixels in doubt anew without the lights that fit worst; `found` is brought up to date.

    Only the pixels in doubt are looked at: how many there are is the one thing the host waits for.
    """
    pair = nobody(s)
    worst = ((s.z - shaded(s, found.m)).square() * s.w).amax(0).sqrt()
    at = (worst > doubt).nonzero().squeeze(1)
    if most == 0 or len(at) == 0:
        return pair
    some = Signal(*(part[:, at] for part in s))
    out = worst_pair(some, Answer(_taken(found.c, at), _taken(found.m, at)), most)
    again = least_squares(some._replace(w=out.kept(some.w)))
    for whole, part in zip((*found.c, *found.m, *pair), (*again.c, *again.m, *out), strict=True):
        whole[at] = part
    return pair


def _taken(parts: tuple[Tensor, ...], at: Tensor) -> tuple[Tensor, ...]:
    return tuple(part[at] for part in parts)


def worst_pair(s: Signal, found: Answer, most: int) -> Pair:
    """The one or two lights whose absence lowers the sum of squares most; the law is that of `_drop`."""
    z, w, p, q = s
    r, ray = z - shaded(s, found.m), turned(found.c, (p, q, w.new_ones(())))
    left = 1.0 - w * (p * ray[0] + q * ray[1] + ray[2])
    live = (w > 0).to(w.dtype)
    room = (live.sum(0) - _drop.FEWEST_LEFT).clamp(0, most)
    alone = w * r * r
    best, first = (alone / left).where((left > LEAST_LEFT) & (live <= room), 0.0).max(0)
    first, second = first.to(w.dtype).where(best > 0, NOBODY), best.new_full(best.shape, NOBODY)
    for j in range(len(w) - 1):
        k = slice(j + 1, None)
        g = p[j] * ray[0][k] + q[j] * ray[1][k] + ray[2][k]
        o = w[k] * g
        determinant = left[j] * left[k] - (w[j] * g) * o
        gain = left[k] * alone[j] + left[j] * alone[k] + (2.0 * w[j] * r[j]) * (o * r[k])
        fits = (determinant > LEAST_LEFT) & (live[j] + live[k] <= room)
        score, other = (gain / determinant).where(fits, 0.0).max(0)
        better = score > best
        best = score.where(better, best)
        first, second = first.masked_fill(better, j), (other + (j + 1)).to(w.dtype).where(better, second)
    return Pair(first, second)


def halved(s: Signal, m: Vector, per_cut2: float) -> Tensor:
    """Geman and McClure's weight for the residuals from m."""
    u = (1.0 + (s.z - shaded(s, m)).square() * s.w * per_cut2).reciprocal()
    return u * u


class Figures(NamedTuple):
    """Of a fit, (pixels,) each; `h` (lights, pixels), the weights that the lights ended with."""

    h: Tensor
    chi2: Tensor
    gloss: Tensor
    gloss_light: Tensor
    used: Tensor
    seen: Tensor
    dark: Tensor


def judged(s: Signal, m: Vector, pair: Pair, per_cut2: float) -> Figures:
    """Judge the lights by the last m. per_cut2: 0 where no round takes back what was left out."""
    r = s.z - shaded(s, m)
    h = halved(s, m, per_cut2) if per_cut2 > 0 else pair.kept(s.w.new_ones(s.w.shape))
    gloss, source = r.max(0)
    seen = s.w > 0
    return Figures(
        h,
        chi2=(r * r * s.w).sum(0),
        gloss=gloss.clamp(min=0),
        gloss_light=source.where(gloss > 0, NOBODY),
        used=((h > 0.25) & seen).sum(0),
        seen=seen.sum(0),
        dark=((s.z.square() * s.w < DARK) & seen).any(0),
    )


def uncertainty(s: Signal, h: Tensor, common: Tensor | None, found: Answer) -> Tensor:
    """Standard uncertainty (rad) of the normal, per axis: see `_write.uncertainty`."""
    c, m = found
    length2 = _dot(m, m).clamp(min=TINY)
    trace, along = c[0] + c[3] + c[5], _dot(m, turned(c, m))
    if common is not None:
        weight = s.w * h * common
        v = turned(c, ((weight * s.p).sum(0), (weight * s.q).sum(0), weight.sum(0)))
        trace, along = trace + _dot(v, v), along + _dot(v, m).square()
    across = (trace - along / length2).clamp(min=0)
    return (0.5 * across / length2).sqrt().clamp(max=np.pi / 2)


def _dot(a: Vector, b: Vector) -> Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def directions(found: Answer, used: Tensor) -> tuple[Vector, Tensor, Tensor]:
    """Unit normals, (0, 0, 1) without an answer; the length of m; where there is an answer."""
    m = found.m
    length = _dot(m, m).sqrt()
    good = (found.c[5] > 0) & (m[2] > 0) & (used >= 3)
    per = length.clamp(min=TINY).reciprocal().where(good, 0.0)
    return (m[0] * per, m[1] * per, (m[2] * per).where(good, 1.0)), length, good


def of_channels(y: Tensor, v: Tensor, h: Tensor, shading: Tensor) -> Tensor:
    """Albedo (channels, pixels) under the shading all channels share; clipped in every light: the mean."""
    ws = (h * shading)[:, None] / v
    ws = ws.where(v > 0, 0.0)
    top, below = (ws * y).sum(0), (ws * shading[:, None]).sum(0)
    return (top / below.clamp(min=TINY)).where(below > 0, y.mean(0))
