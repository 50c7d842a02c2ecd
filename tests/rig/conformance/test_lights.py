"""Single lights, by command."""

from typing import Any

import pytest

from station.wire import messages as m
from station.wire.frame import Frame


def test_a_light_burns_before_its_reply_and_alone(board: Any, host: Any) -> None:
    for light in (*range(8), 0, 7, 3):
        host.do(m.Light(light, 0, 10_000))
        assert board.lit() == 1 << light
    host.do(m.Off())
    assert board.lit() == 0
    assert all(mask.bit_count() <= 1 for mask in board.masks())


def test_several_lights_burn_on_request(board: Any, host: Any) -> None:
    host.do(m.Lights(0b1010_0101, 255, 0, 10_000))
    assert board.lit() == 0b1010_0101
    host.do(m.Light(4, 0, 10_000))
    assert board.lit() == 1 << 4


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (m.Light(8, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Light(255, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Light(0, 0, 0), m.Refusal.BAD_DURATION),
        (m.Light(0, 0, m.MAX_ON_MAX_MS + 1), m.Refusal.BAD_DURATION),
        (m.Lights(0, 255, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Lights(3, 255, 0, 65_535), m.Refusal.BAD_DURATION),
        (m.Buzzer(2_000, m.BUZZER_MAX_MS + 1), m.Refusal.BAD_DURATION),
        (m.Buzzer(50, 100), m.Refusal.BAD_DURATION),
        (m.Start(), m.Refusal.NOT_ARMED),
        (m.Arm(), m.Refusal.NO_PROGRAMME),
        (m.ProgrammeEnd(), m.Refusal.BAD_STEP),
        (m.ProgrammeBegin(0, 0), m.Refusal.BAD_STEP),
        (m.ProgrammeBegin(m.STEPS_MAX + 1, 0), m.Refusal.BAD_STEP),
        (m.ProgrammeStep(0, 1, 0, 500, 2_000, 1_000), m.Refusal.BAD_STEP),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    board: Any, host: Any, command: m.Command, reason: m.Refusal
) -> None:
    host.do(m.Light(5, 0, 10_000))
    assert host.ask(command) == m.Refused(reason)
    assert board.masks() == [1 << 5]
    assert host.status().mask == 1 << 5


@pytest.mark.parametrize(
    ("type_", "payload", "reason"),
    [
        (0x3F, b"", m.Refusal.UNKNOWN_COMMAND),
        (0x00, b"", m.Refusal.UNKNOWN_COMMAND),
        (m.Indicator.ID, b"\x09\x00", m.Refusal.BAD_VALUE),
        (m.Indicator.ID, b"\x00\x04", m.Refusal.BAD_VALUE),
    ],
)
def test_a_frame_without_meaning_is_refused(host: Any, type_: int, payload: bytes, reason: m.Refusal) -> None:
    host.link.write(Frame(99, type_, payload).encode())
    assert host.reply(99) == m.Refused(reason)


def test_a_light_goes_off_by_itself_and_that_is_a_fault(board: Any, host: Any) -> None:
    host.do(m.Light(6, 0, 60))
    event = host.await_event(m.FaultRaised)
    assert (event.fault, event.step) == (m.Fault.MAX_ON_EXPIRED, m.NO_STEP)
    assert board.masks() == [1 << 6, 0]
    assert host.status().state is m.BoardState.FAULT


def test_a_timed_light_goes_off_by_itself_and_that_is_no_fault(board: Any, host: Any) -> None:
    host.do(m.Light(6, m.LightFlag.TIMED, 60))
    board.wait_dark()
    assert host.status().state is m.BoardState.IDLE
    host.do(m.Light(1, 0, 10_000))
    assert host.events == []


def test_lighting_again_begins_the_time_anew(board: Any, host: Any) -> None:
    host.do(m.Light(6, 0, 60), m.Light(6, 0, 10_000))
    ticks, hz = host.status().ticks, host.hello(session=1).ticks_hz
    while host.status().ticks - ticks < hz // 10:
        pass  # until the first command's time would be over
    assert host.status().mask == 1 << 6
    host.do(m.Off())
    assert board.masks() == [1 << 6, 0]
    assert host.status().fault is m.Fault.NONE
