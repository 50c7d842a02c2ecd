"""A coat's shine moved to where each pixel's own normal puts it, on tensors: the counterpart of `_coat`."""

from collections.abc import Callable

from . import _coat
from ._tensor_fit import Answer, fitted
from ._tensor_pixels import Signal, Tensor, Vector
from .coat import NARROWEST

LEAST_M2 = float(_coat.LEAST)


def reshine(
    laws: Callable[[int], Tensor], found: Answer, error: float, y: Tensor, s: Signal, shine: Tensor
) -> Answer:
    """Exchange the shine the field began with for that of the fit: see `_coat.reshine`.

    laws: of a light, its half vector and the spread of its lobe, (5, pixels). y, s, shine: brought up to
    date; of one channel, s.z is y.

    Returns:
        The fit after that, with the covariance it had.
    """
    n, per_m = _facing(found.m)
    reflected = [_reflected(n, per_m, laws(k), shine[k]) for k in range(len(shine))]
    fresh, *slopes = (shine.new_empty(shine.shape) for _ in range(4))
    for k, parts in enumerate(reflected):
        for to, part in zip((fresh, *slopes), parts, strict=True):
            to[k] = part
    m = found.m
    r = s.z + shine - fresh - (m[0] * s.p + m[1] * s.q + m[2])
    step = fitted(s.w, (s.p + slopes[0], s.q + slopes[1], 1.0 + slopes[2]), r).m
    for k in range(len(shine)):
        moved = fresh[k] + slopes[0][k] * step[0] + slopes[1][k] * step[1] + slopes[2][k] * step[2]
        old, w = shine[k].clone(), s.w[k]
        new = moved.clamp(min=0).where(n[2] > 0, old)
        s.w[k] = (w / (1.0 + w * (error * error * (new * new - old * old)))).where(w > 0, 0.0)
        s.z[k] -= new - old
        if y.shape[1] > 1:
            y[k] -= new - old
        shine[k] = new
    return Answer(found.c, (m[0] + step[0], m[1] + step[1], m[2] + step[2]))


def _reflected(n: Vector, per_m: Tensor, law: Tensor, shine: Tensor) -> tuple[Tensor, ...]:
    """What the coat adds to a light's ratio, and its derivative by m."""
    facing = n[0] * law[0] + n[1] * law[1] + n[2] * law[2]
    per = (law[3] + law[4] * facing * facing).clamp(min=NARROWEST).reciprocal()
    value = shine * per * per
    slope = -4.0 * law[4] * facing * value * per * per_m
    return value, *(slope * (law[i] - facing * n[i]) for i in range(3))


def _facing(m: Vector) -> tuple[Vector, Tensor]:
    """Unit vectors along m, and one over its length; zero where there is none that faces the camera."""
    length2 = m[0] * m[0] + m[1] * m[1] + m[2] * m[2]
    per = (length2 + LEAST_M2).rsqrt().where((length2 > LEAST_M2) & (m[2] > 0), 0.0)
    return (m[0] * per, m[1] * per, m[2] * per), per
