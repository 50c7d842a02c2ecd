"""What the clock says of the board's time: its error is an upper bound, whatever line and board do."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from station.rig.clock import RATE_TOLERANCE, WANDER, WRAP, BoardClock

HZ = 2_000_000
BORN_S = 1_000.0


@dataclass(frozen=True)
class Board:
    """A board whose rate is off by `error`, rises by `wander` in half a period, and falls again."""

    error: float
    first_ticks: int
    wander: float = 0.0
    period_s: float = 60.0

    def counted(self, when_s: float) -> float:
        """Ticks since it was born: the rate is a triangle, this its area."""
        passed_s = when_s - BORN_S
        rounds, phase = divmod(passed_s / self.period_s, 1.0)
        rise = phase * phase if phase <= 0.5 else 0.5 - (1 - phase) ** 2
        gained_s = self.wander * self.period_s * (rounds * 0.5 + rise)
        return (passed_s * (1 + self.error) + gained_s) * HZ

    def ticks(self, when_s: float) -> int:
        return int(self.first_ticks + self.counted(when_s)) % WRAP

    def when_s(self, ticks: int, near_s: float) -> float:
        """The moment, close to another, at which it showed these ticks."""
        when_s = near_s
        for _ in range(6):
            ahead = (ticks - self.first_ticks - self.counted(when_s) + WRAP / 2) % WRAP - WRAP / 2
            when_s += ahead / HZ
        return when_s


@dataclass(frozen=True)
class Line:
    """Delays of a round trip: drawn for each way, now and then a very long one, perhaps all on one side."""

    seed: int
    usual_s: float
    long_s: float
    lopsided: int

    def trips(self) -> Callable[[], tuple[float, float]]:
        chance = random.Random(self.seed)

        def trip() -> tuple[float, float]:
            there_s, back_s = (
                chance.uniform(0.1, 1.0) * (self.long_s if chance.random() < 0.15 else self.usual_s)
                for _ in range(2)
            )
            return (
                (there_s, 0.0)
                if self.lopsided > 0
                else (0.0, back_s)
                if self.lopsided < 0
                else (there_s, back_s)
            )

        return trip


def compare(clock: BoardClock, board: Board, line: Line, times_s: list[float]) -> float:
    """Feed round trips that begin at these times after birth; returns when the last had come back."""
    trip = line.trips()
    received_s = BORN_S
    for time_s in times_s:
        sent_s = max(received_s, BORN_S + time_s)
        there_s, back_s = trip()
        received_s = sent_s + there_s + back_s
        clock.feed(sent_s, received_s, board.ticks(sent_s + there_s))
    return received_s


BOARDS = st.builds(
    Board,
    st.floats(-0.99 * RATE_TOLERANCE, 0.99 * RATE_TOLERANCE),
    st.integers(0, WRAP - 1),
    st.floats(0.0, WANDER * 0.99),
    st.floats(1.0, 400.0),
)
LINES = st.builds(
    Line,
    st.integers(0, 1_000),
    st.sampled_from([1e-4, 3e-3, 0.05]),
    st.sampled_from([0.02, 0.8]),
    st.integers(-1, 1),
)
OPENED = [0.0, 0.0, 0.0, 0.0]  # one after the other when a rig is opened
RHYTHMS = st.builds(
    lambda every_s, count: [*OPENED, *(every_s * (number + 1) for number in range(count))],
    st.sampled_from([0.08, 0.375, 15.0]),
    st.integers(0, 40),
)


@settings(max_examples=150, deadline=None)
@example(Board(0.0, 0), Line(0, 1e-4, 0.02, -1), [*OPENED, *(0.08 * number for number in range(1, 8))], 0.0)
@given(BOARDS, LINES, RHYTHMS, st.floats(0.0, 10.0))
def test_a_moment_to_come_is_met_within_the_error(
    board: Board, line: Line, times_s: list[float], ahead_s: float
) -> None:
    clock = BoardClock(HZ)
    wanted_s = compare(clock, board, line, times_s) + ahead_s
    met_s = board.when_s(clock.ticks_at(wanted_s), wanted_s)
    assert abs(met_s - wanted_s) <= clock.error_s(ahead_s)


@settings(max_examples=150, deadline=None)
@given(BOARDS, LINES, RHYTHMS, st.floats(0.0, 8.0))
def test_a_moment_that_was_is_told_within_the_error(
    board: Board, line: Line, times_s: list[float], ago_s: float
) -> None:
    clock = BoardClock(HZ)
    was_s = max(BORN_S, compare(clock, board, line, times_s) - ago_s)
    ticks = board.ticks(was_s)
    assert abs(clock.monotonic_s(ticks) - was_s) <= clock.error_at_s(ticks)


@settings(max_examples=100, deadline=None)
@given(BOARDS, LINES, RHYTHMS, st.floats(-5.0, 10.0))
def test_one_way_is_the_inverse_of_the_other(
    board: Board, line: Line, times_s: list[float], ahead_s: float
) -> None:
    clock = BoardClock(HZ)
    when_s = compare(clock, board, line, times_s) + ahead_s
    assert clock.monotonic_s(clock.ticks_at(when_s)) == pytest.approx(when_s, abs=2 / HZ)


GOOD = Line(5, 0.002, 0.002, 0)


@pytest.mark.parametrize("error", [-0.005, 0.0, 0.005])
def test_the_error_is_small_as_soon_as_the_rate_shows(error: float) -> None:
    clock, board = BoardClock(HZ), Board(error, WRAP - 3 * HZ)
    compare(clock, board, GOOD, OPENED)
    assert clock.error_s(1.0) > RATE_TOLERANCE  # at first there is only the nominal rate
    assert clock.rate_hz() == HZ
    compare(clock, board, GOOD, [0.375 * number for number in range(1, 9)])
    assert clock.error_s(1.0) < 0.003
    assert clock.rate_hz() == pytest.approx(HZ * (1 + error), rel=1e-3)


def test_the_error_grows_with_the_distance() -> None:
    clock = BoardClock(HZ)
    compare(clock, Board(0.002, 0), GOOD, [0.375 * number for number in range(20)])
    errors = [clock.error_s(ahead_s) for ahead_s in (0.0, 0.5, 1.0, 5.0, 60.0)]
    assert errors == sorted(errors)
    assert errors[0] == pytest.approx(clock.uncertainty_s, rel=0.5)
    assert errors[-1] > 60.0 * WANDER


def test_one_round_trip_is_enough_to_begin() -> None:
    clock = BoardClock(HZ)
    clock.feed(5.0, 5.002, 100)
    assert clock.monotonic_s(100 + HZ) == pytest.approx(6.001)
    assert clock.uncertainty_s == pytest.approx(0.001)


def test_a_slow_round_trip_does_not_spoil_the_estimate() -> None:
    clock = BoardClock(HZ)
    clock.feed(5.0, 5.001, 1_000)
    clock.feed(6.0, 6.8, 1_000 + round(1.7 * HZ))  # the reply waited for the host
    assert clock.uncertainty_s == pytest.approx(0.0005)
    assert clock.monotonic_s(1_000 + HZ) == pytest.approx(6.0005)


@pytest.mark.parametrize("jump_s", [-1.5, 0.5, 1_000.0])
def test_what_contradicts_the_newest_is_forgotten(jump_s: float) -> None:
    clock = BoardClock(HZ)
    for number in range(5):
        clock.feed(5.0 + number, 5.001 + number, number * HZ)
    clock.feed(10.0, 10.001, round((5.0 + jump_s) * HZ) % WRAP)
    assert clock.rate_hz() == HZ
    assert clock.monotonic_s(round((5.0 + jump_s) * HZ) % WRAP) == pytest.approx(10.0005)


def test_ticks_run_over_between_two_comparisons() -> None:
    clock = BoardClock(HZ)
    clock.feed(5.0, 5.001, WRAP - HZ)
    clock.feed(10.0, 10.001, 4 * HZ)
    assert clock.monotonic_s(0) == pytest.approx(6.0005, abs=0.001)
    assert (
        clock.ticks_at(6.0005) == pytest.approx(0, abs=0.001 * HZ)
        or clock.ticks_at(6.0005) > WRAP - 0.001 * HZ
    )


def test_an_unfed_clock_refuses() -> None:
    clock = BoardClock(HZ)
    assert not clock.ready
    for ask in (clock.monotonic_s, clock.ticks_at, clock.error_s, clock.error_at_s):
        with pytest.raises(ValueError, match="never compared"):
            ask(1)
