"""What lies on the mat, coarsely: one whole card, something larger, part of a card, nothing.

Over the flat field the mat is equally bright everywhere, so whatever differs from its level lies on it.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...card.geometry import pixels_to_plane
from ...card.rectify import mat_to_card
from ...documents.judgement import Problem
from ...documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from ...documents.scan import Outline
from ..pipeline import CARD_THICKNESS_MM
from .reduced import Floats, Reduced

CELL_MM = 0.5
"""Side of a cell: fine enough for a millimetre that sticks out, coarse enough to forget dust and print."""
CARD_MM2 = CARD_WIDTH_MM * CARD_HEIGHT_MM
SIGMAS = 6.0
LEAST_SHARE = 0.04
"""Of the strongest deviation; halo and stray light around a bright card stay below it."""
RIM = 4
"""Cells along the picture's rim that are taken for mat, where most of them agree."""
EXCESS_MM, EXCESS_AREA = 1.5, 1.035
"""More than this over 63 x 88 mm is no single card. Of 80 cards of the twin the largest seemed 0.8 mm too
large and 1.7 % in area, from cells half inside; a second card moved by 1 mm or turned by 1 degree adds 1.7 mm
and 4.8 %."""
UNMEASURED = 0.1
"""Share by which a starting profile's scale may be wrong."""
LACK_MM = 5.0
"""Admits the small size of 59 x 86 mm."""
TOUCHING_MM2 = 150.0
"""What reaches into the picture with less than 12 mm by 12 mm beside a card is dirt or the mat's edge."""
FILM_SHARES = (0.12, 0.2, 0.3, 0.45)
"""Shares of the strongest deviation of which one lies between the haze of a film on the mat and the border of
the card in it."""
FILM_MM = (0.6, 8.0)
"""A film sticks out by at least, and at most, so much, on `FILM_SIDES` sides; a card under another one sticks
out on two, as far as it is not turned."""
FILM_SIDES = 3

Mask = NDArray[np.uint8]
EVERY = slice(None)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on the mat.

    Attributes:
        area_mm2: of its hull.
        width_mm, height_mm: shorter and longer side of the smallest rectangle around it.
        corners_mm: (4, 2) of that.
        touches: whether it reaches the picture's rim.
        slack: by which share the scale may be wrong.
    """

    area_mm2: float
    width_mm: float
    height_mm: float
    corners_mm: NDArray[np.float64]
    touches: bool
    slack: float = 0.0

    @property
    def is_large(self) -> bool:
        """Larger than any single card."""
        most = 1 + self.slack
        return (
            self.width_mm > most * CARD_WIDTH_MM + EXCESS_MM
            or self.height_mm > most * CARD_HEIGHT_MM + EXCESS_MM
            or self.area_mm2 > most**2 * EXCESS_AREA * CARD_MM2
        )

    @property
    def is_card(self) -> bool:
        """Wholly seen, and of a card's size."""
        least = 1 - self.slack
        whole = (
            self.width_mm > least * CARD_WIDTH_MM - LACK_MM
            and self.height_mm > least * CARD_HEIGHT_MM - LACK_MM
            and self.area_mm2 > least**2 * 0.88 * CARD_MM2  # 59 x 86 mm are 0.915
        )
        return whole and not self.touches and not self.is_large

    @property
    def outline(self) -> Outline:
        """As of a card: up is the end that is farther up on the mat."""
        centre = self.corners_mm.mean(axis=0)
        ends = (self.corners_mm + np.roll(self.corners_mm, -1, axis=0)) / 2 - centre
        far = ends[np.argsort((ends**2).sum(axis=1))[2:]]
        up = far[int(np.argmax(far[:, 1]))]
        up = up / np.linalg.norm(up)
        right = np.array([up[1], -up[0]])
        half = self.width_mm / 2 * right, self.height_mm / 2 * up
        signs = ((-1, 1), (1, 1), (1, -1), (-1, -1))
        corners = [centre + x * half[0] + y * half[1] for x, y in signs]
        return Outline(
            corners_mm=tuple((float(x), float(y)) for x, y in corners),
            width_mm=self.width_mm,
            height_mm=self.height_mm,
            rotation_deg=float(np.degrees(np.arctan2(right[1], right[0]))),
            residual_mm=CELL_MM / 2,
        )


@dataclass(frozen=True, slots=True)
class Lying:
    """What was found: a card, and what is wrong.

    Attributes:
        card: the one card, also within its sleeve; None: there is none to be judged.
        sleeve: whether something thin and dim sticks out all around the card.
    """

    card: Outline | None = None
    problem: Problem | None = None
    sleeve: bool = False


def look(small: Reduced, frames: slice = EVERY) -> Lying:
    """What lies on the mat in the mean of these frames.

    Where the scale was never measured, a card may seem larger or smaller by `UNMEASURED`; what is under it
    then, or sticks out of it by as little, is not told.
    """
    picture = np.asarray(small.ratios[frames][: small.lights].mean(axis=0), np.float32)
    cells, millimetres = in_cells(picture, small)
    things = _things(foreground(cells, LEAST_SHARE), small, millimetres)
    if not things:
        return Lying(problem=_not_found("there is no card on the mat"))
    largest, *others = things
    if largest.is_card and not others:
        return Lying(card=_upright(largest), problem=_across(largest))
    matte, _ = in_cells(np.asarray(small.ratios[frames].min(axis=0), np.float32), small)  # no highlights
    for share in FILM_SHARES if largest.is_large else ():
        bright = _things(foreground(matte, share, film=True), small, millimetres)
        if bright and bright[0].is_card and _is_around(largest, bright[0]):
            return Lying(card=_upright(bright[0]), problem=_across(bright[0]), sleeve=True)
    return Lying(problem=_wrong(largest, others))


def _wrong(largest: Thing, others: list[Thing]) -> Problem:
    size = f"{largest.width_mm:.0f} x {largest.height_mm:.0f} mm"
    nominal = f"{CARD_WIDTH_MM:.0f} x {CARD_HEIGHT_MM:.0f} mm"
    if largest.is_large:
        return _two(
            f"what lies there measures {size}, a card {nominal}: a second card, or something beside it"
        )
    if others and (largest.is_card or others[0].area_mm2 > 0.25 * CARD_MM2):
        return _two("something else lies beside the card, or reaches into the picture")
    if largest.touches:
        return _not_found("the card sticks out of the picture; move it towards the centre")
    return _not_found(f"what lies there measures {size}, a card {nominal}")


def _upright(thing: Thing) -> Outline | None:
    return None if _across(thing) else thing.outline


def _across(thing: Thing) -> Problem | None:
    if abs(thing.outline.rotation_deg) <= 45:
        return None
    return _not_found("the card lies across; turn it upright")


def _two(message: str) -> Problem:
    return Problem(code="two_cards", message=message)


def _not_found(message: str) -> Problem:
    return Problem(code="card_not_found", message=message)


def _is_around(larger: Thing, card: Thing) -> bool:
    """Whether the larger thing is a rim around the card."""
    around = mat_to_card(card.outline, larger.corners_mm)
    half = np.array([card.width_mm, card.height_mm]) / 2
    out = np.concatenate([np.median(np.sort(sign * around, axis=0)[2:], axis=0) - half for sign in (-1, 1)])
    return bool((out < FILM_MM[1]).all() and (out > FILM_MM[0]).sum() >= FILM_SIDES)


def in_cells(picture: Floats, small: Reduced) -> tuple[Floats, float]:
    """The picture in cells, and how many millimetres one measures."""
    pitch = 25.4 / small.dpi
    factor = max(1, round(CELL_MM / pitch))
    height, width = (size // factor for size in picture.shape)
    even = picture[: height * factor, : width * factor]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.float32), (
        factor * pitch
    )


def foreground(cells: Floats, least_share: float = LEAST_SHARE, *, film: bool = False) -> Mask:
    """What differs from the mat, filled, without specks narrower than 2.5 mm.

    With a `film` the specks go first: its seam runs all around.
    """
    rim = np.concatenate(
        [part.ravel() for part in (cells[:RIM], cells[-RIM:], cells[:, :RIM], cells[:, -RIM:])]
    )
    mat = float(np.median(rim))
    sigma = 1.4826 * float(np.median(np.abs(rim - mat)))
    deviation = np.abs(cells - np.float32(mat))
    strongest = float(np.percentile(deviation[::2, ::2], 98))
    raw = (deviation > max(SIGMAS * sigma, least_share * strongest)).astype(np.uint8)
    gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    closed = cv2.morphologyEx(raw, cv2.MORPH_CLOSE, gap)
    speck = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    if film:
        return _filled(cv2.morphologyEx(closed, cv2.MORPH_OPEN, speck))
    return np.asarray(cv2.morphologyEx(_filled(closed), cv2.MORPH_OPEN, speck), np.uint8)


def _filled(mask: NDArray[Any]) -> Mask:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), outlines, -1, (1,), cv2.FILLED), np.uint8)


def _things(mask: Mask, small: Reduced, cell_mm: float) -> list[Thing]:
    """Everything of some size, the largest first."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    factor = cell_mm * small.dpi / 25.4
    found = []
    for outline in outlines:
        hull = cv2.convexHull(outline).reshape(-1, 2)
        pixels = (hull + 0.5) * factor - 0.5
        flat = pixels_to_plane(small.camera, pixels, CARD_THICKNESS_MM).astype(np.float32)
        box = cv2.minAreaRect(flat)
        area = float(cv2.contourArea(cv2.convexHull(flat)))
        if area < TOUCHING_MM2:
            continue
        corners = cv2.boxPoints(box).astype(np.float64)
        left, top, width, height = cv2.boundingRect(outline)
        touches = left == 0 or top == 0 or left + width == mask.shape[1] or top + height == mask.shape[0]
        slack = 0.0 if small.measured else UNMEASURED
        found.append(Thing(area, min(box[1]), max(box[1]), corners, touches, slack))
    return sorted(found, key=lambda thing: -thing.area_mm2)
