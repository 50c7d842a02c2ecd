"""A camera that exposes when the board's trigger says so: one frame for each step, each the right one's."""

from typing import TYPE_CHECKING, Any

import pytest

from station.documents.plan import ScanPlan

if TYPE_CHECKING:
    from conftest import Bench, Witness


SMOOTH, SCANS = 2, 4
"""Scans in nine frames that are wanted, and of how many: a machine that is busy hears the board late.

Every frame has to be right all the same.
"""


def all_right(one: "Witness", wrong: Any) -> bool:
    return [line for taken in one.frames if (line := wrong(taken, one.stack))] == []


@pytest.mark.parametrize(
    ("readout_us", "exposure_us", "stamp_at"), [(12_000, 15_000, "end"), (28_000, 32_000, "unknown")]
)
def test_nine_frames_and_every_one_is_right(
    make_bench: Any, profile_with: Any, wrong: Any, readout_us: int, exposure_us: int, stamp_at: str
) -> None:
    bench: Bench = make_bench("--clock-ppm", "-5000")
    camera = bench.camera(triggered=True, readout_us=readout_us, jitter_us=1_000)
    profile = profile_with(
        stamp_at=stamp_at, stamp_delay_us=1_500, stamp_jitter_us=1_000, readout_us=readout_us
    )
    plan = ScanPlan(exposure_us=exposure_us)
    scans = bench.scan(camera, plan, scans=SCANS, profile=profile, wire=True)
    taken = [one for one in scans if one.stack is not None]
    assert {one.kind for one in taken} == {"triggered"}
    assert all(all_right(one, wrong) for one in taken)
    smooth = [one for one in taken if one.span == 9 and one.retakes == []]
    assert len(smooth) >= SMOOTH, [one.news[-1] for one in scans]


def test_frames_that_do_not_come_are_retaken(make_bench: Any, profile_with: Any, wrong: Any) -> None:
    """Also the last: a triggered camera says nothing of its own accord."""
    bench: Bench = make_bench()
    camera = bench.dropping(every=4, triggered=True)
    profile = profile_with(stamp_at="end", stamp_delay_us=1_500, stamp_jitter_us=500)
    [one] = bench.scan(camera, ScanPlan(attempts_per_light=6), profile=profile, wire=True)
    assert all_right(one, wrong)
    assert any("did not come" in line for line in one.retakes)


def test_a_wire_that_is_not_there_is_a_silent_camera(make_bench: Any) -> None:
    bench: Bench = make_bench()
    camera = bench.camera(triggered=True, silent_after_s=0.4)
    camera.silence()
    [one] = bench.scan(camera, wire=True)
    assert one.stack is None
    assert one.news[-1].code == "camera_silent"
    assert bench.burning() == 0
