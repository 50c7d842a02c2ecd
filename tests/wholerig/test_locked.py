"""Lights locked to the frames of a free-running camera, on the whole rig: few frames, and none of them wrong.

The board's clock is off by 0.5 %, the stamps jitter by 1 ms either way. What burned in which rows of each
frame is known from the pins of the simulated chip. Frames are counted by the driver's numbers, not by time.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from station.twin.v4l2.profile import Eye, write_profile

if TYPE_CHECKING:
    from conftest import WholeRig

SOAK = os.environ.get("STATION_SOAK") == "1"
SCANS, MOST_SCANS = (40, 80) if SOAK else (2, 12)
"""Scans without a retake that are wanted, and how many may be needed for them.

A machine that is busy with other things hears the board late. Then the station retakes a frame, or does not
trust its idea of the board's clock and falls back to one light at a time. Every frame has to be right all the
same.
"""
JITTER_US, CLOCK_PPM = 1_000, 5_000
WIDTH, HEIGHT = 160, 208
MOST_FRAMES = {"whole": 11, "strobe": 11, "alternate": 20}
ON_TOLERANCE_US = 100
"""By how much the light's share of each row's exposure may differ from what the station says of it."""


@dataclass(frozen=True)
class Case:
    readout_us: int
    exposure_us: int
    kind: str
    clock_ppm: int = CLOCK_PPM


CASES = [
    Case(12_000, 15_000, "whole"),
    Case(12_000, 32_000, "strobe", -CLOCK_PPM),
    Case(28_000, 15_000, "alternate", -CLOCK_PPM),
    Case(28_000, 32_000, "alternate"),
]


def at_full_size(test: Any) -> Any:
    """Small in the suite; the soak runs it at full size."""
    return pytest.mark.soak(pytest.mark.timeout(1_500)(test)) if SOAK else test


def start(rig: "WholeRig", case: Case, folder: Path, stamp_delay_us: int = 0) -> Path:
    """Switch on; the profile that fits, but for what it says of the stamps."""
    size = ("--size", f"{WIDTH}x{HEIGHT}", "--formats", "GREY")
    timing = ("--readout-us", str(case.readout_us), "--jitter-us", str(JITTER_US))
    rig.start(*size, *timing, board_options=("--clock-ppm", str(case.clock_ppm)))
    eye = Eye(WIDTH, HEIGHT, case.readout_us, "start", stamp_delay_us, JITTER_US)
    return write_profile(folder, eye)


def carry_out(
    rig: "WholeRig", case: Case, profile: Path, scans: int, most_scans: int
) -> list[dict[str, Any]]:
    """As many smooth scans as wanted, if so few are enough for them; all of them, by their own account."""
    wanted = {"scans": scans, "most_scans": most_scans, "kind": case.kind}
    told = rig.run("scanning_child.py", profile=str(profile), exposure_us=case.exposure_us, **wanted)
    assert told["faults"] == []
    assert {one["failed"] for one in told["scans"]} == {""}
    return list(told["scans"])


def wrong(rig: "WholeRig", scan: dict[str, Any]) -> list[str]:
    """One line for each frame in which not its light, and it alone, gave every row the same light."""
    truth, found, frames = rig.truth(), [], []
    for one in scan["taken"]:
        frame = truth[one["stamp_us"]]
        frames.append(frame)
        light, on_us = one["light"], one["on_us"]
        if light is None or on_us is None:
            right = frame.pure(light)
        else:
            given_us = [frame.exposure_us * share for share in frame.shares.get(light, [0.0])]
            right = frame.burned() == {light} and all(abs(us - on_us) <= ON_TOLERANCE_US for us in given_us)
        if not right:
            found.append(f"light {light} for {on_us} µs: {frame}")
    rig.assert_log_was_complete(frames)
    return found


def frames_spent(rig: "WholeRig", scan: dict[str, Any]) -> int:
    """From the first to the last frame of the stack, by the driver's numbers, both counted."""
    truth = rig.truth()
    numbers = [truth[one["stamp_us"]].sequence for one in scan["taken"]]
    return max(numbers) - min(numbers) + 1


def other_kind(scan: dict[str, Any], case: Case) -> bool:
    return bool(scan["timing"]["kind"] != case.kind)


@at_full_size
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.readout_us}-{case.exposure_us}")
def test_few_frames_and_every_one_is_right(
    whole_rig: "WholeRig", tmp_path: Path, case: Case, record_property: Any
) -> None:
    profile = start(whole_rig, case, tmp_path)
    scans = carry_out(whole_rig, case, profile, SCANS, MOST_SCANS)
    bad = [line for scan in scans for line in wrong(whole_rig, scan)]
    smooth = [scan for scan in scans if scan["timing"]["kind"] == case.kind and not scan["retakes"]]
    spent = [frames_spent(whole_rig, scan) for scan in smooth]
    counts = whole_rig.camera.counts()
    record_property("frames_in_stacks", [sum(len(scan["taken"]) for scan in scans), "1"])
    record_property("wrong_stale_or_mixed", [len(bad), "1"])
    record_property("scans", [len(scans), "1"])
    record_property("scans_with_retakes", [sum(bool(scan["retakes"]) for scan in scans), "1"])
    record_property("scans_that_fell_back", [sum(other_kind(scan, case) for scan in scans), "1"])
    record_property("most_frames_for_a_stack", [max(spent, default=0), "1"])
    record_property("frames_dropped", [counts["dropped"], "1"])
    record_property("frames_missed", [counts["missed"], "1"])
    assert bad == []
    assert all(len(scan["timing"]["why"]) > 40 for scan in scans)
    assert all([one["light"] for one in scan["taken"]] == [None, *range(8)] for scan in scans)
    assert len(smooth) == SCANS, [(scan["timing"], scan["retakes"]) for scan in scans]
    assert max(spent) <= MOST_FRAMES[case.kind]


def test_a_profile_that_is_wrong_about_the_stamps_is_found_out(whole_rig: "WholeRig", tmp_path: Path) -> None:
    """Lights 4 ms late leave too little in a picture for its pattern to tell; pins tell."""
    profile = start(whole_rig, CASES[0], tmp_path, stamp_delay_us=-4_000)
    scans = carry_out(whole_rig, CASES[0], profile, 1, 12)
    assert len([line for one in scans for line in wrong(whole_rig, one)]) >= 8
