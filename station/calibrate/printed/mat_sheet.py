"""The mat as a printed sheet: dark, with the card's place, texture that shows drift, rings for spheres."""

from collections.abc import Iterator
from math import cos, pi, sin

import numpy as np

from ...documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from .drawing import Line, Mark, Shape, Sheet, Words, box

LEFT_MM = 30.0
MIDDLE_MM = (105.0, 151.0)
"""Of the field, on the page."""
FIELD_MM = (81.0, 104.0)
"""What a station's camera sees of the mat."""
GROUND_MM = (150.0, 190.0)
GROUND = 0.0
"""As dark as the printer can: the card's edge is found against it."""
DOT = 0.55
"""Grey of the texture: bright against the ground, dark against a card's white border."""
OUTLINE = 0.72
PLAY_MM = 3.0
"""Room around the card for laying it down by hand; texture keeps out of it."""
DOT_MM, DOTS_APART_MM = 1.1, 3.2
"""Dots are smaller than 2.5 mm and farther apart than what the card finder closes: to it they are dust."""
ARM_MM = 20.0
"""Length of the textured corner along each side of the field."""
BEYOND_MM = 12.0
"""Texture goes on outside the field, so that a mat laid down a little off still fills its corners."""
SPHERES_MM = ((0.0, 0.0), (-20.0, 28.0), (20.0, 28.0), (20.0, -28.0), (-20.0, -28.0))
"""Places of the spheres, mat frame, in the order in which they are asked for."""
_SEED = 20_261_127  # of the texture, which is always the same


def dots_mm() -> list[tuple[float, float]]:
    """Middles of the texture's dots, mat frame: irregular, never nearer than `DOTS_APART_MM`."""
    rng = np.random.default_rng(_SEED)
    half = np.array(FIELD_MM) / 2
    reach = half + BEYOND_MM
    kept: list[tuple[float, float]] = []
    for x, y in rng.uniform(-reach, reach, size=(6_000, 2)).tolist():
        near = any((x - a) ** 2 + (y - b) ** 2 < DOTS_APART_MM**2 for a, b in kept)
        if not near and _in_a_corner(x, y):
            kept.append((round(x, 2), round(y, 2)))
    return kept


def _in_a_corner(x: float, y: float) -> bool:
    rim = PLAY_MM + DOT_MM / 2
    outside = abs(x) > CARD_WIDTH_MM / 2 + rim or abs(y) > CARD_HEIGHT_MM / 2 + rim
    return outside and abs(x) > FIELD_MM[0] / 2 - ARM_MM and abs(y) > FIELD_MM[1] / 2 - ARM_MM


def mat_sheet() -> Sheet:
    """The sheet on A4; it fits US Letter at 100 %."""
    x, y = MIDDLE_MM
    wide, tall = GROUND_MM
    marks: list[Mark] = [
        Words((LEFT_MM, 30.0), "scan station   mat", 5.0, bold=True),
        Words(
            (30.0, 36.0),
            "Print at 100 % on matte paper, cut along the black area, fix it under the camera.",
            3.2,
        ),
        Words(
            (30.0, 40.6), "The card lies between the grey corners; spheres stand on the rings 1 to 5.", 3.2
        ),
        Words((LEFT_MM, 45.2), "Turn it so that the arrow points to the top of the picture.", 3.2),
        box(x - wide / 2, y - tall / 2 + 5.0, wide, tall, GROUND),
    ]
    return Sheet("scan station: mat", (*marks, *_card(), *_texture(), *_rings(), *_arrow()))


def _page(x_mm: float, y_mm: float) -> tuple[float, float]:
    return MIDDLE_MM[0] + x_mm, MIDDLE_MM[1] + 5.0 - y_mm


def _card() -> Iterator[Mark]:
    """Angles at the corners and a stroke in the middle of each side.

    An open outline encloses nothing that could be taken for a card.
    """
    half_x, half_y = CARD_WIDTH_MM / 2, CARD_HEIGHT_MM / 2
    for a in (-1, 1):
        for b in (-1, 1):
            corner = (a * half_x, b * half_y)
            yield Line(_page(*corner), _page(corner[0] - a * 7.0, corner[1]), 0.3, OUTLINE)
            yield Line(_page(*corner), _page(corner[0], corner[1] - b * 7.0), 0.3, OUTLINE)
        yield Line(_page(a * half_x, -4.0), _page(a * half_x, 4.0), 0.3, OUTLINE)
        yield Line(_page(-4.0, a * half_y), _page(4.0, a * half_y), 0.3, OUTLINE)


def _texture() -> Iterator[Mark]:
    half = DOT_MM / 2
    for x, y in dots_mm():
        left, top = _page(x - half, y + half)
        yield box(left, top, DOT_MM, DOT_MM, DOT)


def _rings() -> Iterator[Mark]:
    for number, (x, y) in enumerate(SPHERES_MM, start=1):
        yield Shape((_circle(x, y, 5.0), _circle(x, y, 4.7)), 0.35)
        left, base = _page(x, y - 1.1)
        yield Words((left, base), str(number), 3.0, centred=True, grey=0.35)


def _circle(x: float, y: float, radius: float) -> tuple[tuple[float, float], ...]:
    angles = [2 * pi * step / 72 for step in range(72)]
    return tuple(_page(x + radius * cos(angle), y + radius * sin(angle)) for angle in angles)


def _arrow() -> Iterator[Mark]:
    top = FIELD_MM[1] / 2 + BEYOND_MM + 8.0
    tip = (_page(0.0, top), _page(-3.0, top - 5.0), _page(3.0, top - 5.0))
    yield Shape((tip,), OUTLINE)
