"""The scripted operator: his script is what was asked for, and he sets right whatever the station names."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from station.documents.batch import SignalKind
from station.documents.operating import Mistake, Operate, Order
from station.twin.acts import Act, script
from station.twin.mind import Laid, Mind, Move, react, withdraw
from station.twin.operator import Operator
from station.twin.scene import Scene
from station.twin.spec import CardSpec
from station.twin.things import Hand, Pair

RATES: dict[Mistake, float] = dict.fromkeys(get_args(Mistake), 0.1)
ORDERS: tuple[Order, ...] = get_args(Order)
Signal = tuple[SignalKind, str]
BOUND_S = 60.0


@dataclass
class Station:
    """One that notices everything: what it signals for what lies there. Cards by their seeds."""

    order: Order
    pile: int
    cards: int
    due: str = "front"
    fronts: list[int] = field(default_factory=list)
    backs: list[int] = field(default_factory=list)
    noticed: Counter[str] = field(default_factory=Counter)
    turned_from: int = 0

    def judge(self, laid: Laid, hand: bool) -> Signal:
        """The signal after it has looked at what lies there."""
        code = self._trouble(laid, hand)
        if code:
            self.noticed[code] += 1
            return "wrong", code
        (self.fronts if self.due == "front" else self.backs).append(laid.seed)
        return self._accepted(), ""

    def _trouble(self, laid: Laid, hand: bool) -> str:
        known = self.fronts if laid.side == "front" else self.backs
        for code, wrong in (
            ("card_moved", hand),
            ("two_cards", laid.also is not None),
            ("card_glare", laid.sleeve),
            ("wrong_side", laid.side != self.due),
            ("card_again", known[-1:] == [laid.seed]),
            ("card_known", laid.seed in known),
            ("card_upside_down", laid.turned),
        ):
            if wrong:
                return code
        return ""

    def _accepted(self) -> SignalKind:
        if len(self.backs) == self.cards:
            return "finished"
        if self.order == "front_back":
            self.due = "back" if self.due == "front" else "front"
            return "flip" if self.due == "back" else "take_away"
        if self.due == "front" and len(self.fronts) in (self.cards, self.turned_from + self.pile):
            self.due = "back"
            return "turn_pile"
        if self.due == "back" and len(self.backs) == len(self.fronts):
            self.due, self.turned_from = "front", len(self.fronts)
        return "take_away"


def play(acts: tuple[Act, ...], station: Station) -> tuple[Mind, list[Move]]:
    """Signals and moves in turn, until both are done."""
    mind, done = Mind(acts), list[Move]()
    signal: Signal = ("place", "")
    for _ in range(20 * len(acts)):
        mind, moves = react(mind, *signal)
        done += moves
        if mind.done:
            return mind, done
        assert mind.laid is not None, signal
        for _ in range(2):  # told twice, as news are
            mind, moves = react(mind, "working")
            done += moves
        signal = station.judge(mind.laid, mind.hand)
    pytest.fail(f"neither comes to an end: {signal}, {mind.laid}")


def of_kind(acts: tuple[Act, ...], kind: Mistake) -> list[Act]:
    return [act for act in acts if act.mistake == kind]


@pytest.mark.parametrize("order", ORDERS)
def test_every_side_comes_once_in_its_order(order: Order) -> None:
    acts = script(3, 7, order, first=40, pile=3, mistakes=RATES)
    sides = [(act.seed, act.side) for act in acts if not act.spare]
    if order == "front_back":
        assert sides == [(seed, side) for seed in range(40, 47) for side in ("front", "back")]
    else:
        piles = (range(40, 43), range(43, 46), range(46, 47))
        assert sides == [(seed, side) for pile in piles for side in ("front", "back") for seed in pile]


@pytest.mark.parametrize("order", ORDERS)
def test_each_mistake_is_made_as_often_as_was_asked_for_and_not_at_the_beginning(order: Order) -> None:
    acts = script(1, 60, order, mistakes=RATES, careful=10)
    counts = {kind: len(of_kind(acts, kind)) for kind in RATES}
    assert all(0 < count <= 0.1 * len(acts) for kind, count in counts.items() if kind != "not_turned")
    assert (counts["not_turned"] > 0) == (order == "front_back")
    assert all(act.seed > 10 for act in acts if act.mistake and not act.spare)
    assert not [act for act in script(1, 60, order) if act.mistake]


def test_a_card_that_comes_again_was_done_with_just_before_or_some_cards_ago() -> None:
    acts = script(2, 80, "fronts_then_backs", mistakes={"same_again": 0.2, "again_later": 0.2})
    assert of_kind(acts, "same_again")
    for before, act in pairwise(acts):
        if act.mistake == "same_again":
            assert (act.seed, act.side) == (before.seed, before.side)
    for k, act in enumerate(acts):
        if act.mistake == "again_later":
            fronts = [other.seed for other in acts[:k] if other.side == "front" and not other.spare]
            assert act.seed in fronts[:-2]


def test_the_same_seed_gives_the_same_script_and_his_pace_varies() -> None:
    assert script(5, 30, "front_back", mistakes=RATES) == script(5, 30, "front_back", mistakes=RATES)
    assert script(6, 30, "front_back", mistakes=RATES) != script(5, 30, "front_back", mistakes=RATES)
    pauses = [act.pause_s for act in script(5, 100, "front_back")]
    assert max(pauses) > 3 * min(pauses)


@pytest.mark.parametrize("order", ORDERS)
def test_with_a_station_that_notices_everything_every_side_is_scanned_once(order: Order) -> None:
    acts = script(7, 80, order, first=100, pile=30, mistakes=RATES)
    station = Station(order, 30, 80)
    mind, moves = play(acts, station)
    assert station.fronts == station.backs == list(range(100, 180))
    assert mind.laid is None
    made = Counter(move.mistake for move in moves if move.mistake)
    assert made == Counter(act.mistake for act in acts if act.mistake)
    assert station.noticed["two_cards"] == made["two_cards"]
    assert station.noticed["card_glare"] == made["sleeve"]
    assert station.noticed["card_upside_down"] == made["upside_down"]
    assert station.noticed["card_moved"] == made["hand"]
    assert station.noticed["wrong_side"] == made["wrong_side"] + made["not_turned"]
    assert station.noticed["card_again"] + station.noticed["card_known"] == (
        made["same_again"] + made["again_later"]
    )


def lying(**how: object) -> Mind:
    """He has put down the first card of two, in his own way."""
    mind, _ = react(Mind(script(1, 2, "front_back")), "place")
    assert mind.laid is not None
    return react(Mind(mind.acts, 0, Laid(**{"seed": 1, "side": "front", **how})), "working")[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "how", "did"),
    [
        ("two_cards", {"also": 9}, "separate"),
        ("card_glare", {"sleeve": True}, "unsleeve"),
        ("picture_clipped", {"sleeve": True}, "unsleeve"),
        ("card_upside_down", {"turned": True}, "turn_round"),
        ("wrong_side", {"side": "back"}, "turn_over"),
        ("card_again", {"side": "back"}, "turn_over"),
        ("card_known", {"spare": True}, "put_aside"),
        ("card_known", {}, "put_again"),
        ("picture_blurred", {}, "put_again"),
        ("picture_blurred", {"sleeve": True}, "unsleeve"),
        ("wrong_side", {"turned": True}, "turn_round"),
        ("card_glare", {"sleeve": True, "also": 9, "turned": True}, "unsleeve"),
    ],
)
def test_he_mends_what_the_screen_names_else_what_he_sees(
    code: str, how: dict[str, object], did: str
) -> None:
    _, moves = react(lying(**how), "wrong", code)
    assert [move.did for move in moves] == [did]


def test_he_keeps_his_hands_off_while_the_station_works_or_needs_help() -> None:
    for signal in ("again", "fault", "paused", "place"):
        assert react(lying(), signal)[1] == ()


def test_where_the_pictures_would_be_alike_the_mat_is_bare_between() -> None:
    acts = script(1, 2, "front_back")
    first, _ = react(react(Mind(acts), "place")[0], "working")
    _, (flipped,) = react(first, "flip")
    assert (flipped.did, flipped.bare) == ("turn_over", False)
    wrong = (acts[0], Act(1, "back", mistake="not_turned"), *acts[2:])
    _, (moved,) = react(replace(first, acts=wrong, heard=("working", "")), "flip")
    assert moved.laid is not None
    assert (moved.laid.side, moved.bare, moved.mistake) == ("front", True, "not_turned")


def test_told_to_take_away_what_was_never_looked_at_he_puts_it_down_once_more() -> None:
    mind, _ = react(Mind(script(1, 2, "front_back")), "place")
    mind, (again,) = react(mind, "take_away")
    assert (again.did, again.bare, mind.at) == ("put_again", True, 0)
    assert again.laid is not None
    assert mind.laid == again.laid
    mind, _ = react(react(mind, "again")[0], "flip")
    assert mind.at == 1


def test_a_forgotten_hand_is_drawn_back_before_anything_else() -> None:
    acts = (Act(1, "front", mistake="hand"), Act(1, "back"))
    mind, (put,) = react(Mind(acts), "place")
    assert (put.stays, mind.hand) == (True, True)
    told, (away,) = react(mind, "wrong", "card_not_found")
    assert (away.did, told.hand, told.laid) == ("hand_away", False, mind.laid)
    assert withdraw(mind)[1] == react(mind, "again")[1] == (away,)
    assert withdraw(told) == (told, ())


# --- at work -----------------------------------------------------------------------------------------


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited in vain until {what}")
        time.sleep(0.002)


class Watched(Scene):
    """A scene that remembers what was put on it."""

    def __init__(self) -> None:
        super().__init__(dpi=50)
        self.seen: list[object] = []

    def place(self, thing: object) -> None:  # type: ignore[override]
        self.seen.append(thing)
        super().place(thing)  # type: ignore[arg-type]


@pytest.fixture
def employed() -> Iterator[Callable[..., tuple[Operator, Watched]]]:
    """Operators that go home after the test."""
    there: list[Operator] = []

    def employ(
        acts: tuple[Act, ...], pace: float = 0.0, glance: Callable[[], int] = lambda: 0
    ) -> tuple[Operator, Watched]:
        scene = Watched()
        there.append(Operator(scene, acts, glance, pace=pace))
        there[-1].open()
        return there[-1], scene

    yield employ
    for operator in there:
        operator.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "twin operator"]


def test_his_diary_says_what_lay_there_when_each_scan_was_captured(
    employed: Callable[..., tuple[Operator, Watched]],
) -> None:
    operator, scene = employed(script(1, 2, "front_back", first=5))
    wanted = [(5, "front", "flip"), (5, "back", "take_away"), (6, "front", "flip"), (6, "back", "finished")]
    operator.hear("place")
    for seed, side, then in wanted:
        wait_for("the card lay there", lambda: _lies(scene, seed, side))  # noqa: B023 - waited for at once
        operator.hear("working")
        operator.noted(f"scan of {seed} {side}")
        operator.hear(then)  # type: ignore[arg-type]
    wait_for("he is done", lambda: operator.diary().done)
    wait_for("the mat was free", lambda: scene.current is None)
    scanned = [entry for entry in operator.diary().entries if entry.did == "scanned"]
    assert [(e.scan_id, e.seed, e.side) for e in scanned] == [
        (f"scan of {seed} {side}", seed, side) for seed, side, _ in wanted
    ]
    assert [e.did for e in operator.diary().entries if e.did != "scanned"] == [
        "put_down", "turn_over", "put_down", "turn_over", "take_away",
    ]  # fmt: skip
    assert operator.diary(since=7).entries == operator.diary().entries[7:]
    assert not any(isinstance(thing, Hand) for thing in scene.seen)  # at pace 0 nobody sees his hands


def _lies(scene: Scene, seed: int, side: str) -> bool:
    here = scene.current
    return isinstance(here, CardSpec) and (here.seed, here.side) == (seed, side)


def test_a_hand_is_seen_over_the_card_while_he_works(
    employed: Callable[..., tuple[Operator, Watched]],
) -> None:
    operator, scene = employed((Act(3, "front", mistake="two_cards", pause_s=0.1, move_s=0.3),), pace=0.2)
    operator.hear("place")
    wait_for("two cards lay there", lambda: isinstance(scene.current, Pair))
    operator.hear("wrong", "two_cards")
    wait_for("one was left", lambda: isinstance(scene.current, CardSpec))
    seen = [thing for thing in scene.seen if isinstance(thing, Hand)]
    assert {type(hand.over) for hand in seen} == {type(None), Pair, CardSpec}
    assert 1.0 in {hand.phase for hand in seen}
    first, second = operator.diary().entries
    assert (first.did, first.also, first.mistake) == ("put_down", 4, "two_cards")
    assert (second.did, second.also, second.code) == ("separate", None, "two_cards")


def test_a_jostle_moves_the_card_in_the_middle_of_the_scan_and_is_left_out_when_it_is_too_late(
    employed: Callable[..., tuple[Operator, Watched]],
) -> None:
    acts = (Act(3, "front", mistake="jostle"), Act(4, "front", mistake="jostle"), Act(5, "front"))
    lights = iter([0, 0x55, 0, 0xAA, 0x55, 1, 1, 0, 2, 2, 4, 4, 8, 16, 32])
    seen = list[int]()

    def glance() -> int:
        seen.append(next(lights, 0))
        return seen[-1]

    operator, scene = employed(acts, glance=glance)
    operator.hear("place")
    operator.hear("working")
    wait_for("he bumped it", lambda: operator.diary().made == {"jostle": 1})
    alone = {mask for mask in seen if mask.bit_count() == 1}
    assert 2 <= len(alone) <= 5
    before, after = (thing for thing in scene.seen if isinstance(thing, CardSpec))
    assert before.seed == after.seed
    assert 1.4 <= np.hypot(*np.subtract(after.nudge[:2], before.nudge[:2])) <= 5.7
    for signal in ("take_away", "working", "take_away"):
        operator.hear(signal)  # type: ignore[arg-type]
    wait_for("the third card lay there", lambda: _lies(scene, 5, "front"))
    assert operator.diary().made == {"jostle": 1}
    assert operator.diary().planted == {"jostle": 2}


def test_he_forgets_his_hand_for_a_while_only(
    employed: Callable[..., tuple[Operator, Watched]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.twin.operator.HELD_S", (0.1, 0.2))
    operator, scene = employed((Act(3, "front", mistake="hand"),))
    operator.hear("place")
    wait_for("his hand was there", lambda: isinstance(scene.current, Hand))
    wait_for("it was gone", lambda: _lies(scene, 3, "front"))
    assert [entry.did for entry in operator.diary().entries] == ["put_down", "hand_away"]


def test_a_task_that_makes_no_sense_is_refused() -> None:
    for wrong in ({"cards": 0}, {"cards": 3, "mistakes": {"wrong_side": 2}}, {"cards": 3, "pace": -1}):
        with pytest.raises(ValueError, match="validation error"):
            Operate.model_validate(wrong)
