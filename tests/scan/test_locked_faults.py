"""What goes wrong while lights are locked to frames is noticed, told, retaken or refused, not kept quiet."""

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from station.documents.plan import ScanPlan
from station.scan import machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Bench, Witness

    from station.scan.runner import ScanRunner

PATIENT = ScanPlan(attempts_per_light=10)


@pytest.fixture
def profile(profile_with: Any) -> Any:
    return profile_with(stamp_at="end", stamp_delay_us=1_500, stamp_jitter_us=500)


def all_right(one: "Witness", wrong: Any) -> bool:
    return [line for taken in one.frames if (line := wrong(taken, one.stack))] == []


def test_dropped_frames_are_retaken(make_bench: Any, profile: Any, wrong: Any) -> None:
    bench: Bench = make_bench()
    [one] = bench.scan(bench.dropping(every=7), PATIENT, profile=profile)
    assert one.kind == "whole"
    assert all_right(one, wrong)
    assert any("did not come" in line for line in one.retakes)


def test_a_frame_that_never_comes_fails_the_scan_with_the_reason(make_bench: Any, profile: Any) -> None:
    """Every other frame is lost, and with it every other light, again and again."""
    bench: Bench = make_bench()
    [one] = bench.scan(bench.dropping(every=2), ScanPlan(attempts_per_light=2), profile=profile)
    if one.stack is None:
        assert one.news[-1].code == "frames_mismatched"
        assert "did not come, in each of 2 attempts" in one.news[-1].message
    assert any("did not come" in line for line in one.retakes)
    assert bench.burning() == 0


def test_a_camera_that_begins_anew_in_mid_programme(make_bench: Any, profile: Any, wrong: Any) -> None:
    bench: Bench = make_bench()
    camera = bench.stumbling()
    seen = bench.scan(camera, PATIENT, scans=2, profile=profile)
    assert camera.done
    assert seen[0].retakes, "what the break spoiled was taken again"
    assert all(all_right(one, wrong) for one in seen)


def test_a_board_that_hears_too_late_is_given_more_time(make_bench: Any, profile: Any, wrong: Any) -> None:
    bench: Bench = make_bench()
    [one] = bench.scan(bench.camera(), profile=profile, late_runs=2)
    assert one.kind == "whole"
    assert all_right(one, wrong)
    assert one.span == 9


def test_a_board_that_never_hears_in_time_fails_the_scan_with_the_reason(
    make_bench: Any, profile: Any
) -> None:
    bench: Bench = make_bench()
    [one] = bench.scan(bench.camera(), ScanPlan(attempts_per_light=1), profile=profile, late_runs=9)
    assert one.stack is None
    assert one.news[-1].code == "frames_mismatched"
    assert "the board heard too late" in one.news[-1].message
    assert bench.burning() == 0


def test_a_line_too_slow_for_its_clock_falls_back_to_gated(make_bench: Any, profile: Any, wrong: Any) -> None:
    """Round trips of 40 ms leave the board's clock uncertain by more than a frame has room for."""
    bench: Bench = make_bench("--fault", "delay 40")
    [one] = bench.scan(bench.camera(), profile=profile)
    assert one.plan is not None
    assert one.plan.timing is not None
    assert one.kind == "gated"
    assert "too uncertain" in one.plan.timing.why
    assert all_right(one, wrong)


def test_stamps_that_scatter_fall_back_to_gated(make_bench: Any, profile: Any, wrong: Any) -> None:
    bench: Bench = make_bench()
    [one] = bench.scan(bench.camera(jitter_us=4_000), profile=profile)
    assert one.plan is not None
    assert one.plan.timing is not None
    assert one.kind == "gated"
    assert "0.5 ms" in one.plan.timing.why
    assert all_right(one, wrong)


def test_a_profile_that_is_wrong_about_the_stamps_does_not_get_mixed_frames_through(
    make_bench: Any, profile_with: Any, wrong: Any
) -> None:
    """The times agree with each other and are all wrong; the pictures do not look like their lights."""
    bench: Bench = make_bench()
    profile = profile_with(stamp_at="end", stamp_delay_us=1_500 + 12_000, stamp_jitter_us=500)
    [one] = bench.scan(bench.camera(), profile=profile)
    assert one.retakes
    assert one.stack is None
    assert one.news[-1].code == "frames_mismatched"


def test_an_abort_in_mid_programme_leaves_no_light_burning(make_bench: Any, profile: Any) -> None:
    bench: Bench = make_bench()

    async def abort(runner: "ScanRunner") -> None:
        await bench.lit()
        runner.post(machine.Abort())

    [one] = bench.scan(bench.camera(), profile=profile, during=abort)
    assert one.stack is None
    assert one.news[-1].code == "aborted"
    assert bench.burning() == 0


def test_lights_are_off_when_a_camera_falls_silent_in_mid_programme(make_bench: Any, profile: Any) -> None:
    bench: Bench = make_bench()
    camera = bench.camera(silent_after_s=0.5)

    async def silence(_: "ScanRunner") -> None:
        await bench.lit()
        camera.silence()

    [one] = bench.scan(camera, profile=profile, during=silence)
    assert one.stack is None
    assert one.news[-1].code == "camera_silent"
    assert bench.burning() == 0


@pytest.fixture
def busy() -> "Iterator[None]":
    """A machine with more to do than it has processors for."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for burner in burners:
        burner.kill()
        burner.wait()


@pytest.mark.usefixtures("busy")
def test_on_a_busy_machine_retakes_save_the_scan(make_bench: Any, profile: Any, wrong: Any) -> None:
    bench: Bench = make_bench()
    seen = bench.scan(bench.camera(), PATIENT, scans=2, profile=profile)
    assert all(all_right(one, wrong) for one in seen)
