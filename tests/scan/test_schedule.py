"""The programme and what follows from it: whatever the clocks do within their bounds, no frame is mixed."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from station.camera.frame_clock import Grid
from station.camera.interface import CameraMode
from station.camera.timing import DARK_US, Known, decide
from station.documents.plan import ScanPlan, Timing
from station.scan.schedule import (
    Exposure,
    Schedule,
    batch_of,
    exposures_of,
    flush,
    locked,
    triggered,
    triggered_us,
    window,
)
from station.wire.messages import EXPOSURE_MIN_US, GAP_MIN_US, STEPS_MAX

ALL = exposures_of(ScanPlan())
PERIOD_US = 33_000
WORST = 0.99
"""Share of the margin by which the clocks are wrong."""


def grid_of(period_s: float, error_s: float = 0.0) -> Grid:
    return Grid(0, 100, 5_000.0, ((-error_s, period_s), (error_s, period_s)))


def mode_of(exposure_us: int, readout_us: int, period_us: int = PERIOD_US) -> CameraMode:
    return CameraMode(640, 820, exposure_us, 1.0, period_us, readout_us)


def edges_us(schedule: Schedule) -> list[tuple[float, float]]:
    """Light on and off of each step after the programme's beginning, as a perfect board does it."""
    edges, now = [], 0.0
    for step in schedule.steps:
        edges.append((now + step.settle_us * 0, now + step.settle_us + step.expose_us))
        now += step.settle_us + step.expose_us + step.gap_us
    return edges


def test_the_plan_asks_for_ambient_and_each_light_in_full() -> None:
    assert (Exposure(None), *(Exposure(light) for light in range(8))) == ALL
    assert [str(one) for one in (ALL[0], ALL[3], Exposure(2, 500))] == [
        "ambient",
        "light 2",
        "light 2 for 500 µs",
    ]


def test_a_batch_is_one_exposure_or_what_a_programme_holds() -> None:
    whole = Timing(kind="whole", period_us=PERIOD_US, frames_per_light=1)
    assert batch_of(ALL, None) == batch_of(ALL, Timing()) == ALL[:1]
    assert batch_of(ALL, whole) == ALL
    many = tuple(Exposure(light % 8, 1_000 + light) for light in range(50))
    assert len(batch_of(many, whole)) == STEPS_MAX
    assert len(batch_of(ALL, whole.replace(period_us=500_000, frames_per_light=2))) == 2
    assert len(batch_of(ALL, whole.replace(period_us=5_000_000))) == 1


modes = st.one_of(
    st.sampled_from([(15_000, 12_000), (32_000, 12_000), (32_000, 28_000)]),
    st.tuples(st.integers(100, 32_000), st.integers(0, 32_000)),
)


@given(modes, st.integers(50, 3_500), st.sampled_from([(-1, 1), (1, -1), (1, 1), (0.3, -1)]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_row_of_any_frame_sees_another_light(
    times_us: tuple[int, int], margin_us: int, wrong: tuple[float, float], bracket: bool
) -> None:
    """Board and camera wrong by as much as the margin allows, in any way: light by row, worked out anew."""
    mode = mode_of(*times_us)
    timing = decide(Known(mode, PERIOD_US, margin_us))
    assume(timing.kind != "gated")
    chosen = ALL
    common_us = mode.exposure_us - mode.readout_us - 2 * margin_us
    if bracket and common_us > 2 * EXPOSURE_MIN_US:
        chosen = tuple(one for light in ALL for one in (light, Exposure(light.light, common_us // 2)))
    schedule = locked(chosen, timing, mode, grid_of(PERIOD_US / 1e6), 5_003.0)
    board_us, camera_us = (share * WORST * margin_us / 2 for share in wrong)
    begin_us = (schedule.at_s or 0.0) * 1e6 + board_us
    burned = [
        (begin_us + on, begin_us + off, step.light)
        for (on, off), step in zip(edges_us(schedule), schedule.steps, strict=True)
        if step.light is not None
    ]
    for shot in schedule.shots:
        start_us = 5_000e6 + ((shot.frame or 0) - 100) * PERIOD_US + camera_us
        for row_us in (0, mode.readout_us / 3, mode.readout_us):
            seen: dict[int, float] = {}
            for on, off, light in burned:
                overlap = min(off, start_us + row_us + mode.exposure_us) - max(on, start_us + row_us)
                if overlap > 0:
                    seen[light] = seen.get(light, 0.0) + overlap
            whole_us = timing.on_us if timing.kind == "strobe" else mode.exposure_us
            expected = (
                {} if shot.exposure.light is None else {shot.exposure.light: shot.exposure.on_us or whole_us}
            )
            assert seen == pytest.approx(expected, abs=1.01)


@given(
    exposure_us=st.integers(100, 32_000), readout_us=st.integers(0, 32_000), margin_us=st.integers(0, 6_000)
)
def test_frames_are_spent_as_the_timing_says_and_steps_are_such_as_a_board_takes(
    exposure_us: int, readout_us: int, margin_us: int
) -> None:
    mode = mode_of(exposure_us, readout_us)
    timing = decide(Known(mode, PERIOD_US, margin_us))
    assume(timing.kind != "gated")
    schedule = locked(ALL, timing, mode, grid_of(PERIOD_US / 1e6), 5_003.0)
    assert schedule.at_s is not None
    assert schedule.at_s >= 5_003.0 - 1e-6
    assert max(schedule.frames) - min(schedule.frames) + 1 == 8 * timing.frames_per_light + 1 <= 17
    assert [step.light for step in schedule.steps] == [None, *range(8)]
    for step in schedule.steps:
        assert step.expose_us >= EXPOSURE_MIN_US
        assert step.gap_us >= min(DARK_US - 2, GAP_MIN_US)
        assert not step.trigger


def test_a_bracket_that_does_not_fit_is_refused() -> None:
    """Brackets are made by on-time within what all rows have in common, never by dimming."""
    mode = mode_of(32_000, 12_000)
    timing = decide(Known(mode, PERIOD_US, 1_000))
    assert (
        window(timing, mode, Exposure(1, 8_000)).off_us - window(timing, mode, Exposure(1, 8_000)).on_us
        == 8_000
    )
    for on_us in (20_001, 10):
        with pytest.raises(ValueError, match="all rows are exposed together for 20000"):
            window(timing, mode, Exposure(1, on_us))


def test_a_triggered_programme_gives_the_camera_its_time() -> None:
    mode = mode_of(15_000, 12_000, 50_000)
    schedule = triggered(ALL, mode, 5_000)
    assert schedule.at_s is None
    assert schedule.frames == ()
    for step in schedule.steps:
        assert step.trigger
        assert step.expose_us >= triggered_us(mode) >= 27_000
        assert step.settle_us + step.expose_us + step.gap_us >= mode.period_us
        assert step.gap_us >= 5_000, "the next frame begins only after the stamp of this one at its latest"
    assert [step.light for step in flush(mode, 5_000).steps] == [None]
