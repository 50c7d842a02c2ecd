"""Programmes between this machine's time and the board's, without a board."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.rig.clock import WANDER, BoardClock
from station.rig.interface import ExposureStep
from station.rig.programme import RELOAD_SLACK_US, Programme
from station.wire import messages as m

HZ = 2_000_000
AT_S = 13.0
STEPS = tuple(ExposureStep(light, 333, 4_001, 1_777) for light in range(8)) * 4


def clock_off_by(error: float, round_trip_s: float = 0.0002) -> BoardClock:
    clock = BoardClock(HZ)
    for number in range(30):
        sent_s = number * 0.4
        ticks = round((sent_s + round_trip_s / 2) * HZ * (1 + error))
        clock.feed(sent_s, sent_s + round_trip_s, ticks)
    return clock


def moments_us(programme: Programme) -> list[int]:
    moments = [0]
    for step in programme.steps:
        for us in (step.settle_us, step.expose_us, step.gap_us):
            moments.append(moments[-1] + us)
    return moments


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.009, 0.009))
def test_moments_are_stretched_and_nothing_adds_up(error: float) -> None:
    asked = moments_us(Programme.of(STEPS))
    stretched = moments_us(Programme.timed(STEPS, clock_off_by(error), AT_S))
    for before, after in zip(asked, stretched, strict=True):
        assert after == pytest.approx(before * (1 + error), abs=2 + WANDER * before)


def test_durations_of_the_board_are_left_alone() -> None:
    steps = Programme.of(STEPS).steps
    assert {(step.settle_us, step.expose_us, step.gap_us) for step in steps} == {(333, 4_001, 1_777)}


def test_a_duration_at_the_limit_stays_within_it_on_a_slow_board() -> None:
    shortest = (ExposureStep(0, 0, m.EXPOSURE_MIN_US, m.GAP_MIN_US),) * 8
    for step in Programme.timed(shortest, clock_off_by(-0.009), AT_S).steps:
        assert step.expose_us >= m.EXPOSURE_MIN_US
        assert step.gap_us >= m.GAP_MIN_US


def test_a_duration_below_the_limit_is_left_to_the_board_to_refuse() -> None:
    too_short = (ExposureStep(0, 0, m.EXPOSURE_MIN_US - 20, m.GAP_MIN_US - 20),)
    step = Programme.timed(too_short, clock_off_by(-0.009), AT_S).steps[0]
    assert (step.expose_us, step.gap_us) == (m.EXPOSURE_MIN_US - 20, m.GAP_MIN_US - 20)


def test_a_loaded_programme_serves_while_the_rate_has_hardly_changed() -> None:
    loaded = Programme.timed(STEPS, clock_off_by(0.004), AT_S)
    lasting_us = moments_us(loaded)[-1]
    little = RELOAD_SLACK_US / 2 / lasting_us
    assert loaded.serves(Programme.timed(STEPS, clock_off_by(0.004 + little), AT_S))
    assert not loaded.serves(Programme.timed(STEPS, clock_off_by(0.004 + 4 * little), AT_S))


def test_other_steps_are_never_served_however_alike() -> None:
    clock = clock_off_by(0.004)
    loaded = Programme.timed(STEPS, clock, AT_S)
    other = (replace(STEPS[0], expose_us=STEPS[0].expose_us + 3), *STEPS[1:])
    assert not loaded.serves(Programme.timed(other, clock, AT_S))
    assert not loaded.serves(Programme.timed(STEPS[:-1], clock, AT_S))
    assert not loaded.serves(Programme.of(STEPS))
    assert Programme.of(STEPS).serves(Programme.of(STEPS))
