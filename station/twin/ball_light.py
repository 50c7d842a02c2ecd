"""The loops that draw balls over their sheet: shadows, and the sheet, the room and other balls mirrored."""

from math import sqrt

import numpy as np
from numba import prange

from .ball_rays import Light, Sight, beside, follow, irradiance, seen_past
from .exposure import TAPS, TILE_ROWS, across, down, vignette
from .grid import Floats
from .jit import inner_kernel, parallel_kernel
from .optics import Doubles
from .samples import HALF, HALO, SEGMENT, Shorts
from .shading import shade_row


@parallel_kernel
def expose_balls(
    electrons: Floats, samples: tuple[Shorts, int, Floats], light: tuple[Floats, Floats, Floats],
    taps: Floats, vignetting: float, sight: Sight,
) -> None:  # fmt: skip
    """As `exposure.expose`, with balls on the sheet.

    Args:
        electrons: float32 (rows, 3, columns); written.
        samples: buffer, columns and fields.
        light: weights, colours and ambient.
        taps: as there.
        vignetting: as there.
        sight: balls and what is around them.
    """
    buffer, columns, fields = samples
    weights, colours, ambient = light
    height, width = electrons.shape[0], electrons.shape[2]
    bands = weights.shape[0]
    for tile in prange((height + TILE_ROWS - 1) // TILE_ROWS):
        first, last = tile * TILE_ROWS, min(height, (tile + 1) * TILE_ROWS)
        line = np.empty((3, 2, columns * HALF), np.float32)
        filtered = np.empty((2 * TILE_ROWS + TAPS, 3, width), np.float32)
        for j in range(2 * (last - first) + TAPS - 2):
            row = 2 * first + 1 + j
            band = min(height - 1, max(0, (row - HALO) // 2)) * bands // height
            shade_row(line, buffer, row, columns, fields, weights[band], colours, ambient[band])
            _draw_row(line, row, Light(weights[band], colours, ambient[band]), sight)
            across(filtered[j], line, taps[0])
        for y in range(first, last):
            down(electrons[y], filtered, 2 * (y - first), taps[1])
            vignette(electrons[y], y, height, vignetting)


@inner_kernel
def _draw_row(line: Floats, row: int, light: Light, sight: Sight) -> None:
    above, share = row // SEGMENT, (row % SEGMENT) / SEGMENT
    place, step, clear = np.empty(3), np.zeros(3), np.empty(SEGMENT)
    place[2] = sight.surfaces[6]
    for segment in range(line.shape[2] // HALF):
        for k in range(2):
            upper, lower = sight.nodes[above, segment, k], sight.nodes[above + 1, segment, k]
            place[k] = upper + (lower - upper) * share
            upper, lower = sight.nodes[above, segment + 1, k], sight.nodes[above + 1, segment + 1, k]
            step[k] = (upper + (lower - upper) * share - place[k]) / SEGMENT
        part = line[:, :, segment * HALF : (segment + 1) * HALF]
        _veil(part, place, step, light.ambient, sight)
        for k in range(light.weights.size):
            if light.weights[k] != 0 and _shade(clear, place, step, sight.balls, sight.lamps[k]):
                strength = light.weights[k] * sight.surfaces[1]
                _darken(part, clear, place, step, sight.lamps[k], light.colours[k], strength)
        for ball in range(sight.balls.shape[0]):
            _draw_ball(part, ball, place, step, light, sight)


@inner_kernel
def _reach(step: Doubles) -> float:
    """No sample of a segment lies farther from its middle."""
    return float(sqrt(step[0] ** 2 + step[1] ** 2) * (SEGMENT // 2 + 1))


@inner_kernel
def _veil(part: Floats, place: Doubles, step: Doubles, ambient: Floats, sight: Sight) -> None:
    """A ball hides r^3 / D^3 of an even sky from the sheet it lies on (form factor of a sphere)."""
    if ambient[0] + ambient[1] + ambient[2] <= 0:
        return
    for ball in range(sight.balls.shape[0]):
        radius = sight.balls[ball, 3]
        x, y = place[0] - sight.balls[ball, 0], place[1] - sight.balls[ball, 1]
        middle_x, middle_y = x + SEGMENT // 2 * step[0], y + SEGMENT // 2 * step[1]
        if sqrt(middle_x**2 + middle_y**2) - _reach(step) < 6 * radius:
            for i in range(SEGMENT):
                far2 = (x + i * step[0]) ** 2 + (y + i * step[1]) ** 2 + radius**2
                hidden = np.float32(sight.surfaces[1] * radius**3 / (far2 * sqrt(far2)))
                for c in range(3):
                    part[c, i % 2, i // 2] -= hidden * ambient[c]


@inner_kernel
def _shade(clear: Doubles, place: Doubles, step: Doubles, balls: Doubles, lamp: Doubles) -> bool:
    """Share of a lamp that each sample of a segment sees past the balls; whether any sees less than all."""
    found = False
    x, y = place[0] + SEGMENT // 2 * step[0], place[1] + SEGMENT // 2 * step[1]
    for ball in range(balls.shape[0]):
        # a place that is moved by `_reach` moves its ray by no more
        if beside(x, y, place[2], balls[ball], lamp) < _reach(step) + 2 * lamp[8]:
            if not found:
                clear[:] = 1
                found = True
            for i in range(SEGMENT):
                clear[i] *= seen_past(
                    place[0] + i * step[0], place[1] + i * step[1], place[2], balls[ball], lamp
                )
    return found


@inner_kernel
def _darken(
    part: Floats, clear: Doubles, place: Doubles, step: Doubles, lamp: Doubles, colour: Floats,
    strength: float,
) -> None:  # fmt: skip
    for i in range(SEGMENT):
        if clear[i] < 1:
            full = irradiance(place[0] + i * step[0], place[1] + i * step[1], place[2], lamp)
            lost = np.float32((1 - clear[i]) * strength * full)
            for c in range(3):
                part[c, i % 2, i // 2] = max(np.float32(0), part[c, i % 2, i // 2] - colour[c] * lost)


@inner_kernel
def _draw_ball(part: Floats, ball: int, place: Doubles, step: Doubles, light: Light, sight: Sight) -> None:
    """Its disk over what lies behind; a sample on the outline sees both, in the share it covers."""
    cx, cy, cz = sight.balls[ball, 0], sight.balls[ball, 1], sight.balls[ball, 2]
    ex, ey, ez, radius = sight.eye[0], sight.eye[1], sight.eye[2], sight.balls[ball, 3]
    # a ray is handled from where it is as high as the centre: small numbers, so that no digits are lost
    down_to = (ez - cz) / (ez - place[2])
    slant = 1 + ((cx - ex) ** 2 + (cy - ey) ** 2) / (ez - cz) ** 2
    middle_x = ex + (place[0] + SEGMENT // 2 * step[0] - ex) * down_to - cx
    middle_y = ey + (place[1] + SEGMENT // 2 * step[1] - ey) * down_to - cy
    if sqrt(middle_x**2 + middle_y**2) > slant * radius + 2 * _reach(step):
        return
    pitch = _reach(step) / (SEGMENT // 2 + 1) * down_to
    met, ray, lit = np.empty(3), np.empty(3), np.empty(3)
    for i in range(SEGMENT):
        ray[0], ray[1], ray[2] = place[0] + i * step[0] - ex, place[1] + i * step[1] - ey, place[2] - ez
        off_x, off_y = ex + ray[0] * down_to - cx, ey + ray[1] * down_to - cy
        length = sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
        for k in range(3):
            ray[k] /= length
        along = off_x * ray[0] + off_y * ray[1]
        passing2 = off_x**2 + off_y**2 - along**2
        cover = min(1.0, 0.5 + (radius - sqrt(max(0.0, passing2))) / pitch)
        if cover > 0:
            back = along + sqrt(max(0.0, radius**2 - passing2))
            met[0], met[1], met[2] = (
                cx + off_x - back * ray[0],
                cy + off_y - back * ray[1],
                cz - back * ray[2],
            )
            follow(lit, met, ray, ball, light, sight)
            for c in range(3):
                part[c, i % 2, i // 2] += np.float32(cover * (lit[c] - part[c, i % 2, i // 2]))
