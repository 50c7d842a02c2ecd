"""The clock of the frames: what it says is true to within what it says, whatever stamps do."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.calibrate.profile import load_profile
from station.camera.frame_clock import CONFIRMED, ENOUGH, FrameClock, Stamping
from station.camera.interface import CameraMode

PERIOD_S = 0.033
JITTER_S = 0.001
AFTER_S = 0.0285
AHEAD = 20


@dataclass
class Sensor:
    """A camera that starts frame n at `begun_s + n * period_s`, and its driver."""

    seed: int
    period_s: float = PERIOD_S
    jitter_s: float = JITTER_S
    begun_s: float = 1_000.0
    late_s: dict[int, float] = field(default_factory=dict)
    numbers_gaps: bool = True

    def start_s(self, frame: int) -> float:
        return self.begun_s + frame * self.period_s

    def stamps(self, frames: Iterator[int] | range) -> Iterator[tuple[int, float]]:
        """Sequence number and stamp of each of these frames."""
        chance = random.Random(self.seed)
        for place, frame in enumerate(frames):
            off_s = chance.uniform(-self.jitter_s, self.jitter_s) + self.late_s.get(frame, 0.0)
            yield frame if self.numbers_gaps else place, self.start_s(frame) + AFTER_S + off_s


def fed(sensor: Sensor, frames: Any, clock: FrameClock | None = None) -> FrameClock:
    clock = clock or FrameClock(Stamping(AFTER_S, JITTER_S))
    for sequence, stamp_s in sensor.stamps(frames):
        clock.feed(sequence, stamp_s)
    return clock


def off_s(clock: FrameClock, sensor: Sensor, frame: int) -> tuple[float, float]:
    """By how much the clock is wrong about a frame of the sensor, and by how much it says it may be."""
    grid = clock.grid
    assert grid is not None
    found = grid.start(grid.frame_at(sensor.start_s(frame)))
    return abs(found.at_s - sensor.start_s(frame)), found.error_s


def test_what_a_stamp_means_is_in_the_profile() -> None:
    camera = load_profile("twin").profile.camera
    mode = CameraMode(0, 0, 15_000, 1.0, 33_000, 12_000)
    known = camera.replace(stamp_delay_us=1_500, stamp_jitter_us=700)
    end = Stamping.of(known.replace(stamp_at="end"), mode)
    start = Stamping.of(known.replace(stamp_at="start"), mode)
    assert (end, start) == (Stamping(0.0285, 0.0007), Stamping(0.0015, 0.0007))
    assert Stamping.of(known.replace(stamp_at="unknown"), mode) is None


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(ENOUGH, 60),
    jitter_s=st.sampled_from([0.0, 1e-5, 0.0005, JITTER_S]),
    period_s=st.floats(0.004, 0.2),
    dropped=st.sets(st.integers(1, 70), max_size=20),
    numbers_gaps=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_truth_lies_within_the_bound(
    seed: int, count: int, jitter_s: float, period_s: float, dropped: set[int], numbers_gaps: bool
) -> None:
    sensor = Sensor(seed, period_s, min(jitter_s, period_s / 10), numbers_gaps=numbers_gaps)
    clock = FrameClock(Stamping(AFTER_S, min(JITTER_S, period_s / 10)))
    frames = [frame for frame in range(count + 20) if frame not in dropped][:count]
    for sequence, stamp_s in sensor.stamps(iter(frames)):
        clock.feed(sequence, stamp_s)
    if clock.grid is None:
        assert not numbers_gaps, "more than half of the first frames were dropped without a trace"
        return
    for frame in (frames[0], frames[-1], frames[-1] + AHEAD):
        wrong_s, said_s = off_s(clock, sensor, frame)
        assert wrong_s <= said_s + 1e-9


@given(seed=st.integers(0, 10_000), late=st.integers(0, 31), late_s=st.floats(0.0, 0.2))
@settings(max_examples=60, deadline=None)
def test_one_late_stamp_does_not_mislead(seed: int, late: int, late_s: float) -> None:
    sensor = Sensor(seed, late_s={late: late_s})
    clock = FrameClock(Stamping(AFTER_S, JITTER_S))
    for sequence, stamp_s in sensor.stamps(range(32)):
        clock.feed(sequence, stamp_s)
        if clock.grid is not None:
            wrong_s, said_s = off_s(clock, sensor, sequence + AHEAD)
            assert wrong_s <= said_s + 1e-9
    assert clock.grid is not None


@pytest.mark.parametrize("seed", range(5))
def test_a_hundredth_of_a_second_of_lateness_now_and_then_costs_nothing(seed: int) -> None:
    sensor = Sensor(seed, late_s={5: 0.010, 17: 0.004, 23: 0.012})
    wrong_s, said_s = off_s(fed(sensor, range(32)), sensor, 32 + AHEAD)
    assert wrong_s <= said_s < 2.5 * JITTER_S


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_becomes_smaller_than_the_jitter(seed: int) -> None:
    sensor = Sensor(seed, period_s=PERIOD_S * 1.003)
    said = [off_s(fed(sensor, range(count)), sensor, count + AHEAD)[1] for count in (16, 32, 64)]
    assert said[0] > said[1] > said[2]
    assert said[1] < 1.5 * JITTER_S
    assert said[2] < 0.5 * JITTER_S


def test_a_few_frames_say_nothing() -> None:
    assert fed(Sensor(1), range(ENOUGH - 1)).grid is None
    assert fed(Sensor(1), range(ENOUGH)).grid is not None


def test_stamps_that_jitter_by_more_than_the_profile_says_are_not_believed() -> None:
    assert fed(Sensor(1, jitter_s=4 * JITTER_S), range(64)).grid is None


def test_frames_are_counted_as_the_driver_numbers_them() -> None:
    sensor = Sensor(3)
    grid = fed(sensor, [*range(7, 20), 25, 26, 31]).grid
    assert grid is not None
    assert [grid.frame_at(sensor.start_s(frame)) for frame in (7, 25, 40)] == [7, 25, 40]
    assert grid.next_after(sensor.start_s(50) + 0.01) == 51
    assert grid.period_s == pytest.approx(PERIOD_S, rel=0.01)


def test_drops_that_leave_no_gap_in_the_numbers_show_in_the_stamps() -> None:
    sensor = Sensor(3, numbers_gaps=False)
    clock = fed(sensor, [*range(20), 23, 24, 27, 28])
    grid = clock.grid
    assert grid is not None
    assert grid.frame_at(sensor.start_s(28)) - grid.frame_at(sensor.start_s(0)) == 28
    assert off_s(clock, sensor, 28 + AHEAD)[0] <= off_s(clock, sensor, 28 + AHEAD)[1]


def test_a_camera_that_begins_anew_is_noticed_and_its_period_remembered() -> None:
    first = Sensor(4)
    clock = fed(first, range(40))
    before = clock.grid
    assert before is not None
    again = Sensor(5, begun_s=first.start_s(45) + 0.4 * PERIOD_S)
    fed(again, range(3), clock)
    after = fed(again, range(3, 8), clock).grid
    assert after is not None, f"{CONFIRMED} frames had made the period known"
    assert after.epoch != before.epoch
    wrong_s, said_s = off_s(clock, again, 8 + AHEAD)
    assert wrong_s <= said_s < 2 * JITTER_S


def test_a_frame_that_is_off_the_grid_is_told_from_one_that_lies_on_it() -> None:
    sensor = Sensor(4)
    clock = fed(sensor, range(64))
    grid = clock.grid
    assert grid is not None
    stamp_s = sensor.start_s(64) + AFTER_S
    assert clock.lies_on(grid, stamp_s)
    assert clock.lies_on(grid, stamp_s + 0.9 * JITTER_S)
    assert not clock.lies_on(grid, stamp_s + 2 * JITTER_S)
    assert not clock.lies_on(grid, stamp_s - 2 * JITTER_S)


@pytest.mark.parametrize("pause_frames", [300, 100_000])
def test_after_a_pause_the_clock_is_soon_right_again(pause_frames: int) -> None:
    """A shorter one it knows to count through; after a longer one it begins anew, with the period it knew."""
    sensor = Sensor(6)
    clock = fed(sensor, range(60))
    fed(sensor, range(60 + pause_frames, 66 + pause_frames), clock)
    wrong_s, said_s = off_s(clock, sensor, 66 + pause_frames + AHEAD)
    assert wrong_s <= said_s < 2 * JITTER_S


def test_stamps_that_run_backwards_begin_anew() -> None:
    clock = fed(Sensor(7), range(40))
    sensor = Sensor(8, begun_s=500.0)
    fed(sensor, range(8), clock)
    wrong_s, said_s = off_s(clock, sensor, 8 + AHEAD)
    assert wrong_s <= said_s < 2 * JITTER_S


def test_another_frame_rate_is_learned() -> None:
    first = Sensor(9)
    clock = fed(first, range(40))
    slower = Sensor(10, period_s=2 * PERIOD_S, begun_s=first.start_s(40))
    fed(slower, range(40), clock)
    wrong_s, said_s = off_s(clock, slower, 40 + AHEAD)
    assert wrong_s <= said_s < 2 * JITTER_S
