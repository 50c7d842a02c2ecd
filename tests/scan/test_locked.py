"""Lights locked to the frames: real pseudo-terminal, board process, free-running camera, and the truth.

The board's clock is off by 0.5 %, the camera's by 0.03 %, stamps jitter by 1 ms either way. The twin knows
what burned while each row was exposed.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from station.documents.plan import ScanPlan

if TYPE_CHECKING:
    from conftest import Bench, Witness

SOAK = os.environ.get("STATION_SOAK") == "1"
pytestmark = [pytest.mark.soak, pytest.mark.timeout(1_500)] if SOAK else []
SCANS = 60 if SOAK else 2
JITTER_US, DELAY_US, CLOCK_PPM, CAMERA_PPM = 1_000, 1_500, 5_000, 300.0
MOST_FRAMES = {"whole": 11, "strobe": 11, "alternate": 20}
STEPS = ["ambient", *(f"light {k}" for k in range(8)), "verifying", "judging", "storing"]


@dataclass(frozen=True)
class Case:
    readout_us: int
    exposure_us: int
    kind: str
    ppm: int = CLOCK_PPM


CASES = [
    Case(12_000, 15_000, "whole"),
    Case(12_000, 32_000, "strobe", -CLOCK_PPM),
    Case(28_000, 15_000, "alternate", -CLOCK_PPM),
    Case(28_000, 32_000, "alternate"),
]


def scanned(make_bench: Any, profile_with: Any, case: Case) -> "list[Witness]":
    bench: Bench = make_bench("--clock-ppm", str(case.ppm))
    camera = bench.camera(readout_us=case.readout_us, jitter_us=JITTER_US, clock_ppm=CAMERA_PPM)
    stamps = {"stamp_at": "end", "stamp_delay_us": DELAY_US, "stamp_jitter_us": JITTER_US}
    profile = profile_with(readout_us=case.readout_us, **stamps)
    return bench.scan(camera, ScanPlan(exposure_us=case.exposure_us), scans=SCANS, profile=profile)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.readout_us}-{case.exposure_us}")
def test_the_twin_spends_few_frames_and_every_one_is_right(
    make_bench: Any, profile_with: Any, wrong: Any, case: Case, record_property: Any
) -> None:
    seen = scanned(make_bench, profile_with, case)
    bad = [line for one in seen for taken in one.frames if (line := wrong(taken, one.stack))]
    spans = [one.span for one in seen if not one.retakes]
    times_s = sorted(one.stored_s - one.began_s for one in seen)
    record_property("frames_in_stacks", [sum(len(one.frames) for one in seen), "1"])
    record_property("wrong_stale_or_mixed", [len(bad), "1"])
    record_property("scans_with_retakes", [SCANS - len(spans), "1"])
    record_property("most_frames_without_retakes", [max(spans, default=0), "1"])
    record_property("median_seconds_per_scan", [times_s[SCANS // 2], "s"])
    assert bad == []
    assert {one.kind for one in seen} == {case.kind}
    assert [taken.light for taken in seen[0].frames] == [None, *range(8)]
    assert len(spans) >= SCANS / 2
    assert max(spans) <= MOST_FRAMES[case.kind]
    for one in seen:
        told = [news.step for news in one.news if news.type == "scan.step"]
        assert sorted(set(told), key=STEPS.index) == STEPS
        assert told[-1] == "storing"


def test_what_is_stored_says_how_it_was_taken(make_bench: Any, profile_with: Any) -> None:
    bench: Bench = make_bench()
    profile = profile_with(stamp_at="end", stamp_delay_us=DELAY_US, stamp_jitter_us=500)
    [one] = bench.scan(bench.camera(), ScanPlan(exposure_us=32_000), profile=profile)
    assert one.plan is not None
    timing = one.plan.timing
    assert timing is not None
    assert timing.kind == "strobe"
    assert timing.on_us < 20_000
    assert timing.period_us == pytest.approx(33_000, abs=100)
    assert "32.0 ms" in timing.why
    for taken in one.frames:
        if taken.light is None:
            assert taken.caught.on_us is taken.caught.lit_s is None
        else:
            assert taken.caught.on_us == pytest.approx(timing.on_us, abs=20)
            begun_s = taken.frame.timestamp_s - (DELAY_US + 12_000 + 32_000) / 1e6
            assert taken.caught.lit_s == pytest.approx(begun_s + 0.012, abs=0.004)
