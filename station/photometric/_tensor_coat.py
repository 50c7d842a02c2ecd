"""A coat's shine moved to where each pixel's own normal puts it, on tensors: the counterpart of `_coat`."""

from collections.abc import Callable

from . import _coat
from ._tensor_fit import Answer, turned
from ._tensor_pixels import Signal, Tensor, Vector
from .coat import NARROWEST

LEAST_M2 = float(_coat.LEAST)


def reshine(
    laws: Callable[[int], Tensor], found: Answer, error: float, y: Tensor, s: Signal, shine: Tensor
) -> Answer:
    """Take off the shine that belongs to m in place of what the field began with: see `_coat.reshine`.

    laws: of a light, its half vector and the spread of its lobe, (5, pixels). y, s, shine: brought up to
    date; of one channel, s.z is y.

    Returns:
        The fit after that, with the covariance it had.
    """
    n, less = _facing(found.m), [found.m[0].new_zeros(found.m[0].shape) for _ in range(3)]
    for k in range(len(shine)):
        law, old, w = laws(k), shine[k].clone(), s.w[k]
        cosine2 = (n[0] * law[0] + n[1] * law[1] + n[2] * law[2]).square()
        width = (law[3] + law[4] * cosine2).clamp(min=NARROWEST)
        fresh = (old / width.square()).where(n[2] > 0, old)
        wider = error * error * (fresh * fresh - old * old)
        s.w[k] = (w / (1.0 + w * wider)).where(w > 0, 0.0)
        step = s.w[k] * (fresh - old)
        for i, of in enumerate((step * s.p[k], step * s.q[k], step)):
            less[i] += of
        s.z[k] -= fresh - old
        if y.shape[1] > 1:
            y[k] -= fresh - old
        shine[k] = fresh
    down = turned(found.c, (less[0], less[1], less[2]))
    return Answer(found.c, (found.m[0] - down[0], found.m[1] - down[1], found.m[2] - down[2]))


def _facing(m: Vector) -> Vector:
    """Unit vectors along m; zero where there is none that faces the camera."""
    length2 = m[0] * m[0] + m[1] * m[1] + m[2] * m[2]
    per = (length2 + LEAST_M2).rsqrt().where((length2 > LEAST_M2) & (m[2] > 0), 0.0)
    return m[0] * per, m[1] * per, m[2] * per
