import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rig.clock import WRAP, BoardClock

HZ = 2_000_000


def fed(clock: BoardClock, error: float, start_ticks: int, seed: int) -> float:
    """Feed round trips of 1 to 5 ms of a board that is off by `error`; returns the board's second nought."""
    chance = random.Random(seed)
    born_s = 1_000.0
    for number in range(40):
        sent_s = born_s + number * 0.375
        there_s, back_s = chance.uniform(0.0005, 0.0025), chance.uniform(0.0005, 0.0025)
        ticks = round(start_ticks + (sent_s + there_s - born_s) * HZ * (1 + error)) % WRAP
        clock.feed(sent_s, sent_s + there_s + back_s, ticks)
    return born_s


@given(st.floats(-0.01, 0.01), st.integers(0, WRAP - 1), st.integers(0, 100))
def test_a_tick_is_placed_within_the_uncertainty_though_the_board_runs_fast_and_wraps(
    error: float, start_ticks: int, seed: int
) -> None:
    clock = BoardClock(HZ)
    born_s = fed(clock, error, start_ticks, seed)
    true_s = born_s + 13.0
    ticks = round(start_ticks + 13.0 * HZ * (1 + error)) % WRAP
    assert clock.monotonic_s(ticks) == pytest.approx(true_s, abs=2 * clock.uncertainty_s)
    assert clock.rate_hz() == pytest.approx(HZ * (1 + error), rel=1e-3)


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


def test_a_rate_that_cannot_be_is_not_believed() -> None:
    clock = BoardClock(HZ)
    clock.feed(5.0, 5.001, 0)
    clock.feed(7.0, 7.001, 3 * HZ)
    assert clock.rate_hz() == HZ


def test_an_unfed_clock_refuses() -> None:
    clock = BoardClock(HZ)
    assert not clock.ready
    with pytest.raises(ValueError, match="never compared"):
        clock.monotonic_s(1)
