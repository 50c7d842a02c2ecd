"""A programme that begins at a moment of the board's clock."""

from typing import Any

import pytest

from station.wire import messages as m

AHEAD_S = 0.4  # longer than any command is on its way here
MET_S = 10e-6


def ticks_ahead(host: Any, seconds: float) -> int:
    """The board's clock so many seconds from now."""
    hz = host.hello(session=1).ticks_hz
    return int(host.status().ticks + seconds * hz) % (1 << 32)


def armed(host: Any, masks: tuple[int, ...] = (1, 2)) -> None:
    host.load(host.steps(masks))
    host.do(m.Arm())


def test_the_first_light_goes_on_at_the_tick(board: Any, host: Any) -> None:
    armed(host)
    hz = host.hello(session=1).ticks_hz
    at_ticks = ticks_ahead(host, AHEAD_S)
    host.do(m.StartAt(at_ticks))
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.COMPLETED, 2)
    steps = host.events[:-1]
    assert 0 <= (steps[0].on_ticks - at_ticks) % (1 << 32) <= MET_S * hz
    assert [step.flags for step in steps] == [m.StepFlag.TRIGGER] * 2
    assert board.masks() == [1, 0, 2, 0]


def test_until_then_the_board_is_running_dark_and_busy(board: Any, host: Any) -> None:
    armed(host)
    host.do(m.StartAt(ticks_ahead(host, 4.5)))
    status = host.status()
    assert (status.state, status.step, status.mask) == (m.BoardState.RUNNING, m.NO_STEP, 0)
    for command in (
        m.Light(1, 0, 1_000),
        m.ProgrammeBegin(1, 0),
        m.Arm(),
        m.Start(),
        m.StartAt(status.ticks),
    ):
        assert host.ask(command) == m.Refused(m.Refusal.BUSY)
    assert board.masks() == []
    host.do(m.Off())


@pytest.mark.parametrize("ahead_s", [-0.001, -60.0, m.START_AHEAD_MAX_MS / 1_000 + 1.0, 600.0])
def test_a_moment_that_has_passed_or_is_far_away_is_refused(board: Any, host: Any, ahead_s: float) -> None:
    armed(host)
    assert host.ask(m.StartAt(ticks_ahead(host, ahead_s))) == m.Refused(m.Refusal.BAD_TIME)
    assert host.status().state is m.BoardState.ARMED
    assert board.masks() == []
    host.do(m.Start())
    host.await_event(m.ProgrammeDone)


def test_only_an_armed_programme_is_started(host: Any) -> None:
    at_ticks = ticks_ahead(host, AHEAD_S)
    assert host.ask(m.StartAt(at_ticks)) == m.Refused(m.Refusal.NOT_ARMED)
    host.load(host.steps([1]))
    assert host.ask(m.StartAt(at_ticks)) == m.Refused(m.Refusal.NOT_ARMED)


@pytest.mark.parametrize("stop", [m.Abort(), m.Off()], ids=["abort", "off"])
def test_the_waiting_can_be_stopped(board: Any, host: Any, stop: m.Command) -> None:
    armed(host)
    host.do(m.StartAt(ticks_ahead(host, AHEAD_S)), stop)
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.ABORTED, 0)
    assert host.status().state is m.BoardState.LOADED
    board.wait_s(AHEAD_S)
    assert board.masks() == []


def test_the_waiting_ends_when_the_host_falls_silent(board: Any, stranger: Any) -> None:
    stranger.hello(session=1, lease_ms=m.LEASE_MIN_MS)
    armed(stranger)
    stranger.do(m.StartAt(ticks_ahead(stranger, AHEAD_S)))
    board.wait_s(AHEAD_S)
    assert board.masks() == []
    raised = stranger.ask(m.Errors()).entries
    assert [(entry.fault, entry.step) for entry in raised] == [(m.Fault.LEASE_EXPIRED, m.NO_STEP)]


def test_a_new_session_ends_the_waiting(board: Any, host: Any) -> None:
    armed(host)
    host.do(m.StartAt(ticks_ahead(host, AHEAD_S)))
    host.hello(session=2)
    board.wait_s(AHEAD_S)
    assert board.masks() == []
    assert host.status().state is m.BoardState.IDLE


def test_the_same_programme_can_be_started_at_a_moment_and_at_once(board: Any, host: Any) -> None:
    armed(host, (4,))
    host.do(m.StartAt(ticks_ahead(host, AHEAD_S)))
    host.await_event(m.ProgrammeDone)
    host.events.clear()
    host.do(m.Arm(), m.Start())
    host.await_event(m.ProgrammeDone)
    assert board.masks() == [4, 0] * 2
