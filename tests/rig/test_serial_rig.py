"""The rig on a real pseudo-terminal, with the software board behind it."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from station.rig.interface import ButtonMoved, CardMoved
from station.rig.serial_rig import SerialRig
from station.wire import messages as m


def test_opening_tells_what_is_there(mortal_board: Any, make_rig: Any) -> None:
    info = make_rig(mortal_board.link).open()
    assert (info.port, info.board) == (str(mortal_board.link), "software board")
    assert (info.light_count, info.max_on_ms, info.simulated) == (8, m.MAX_ON_MAX_MS, True)
    assert info.reset_cause == "power on"


def test_a_light_burns_between_request_and_acknowledgement(software_board: Any, rig: SerialRig) -> None:
    for light in (0, 7, 3):
        switched = rig.switch(light, 5_000)
        lit_ns, mask = next(software_board.lights.edges_back())
        assert mask == 1 << light
        assert switched.requested_s <= lit_ns / 1e9 <= switched.acknowledged_s
    assert rig.switch(None, 5_000).light is None
    assert software_board.lit() == 0


def test_closing_switches_off_and_opening_again_works(
    software_board: Any, rig: SerialRig, failure: Any
) -> None:
    rig.switch(3, 5_000)
    rig.close()
    assert software_board.lit() == 0
    rig.close()
    assert failure(lambda: rig.info).code == "rig_missing"
    assert failure(lambda: rig.switch(1, 100)).code == "rig_missing"
    rig.open()
    rig.switch(1, 5_000)
    assert software_board.lit() == 0b10


def test_opening_twice_is_opening_anew(software_board: Any, rig: SerialRig) -> None:
    rig.switch(3, 5_000)
    rig.open()
    assert software_board.lit() == 0


def test_the_keep_alive_holds_the_lease(software_board: Any, make_rig: Any, poll: Any, told: Any) -> None:
    rig = make_rig(software_board.link, lease_ms=m.LEASE_MIN_MS)
    rig.open()
    rig.switch(3, 10_000)
    counts = rig.counts
    assert counts is not None
    begun = counts.commands
    poll(lambda: counts.commands >= begun + 12, "three leases had passed")
    assert software_board.lit() == 1 << 3
    assert told.faults == []


def test_beeps_are_heard_and_bad_ones_refused(software_board: Any, rig: SerialRig, failure: Any) -> None:
    beeps = int(software_board.state()["beeps"])
    rig.beep(80)
    assert software_board.state()["buzzer_ms"] == "80"
    assert failure(lambda: rig.beep(60_000)).code == "rig_fault"
    assert failure(lambda: rig.beep(100_000)).code == "rig_fault"
    assert software_board.state()["beeps"] == str(beeps + 1)


@pytest.mark.parametrize(("light", "max_on_ms"), [(8, 100), (300, 100), (-1, 100), (0, 0), (0, 70_000)])
def test_lights_and_times_that_cannot_be_are_refused(
    software_board: Any, rig: SerialRig, light: int, max_on_ms: int, failure: Any
) -> None:
    assert failure(lambda: rig.switch(light, max_on_ms)).code == "rig_fault"
    assert software_board.masks() == []
    rig.switch(1, 1_000)


def test_buttons_and_card_are_told_with_their_time(
    software_board: Any, rig: SerialRig, told: Any, poll: Any
) -> None:
    software_board.order("press 1 30")
    software_board.order("card 1")
    poll(lambda: len(told.panel) == 3, "three events had come")
    kinds = [(e.button, e.pressed) if isinstance(e, ButtonMoved) else e.present for e in told.panel]
    assert kinds == [(1, True), True, (1, False)]
    assert any(isinstance(event, CardMoved) for event in told.panel)
    assert [e.when_s for e in told.panel] == sorted(e.when_s for e in told.panel)


def test_any_command_can_be_asked_for_diagnosis(rig: SerialRig) -> None:
    rig.switch(2, 5_000)
    status = rig.ask(m.Status())
    assert isinstance(status, m.StatusReply)
    assert status.mask == 0b100


def test_lights_to_look_by_go_off_by_themselves_and_that_is_no_fault(
    software_board: Any, rig: SerialRig, poll: Any, told: Any
) -> None:
    lit = rig.look_on((6, 0, 4, 2), 100.0, 5_000)
    assert (lit.light, software_board.lit()) == (0, 0b01010101)
    rig.look_on((1, 3), 100.0, 60)
    poll(lambda: software_board.lit() == 0, "the lights were off")
    assert rig.switch(2, 5_000).light == 2
    assert told.faults == []


def test_dimmed_lights_burn_for_their_share(software_board: Any, rig: SerialRig) -> None:
    rig.look_on((0, 2), 25.0, 5_000)
    software_board.wait_s(0.2)
    rig.switch(None, 5_000)
    edges = software_board.changes()
    assert {mask for _, mask in edges} == {0b101, 0}
    begun, ended = edges[0][0], edges[-1][0]
    burned = sum(after[0] - before[0] for before, after in pairwise(edges) if before[1])
    assert burned / (ended - begun) == pytest.approx(0.25, abs=0.03)


def test_a_tone_returns_while_it_sounds(software_board: Any, rig: SerialRig) -> None:
    rig.tone(880, 1_500)
    state = software_board.state()
    assert (state["buzzer_hz"], state["buzzer_ms"]) == ("880", "1500")


def test_indicator_and_buzzer_take_no_fault_from_the_call_that_is_to_raise_it(
    software_board: Any, rig: SerialRig, told: Any, poll: Any, failure: Any
) -> None:
    rig.switch(1, 30)
    poll(lambda: bool(told.faults), "the light had burned too long")
    rig.indicate("red")
    rig.tone(440, 20)
    assert software_board.state()["red"] == "1"
    assert failure(lambda: rig.switch(2, 1_000)).code == "rig_fault"
    rig.switch(2, 1_000)


def test_a_rig_that_is_not_open_shows_nothing(make_rig: Any, tmp_path: Path, failure: Any) -> None:
    assert failure(lambda: make_rig(tmp_path / "nothing").indicate("green")).code == "rig_missing"
    assert failure(lambda: make_rig(tmp_path / "nothing").tone(440, 20)).code == "rig_missing"
