"""Rays among balls: what a lamp throws on a place, what stands before it, where a ray from a mirror ends.

A ray is followed until it ends on the sheet, on the table beside it or in the dark room. The lights
themselves are so small in a mirror that samples would miss them; `ball_glints` adds them.
"""

from math import acos, pi, sqrt
from typing import NamedTuple

from .grid import Floats
from .jit import inner_kernel
from .optics import Doubles

BOUNCES = 3
"""Balls that a ray is followed over; after that it is black."""
NEVER_MM = 1e30
"""Stands for infinity, which fast arithmetic does not know."""


class Sight(NamedTuple):
    """What stays the same from frame to frame.

    Attributes:
        nodes: (node rows, node columns, 2): places on the sheet that every 32nd sample looks at.
        balls: (balls, 4): centre and radius, the nearest to the camera last.
        lamps: (lights, 9): position (3), axis (3), lobe, intensity on the axis, radius.
        eye: (3,) centre of projection.
        surfaces: (7,): reflectance of balls, sheet and table, light of the room as a share of the ambient
            light, half of the sheet's width and height, height of its face.
    """

    nodes: Doubles
    balls: Doubles
    lamps: Doubles
    eye: Doubles
    surfaces: Doubles


class Light(NamedTuple):
    """What burns in one row: weights (lights,), colours (lights, 3), ambient (3,); see `expose`."""

    weights: Floats
    colours: Floats
    ambient: Floats


@inner_kernel
def follow(lit: Doubles, met: Doubles, ray: Doubles, ball: int, light: Light, sight: Sight) -> None:
    """What is seen at a place on a ball along a ray from the camera. `met` and `ray` are used up."""
    left = 1.0
    for _ in range(BOUNCES):
        left *= sight.surfaces[0]
        _turn(ray, met, sight.balls[ball])
        ball, way = _next_ball(met, ray, ball, sight.balls)
        if way == NEVER_MM:
            break
        for k in range(3):
            met[k] += way * ray[k]
    if way < NEVER_MM:
        lit[:] = 0
    elif ray[2] >= 0:
        for c in range(3):
            lit[c] = left * sight.surfaces[3] * light.ambient[c]
    else:
        way = (sight.surfaces[6] - met[2]) / ray[2]
        for k in range(3):
            met[k] += way * ray[k]
        _ground(lit, left, met, light, sight)


@inner_kernel
def _turn(ray: Doubles, met: Doubles, ball: Doubles) -> None:
    """Throw a ray back where it meets a ball."""
    inward = 0.0
    for k in range(3):
        inward += ray[k] * (met[k] - ball[k]) / ball[3]
    for k in range(3):
        ray[k] -= 2 * inward * (met[k] - ball[k]) / ball[3]


@inner_kernel
def _next_ball(place: Doubles, ray: Doubles, last: int, balls: Doubles) -> tuple[int, float]:
    """The first other ball on a ray and the way there; `NEVER_MM`: there is none."""
    found, way = last, NEVER_MM
    for ball in range(balls.shape[0]):
        if ball != last:
            wx, wy, wz = balls[ball, 0] - place[0], balls[ball, 1] - place[1], balls[ball, 2] - place[2]
            along = wx * ray[0] + wy * ray[1] + wz * ray[2]
            inside = balls[ball, 3] ** 2 - (wx * wx + wy * wy + wz * wz - along * along)
            if along > 0 and inside >= 0 and along - sqrt(inside) < way:
                found, way = ball, along - sqrt(inside)
    return found, way


@inner_kernel
def _ground(lit: Doubles, left: float, place: Doubles, light: Light, sight: Sight) -> None:
    """Light from a place on the sheet, or on the table beside it."""
    x, y, z = place[0], place[1], place[2]
    inside = abs(x) < sight.surfaces[4] and abs(y) < sight.surfaces[5]
    white = left * (sight.surfaces[1] if inside else sight.surfaces[2])
    for c in range(3):
        lit[c] = white * light.ambient[c]
    for k in range(light.weights.size):
        if light.weights[k] != 0:
            clear = 1.0
            for ball in range(sight.balls.shape[0]):
                clear *= seen_past(x, y, z, sight.balls[ball], sight.lamps[k])
            strength = white * clear * light.weights[k] * irradiance(x, y, z, sight.lamps[k])
            for c in range(3):
                lit[c] += strength * light.colours[k, c]


@inner_kernel
def beside(x: float, y: float, z: float, ball: Doubles, lamp: Doubles) -> float:
    """By how much the ray from a place to a lamp's centre passes a ball; negative: it is stopped."""
    dx, dy, dz = lamp[0] - x, lamp[1] - y, lamp[2] - z
    wx, wy, wz = ball[0] - x, ball[1] - y, ball[2] - z
    along = max(0.0, dx * wx + dy * wy + dz * wz) / sqrt(dx * dx + dy * dy + dz * dz)
    return float(sqrt(max(0.0, wx * wx + wy * wy + wz * wz - along * along)) - ball[3])


@inner_kernel
def seen_past(x: float, y: float, z: float, ball: Doubles, lamp: Doubles) -> float:
    """Share of a lamp, a disk as seen from here, that a ball's limb leaves free; so near it is straight."""
    dx, dy, dz = lamp[0] - x, lamp[1] - y, lamp[2] - z
    wx, wy, wz = ball[0] - x, ball[1] - y, ball[2] - z
    distance = sqrt(dx * dx + dy * dy + dz * dz)
    along = (dx * wx + dy * wy + dz * wz) / distance
    if along <= 0:
        return 1.0
    passing = sqrt(max(0.0, wx * wx + wy * wy + wz * wz - along * along)) - ball[3]
    t = passing * distance / (along * lamp[8])
    if t >= 1:
        return 1.0
    return 0.0 if t <= -1 else (acos(-t) + t * sqrt(1 - t * t)) / pi


@inner_kernel
def irradiance(x: float, y: float, z: float, lamp: Doubles) -> float:
    """What a lamp throws on a horizontal surface, in the unit of `lights.light_field`."""
    dx, dy, dz = lamp[0] - x, lamp[1] - y, lamp[2] - z
    distance2 = dx * dx + dy * dy + dz * dz
    distance = sqrt(distance2)
    ahead = -(dx * lamp[3] + dy * lamp[4] + dz * lamp[5]) / distance
    if ahead <= 0 or dz <= 0:
        return 0.0
    return float(lamp[7] * ahead ** lamp[6] * dz / (distance * distance2))
