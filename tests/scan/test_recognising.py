"""Which card, which side, which way up: what is said of a face, and what is left unsaid."""

import threading
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from station.archive.appearances import Seen
from station.calibrate.profile import load_profile
from station.card.outline import find_outline
from station.card.recognition import SAME
from station.card.rectify import rectify
from station.card.sides import UPRIGHT_FEWEST
from station.documents.judgement import Appearance, Expected
from station.documents.plan import Side
from station.scan.recognising import CROWD, UNLIKE_FEWEST, Recognised, Recogniser
from station.twin.scene import Scene
from station.twin.spec import CardSpec, Unkind
from tests.benchmarks._faces import Face, painted, taken

KNOWN = CROWD + 1


@cache
def painted_once(seed: int, side: Side) -> Face:
    return painted(seed, side)


class Station:
    """A recogniser, and cards that are put before it, each time a little otherwise."""

    def __init__(self) -> None:
        self.recogniser = Recogniser()
        self.rng = np.random.default_rng(6)

    def judge(self, seed: int, lies: Side, *, turn: bool = False, **expected: object) -> Recognised:
        face = taken(painted_once(seed, lies), self.rng, shift_px=0.1, noise=0.003)
        whole = np.ascontiguousarray(face[::-1, ::-1]) if turn else face
        return self.recogniser.judge(whole, Expected.model_validate(expected))

    def store(self, seed: int, side: Side, *, turn: bool = False) -> None:
        seen = self.judge(seed, side, turn=turn).appearance
        self.recogniser.remember(f"{side} {seed}", f"card {seed}", side, seen)

    def codes(self, seed: int, lies: Side, *, turn: bool = False, **expected: object) -> list[str]:
        return [problem.code for problem in self.judge(seed, lies, turn=turn, **expected).problems]


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture(scope="module")
def stock() -> list[Seen]:
    """Both sides of a few cards, as a catalogue has them."""
    station = Station()
    sides: tuple[Side, Side] = ("front", "back")
    return [
        Seen(f"{side} {seed}", f"card {seed}", side, "", station.judge(seed, side).appearance)
        for seed in range(KNOWN)
        for side in sides
    ]


@pytest.fixture
def stocked(station: Station, stock: list[Seen]) -> Station:
    """Both sides of a few cards are stored."""
    assert station.recogniser.load(stock) == 0
    return station


def test_the_first_card_of_a_new_station_is_welcome(station: Station) -> None:
    seen = station.judge(1, "front", side="front", upright=True, accept_known=False)
    assert (seen.problems, seen.likeness) == ((), None)
    assert seen.appearance.bits


def test_a_card_scanned_before_is_recognised_either_way_up(stocked: Station) -> None:
    for turn in (False, True):
        seen = stocked.judge(2, "front", turn=turn, side="front", accept_known=False)
        (problem,) = seen.problems
        assert (problem.code, problem.retake, problem.like) == ("card_known", False, "front 2")
        assert seen.likeness is not None
        assert (seen.likeness.card_id, seen.likeness.side, seen.likeness.turned) == ("card 2", "front", turn)
        assert seen.likeness.distance <= SAME < seen.likeness.bits


def test_its_likeness_is_told_where_it_is_welcome_too(stocked: Station) -> None:
    seen = stocked.judge(2, "front", side="front")
    assert seen.problems == ()
    assert seen.likeness is not None
    assert seen.likeness.scan_id == "front 2"


def test_new_cards_are_not_known(stocked: Station) -> None:
    for seed in range(20, 30):
        for side in ("front", "back"):
            seen = stocked.judge(seed, side, side=side, accept_known=False, upright=True, after="back 8")
            assert (seen.problems, seen.likeness) == ((), None)


def test_the_card_put_down_twice_is_noticed_though_known_ones_are_welcome(stocked: Station) -> None:
    (problem,) = stocked.judge(8, "front", side="front", after="front 8").problems
    assert (problem.code, problem.like, problem.retake) == ("card_again", "front 8", False)
    assert stocked.codes(8, "front", side="front", after="back 8") == ["card_again"]
    assert stocked.codes(7, "front", side="front", after="back 8") == []


def test_backs_seen_before_are_not_guessed_at(stocked: Station) -> None:
    for seed in range(KNOWN):
        seen = stocked.judge(seed, "back", side="back", after="back 3", accept_known=False)
        assert seed == 3 or (seen.problems, seen.likeness) == ((), None)


def test_backs_that_are_all_the_same_are_never_taken_for_the_one_before(station: Station) -> None:
    for k in range(12):
        face = taken(painted(1, "back"), station.rng)
        seen = station.recogniser.judge(
            face, Expected(side="back", after=f"back {k - 1}", accept_known=False)
        )
        assert (seen.problems, seen.likeness) == ((), None)
        station.recogniser.remember(f"back {k}", f"card {k}", "back", seen.appearance)


def test_a_card_that_was_not_turned_over_is_noticed_from_the_first_on(station: Station) -> None:
    station.store(1, "front")
    seen = station.judge(1, "front", side="back", after="front 1", upright=True)
    (problem,) = seen.problems
    assert (problem.code, problem.like, problem.retake) == ("wrong_side", "front 1", False)
    assert problem.message == "the front lies up where a back was due: the card was not turned over"
    assert station.codes(1, "back", side="back", after="front 1") == []


def test_the_wrong_side_of_any_card_is_noticed(stocked: Station) -> None:
    for seed in range(20, 30):
        assert stocked.codes(seed, "front", side="back", upright=True) == ["wrong_side"]
        assert stocked.codes(seed, "back", side="front", upright=True) == ["wrong_side"]
        assert stocked.codes(seed, "front") == []


def test_one_back_is_enough_to_know_backs(station: Station) -> None:
    station.store(1, "back")
    for seed in range(20, 24):
        assert station.codes(seed, "back", side="front") == ["wrong_side"]
        assert station.codes(seed, "front", side="front") == []


def test_a_back_among_the_first_fronts_is_noticed_when_enough_are_known(station: Station) -> None:
    for seed in range(UNLIKE_FEWEST - 1):
        station.store(seed, "front")
    assert station.codes(50, "back", side="front") == []
    station.store(UNLIKE_FEWEST, "front")
    assert station.codes(50, "back", side="front") == ["wrong_side"]
    for seed in range(40, 50):
        assert station.codes(seed, "front", side="front", upright=True) == []


def test_a_card_that_lies_upside_down_is_noticed_once_enough_are_known(station: Station) -> None:
    for seed in range(UPRIGHT_FEWEST):
        assert station.codes(30, "back", turn=True, side="back", upright=True) == []
        station.store(seed, "back")
    for seed in range(20, 24):
        (problem,) = station.judge(seed, "back", turn=True, side="back", upright=True).problems
        assert (problem.code, problem.retake) == ("card_upside_down", False)
        assert station.codes(seed, "back", side="back", upright=True) == []
        assert station.codes(seed, "back", turn=True, side="back") == []


def test_fronts_that_lie_upside_down_are_noticed(stocked: Station) -> None:
    for seed in range(KNOWN, UPRIGHT_FEWEST):
        stocked.store(seed, "front")
    for seed in range(20, 26):
        assert stocked.codes(seed, "front", turn=True, side="front", upright=True) == ["card_upside_down"]


def test_what_is_withdrawn_is_forgotten(stocked: Station) -> None:
    stocked.recogniser.forget("front 2")
    stocked.recogniser.forget("never there")
    assert stocked.judge(2, "front", side="front", accept_known=False).likeness is None
    stocked.store(2, "front")
    stocked.store(2, "front")
    stocked.recogniser.forget("front 2")
    assert stocked.judge(2, "front", side="front").likeness is None


def test_what_the_catalogue_had_is_known_after_a_start(stocked: Station) -> None:
    def seen(seed: int) -> Seen:
        return Seen(f"old {seed}", f"card {seed}", "front", "", stocked.judge(seed, "front").appearance)

    entries = [seen(1), seen(2), replaced_version(seen(3))]
    fresh = Recogniser()
    assert fresh.load(iter(entries)) == 1
    face = taken(painted(2), np.random.default_rng(1))
    likeness = fresh.judge(face, Expected()).likeness
    assert likeness is not None
    assert likeness.scan_id == "old 2"


def replaced_version(seen: Seen) -> Seen:
    return seen._replace(appearance=Appearance(version=0, bits="", layout=""))


def test_judging_and_remembering_go_on_beside_each_other(stocked: Station) -> None:
    appearance = stocked.judge(30, "front").appearance
    face = taken(painted(2), np.random.default_rng(1))
    ids: set[str] = set()

    def judge() -> None:
        for _ in range(20):
            likeness = stocked.recogniser.judge(face, Expected(side="front")).likeness
            ids.add(likeness.scan_id if likeness else "none")

    thread = threading.Thread(target=judge)
    thread.start()
    for k in range(200):
        stocked.recogniser.remember(f"more {k}", f"card {k}", "front", appearance)
        if k % 2:
            stocked.recogniser.forget(f"more {k - 1}")
    thread.join()
    assert ids == {"front 2"}


@pytest.fixture(scope="module")
def photographed() -> dict[tuple[int, Side, int], Face]:
    """Two cards' sides as the station's own eyes see them, each put down twice, at 60 dots per inch."""
    scene, profile, faces = Scene(dpi=60), load_profile("twin"), {}
    sides: tuple[Side, Side] = ("front", "back")
    spots = Unkind(), replace(Unkind(), offset_mm=1.0, turn_deg=6.0)
    places = (
        [(1, side, 0) for side in sides] + [(1, side, 1) for side in sides] + [(2, side, 1) for side in sides]
    )
    for n, (seed, side, k) in enumerate(places):
        scene.place(CardSpec(seed, side, unkind=spots[k]))
        dark, *lit = (
            scene.render(list(row), sequence=9 * n + j).astype(np.float32)
            for j, row in enumerate(np.vstack([np.zeros(8), np.eye(8)]))
        )
        light = sum(lit) - 8 * dark
        camera = profile.scaled(light.shape[1], light.shape[0]).profile.camera
        outline = find_outline(light.mean(axis=2), camera, 0.3)
        faces[seed, side, k] = rectify(light, camera, outline, 76)
    return faces


def test_cards_before_the_camera_are_told_apart(photographed: dict[tuple[int, Side, int], Face]) -> None:
    recogniser = Recogniser()
    for side in ("front", "back"):
        seen = recogniser.judge(photographed[1, side, 0], Expected(side=side, accept_known=False))
        assert seen.problems == ()
        recogniser.remember(f"{side} 1", "card 1", side, seen.appearance)
    known = recogniser.judge(photographed[1, "front", 1], Expected(side="front", accept_known=False))
    assert [problem.code for problem in known.problems] == ["card_known"]
    assert known.likeness is not None
    assert known.likeness.distance < 40
    for side in ("front", "back"):
        new = recogniser.judge(
            photographed[2, side, 1], Expected(side=side, accept_known=False, upright=True)
        )
        assert (new.problems, new.likeness) == ((), None)
    wrong = recogniser.judge(photographed[2, "back", 1], Expected(side="front"))
    assert [problem.code for problem in wrong.problems] == ["wrong_side"]


def test_a_back_put_down_twice_is_noticed_once_enough_others_are_known(
    station: Station, photographed: dict[tuple[int, Side, int], Face]
) -> None:
    expected = Expected(side="back", after="back 1")
    seen = station.recogniser.judge(photographed[1, "back", 0], expected)
    station.recogniser.remember("back 1", "card 1", "back", seen.appearance)
    assert station.recogniser.judge(photographed[1, "back", 1], expected).problems == ()
    for seed in range(10, 10 + 2 * CROWD):
        station.store(seed, "back")
    (problem,) = station.recogniser.judge(photographed[1, "back", 1], expected).problems
    assert (problem.code, problem.like) == ("card_again", "back 1")
    assert station.recogniser.judge(photographed[2, "back", 1], expected).problems == ()
    earlier = Expected(side="back", after="back 9", accept_known=False)
    assert station.recogniser.judge(photographed[1, "back", 1], earlier).problems == ()
