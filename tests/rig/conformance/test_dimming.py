"""Lights that are dimmed for looking on."""

from typing import Any

import pytest

from station.wire import messages as m

PULSES_HZ = 200  # at least
LONG_MS = 10_000
TRIGGER = 0x100  # bit of the light log's mask


def rises(masks: list[int]) -> int:
    return sum(1 for mask in masks if mask)


@pytest.mark.parametrize("level", [1, 128, 239])
def test_dimmed_lights_pulse_together_faster_than_the_eye_sees(board: Any, host: Any, level: int) -> None:
    host.do(m.Lights(0b1000_0101, level, m.LightFlag.TIMED, 200))
    assert host.status().mask == 0b1000_0101
    board.wait_s(0.25)
    assert host.status().mask == 0
    masks = board.masks()
    assert set(masks) == {0, 0b1000_0101}
    assert rises(masks) >= PULSES_HZ * 0.2
    assert masks[-1] == 0


@pytest.mark.parametrize("level", [240, 255])
def test_the_highest_step_is_no_dimming(board: Any, host: Any, level: int) -> None:
    host.do(m.Lights(0b11, level, m.LightFlag.TIMED, 100))
    board.wait_dark()
    assert board.masks() == [0b11, 0]


def test_brightness_nought_is_refused(board: Any, host: Any) -> None:
    host.do(m.Light(5, 0, LONG_MS))
    assert host.ask(m.Lights(1, 0, 0, 1_000)) == m.Refused(m.Refusal.BAD_VALUE)
    assert board.masks() == [1 << 5]


@pytest.mark.parametrize(
    "then", [m.Off(), m.Abort(), m.Light(2, 0, LONG_MS), m.Lights(6, 255, 0, LONG_MS)], ids=str
)
def test_what_comes_next_ends_the_dimming(board: Any, host: Any, then: m.Command) -> None:
    host.do(m.Lights(3, 100, 0, LONG_MS), then)
    edges = board.lights.count()
    board.wait_s(0.05)
    assert board.lights.count() == edges
    assert board.lit() == host.status().mask


def test_a_dimmed_light_goes_off_by_itself_and_that_is_a_fault(board: Any, host: Any) -> None:
    host.do(m.Lights(3, 100, 0, 60))
    assert host.await_event(m.FaultRaised).fault is m.Fault.MAX_ON_EXPIRED
    edges = board.lights.count()
    board.wait_s(0.05)
    assert (board.lights.count(), board.lit()) == (edges, 0)


def test_dimmed_lights_go_off_when_the_host_falls_silent(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    stranger.do(m.Lights(0xFF, 100, 0, LONG_MS))
    board.wait_s(2 * m.LEASE_MIN_MS / 1_000)
    edges = board.lights.count()
    board.wait_s(0.05)
    assert (board.lights.count(), board.lit()) == (edges, 0)
    assert stranger.status().fault is m.Fault.LEASE_EXPIRED


def test_a_programme_is_never_dimmed(board: Any, host: Any) -> None:
    host.load(host.steps([1, 2]))
    host.do(m.Lights(3, 16, 0, LONG_MS), m.Arm())
    before = len(board.masks())
    host.do(m.Start())
    host.await_event(m.ProgrammeDone)
    assert board.masks()[before:] == [1, 0, 2, 0]


def test_the_trigger_rises_once_in_each_step_that_has_one(board: Any, host: Any) -> None:
    steps = host.steps([1, 0, 2, 4])
    steps[2] = m.ProgrammeStep(2, 2, 0, 500, 2_000, 1_000)
    host.load(steps)
    host.do(m.Arm(), m.Start())
    host.await_event(m.ProgrammeDone)
    pins = board.pins()
    risen = [now for before, now in zip([0, *pins], pins, strict=False) if now & ~before & TRIGGER]
    assert [now & 0xFF for now in risen] == [1, 0, 4]
    assert pins[-1] == 0
