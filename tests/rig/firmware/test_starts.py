"""A programme that starts at a tick, from the pins."""

from collections.abc import Callable
from typing import Any

import pytest

from station.documents.fault import StationError
from station.wire import messages as m

CYCLES_PER_US = 16
CYCLES_PER_TICK = 8
TICKS_PER_US = 2
TICKS_PER_MS = 2_000
WRAP = 1 << 32
HALF = 1 << 16
EXACT_US = 10
EXACT_TICKS = 20
TRIES = 5  # a busy machine may be too late for a moment that comes only once
STEPS = [m.ProgrammeStep(0, 0x10, 1, 200, 1_000, 1_000)]

Armed = Callable[[Any, list[m.ProgrammeStep]], None]


def in_time(rig: Any, at: int) -> bool:
    """Start the armed programme at this tick; False: it had passed, and the programme is still armed."""
    try:
        rig.ask(m.StartAt(at))
    except StationError as refused:
        if m.Refusal.BAD_TIME.says not in str(refused):
            raise
        return False
    return True


def start_in(rig: Any, milliseconds: float) -> int:
    """Start the armed programme so much later; returns the tick."""
    for _ in range(TRIES):
        at = int(rig.ask(m.Ping()).ticks + round(milliseconds * TICKS_PER_MS)) % WRAP
        if in_time(rig, at):
            return at
    pytest.fail("this machine was never in time for a start")


def first_on(watched: Any, poll: Any, since: int) -> int:
    """The cycle of the first light after so many edges; waits until the step is over."""
    poll(lambda: len(watched.edges()) >= since + 4, "the step was done")
    return int(watched.edges()[since].cycle)


def is_exact(cycles: int, ticks: int) -> bool:
    return abs(cycles - ticks % WRAP * CYCLES_PER_TICK) <= EXACT_US * CYCLES_PER_US


def is_exact_by_the_timer(watched: Any, cycle: int, tick: int) -> bool:
    """What the chip's timer shows is the lower half of the clock."""
    state = watched.board.state()
    passed = (int(state["cycle"]) - cycle) // CYCLES_PER_TICK
    off = (int(state["timer1"]) - passed - tick + HALF // 2) % HALF - HALF // 2
    return abs(off) <= EXACT_TICKS


@pytest.mark.parametrize("ppm", [-5_000, 0, 5_000])
def test_the_first_light_goes_on_at_its_tick_whatever_the_clock(
    watch: Any, connect: Any, armed: Armed, poll: Any, ppm: int
) -> None:
    """Over all starts, ticks pass as the pins' cycles do; and the first was right by the timer itself."""
    watched = watch("--clock-ppm", str(ppm))
    rig = connect(watched)
    found = []
    for ahead_ms in (250, 150.0005, 433.21, 61.007, 700):
        armed(rig, STEPS)
        at = start_in(rig, ahead_ms)
        found.append((first_on(watched, poll, 4 * len(found)), at))
    (cycle, tick), *others = found
    assert all(is_exact(other_cycle - cycle, at - tick) for other_cycle, at in others), found
    assert is_exact_by_the_timer(watched, cycle, tick)


@pytest.mark.parametrize("beside", [-30, -1, 0, 1, 5, 20])
def test_a_start_beside_the_end_of_the_timer_is_reported_like_any_other(
    watched: Any, raw_host: Any, armed: Armed, poll: Any, beside: int
) -> None:
    """The timer runs over every 33 ms, here while the stage keeps the interrupt out that counts that."""
    raw_host.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 3, m.LEASE_MAX_MS))
    armed(raw_host, STEPS)
    at = (raw_host.ask(m.Ping()).ticks // HALF + 6) * HALF + beside
    assert raw_host.ask(m.StartAt(at % WRAP)) == m.Ok()
    assert is_exact_by_the_timer(watched, first_on(watched, poll, 0), at)
    while not raw_host.events:
        raw_host.listen()
    done = raw_host.events[0]
    assert 0 <= done.on_ticks - at <= EXACT_TICKS
    assert 0 <= done.trigger_ticks - done.on_ticks - 200 * TICKS_PER_US <= EXACT_TICKS
    assert 0 <= done.off_ticks - done.trigger_ticks - 1_000 * TICKS_PER_US <= EXACT_TICKS


def test_a_start_may_lie_beyond_the_end_of_the_clock(watched: Any, rig: Any, armed: Armed, poll: Any) -> None:
    upper = watched.addresses("upper")  # half of the clock; one of it is 33 ms
    before = 0
    for _ in range(TRIES):
        watched.poke(upper + 1, 0xFF)
        watched.poke(upper, 0xD8)  # the clock runs over in some 1.3 s
        armed(rig, STEPS)
        early = start_in(rig, 150)
        early_cycle = first_on(watched, poll, before)
        before = len(watched.edges())
        armed(rig, STEPS)
        ahead = rig.ask(m.Ping()).ticks > WRAP // 2 and in_time(rig, 50 * TICKS_PER_MS)
        if ahead and rig.ask(m.Ping()).ticks > WRAP // 2:
            break
        rig.ask(m.Abort())
    else:
        pytest.fail("this machine was never in time for the end of the clock")
    late_cycle = first_on(watched, poll, before)
    assert is_exact(late_cycle - early_cycle, 50 * TICKS_PER_MS - early)


def test_no_other_moment_of_the_lower_half_of_the_clock_starts_it(
    watched: Any, rig: Any, armed: Armed
) -> None:
    """The compare register has 16 bits and matches every 33 ms while the start is still far."""
    armed(rig, STEPS)
    start_in(rig, 4_900)
    watched.wait_ms(500)
    assert watched.edges() == []
    assert rig.ask(m.Status()).step == m.NO_STEP
    rig.ask(m.Off())


def test_a_start_that_is_called_off_never_comes(watched: Any, rig: Any, armed: Armed) -> None:
    armed(rig, STEPS)
    start_in(rig, 200)
    rig.ask(m.Off())
    watched.wait_ms(400)
    assert watched.edges() == []
