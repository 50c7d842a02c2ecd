"""The judge and single stacks of the twin: what is wrong is found and named, what is well is let pass."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.profile import LoadedProfile, load_profile
from station.documents.judgement import Appearance, Expected, Likeness, Problem
from station.scan.judging.judge import StackJudge
from station.scan.pipeline import Shorter, Stack
from station.twin.spec import CardSpec, Unkind
from station.twin.things import Hand, Pair
from tests.scan.judging.stacks import EXPOSURE_US, stack

CARD, BACK = CardSpec(21), CardSpec(22, "back")
FOIL = replace(CARD, unkind=Unkind(foil=True))
SLEEVED = replace(FOIL, unkind=Unkind(foil=True, sleeve=True))
ANYTHING = Expected()


def nudged(card: CardSpec, x_mm: float = 0.0, y_mm: float = 0.0, turn_deg: float = 0.0) -> CardSpec:
    return replace(card, nudge=(x_mm, y_mm, turn_deg))


def changed(taken: Stack, change: Callable[[Any], Any]) -> Stack:
    """Every picture of a stack, changed."""
    return replace(taken, ambient=change(taken.ambient), lights=tuple(map(change, taken.lights)))


def blurred(taken: Stack) -> Stack:
    return changed(taken, lambda picture: cv2.GaussianBlur(picture, (0, 0), 4.0))


def overexposed(taken: Stack) -> Stack:
    def brighter(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.clip((picture.astype(np.float32) - 4) * 4 + 4, 0, 255).astype(np.uint8)

    return changed(taken, brighter)


@pytest.fixture(scope="module")
def judge() -> StackJudge:
    return StackJudge(load_profile("twin"))


def found(judge: StackJudge, taken: Stack) -> Problem | None:
    """The most telling problem."""
    return next(iter(judge.judge_pictures(taken, ANYTHING)[0].problems), None)


@pytest.mark.parametrize(
    "card", [CARD, BACK, FOIL, replace(CARD, turned=True)], ids=["front", "back", "foil", "upside down"]
)
def test_a_card_that_lies_still_has_no_problem(judge: StackJudge, card: CardSpec) -> None:
    judgement, _ = judge.judge_pictures(stack(card), ANYTHING)
    assert judgement.problems == ()
    assert judgement.figures["moved_mm"] < 0.1


@pytest.mark.parametrize(
    "after",
    [nudged(FOIL, x_mm=0.3), nudged(FOIL, turn_deg=0.3), nudged(FOIL, 3.0, 2.0, 4.0), None],
    ids=["jostled by 0.3 mm", "turned by 0.3 degrees", "moved by millimetres", "taken away"],
)
@pytest.mark.parametrize("frame", [2, 8])
def test_a_card_that_moves_between_the_frames_is_noticed(
    judge: StackJudge, after: CardSpec | None, frame: int
) -> None:
    problem = found(judge, stack({0: FOIL, frame: after}))
    assert problem is not None
    assert (problem.code, problem.retake) == ("card_moved", True)


@pytest.mark.parametrize("edge", ["bottom", "left"])
def test_a_hand_in_two_frames_is_noticed(judge: StackJudge, edge: Any) -> None:
    problem = found(judge, stack({0: CARD, 3: Hand(CARD, 0.6, edge), 5: CARD}))
    assert problem is not None
    assert (problem.code, problem.retake) == ("card_moved", True)
    assert "hand" in problem.message


def test_a_blurred_picture_is_taken_again(judge: StackJudge) -> None:
    problem = found(judge, blurred(stack(CARD)))
    assert problem is not None
    assert (problem.code, problem.retake) == ("picture_blurred", True)
    assert "cycles/mm" in problem.message


def test_half_the_sharpness_of_the_calibration_is_too_little() -> None:
    """The twin's profile does not say how sharp its camera is; one that was calibrated does."""
    sharp = stack(CARD)
    soft = changed(sharp, lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.5))
    measured = StackJudge(load_profile("twin")).judge_pictures(sharp, ANYTHING)[0].figures["mtf50_cy_per_mm"]
    known = StackJudge(with_sharpness(measured))
    assert found(known, sharp) is None
    problem = found(known, soft)
    assert problem is not None
    assert problem.code == "picture_blurred"


def with_sharpness(mtf50: float) -> LoadedProfile:
    loaded = load_profile("twin")
    camera = loaded.profile.camera.replace(mtf50_cy_per_mm=mtf50)
    return replace(loaded, profile=loaded.profile.replace(camera=camera))


def test_a_card_that_is_too_bright_is_refused_with_the_share(judge: StackJudge) -> None:
    problem = found(judge, overexposed(stack(CARD)))
    assert problem is not None
    assert (problem.code, problem.retake) == ("picture_clipped", False)
    assert "% of the card" in problem.message


def test_what_a_shorter_exposure_saves_is_not_clipped(judge: StackJudge) -> None:
    taken = stack(CARD)
    bright = overexposed(taken)
    shorter = tuple(Shorter(light, EXPOSURE_US // 4, taken.lights[light]) for light in range(8))
    judgement, _ = judge.judge_pictures(replace(bright, brackets=shorter), ANYTHING)
    assert judgement.figures["clipped_percent"] == 0


@pytest.mark.parametrize(
    "apart", [(1.2, 0.0, 0.0), (0.0, 0.0, 1.2), (13.0, -8.0, 6.0), (-40.0, 20.0, 10.0)], ids=str
)
def test_two_cards_are_refused_also_where_one_hides_the_other_but_for_a_millimetre(
    judge: StackJudge, apart: tuple[float, float, float]
) -> None:
    problem = found(judge, stack(Pair.of(CARD, BACK, apart)))
    assert problem is not None
    assert (problem.code, problem.retake) == ("two_cards", False)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (None, "no card"),
        (nudged(CARD, y_mm=30.0), "sticks out"),
        (nudged(CARD, turn_deg=90.0), "sticks out|across"),
    ],
    ids=["nothing", "half outside", "across"],
)
def test_no_whole_upright_card_is_no_card(judge: StackJudge, thing: CardSpec | None, words: str) -> None:
    problem = found(judge, stack(thing))
    assert problem is not None
    assert (problem.code, problem.retake) == ("card_not_found", False)
    assert any(word in problem.message for word in words.split("|"))


@pytest.mark.parametrize("card", [SLEEVED, replace(BACK, unkind=Unkind(sleeve=True))], ids=["front", "back"])
def test_a_sleeve_is_noticed_and_no_motion_is_seen_in_its_glints(judge: StackJudge, card: CardSpec) -> None:
    judgement, _ = judge.judge_pictures(stack(card), ANYTHING)
    assert [problem.code for problem in judgement.problems] == ["card_glare"]


def test_pictures_that_the_profile_does_not_fit_are_passed_unseen(judge: StackJudge) -> None:
    """They are stored, and whoever computes them says why they are of no use."""
    cropped = changed(stack(CARD), lambda picture: picture[:200])
    judgement, appearance = judge.judge_pictures(cropped, ANYTHING)
    assert (judgement.problems, judgement.figures, appearance) == ((), {}, None)


@dataclass(frozen=True)
class Answer:
    """What a recogniser says."""

    problems: tuple[Problem, ...]
    likeness: Likeness | None
    appearance: Appearance


@dataclass
class Recogniser:
    """One that keeps the faces that it is shown."""

    answer: Answer
    faces: list[NDArray[np.float32]] = field(default_factory=list)

    def judge(self, face: NDArray[np.float32], _: Expected) -> Answer:
        self.faces.append(face)
        return self.answer


SEEN = Answer(
    problems=(Problem(code="card_known", message="it was here", like="earlier"),),
    likeness=Likeness(scan_id="earlier", card_id="c", side="front", distance=1, bits=1024),
    appearance=Appearance(version=1, bits="00", layout=""),
)


def test_the_face_is_cut_out_upright_and_what_is_known_of_it_comes_after_the_pictures_faults() -> None:
    knows = Recogniser(SEEN)
    judge = StackJudge(load_profile("twin"), knows)
    judgement, appearance = judge.judge_pictures(stack(SLEEVED), ANYTHING)
    assert [one.code for one in judgement.problems] == ["card_glare", "card_known"]
    assert (judgement.likeness, appearance) == (SEEN.likeness, SEEN.appearance)
    judge.judge_pictures(stack(FOIL), ANYTHING)
    judge.judge_pictures(stack(nudged(FOIL, 2.0, -3.0, 3.0), seed=2), ANYTHING)
    judge.judge_pictures(stack(replace(FOIL, turned=True), seed=3), ANYTHING)
    _, here, elsewhere, turned = knows.faces
    assert here.dtype == np.float32
    assert here.shape == elsewhere.shape
    assert here.shape[0] / here.shape[1] == pytest.approx(88 / 63, rel=0.01)
    assert likeness(here, elsewhere) > 0.95
    assert likeness(here, turned) < 0.7
    assert likeness(here, turned[::-1, ::-1]) > 0.9


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_nobody_is_asked_to_recognise_what_is_no_whole_card() -> None:
    knows = Recogniser(SEEN)
    judge = StackJudge(load_profile("twin"), knows)
    for thing in (None, Pair.of(CARD, BACK)):
        judgement, appearance = judge.judge_pictures(stack(thing), ANYTHING)
        assert judgement.problems
        assert appearance is None
    assert knows.faces == []
