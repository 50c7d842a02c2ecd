"""Reports and people's orders, on the software board and on the real firmware."""

from collections.abc import Iterator
from typing import Any

import pytest

from station.documents.fault import StationError
from station.documents.rig import (
    BeepOrder,
    IndicatorOrder,
    LightOrder,
    LightsOrder,
    PlainOrder,
    ProgrammeOrder,
)
from station.rig.diagnosis import carry_out, measured_rate_hz, report
from station.rig.serial_rig import SerialRig
from station.wire import messages as m


@pytest.fixture
def rig(board: Any) -> Iterator[SerialRig]:
    made = SerialRig(str(board.link), m.BAUD, 1_500, 10.0, lambda _: None)
    made.open()
    yield made
    made.close()


def test_the_report_is_what_the_board_says(board: Any, rig: SerialRig) -> None:
    found = report(rig)
    hello = rig.hello
    assert (found.port, found.simulated) == (str(board.link), True)
    assert found.board in ("software board", "ATmega328P")
    assert (found.light_count, found.button_count) == (8, 2)
    assert (found.boot_nonce, found.lease_ms, found.steps_max) == (hello.boot_nonce, 1_500, m.STEPS_MAX)
    assert (found.state, found.burning, found.fault) == ("idle", (), "")
    assert found.board_counters["frames_ok"] == pytest.approx(found.host_counters["commands"], abs=8)
    assert found.clock_uncertainty_us > 0
    measured = found.board == "ATmega328P"  # a program on a PC has no stack to run out of
    assert (found.board_counters["stack_free_bytes"] is not None) is measured
    assert (found.board_counters["isr_latency_max_ticks"] is not None) is measured


def test_the_rate_of_the_clock_is_told_once_it_is_known(board: Any, rig: SerialRig, poll: Any) -> None:
    poll(lambda: measured_rate_hz(rig.clock) is not None, "the keep-alive had compared the clocks")
    rate_hz = report(rig).clock_rate_hz
    assert rate_hz == pytest.approx(rig.hello.ticks_hz, rel=0.02)


def test_faults_that_are_remembered_are_told(board: Any, rig: SerialRig, poll: Any) -> None:
    rig.switch(4, 20)
    poll(lambda: board.lights.mask() == 0, "the light had gone off")
    poll(lambda: _raised(rig), "the fault was told")
    found = report(rig)
    assert found.errors_total == 1
    assert found.errors[0].fault == m.Fault.MAX_ON_EXPIRED.says
    assert found.errors[0].step is None


def _raised(rig: SerialRig) -> bool:
    try:
        rig.ask(m.Ping())
    except StationError:
        return True
    return False


def test_orders_light_what_they_name_and_go_off_without_a_fault(
    board: Any, rig: SerialRig, poll: Any
) -> None:
    lit = carry_out(rig, LightOrder(light=3, max_on_ms=30))
    assert [(entry.kind, entry.name) for entry in lit.traffic] == [("command", "Light"), ("reply", "Ok")]
    poll(lambda: board.lights.mask() == 0, "the light had gone off")
    carry_out(rig, LightsOrder(lights=(0, 3), max_on_ms=10_000))
    assert report(rig).burning == (0, 3)
    carry_out(rig, PlainOrder(do="off"))
    found = report(rig)
    assert (found.burning, found.errors_total) == ((), 0)


def test_dimmed_lights_are_on_for_a_share_of_the_time(board: Any, rig: SerialRig) -> None:
    answer = carry_out(rig, LightsOrder(lights=(1,), percent=50, max_on_ms=10_000))
    assert "level 128" in answer.traffic[0].text
    assert not answer.refused
    assert report(rig).burning == (1,)


def test_a_programme_is_reported_step_by_step(board: Any, rig: SerialRig, poll: Any) -> None:
    before = rig.traffic.head
    carry_out(rig, ProgrammeOrder(lights=(None, 1, 2), expose_us=2_000, gap_us=1_000))

    def names() -> list[str]:
        return [entry.name for entry in rig.traffic.since(before) if entry.kind == "event"]

    poll(lambda: names() == ["StepDone"] * 3 + ["ProgrammeDone"], "the programme had ended")
    steps = [entry.text for entry in rig.traffic.since(before) if entry.name == "StepDone"]
    assert [text.split(", ")[:2] for text in steps] == [
        ["index 0", "no light"],
        ["index 1", "lights 1"],
        ["index 2", "lights 2"],
    ]


def test_what_the_board_refuses_is_an_answer(board: Any, rig: SerialRig) -> None:
    carry_out(rig, ProgrammeOrder(lights=(1,), expose_us=5_000_000))
    refused = carry_out(rig, LightOrder(light=1, max_on_ms=10))
    assert refused.refused == f"the board refused Light: {m.Refusal.BUSY.says}"
    assert [entry.name for entry in refused.traffic] == ["Light", "Refused"]
    assert refused.traffic[-1].text == f"reason: {m.Refusal.BUSY.says}"
    assert not carry_out(rig, PlainOrder(do="abort")).refused


def test_a_beep_is_heard(board: Any, rig: SerialRig, poll: Any) -> None:
    beeps = int(board.state()["beeps"])
    carry_out(rig, BeepOrder(duration_ms=30))
    poll(lambda: int(board.state()["beeps"]) == beeps + 1, "the beep was heard")


def test_a_board_that_is_gone_is_an_error(board: Any, rig: SerialRig, poll: Any) -> None:
    board.order("unplug")
    with pytest.raises(StationError) as caught:
        carry_out(rig, PlainOrder(do="status"))
    assert caught.value.code == "rig_missing"


def test_the_indicator_is_set_by_hand(board: Any, rig: SerialRig, poll: Any) -> None:
    carry_out(rig, IndicatorOrder(colour="amber"))
    poll(lambda: (board.state()["green"], board.state()["red"]) == ("1", "1"), "amber was shown")
    carry_out(rig, IndicatorOrder(colour="off", pattern="fast"))
    poll(lambda: board.state()["status_led"] == "0", "all was dark")
