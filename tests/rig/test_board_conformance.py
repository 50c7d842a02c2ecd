"""What every board does, whatever it is made of, and however slow it or this machine is."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, checksum


def steps_of(masks: Sequence[int], expose_us: int = 2_000, gap_us: int = 1_000) -> list[m.ProgrammeStep]:
    return [
        m.ProgrammeStep(index, mask, m.StepFlag.TRIGGER, 500, expose_us, gap_us)
        for index, mask in enumerate(masks)
    ]


def checksum_of(steps: Sequence[m.ProgrammeStep]) -> int:
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    return value


def load(host: Any, steps: Sequence[m.ProgrammeStep]) -> None:
    host.do(m.ProgrammeBegin(len(steps), checksum_of(steps)), *steps, m.ProgrammeEnd())


# --- greeting -----------------------------------------------------------------------------------------------


def test_hello_says_who_the_board_is(fresh_board: Any, stranger: Any) -> None:
    reply = stranger.hello(session=777, lease_ms=1_500)
    assert (reply.major, reply.minor, reply.schema_hash) == (m.MAJOR, m.MINOR, m.SCHEMA_HASH)
    assert (reply.session, reply.lease_ms) == (777, 1_500)
    assert (reply.light_count, reply.button_count) == (8, 2)
    assert reply.flags & m.BoardFlag.SIMULATED
    assert reply.reset_cause is m.ResetCause.POWER_ON
    assert (reply.max_on_max_ms, reply.steps_max) == (m.MAX_ON_MAX_MS, m.STEPS_MAX)
    assert (reply.gap_min_us, reply.gap_max_us) == (m.GAP_MIN_US, m.GAP_MAX_US)
    assert reply.exposure_min_us == m.EXPOSURE_MIN_US
    assert reply.ticks_hz >= 100_000
    assert reply.fault is m.Fault.NONE


@pytest.mark.parametrize(
    ("asked", "granted"), [(1, m.LEASE_MIN_MS), (65_535, m.LEASE_MAX_MS), (2_000, 2_000)]
)
def test_the_lease_is_kept_within_limits(stranger: Any, asked: int, granted: int) -> None:
    assert stranger.hello(lease_ms=asked).lease_ms == granted


def test_without_a_session_only_hello_and_off_are_served(board: Any, stranger: Any) -> None:
    assert stranger.ask(m.Light(0, 0, 1_000)) == m.Refused(m.Refusal.NO_SESSION)
    assert stranger.ask(m.Ping()) == m.Refused(m.Refusal.NO_SESSION)
    assert stranger.ask(m.Off()) == m.Ok()
    assert board.masks() == []


def test_session_number_nought_is_refused(stranger: Any) -> None:
    hello = m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 0, 1_000)
    assert stranger.ask(hello) == m.Refused(m.Refusal.BAD_VALUE)


@pytest.mark.parametrize(
    "change", [{"major": m.MAJOR + 1}, {"schema_hash": m.SCHEMA_HASH ^ 1}], ids=["major", "schema"]
)
def test_a_host_of_another_version_gets_an_answer_but_no_session(
    stranger: Any, change: dict[str, int]
) -> None:
    said = {
        "major": m.MAJOR,
        "minor": 0,
        "schema_hash": m.SCHEMA_HASH,
        "session": 9,
        "lease_ms": 1_000,
    } | change
    reply = stranger.ask(m.Hello(**said))
    assert (reply.major, reply.schema_hash, reply.session) == (m.MAJOR, m.SCHEMA_HASH, 9)
    assert stranger.ask(m.Light(0, 0, 1_000)) == m.Refused(m.Refusal.NO_SESSION)


def test_a_longer_hello_of_another_version_is_answered_too(stranger: Any) -> None:
    longer = m.Prefix(m.MAJOR + 1, 3, 0xDEADBEEF, 21).pack() + b"something of later days"
    stranger.link.write(Frame(3, m.Hello.ID, longer).encode())
    assert stranger.reply(3).session == 21


def test_a_new_session_switches_off_and_forgets(board: Any, host: Any) -> None:
    load(host, steps_of([1]))
    host.do(m.Light(2, 0, 10_000))
    host.hello(session=2)
    assert board.lights.mask() == 0
    assert host.status().steps_stored == 0
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.NO_PROGRAMME)


def test_the_same_session_again_changes_nothing(board: Any, host: Any) -> None:
    host.do(m.Light(2, 0, 10_000))
    host.hello(session=1)
    assert board.lights.mask() == 0b100
    assert host.status().mask == 0b100


# --- lights -------------------------------------------------------------------------------------------------


def test_a_light_burns_before_its_reply_and_alone(board: Any, host: Any) -> None:
    for light in (*range(8), 0, 7, 3):
        host.do(m.Light(light, 0, 10_000))
        assert board.lights.mask() == 1 << light
    host.do(m.Off())
    assert board.lights.mask() == 0
    assert all(mask.bit_count() <= 1 for mask in board.masks())


def test_several_lights_burn_on_request(board: Any, host: Any) -> None:
    host.do(m.Lights(0b1010_0101, 0, 10_000))
    assert board.lights.mask() == 0b1010_0101
    host.do(m.Light(4, 0, 10_000))
    assert board.lights.mask() == 1 << 4


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (m.Light(8, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Light(255, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Light(0, 0, 0), m.Refusal.BAD_DURATION),
        (m.Light(0, 0, m.MAX_ON_MAX_MS + 1), m.Refusal.BAD_DURATION),
        (m.Lights(0, 0, 1_000), m.Refusal.BAD_LIGHT),
        (m.Lights(3, 0, 65_535), m.Refusal.BAD_DURATION),
        (m.Buzzer(2_000, m.BUZZER_MAX_MS + 1), m.Refusal.BAD_DURATION),
        (m.Buzzer(50, 100), m.Refusal.BAD_DURATION),
        (m.Start(), m.Refusal.NOT_ARMED),
        (m.Arm(), m.Refusal.NO_PROGRAMME),
        (m.ProgrammeEnd(), m.Refusal.BAD_STEP),
        (m.ProgrammeBegin(0, 0), m.Refusal.BAD_STEP),
        (m.ProgrammeBegin(m.STEPS_MAX + 1, 0), m.Refusal.BAD_STEP),
        (steps_of([1])[0], m.Refusal.BAD_STEP),
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
        (m.Indicator.ID, b"\x09", m.Refusal.BAD_VALUE),
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


# --- faults -------------------------------------------------------------------------------------------------


def test_a_fault_is_latched_until_cleared_and_remembered_after(board: Any, host: Any) -> None:
    host.do(m.Light(0, 0, 30))
    host.await_event(m.FaultRaised)
    for command in (m.Light(1, 0, 1_000), m.Lights(1, 0, 1_000), m.ProgrammeBegin(1, 0), m.Arm(), m.Start()):
        assert host.ask(command) == m.Refused(m.Refusal.FAULT_LATCHED)
    assert isinstance(host.ask(m.Ping()), m.Pong)
    host.do(m.Off(), m.Abort(), m.Indicator(m.Pattern.FAST))
    assert host.hello(session=2).fault is m.Fault.MAX_ON_EXPIRED
    host.do(m.Clear(), m.Light(1, 0, 10_000))
    errors = host.ask(m.Errors())
    assert errors.total == 1
    assert [(entry.fault, entry.step) for entry in errors.entries] == [(m.Fault.MAX_ON_EXPIRED, m.NO_STEP)]


def test_the_last_faults_are_remembered_newest_first(host: Any) -> None:
    for light in range(m.ERRORS_KEPT + 2):
        host.do(m.Light(light % 8, 0, 1 + light))
        host.await_event(m.FaultRaised)
        host.events.clear()
        host.do(m.Clear())
    errors = host.ask(m.Errors())
    ticks = [entry.ticks for entry in errors.entries]
    assert (errors.total, len(ticks)) == (m.ERRORS_KEPT + 2, m.ERRORS_KEPT)
    assert ticks == sorted(ticks, reverse=True)


def test_lights_go_off_when_the_host_falls_silent(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    stranger.do(m.Light(3, 0, 10_000))
    board.wait_dark()
    assert board.masks() == [1 << 3, 0]
    assert stranger.status().fault is m.Fault.LEASE_EXPIRED
    assert stranger.await_event(m.FaultRaised).fault is m.Fault.LEASE_EXPIRED


def test_lights_go_off_when_the_host_closes_the_port(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    stranger.do(m.Lights(0xFF, 0, 10_000))
    stranger.link.close()
    board.wait_dark()


def test_a_programme_stops_when_the_host_falls_silent(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    load(stranger, steps_of([1, 2], expose_us=9_000_000))
    stranger.do(m.Arm(), m.Start())
    board.wait_dark()
    reply = stranger.ask(m.Errors())
    assert [(entry.fault, entry.step) for entry in reply.entries] == [(m.Fault.LEASE_EXPIRED, 0)]


def test_a_silent_host_in_the_dark_is_no_fault(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    ticks = stranger.status().ticks
    hz = stranger.hello(session=1).ticks_hz
    while stranger.status().ticks - ticks < 2 * hz * m.LEASE_MIN_MS // 1_000:
        pass  # asks all the time: what is looked for is that time passes on the board
    assert stranger.status().state is m.BoardState.IDLE


# --- line ---------------------------------------------------------------------------------------------------


def test_a_repeated_command_is_answered_again_and_acts_once(board: Any, host: Any) -> None:
    step = steps_of([1])[0]
    host.do(m.ProgrammeBegin(1, checksum_of([step])))
    assert host.ask(step, seq=200) == m.Ok()
    assert host.ask(step, seq=200) == m.Ok()  # a second step would be out of turn
    assert host.ask(m.Light(1, 0, 10_000), seq=201) == m.Ok()
    assert host.ask(m.Light(1, 0, 10_000), seq=201) == m.Ok()
    assert board.masks() == [0b10]
    assert host.ask(m.Stats()).frames_repeated == 2


def test_a_repeated_start_runs_once(board: Any, host: Any) -> None:
    load(host, steps_of([1, 2]))
    host.do(m.Arm())
    assert host.ask(m.Start(), seq=210) == m.Ok()
    assert host.ask(m.Start(), seq=210) == m.Ok()
    host.await_event(m.ProgrammeDone)
    assert board.masks() == [1, 0, 2, 0]


def test_the_same_number_with_other_content_is_another_command(board: Any, host: Any) -> None:
    assert host.ask(m.Light(1, 0, 10_000), seq=5) == m.Ok()
    assert host.ask(m.Light(2, 0, 10_000), seq=5) == m.Ok()
    assert board.masks() == [0b10, 0b100]


def test_a_kept_reply_does_not_outlive_its_session(board: Any, host: Any) -> None:
    host.ask(m.Light(1, 0, 10_000), seq=5)
    host.hello(session=2)
    assert host.ask(m.Light(1, 0, 10_000), seq=5) == m.Ok()
    assert board.masks() == [0b10, 0, 0b10]


def test_noise_is_survived_and_counted(board: Any, host: Any) -> None:
    chance = random.Random(3)
    bad = host.ask(m.Stats()).frames_bad
    for _ in range(20):
        host.link.write(chance.randbytes(200) + b"\0")
        assert isinstance(host.ask(m.Ping()), m.Pong)
    assert host.ask(m.Stats()).frames_bad >= bad + 20
    assert board.masks() == []


def test_a_damaged_frame_is_not_obeyed(board: Any, host: Any) -> None:
    wire = bytearray(Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack()).encode())
    wire[3] ^= 4
    host.link.write(bytes(wire))
    assert isinstance(host.ask(m.Ping()), m.Pong)
    assert board.masks() == []


@pytest.mark.parametrize(
    "frame",
    [
        Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack() + b"\0"),
        Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack()[:-1]),
        Frame(50, m.Ping.ID, b"\0"),
        Frame(50, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, 5, 1_000).pack() + b"\0"),
        Frame(50, m.Hello.ID, b"\1\0"),
    ],
    ids=str,
)
def test_a_frame_of_the_wrong_length_is_damaged_and_not_answered(board: Any, host: Any, frame: Frame) -> None:
    bad = host.ask(m.Stats()).frames_bad
    host.link.write(frame.encode())
    assert host.ask(m.Stats()).frames_bad == bad + 1
    assert host.heard == []
    assert board.masks() == []


def test_portions_of_a_frame_are_put_together(board: Any, host: Any) -> None:
    for byte in Frame(60, m.Light.ID, m.Light(3, 0, 10_000).pack()).encode():
        host.link.write(bytes((byte,)))
    assert host.reply(60) == m.Ok()
    assert board.lights.mask() == 1 << 3


def test_its_own_replies_thrown_back_are_ignored(host: Any) -> None:
    host.link.write(Frame(70, m.Ok.ID).encode() + Frame(71, m.Card.ID, m.Card(1, 1).pack()).encode())
    assert isinstance(host.ask(m.Ping()), m.Pong)
    assert host.heard == []


def test_another_host_can_take_over(board: Any, host: Any, another_host: Callable[[], Any]) -> None:
    host.do(m.Light(1, 0, 10_000))
    host.link.close()
    successor = another_host()
    successor.hello(session=2)
    assert board.lights.mask() == 0
    successor.do(m.Light(2, 0, 10_000))
    assert board.masks() == [0b10, 0, 0b100]


# --- programme ----------------------------------------------------------------------------------------------


def test_a_programme_runs_each_step_once_in_order_and_reports_it(board: Any, host: Any) -> None:
    masks = [0, *(1 << light for light in range(8)), 0b11]
    hz = host.hello(session=4).ticks_hz
    load(host, steps_of(masks))
    host.do(m.Arm())
    assert host.status().state is m.BoardState.ARMED
    host.do(m.Start())
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.COMPLETED, len(masks))
    steps = host.events[:-1]
    assert [(step.index, step.mask) for step in steps] == list(enumerate(masks))
    assert all(step.flags & m.StepFlag.TRIGGER for step in steps)
    for step in steps:
        assert (step.trigger_ticks - step.on_ticks) / hz >= 499e-6
        assert (step.off_ticks - step.trigger_ticks) / hz >= 1_999e-6
    for one, following in pairwise(steps):
        assert (following.on_ticks - one.off_ticks) / hz >= 999e-6
    assert board.masks() == [mask for lit in masks[1:] for mask in (lit, 0)]


def test_a_programme_can_run_again_after_arming_again(board: Any, host: Any) -> None:
    load(host, steps_of([1]))
    for _ in range(3):
        host.do(m.Arm(), m.Start())
        host.await_event(m.ProgrammeDone)
        host.events.clear()
        assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)
    assert board.masks() == [1, 0] * 3


def test_a_full_programme_fits(host: Any) -> None:
    load(host, steps_of([1 << index % 8 for index in range(m.STEPS_MAX)], expose_us=100, gap_us=m.GAP_MIN_US))
    host.do(m.Arm(), m.Start())
    host.await_event(m.ProgrammeDone)
    assert [step.index for step in host.events[:-1]] == list(range(m.STEPS_MAX))


def test_reports_that_nobody_takes_hold_the_programme_up_but_are_not_lost(board: Any, host: Any) -> None:
    masks = [1 << index % 8 for index in range(12)]
    load(host, steps_of(masks, expose_us=100, gap_us=m.GAP_MIN_US))
    host.acknowledging = False
    host.do(m.Arm(), m.Start())
    ticks = host.status().ticks
    while host.status().ticks - ticks < host.hello(session=1).ticks_hz // 10:
        pass  # ten times as long as all steps take together
    assert host.status().state is m.BoardState.RUNNING
    assert host.status().mask == 0
    host.acknowledging = True
    host.await_event(m.ProgrammeDone)
    steps = host.events[:-1]
    assert [step.index for step in steps] == list(range(12))
    assert any(step.flags & m.StepFlag.LATE for step in steps)
    assert host.ask(m.Stats()).events_lost == 0
    assert board.masks() == [mask for lit in masks for mask in (lit, 0)]


def test_nothing_else_is_lit_while_a_programme_runs(host: Any) -> None:
    load(host, steps_of([1], expose_us=9_000_000))
    host.do(m.Arm(), m.Start())
    for command in (m.Light(1, 0, 1_000), m.Lights(1, 0, 1_000), m.ProgrammeBegin(1, 0), m.Arm(), m.Start()):
        assert host.ask(command) == m.Refused(m.Refusal.BUSY)
    assert host.status().step == 0
    host.do(m.Off())


@pytest.mark.parametrize("stop", [m.Abort(), m.Off()], ids=["abort", "off"])
def test_a_programme_can_be_stopped(board: Any, host: Any, stop: m.Command) -> None:
    load(host, steps_of([1, 2, 4], expose_us=9_000_000))
    host.do(m.Arm(), m.Start())
    assert board.lights.mask() == 1 or host.status().mask == 1
    host.do(stop)
    assert board.lights.mask() == 0
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.ABORTED, 0)
    assert host.status().state is m.BoardState.LOADED


def test_aborting_disarms(host: Any) -> None:
    load(host, steps_of([1]))
    host.do(m.Arm(), m.Abort())
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


def test_a_light_disarms(host: Any) -> None:
    load(host, steps_of([1]))
    host.do(m.Arm(), m.Light(0, 0, 10_000))
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


def test_a_programme_with_a_wrong_checksum_is_refused(host: Any) -> None:
    steps = steps_of([1, 2])
    host.do(m.ProgrammeBegin(2, checksum_of(steps) ^ 1), *steps)
    assert host.ask(m.ProgrammeEnd()) == m.Refused(m.Refusal.BAD_CHECKSUM)
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.NO_PROGRAMME)


def test_steps_out_of_turn_or_missing_are_refused(host: Any) -> None:
    steps = steps_of([1, 2])
    host.do(m.ProgrammeBegin(2, checksum_of(steps)))
    assert host.ask(steps[1]) == m.Refused(m.Refusal.BAD_STEP)
    host.do(steps[0])
    assert host.ask(steps[0]) == m.Refused(m.Refusal.BAD_STEP)
    assert host.ask(m.ProgrammeEnd()) == m.Refused(m.Refusal.BAD_STEP)
    host.do(steps[1])
    assert host.ask(m.ProgrammeStep(2, 1, 0, 0, 100, 1_000)) == m.Refused(m.Refusal.BAD_STEP)
    host.do(m.ProgrammeEnd(), m.Arm())


@pytest.mark.parametrize(
    "step",
    [
        m.ProgrammeStep(0, 1, 0, 0, m.EXPOSURE_MIN_US - 1, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, m.MAX_ON_MAX_MS * 1_000 + 1, 1_000),
        m.ProgrammeStep(0, 1, 0, 1, m.MAX_ON_MAX_MS * 1_000, 1_000),
        m.ProgrammeStep(0, 1, 0, 0xFFFF_FFFF, 100, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, 0xFFFF_FFFF, 1_000),
        m.ProgrammeStep(0, 1, 0, 0x8000_0000, 0x8000_0064, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, 100, m.GAP_MIN_US - 1),
        m.ProgrammeStep(0, 1, 0, 0, 100, m.GAP_MAX_US + 1),
    ],
    ids=str,
)
def test_a_step_beyond_the_limits_is_not_armed(host: Any, step: m.ProgrammeStep) -> None:
    load(host, [step])
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.BAD_DURATION)
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


# --- events and panel ---------------------------------------------------------------------------------------


def test_buttons_are_reported_pressed_and_released(board: Any, host: Any) -> None:
    for button in (0, 1):
        board.order(f"press {button} 60")
        while len(host.events) < 2:
            host.listen()
        assert [(e.button, e.pressed) for e in host.events] == [(button, 1), (button, 0)]
        assert host.events[1].ticks > host.events[0].ticks
        host.events.clear()
    assert host.status().buttons == 0


def test_a_button_held_down_shows_in_the_status(fresh_board: Any, host: Any) -> None:
    fresh_board.order("press 1 60000")
    host.await_event(m.Button)
    assert host.status().buttons == 0b10


def test_the_card_sensor_is_reported(board: Any, host: Any) -> None:
    board.order("card 1")
    assert host.await_event(m.Card).present == 1
    assert host.status().card_present == 1
    host.events.clear()
    board.order("card 0")
    assert host.await_event(m.Card).present == 0


def test_an_event_is_repeated_until_acknowledged(board: Any, host: Any) -> None:
    host.acknowledging = False
    board.order("card 1")
    while len(host.numbers) < 4:
        host.listen()
    assert set(host.numbers) == {1}
    host.link.write(Frame(9, m.Ack.ID).encode())  # another number: not this one
    while len(host.numbers) < 6:
        host.listen()
    assert host.status().events_waiting == 1
    host.acknowledging = True
    board.order("card 0")
    while 2 not in host.numbers:
        host.listen()
    assert [event.present for event in host.events] == [1, 0]
    while host.status().events_waiting:
        host.listen()
    assert host.ask(m.Stats()).events_repeated >= 5


def test_events_beyond_the_queue_are_counted_as_lost(board: Any, host: Any) -> None:
    host.acknowledging = False
    room = m.EVENT_QUEUE - m.EVENT_RESERVE
    for number in range(room + 3):
        board.order(f"card {(number + 1) % 2}")
        while host.status().card_present != (number + 1) % 2:
            pass
    assert host.status().events_waiting == room
    assert host.ask(m.Stats()).events_lost == 3


def test_a_fault_is_reported_even_when_buttons_filled_the_queue(board: Any, host: Any) -> None:
    host.acknowledging = False
    for number in range(m.EVENT_QUEUE):
        board.order(f"card {(number + 1) % 2}")
        while host.status().card_present != (number + 1) % 2:
            pass
    host.do(m.Light(0, 0, 10))
    board.wait_dark()
    host.acknowledging = True
    assert host.await_event(m.FaultRaised).fault is m.Fault.MAX_ON_EXPIRED


def test_the_buzzer_sounds(board: Any, host: Any) -> None:
    beeps = int(board.state()["beeps"])
    host.do(m.Buzzer(2_000, 80))
    while int(board.state()["buzzer_ms"]) < 70:
        host.do(m.Indicator(m.Pattern.ON))
    assert int(board.state()["beeps"]) == beeps + 1
    assert int(board.state()["buzzer_hz"]) == pytest.approx(2_000, rel=0.02)


def test_pings_tell_the_boards_time(host: Any) -> None:
    ticks = [host.ask(m.Ping()).ticks for _ in range(5)]
    assert ticks == sorted(set(ticks))


# --- restarts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "cause"),
    [("reset", m.ResetCause.EXTERNAL), ("hang", m.ResetCause.WATCHDOG)],
    ids=["reset", "hang"],
)
def test_a_restarted_board_is_dark_and_says_so(
    board: Any, host: Any, another_host: Callable[[], Any], order: str, cause: m.ResetCause
) -> None:
    nonce = host.ask(m.Ping()).boot_nonce
    host.do(m.Light(4, 0, 10_000))
    board.order(order)
    board.wait_dark()
    while not host.heard:  # a hanging board answers nothing; ask until it is back
        host.send(m.Ping())
        for _ in range(10):
            host.listen()
    assert m.Refused.unpack(host.heard[0].payload).reason is m.Refusal.NO_SESSION
    host.heard.clear()
    reply = host.hello(session=1)
    assert reply.boot_nonce != nonce
    assert reply.reset_cause is cause
    host.do(m.Light(4, 0, 10_000))


def test_an_orderly_end_leaves_no_light(fresh_board: Any, host: Any) -> None:
    host.do(m.Lights(0xFF, 0, 10_000))
    assert fresh_board.end() == 0
    assert fresh_board.lights.mask() == 0
    assert not fresh_board.link.exists()
