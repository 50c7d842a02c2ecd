"""What a board does when something goes wrong."""

from typing import Any

from station.wire import messages as m


def test_a_fault_is_latched_until_cleared_and_remembered_after(board: Any, host: Any) -> None:
    host.do(m.Light(0, 0, 30))
    host.await_event(m.FaultRaised)
    for command in (
        m.Light(1, 0, 1_000),
        m.Lights(1, 255, 0, 1_000),
        m.ProgrammeBegin(1, 0),
        m.Arm(),
        m.Start(),
    ):
        assert host.ask(command) == m.Refused(m.Refusal.FAULT_LATCHED)
    assert isinstance(host.ask(m.Ping()), m.Pong)
    host.do(m.Off(), m.Abort(), m.Indicator(m.Pattern.FAST, m.Colour.RED))
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
    stranger.do(m.Lights(0xFF, 255, 0, 10_000))
    stranger.link.close()
    board.wait_dark()


def test_a_programme_stops_when_the_host_falls_silent(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    stranger.load(stranger.steps([1, 2], expose_us=9_000_000))
    stranger.do(m.Arm(), m.Start())
    board.wait_dark()
    reply = stranger.ask(m.Errors())
    assert [(entry.fault, entry.step) for entry in reply.entries] == [(m.Fault.LEASE_EXPIRED, 0)]


def test_a_silent_host_in_the_dark_is_no_fault(board: Any, stranger: Any) -> None:
    stranger.hello(lease_ms=m.LEASE_MIN_MS)
    board.wait_s(2 * m.LEASE_MIN_MS / 1_000)
    assert stranger.status().state is m.BoardState.IDLE
