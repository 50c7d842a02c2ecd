"""The judge of a taken stack: picture faults first, then what the card's face says."""

import logging
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ...calibrate.profile import LoadedProfile
from ...card.geometry import plane_to_pixels
from ...card.rectify import frame_shape
from ...documents.fault import StationError
from ...documents.judgement import Appearance, Expected, Judgement, Likeness, Problem
from ...documents.scan import Outline
from ..pipeline import CARD_THICKNESS_MM, Stack
from ..recorder import in_memory
from ..runner import TakenStack
from . import clipping, film, focus, lying, motion, passing
from .reduced import Reduced, Reducer

log = logging.getLogger(__name__)
FACE_DPI = 90.0
"""Of the face that is recognised; between the 76 and 100 that it takes."""
Figures = dict[str, float]
Problems = tuple[Problem, ...]


class Recognised(Protocol):
    """What speaks against the side, which earlier scan it resembles, and what it looks like."""

    @property
    def problems(self) -> Problems:
        """See the class."""
        ...

    @property
    def likeness(self) -> Likeness | None:
        """See the class."""
        ...

    @property
    def appearance(self) -> Appearance:
        """See the class."""
        ...


class Knows(Protocol):
    """Knows the cards that were here before."""

    def judge(self, face: NDArray[np.float32], expected: Expected) -> Recognised:
        """Look at a face, float32 (H, W, 3), linear light, rectified so that the card fills it.

        Raises:
            ValueError: it is too dark to be looked at.
        """
        ...


class Looked(NamedTuple):
    """What the pictures say, and the face, where one is whole and upright."""

    problems: Problems
    figures: Figures
    face: NDArray[np.float32] | None = None


class StackJudge:
    """Judges stacks of one rig, one at a time. Without a `knows` only the pictures are judged."""

    def __init__(self, profile: LoadedProfile, knows: Knows | None = None) -> None:
        self._profile = profile
        self._knows = knows
        self._reducer = Reducer(profile)

    def judge(self, stack: TakenStack, expected: Expected) -> tuple[Judgement, Appearance | None]:
        """See `runner.Judge`."""
        return self.judge_pictures(in_memory(stack), expected)

    def judge_pictures(self, stack: Stack, expected: Expected) -> tuple[Judgement, Appearance | None]:
        """Judge pictures that the profile fits.

        Those it does not fit are passed unseen: they are stored, and whoever computes them says why they are
        of no use with this profile.
        """
        try:
            seen = self._look(stack)
        except StationError as error:
            log.warning("a stack was not judged: %s", error)
            return Judgement(), None
        if seen.face is None or self._knows is None:
            return Judgement(problems=seen.problems, figures=seen.figures), None
        try:
            known = self._knows.judge(seen.face, expected)
        except ValueError as error:
            log.warning("a face was not recognised: %s", error)
            return Judgement(problems=seen.problems, figures=seen.figures), None
        against = (one for one in known.problems if not one.like or one.like != expected.welcome)
        problems = (*seen.problems, *against)
        return Judgement(problems=problems, likeness=known.likeness, figures=seen.figures), known.appearance

    def _look(self, stack: Stack) -> Looked:
        small = self._reducer.reduce(stack)
        passed = passing.passing_mm2(small)
        figures = {"passing_mm2": passed}
        if moved := passing.problem(passed):
            return Looked((moved,), figures)
        found = lying.look(small)
        if found.card is None:
            return Looked((_without_card(small, found),), figures)
        problems, more = self._of_card(stack, small, found.card, sleeve=found.sleeve)
        return Looked(problems, figures | more, _face(small, found.card))

    def _of_card(
        self, stack: Stack, small: Reduced, card: Outline, *, sleeve: bool
    ) -> tuple[Problems, Figures]:
        """Everything about one card that lies there, the most telling first."""
        motions = motion.motion(small, card)
        sharpness = focus.sharpness_cy_per_mm(stack, self._profile, card)
        clipped = clipping.clipped_percent(small, card)
        glints = film.glints_percent(small, card)
        least = focus.least_cy_per_mm(self._profile, stack.ambient.shape[1])
        found = (
            motions.problem,
            None if motions.problem else focus.problem(sharpness, least),
            clipping.problem(clipped),
            # under nominal lights the mat beside the card may look as if it shone
            film.problem() if small.measured and (sleeve or glints > film.LEAST_PERCENT) else None,
        )
        figures = {"moved_mm": motions.moved_mm, "alike": motions.alike, "clipped_percent": clipped}
        figures |= {"glints_percent": glints}
        figures |= {} if sharpness is None else {"mtf50_cy_per_mm": sharpness}
        return tuple(one for one in found if one is not None), figures


def _without_card(small: Reduced, found: lying.Lying) -> Problem:
    """What is wrong where all frames together show no whole card: perhaps it was one, and was moved.

    A card that one frame shows, and another does not or elsewhere, was moved; two are two in every frame.
    """
    each = [lying.look(small, slice(frame, frame + 1)) for frame in range(small.lights)]
    cards = [one.card for one in each if one.card is not None and not one.sleeve]
    places = np.array([np.mean(card.corners_mm, axis=0) for card in cards])
    apart = float(np.ptp(places, axis=0).max()) if cards else 0.0
    if cards and (len(cards) < len(each) or apart > lying.CELL_MM):
        return motion.moved("the card was moved or touched while it was scanned")
    return found.problem or Problem(code="card_not_found", message="there is no card on the mat")


def _face(small: Reduced, card: Outline) -> NDArray[np.float32]:
    """By straight lines between the four corners: over a card the lens bends them by a tenth of a pixel."""
    rows, columns = frame_shape(min(FACE_DPI, small.dpi))
    corners = plane_to_pixels(small.camera, np.array(card.corners_mm), CARD_THICKNESS_MM)
    ends = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32) - np.float32(0.5)
    way = cv2.getPerspectiveTransform(corners.astype(np.float32), ends)
    soft = cv2.blur(small.colour, (2, 2), anchor=(0, 0)) if small.dpi > FACE_DPI else small.colour
    face = cv2.warpPerspective(soft, way, (columns, rows), flags=cv2.INTER_LINEAR)
    return np.maximum(np.asarray(face, np.float32), np.float32(0))
