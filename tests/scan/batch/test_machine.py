"""The batch machine as an operator meets it, and its laws under any sequence of events."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.documents.batch import BatchOrder
from station.scan.batch.diagram import arrows
from station.scan.batch.events import (
    BeginScan,
    Begun,
    Captured,
    CardSensed,
    Effect,
    Event,
    Finish,
    Noticed,
    Pause,
    Pedal,
    Refused,
    Rejected,
    Resume,
    Saw,
    Turn,
    Undo,
    Well,
    Withdraw,
)
from station.scan.batch.machine import TABLE, step
from station.scan.batch.state import Batch, Rules, restored


class Table:
    """A batch at work: answers what the machine asks for, as the station does."""

    def __init__(self, **rules: Any) -> None:
        self.batch = Batch.fresh(Rules(**rules))
        self.effects: list[Effect] = []
        self.scans = 0

    def tell(self, event: Event) -> "Table":
        self.batch, effects = step(self.batch, event)
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, BeginScan):
                self.scans += 1
                self.tell(Begun(f"scan-{self.scans}"))
        return self

    def see(self, *kinds: Any) -> "Table":
        for kind in kinds:
            self.tell(Saw(kind))
        return self

    def captured(self) -> "Table":
        card = self.batch.card_id or f"card-of-{self.batch.scan_id}"
        return self.tell(Captured(self.batch.scan_id, card))

    def rejected(self, code: str, **more: Any) -> "Table":
        return self.tell(Rejected(self.batch.scan_id, code, "why", **more))

    def side(self) -> "Table":
        """One side, put down, scanned, taken away."""
        return self.see("moving", "still").captured().see("moving", "empty")

    @property
    def begun(self) -> list[tuple[str, str]]:
        return [(effect.side, effect.card_id) for effect in self.effects if isinstance(effect, BeginScan)]


def test_front_flip_back() -> None:
    table = Table(expected=2).see("empty", "moving", "still")
    assert (table.batch.phase, table.batch.signal) == ("scanning", "working")
    table.captured()
    assert (table.batch.phase, table.batch.signal, table.batch.due) == ("flip", "flip", "back")
    table.see("still", "still")
    assert table.batch.phase == "flip", "the card that lies there is done with"
    table.see("moving", "still").captured()
    assert (table.batch.phase, table.batch.signal, table.batch.due) == ("done", "take_away", "front")
    table.see("moving", "empty")
    assert (table.batch.phase, table.batch.signal, table.batch.number) == ("empty", "place", 2)
    table.side().side()
    assert table.batch.phase == "finished"
    first, second = "card-of-scan-1", "card-of-scan-3"
    assert table.begun == [("front", ""), ("back", first), ("front", ""), ("back", second)]


def test_a_card_put_in_the_place_of_another_needs_no_empty_mat() -> None:
    table = Table(order="fronts").see("moving", "still").captured().see("moving", "still")
    assert table.batch.phase == "scanning"
    assert table.scans == 2


def test_a_hand_that_passes_over_a_card_that_is_done_changes_nothing() -> None:
    table = Table().see("still").captured().see("moving").tell(Saw("still", same=True))
    assert (table.batch.phase, table.scans) == ("flip", 1)
    table.see("moving").tell(Saw("still"))
    assert table.scans == 2
    table.rejected("wrong_side").see("moving").tell(Saw("still", same=True))
    assert (table.batch.phase, table.batch.signal, table.scans) == ("trouble", "wrong", 2)
    table.see("moving", "still").rejected("card_moved", retake=True).tell(Saw("still", same=True))
    assert table.scans == 4, "what is to be taken again lies as it lay"


def test_piles_are_paired_in_order() -> None:
    table = Table(order="fronts_then_backs", pile=3, expected=4)
    table.side().side()
    table.see("moving", "still").captured()
    assert (table.batch.signal, table.batch.due, table.batch.number) == ("turn_pile", "back", 1)
    table.see("moving", "empty").side().side()
    assert table.batch.number == 3
    table.side()
    assert (table.batch.due, table.batch.number) == ("front", 4)
    table.side().side()
    assert table.batch.phase == "finished"
    cards = ["card-of-scan-1", "card-of-scan-2", "card-of-scan-3"]
    assert table.begun[3:6] == [("back", card) for card in cards]
    assert table.begun[6:] == [("front", ""), ("back", "card-of-scan-7")]


def test_a_pile_without_a_size_is_turned_by_hand() -> None:
    table = Table(order="fronts_then_backs").side().side().tell(Turn())
    assert (table.batch.due, table.batch.card_id, table.batch.signal) == (
        "back",
        "card-of-scan-1",
        "turn_pile",
    )


def test_what_moved_is_taken_again_by_itself_but_not_for_ever() -> None:
    table = Table(retakes=2).see("still").rejected("card_moved", retake=True)
    assert (table.batch.phase, table.batch.signal) == ("arriving", "again")
    table.see("moving", "still").rejected("card_moved", retake=True).see("still")
    assert table.batch.phase == "scanning"
    table.rejected("card_moved", retake=True)
    assert (table.batch.phase, table.batch.signal) == ("trouble", "wrong")
    assert table.batch.trouble is not None
    assert table.batch.trouble.code == "card_moved"
    assert (table.batch.retakes, table.batch.noticed) == (2, {"card_moved": 3})


def test_a_wrong_side_waits_for_the_operators_hand() -> None:
    table = Table().see("still").rejected("wrong_side").see("still", "still")
    assert table.batch.phase == "trouble"
    assert [type(effect) for effect in table.effects] == [BeginScan, Noticed]
    table.see("moving", "still")
    assert (table.batch.phase, table.batch.trouble) == ("scanning", None)
    assert table.begun == [("front", "")] * 2


def test_putting_a_known_card_down_once_more_insists() -> None:
    table = Table().see("still").rejected("card_known", like="old").see("moving", "still")
    assert isinstance(table.effects[-1], BeginScan)
    assert table.effects[-1].welcome == "old"
    table.captured().see("moving", "still")
    assert isinstance(table.effects[-1], BeginScan)
    assert table.effects[-1].welcome == ""


def test_the_stations_own_fault_waits_until_it_is_well() -> None:
    table = Table().see("still").rejected("rig_silent", ill=True)
    assert table.batch.signal == "fault"
    table.see("moving", "still")
    assert table.batch.phase == "trouble"
    table.tell(Well()).see("still")
    assert table.batch.phase == "scanning", "what lay there was not stored"


def test_a_card_is_not_accepted_by_a_station_that_is_not_ready() -> None:
    batch, effects = step(Batch.fresh(Rules()), Saw("still"))
    assert isinstance(effects[0], BeginScan)
    batch, _ = step(batch, Refused("disk_full", "no room"))
    assert (batch.phase, batch.signal) == ("trouble", "fault")


def test_undo_goes_back_to_the_side_that_was_stored_last() -> None:
    table = Table().side().side().side()
    table.tell(Undo())
    assert table.effects[-1] == Withdraw("scan-3")
    assert (table.batch.due, table.batch.card_id, table.batch.number) == ("front", "", 2)
    table.tell(Undo())
    assert table.effects[-1] == Withdraw("scan-2")
    assert (table.batch.due, table.batch.card_id, table.batch.fronts, table.batch.backs) == (
        "back",
        "card-of-scan-1",
        1,
        0,
    )
    table.see("still")
    assert table.batch.phase == "done", "what lies there is scanned again only after it was moved"
    assert table.batch.signal == "place"


def test_undo_in_a_pile() -> None:
    table = Table(order="fronts_then_backs", pile=2).side().side().side().tell(Undo())
    assert (table.batch.due, table.batch.card_id, table.batch.waiting) == (
        "back",
        "card-of-scan-1",
        ("card-of-scan-1", "card-of-scan-2"),
    )
    table.tell(Undo())
    assert (table.batch.due, table.batch.number, table.batch.waiting) == ("front", 2, ("card-of-scan-1",))


@pytest.mark.parametrize(("ask", "phase"), [(Pause(), "paused"), (Finish(), "finished")])
def test_what_is_asked_in_mid_scan_holds_after_it(ask: Event, phase: str) -> None:
    table = Table().see("still").tell(ask)
    assert table.batch.phase == "scanning"
    table.captured()
    assert (table.batch.phase, table.batch.fronts) == (phase, 1)


def test_after_a_pause_the_card_that_was_done_is_still_done() -> None:
    table = Table().see("still").captured().tell(Pause()).see("moving", "still").tell(Resume())
    assert table.batch.phase == "flip"


def test_the_pedal_starts_a_scan_where_it_is_asked_to() -> None:
    table = Table(trigger="pedal").see("moving", "still")
    assert (table.batch.phase, table.scans) == ("settled", 0)
    assert table.tell(Pedal()).batch.phase == "scanning"


def test_the_sensor_and_a_still_picture_start_a_scan_together() -> None:
    table = Table(trigger="sensor").see("empty").tell(CardSensed(True)).see("moving")
    assert table.scans == 0
    assert table.see("still").scans == 1
    late = Table(trigger="sensor").see("empty", "moving", "still")
    assert late.scans == 0
    assert late.tell(CardSensed(True)).scans == 1


EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Saw, st.sampled_from(["empty", "moving", "still", "unclear"]), st.booleans()),
    st.builds(CardSensed, st.booleans()),
    st.sampled_from([Pedal(), Well(), Pause(), Resume(), Undo(), Turn()]),
    st.sampled_from(["captured", "captured", "rejected", "moved", "ill"]),  # type: ignore[arg-type]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(get_args(BatchOrder)),
    st.sampled_from(["picture", "sensor", "pedal"]),
    st.integers(0, 3),
    st.lists(EVENTS, max_size=60),
)
def test_laws(order: Any, trigger: Any, pile: int, events: list[Any]) -> None:
    """Whatever happens: one scan at a time, sides in order, pairs right, and the disk tells the same."""
    table = Table(order=order, trigger=trigger, pile=pile)
    for event in events:
        scanning, before = table.batch.phase == "scanning", len(table.effects)
        match event:
            case "captured":
                table.captured()
            case "rejected":
                table.rejected("wrong_side")
            case "moved":
                table.rejected("card_moved", retake=True)
            case "ill":
                table.rejected("rig_silent", ill=True)
            case _:
                table.tell(event)
        begun = [effect for effect in table.effects[before:] if isinstance(effect, BeginScan)]
        assert len(begun) <= (not scanning)
        _check(table.batch)


def _check(batch: Batch) -> None:
    stored = batch.stored
    assert batch.fronts == sum(one.side == "front" for one in stored)
    assert batch.backs == len(stored) - batch.fronts
    for side in ("front", "back"):
        cards = [one.card_id for one in stored if one.side == side]
        assert len(cards) == len(set(cards)), "a side of a card is stored once"
    if batch.rules.order == "front_back":
        assert [one.side for one in stored] == ["front", "back"] * (len(stored) // 2) + ["front"] * (
            len(stored) % 2
        )
        assert all(a.card_id == b.card_id for a, b in zip(stored[::2], stored[1::2], strict=False))
    if batch.rules.order == "fronts_then_backs":
        backs = [one.card_id for one in stored if one.side == "back"]
        assert [one.card_id for one in stored if one.side == "front"][: len(backs)] == backs
    told = restored(batch.rules, stored)
    if not (batch.rules.order == "fronts_then_backs" and batch.due != told.due):  # turned or undone by hand
        assert replace(told, phase="done").due == batch.due
        assert (told.cards, told.card_id, told.waiting) == (batch.cards, batch.card_id, batch.waiting)


def test_every_phase_can_be_left_and_reached() -> None:
    ends = set(arrows())
    phases = {phase for phase, _ in TABLE} - {"finished"}
    assert {before for before, _ in ends} >= phases
    assert {after for _, after in ends} >= phases | {"finished"}
