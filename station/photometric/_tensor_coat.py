"""A coat's shine moved to where each pixel's own normal puts it, on tensors: the counterpart of `_coat`."""

from collections.abc import Callable

from . import _coat
from ._tensor_fit import Answer, fitted
from ._tensor_pixels import Signal, Tensor, Vector
from .coat import NARROWEST

LEAST_M2 = float(_coat.LEAST)


def reshine(
    parts: Callable[[int], Tensor], found: Answer, error: float, y: Tensor, s: Signal, shine: Tensor
) -> Answer:
    """Exchange the shine the field began with for that of the fit: see `_coat.reshine`.

    parts: of a light, half vector, spread and slope, (8, pixels). y, s, shine: brought up to date; of one
    channel, s.z is y.

    Returns:
        The fit after that, with the covariance it had.
    """
    m = _sloped(parts, found.m, s)
    n = _facing(m)
    for k in range(len(shine)):
        law, old, w = parts(k), shine[k].clone(), s.w[k]
        facing = n[0] * law[0] + n[1] * law[1] + n[2] * law[2]
        spread = (law[3] + law[4] * facing * facing).clamp(min=NARROWEST)
        new = (old / spread.square()).where(n[2] > 0, old)
        s.w[k] = (w / (1.0 + w * (error * error * (new * new - old * old)))).where(w > 0, 0.0)
        s.z[k] -= new - old
        if y.shape[1] > 1:
            y[k] -= new - old
        shine[k] = new
    return Answer(found.c, m)


def _sloped(parts: Callable[[int], Tensor], m: Vector, s: Signal) -> Vector:
    """The fit with the shine's slope in the rays."""
    per = m[2].reciprocal().where(m[2] * m[2] > LEAST_M2, 0.0)
    rays = tuple(ray.new_empty(ray.shape) for ray in (s.p, s.q, s.w))
    for k in range(len(s.w)):
        slope = parts(k)[5:]
        for to, ray, part in zip(rays, (s.p[k], s.q[k], 1.0), slope, strict=True):
            to[k] = ray + part * per
    again = fitted(s.w, (rays[0], rays[1], rays[2]), s.z)
    solved = (again.c[5] > 0) & (again.m[2] > 0)
    x, y, z = (new.where(solved, old) for new, old in zip(again.m, m, strict=True))
    return x, y, z


def _facing(m: Vector) -> Vector:
    """Unit vectors along m; zero where there is none that faces the camera."""
    length2 = m[0] * m[0] + m[1] * m[1] + m[2] * m[2]
    per = (length2 + LEAST_M2).rsqrt().where((length2 > LEAST_M2) & (m[2] > 0), 0.0)
    return m[0] * per, m[1] * per, m[2] * per
