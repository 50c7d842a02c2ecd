"""What is seen on the mat, in pictures made here: a dark mat with grain under uneven light, cards, a hand.

The pictures are as unkind as those of a rig: shot noise, and lamps that are dimmed and so light the rows of a
rolling shutter unequally, in another pattern each time.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.card.presence import Presence
from station.documents.live import Seen
from station.twin.scene import Scene
from station.twin.sensor import BANDS
from station.twin.spec import CardSpec

PX_PER_MM = 2.0
LOOK_S = 1 / 12
STILL_S = 0.25
MAT, WHITE = 8.0, 140.0  # codes
OLD, NEW = "the even lights", "the odd lights"

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Card:
    """Where its middle lies in mm of the picture; `art` draws its face, `codes` is its border."""

    x_mm: float = 41.0
    y_mm: float = 52.0
    turn_deg: float = 1.0
    art: int = 1
    codes: float = WHITE

    def draw(self, picture: Picture) -> None:
        face = np.full((88 * 4, 63 * 4), self.codes, np.float32)
        boxes = np.random.default_rng(self.art).integers(12, (200, 300), (30, 2))
        for number, (x, y) in enumerate(boxes):
            face[y : y + 40, x : x + 36] = self.codes * (0.1 + 0.8 * (number % 9) / 9)
        turn = cv2.getRotationMatrix2D((126.0, 176.0), self.turn_deg, PX_PER_MM / 4)
        turn[0, 2] += self.x_mm * PX_PER_MM - 126
        turn[1, 2] += self.y_mm * PX_PER_MM - 176
        size = picture.shape[::-1]
        laid = cv2.warpAffine(face, turn, size, flags=cv2.INTER_AREA)
        share = cv2.warpAffine(np.ones_like(face), turn, size, flags=cv2.INTER_LINEAR)
        picture[:] = laid * share + picture * (1 - share)


@dataclass
class Table:
    """A mat of `width_mm` by `height_mm`, what lies on it, and the eye over it; looks go on in time."""

    width_mm: float = 82.0
    height_mm: float = 104.0
    cards: tuple[Card, ...] = ()
    hand: tuple[float, float] | None = None  # its finger tips, mm; it comes from the right
    lighting: str = OLD
    light: float = 1.0
    noise: float = 1.0
    presence: Presence = field(default_factory=lambda: Presence(PX_PER_MM, STILL_S))
    at_s: float = 100.0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(3)
        shape = round(self.height_mm * PX_PER_MM), round(self.width_mm * PX_PER_MM)
        self._grain = 1 + 0.12 * self._rng.standard_normal(shape).astype(np.float32)
        y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
        self._falls = {OLD: 1 - 0.15 * x - 0.2 * y * y, NEW: 0.8 + 0.25 * x - 0.1 * x * x}

    def picture(self) -> Picture:
        """As the camera sees it now."""
        picture = MAT * self._grain
        for card in self.cards:
            card.draw(picture)
        if self.hand is not None:
            x, y = (round(place * PX_PER_MM) for place in self.hand)
            arm = (
                (picture.shape[1], y - 60),
                (picture.shape[1], y + 60),
                (x + 20, y + 25),
                (x, y),
                (x + 20, y - 25),
            )
            cv2.fillPoly(picture, [np.array(arm, np.int32)], (3.0,))
        lit = picture * self._falls[self.lighting] * self.light * self._flicker(len(picture))
        noisy = lit + self.noise * np.sqrt(0.02 * lit + 0.02) * self._rng.standard_normal(lit.shape)
        return np.asarray(noisy, np.float32)

    def _flicker(self, rows: int) -> Picture:
        """3 or 4 pulses of the dimmer fall into the exposure of a row."""
        at = np.arange(rows) / rows * 3 + self._rng.uniform()
        return np.asarray(0.9 + 0.25 * np.clip(np.abs(at % 1 - 0.5) * 4 - 0.5, 0, 1), np.float32)[:, None]

    def look(self, times: int = 1) -> list[Seen]:
        """So many looks at it as it is."""
        seen = []
        for _ in range(times):
            seen.append(self.presence.see(self.picture(), self.at_s, self.lighting))
            self.at_s += LOOK_S
        return seen

    def settle(self) -> Seen:
        """Look until it has had the time to be still."""
        return self.look(6)[-1]

    def reach_in(self, *, after: Any = None) -> list[Seen]:
        """A hand comes, changes what lies there to `after`, and goes; what was seen meanwhile."""
        seen = []
        for x in (70.0, 60.0, 50.0, 40.0):
            self.hand = (x, 60.0)
            seen += self.look()
        if after is not None:
            self.cards = after
        for x in (45.0, 55.0, 65.0):
            self.hand = (x, 62.0)
            seen += self.look()
        self.hand = None
        return seen


@pytest.fixture
def table() -> Table:
    """Empty, and known to be."""
    table = Table()
    assert table.settle().kind == "empty"
    return table


def kinds(seen: list[Seen]) -> set[str]:
    return {one.kind for one in seen}


def test_an_empty_mat_is_empty_once_it_was_watched_for_long_enough() -> None:
    seen = Table().look(8)
    assert (seen[0].kind, seen[-1].kind) == ("unclear", "empty")
    assert seen[0].message != ""
    assert [one.sequence for one in seen] == list(range(1, 9))


def test_a_hand_puts_a_card_down(table: Table) -> None:
    assert kinds(table.reach_in(after=(Card(),))) == {"moving"}
    seen = table.look(8)
    assert seen[0].kind == "moving"
    last = seen[-1]
    assert (last.kind, last.pieces, last.whole) == ("still", 1, True)
    assert last.covered_percent == pytest.approx(100 * 63 * 88 / (82 * 104), rel=0.04)
    assert all(one.still_s >= STILL_S for one in seen if one.kind == "still")


def test_a_hand_takes_the_card_away(table: Table) -> None:
    table.reach_in(after=(Card(),))
    assert table.settle().kind == "still"
    assert kinds(table.reach_in(after=())) == {"moving"}
    last = table.settle()
    assert (last.kind, last.pieces, last.covered_percent) == ("empty", 0, 0)


def test_a_hand_that_only_passes_over_changes_nothing(table: Table) -> None:
    assert kinds(table.reach_in()) == {"moving"}
    assert table.settle().kind == "empty"


@pytest.mark.parametrize("pushed", [replace(Card(), x_mm=41.5), replace(Card(), y_mm=51.5), Card(turn_deg=2)])
def test_a_push_of_half_a_millimetre_is_motion(table: Table, pushed: Card) -> None:
    table.cards = (Card(),)
    assert table.settle().kind == "still"
    table.cards = (pushed,)
    assert table.look()[0].kind == "moving"
    assert table.settle().kind == "still"


def test_what_creeps_is_noticed(table: Table) -> None:
    table.cards = (Card(),)
    table.settle()
    seen = []
    for step in range(12):
        table.cards = (Card(x_mm=41 + 0.1 * step),)
        seen += table.look()
    assert "moving" in kinds(seen)


def test_a_card_turned_over_in_place_is_motion(table: Table) -> None:
    table.cards = (Card(),)
    table.settle()
    table.cards = (Card(art=2),)
    assert table.look()[0].kind == "moving"
    last = table.settle()
    assert (last.kind, last.pieces) == ("still", 1)


def test_two_cards_are_two() -> None:
    table = Table(width_mm=150)
    table.settle()
    table.cards = (Card(),)
    assert table.settle().pieces == 1
    table.cards = (Card(), Card(x_mm=112, art=3))
    last = table.settle()
    assert (last.kind, last.pieces, last.whole) == ("still", 2, True)
    table.cards = (Card(), Card(x_mm=80, art=3))  # one upon the other
    assert table.settle().pieces == 2


def test_a_card_that_sticks_out_is_not_whole(table: Table) -> None:
    table.cards = (Card(x_mm=66),)
    last = table.settle()
    assert (last.kind, last.pieces, last.whole) == ("still", 1, False)


def test_a_card_as_dark_as_the_mat_is_seen_all_the_same(table: Table) -> None:
    table.cards = (Card(codes=MAT * 0.7),)
    last = table.settle()
    assert (last.kind, last.pieces) == ("still", 1)
    assert last.covered_percent > 50


@pytest.mark.parametrize("cards", [(), (Card(),)], ids=["empty", "card"])
def test_noise_and_flicker_alone_are_never_motion(cards: tuple[Card, ...]) -> None:
    for noise in (0.5, 4.0):
        table = Table(cards=cards, noise=noise)
        table.settle()
        assert kinds(table.look(40)) == {"still" if cards else "empty"}


def test_a_dim_light_is_enough() -> None:
    table = Table(light=0.25, noise=0.5)
    assert table.settle().kind == "empty"
    table.cards = (Card(),)
    table.settle()
    assert kinds(table.look(30)) == {"still"}


def test_a_card_that_lies_for_long_leaves_no_trace(table: Table) -> None:
    """The mat below it is reckoned on, by what shows of it; the flicker must not drive that away."""
    table.cards = (Card(),)
    table.settle()
    assert kinds(table.look(120)) == {"still"}
    table.cards = ()
    assert {one.covered_percent for one in table.look(8)} == {0}


def test_light_that_changes_slowly_is_followed(table: Table) -> None:
    seen = []
    for _ in range(60):
        table.light *= 1.006
        seen += table.look()
    table.cards = (Card(),)
    table.settle()
    for _ in range(60):
        table.light *= 0.989
        seen += table.look()
    assert table.light == pytest.approx(0.737, abs=0.01)
    assert kinds(seen) == {"empty", "still"}
    table.cards = ()
    assert table.settle().kind == "empty"


def test_light_that_changes_at_once_is_learned_anew(table: Table) -> None:
    table.light = 2.0
    assert table.look()[0].kind == "moving"
    assert table.settle().kind == "empty"
    table.cards = (Card(),)
    assert table.settle().kind == "still"


def test_a_sheet_that_covers_everything_is_not_taken_for_a_mat(table: Table) -> None:
    table.cards = (Card(),)
    table.settle()
    table._grain = table._grain * 15
    table.cards = ()
    table.look(20)
    table._grain = table._grain / 15
    assert table.settle().kind == "empty"
    table.cards = (Card(),)
    assert table.settle().kind == "still"


def test_a_card_that_lies_there_from_the_start_is_no_mat() -> None:
    table = Table(cards=(Card(),))
    seen = table.look(20)
    assert kinds(seen) == {"unclear", "still"}
    assert (seen[-1].kind, seen[-1].pieces, seen[-1].whole) == ("still", 1, True)
    table.cards = ()
    assert table.look()[0].kind == "moving"
    assert table.settle().kind == "empty"
    table.cards = (Card(art=4),)
    assert table.settle().kind == "still"


def test_other_lights_are_learned_without_a_word(table: Table) -> None:
    """The halves of the lights take turns: that is no motion, and what lies there lies there still."""
    table.lighting = NEW
    assert kinds(table.look(10)) == {"empty"}
    table.cards = (Card(),)
    table.settle()
    for lighting in (OLD, NEW, OLD):
        table.lighting = lighting
        assert kinds(table.look(10)) == {"still"}
    table.cards = ()
    table.settle()
    table.lighting = NEW
    assert kinds(table.look(10)) == {"empty"}


def test_what_one_light_shows_another_does_not_unlearn(table: Table) -> None:
    """A card as dark as the mat looks like a mat to lights that never saw it bare."""
    table.cards = (Card(codes=MAT * 0.75, art=5),)
    assert table.settle().kind == "still"
    table.lighting = NEW
    assert kinds(table.look(12)) == {"still"}
    table.cards = ()
    table.settle()
    assert table.settle().kind == "empty"


def test_what_changes_while_the_lights_change_is_motion(table: Table) -> None:
    """As long as nothing had moved since these lights burned last."""
    table.lighting = NEW
    table.settle()
    table.lighting = OLD
    table.settle()
    table.lighting, table.cards = NEW, (Card(),)
    assert table.look()[0].kind == "moving"


def test_without_light_nothing_is_said(table: Table) -> None:
    table.light = 0.02
    [seen] = table.look()
    assert seen.kind == "unclear"
    assert "dark" in seen.message
    table.light = 1.0
    table.look()
    assert table.settle().kind == "empty"


def test_pictures_may_have_any_size_and_codes() -> None:
    table = Table()
    wide = [
        np.repeat(np.clip(table.picture(), 0, 255).astype(np.uint8)[..., None], 3, axis=2) for _ in range(6)
    ]
    seen = [table.presence.see(one, number * LOOK_S, OLD) for number, one in enumerate(wide)]
    assert seen[-1].kind == "empty"


DIMMER_MS, EXPOSURE_MS, READOUT_MS = 4.0, 15.0, 12.0


def dimmed(at_s: float) -> NDArray[np.float64]:
    """Share of its exposure for which each band of rows sees lights dimmed to a quarter: (bands, lights)."""
    starts = (1e3 * at_s) % DIMMER_MS + READOUT_MS * np.arange(BANDS) / BANDS
    pulses = DIMMER_MS * np.arange(-1, 9)[:, None]
    ends = np.minimum(starts + EXPOSURE_MS, pulses + DIMMER_MS / 4)
    shares = np.clip(ends - np.maximum(starts, pulses), 0, None).sum(axis=0) / EXPOSURE_MS
    return np.asarray(shares[:, None] * (np.arange(8) % 2 == 0), np.float64)


def test_the_twins_cards_are_seen_through_its_noise_tremor_and_dimmer() -> None:
    scene, presence, looks = Scene(7, dpi=60), Presence(60 / 25.4, STILL_S), 0

    def look(times: int) -> list[Seen]:
        nonlocal looks
        seen = []
        for _ in range(times):
            at_s = looks * 0.0871
            codes = scene.render(dimmed(at_s), sequence=looks).astype(np.float32) - 4.0
            seen.append(presence.see(codes, at_s, OLD))
            looks += 1
        return seen

    assert look(8)[-1].kind == "empty"
    for card in (CardSpec(7), CardSpec(7, "back"), CardSpec(12)):
        scene.place(card)
        assert look(1)[0].kind == "moving"
        look(4)
        seen = look(7)
        assert kinds(seen) == {"still"}
        assert {(one.pieces, one.whole) for one in seen} == {(1, True)}
    scene.remove()
    assert look(8)[-1].kind == "empty"


def test_what_was_not_touched_since_the_mark_lies_as_it_lay() -> None:
    rng = np.random.default_rng(5)
    mat = np.full((88, 120), 8.0, np.float32)
    card = mat.copy()
    card[20:64, 40:76] = 120.0
    pushed = mat.copy()
    pushed[20:64, 44:80] = 120.0
    watch = Presence(px_per_mm=0.5)
    at_s = 0.0

    def look(picture: np.ndarray, times: int) -> Seen:
        nonlocal at_s
        for _ in range(times):
            at_s += 0.1
            seen = watch.see(picture + rng.normal(0, 0.5, picture.shape).astype(np.float32), at_s, "half")
        return seen

    look(mat, 10)
    assert not look(card, 10).same, "no mark was set"
    watch.mark()
    assert look(card, 5).same
    hand = card.copy()
    hand[40:, :50] = 60.0
    assert look(hand, 1).kind == "moving"
    back = look(card, 6)
    assert (back.kind, back.same) == ("still", True)
    other = look(pushed, 8)
    assert (other.kind, other.same) == ("still", False)
