"""The board's trigger wire makes the camera expose: one frame for each light, and every one is right."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from station.twin.v4l2.profile import Eye, write_profile

if TYPE_CHECKING:
    from conftest import WholeRig

SOAK = os.environ.get("STATION_SOAK") == "1"
SCANS, MOST_SCANS = (40, 80) if SOAK else (1, 8)
WIDTH, HEIGHT, READOUT_US, TRANSFER_US, JITTER_US = 160, 208, 12_000, 2_000, 1_000


def at_full_size(test: Any) -> Any:
    """Small in the suite; the soak runs it at full size."""
    return pytest.mark.soak(pytest.mark.timeout(1_500)(test)) if SOAK else test


@at_full_size
@pytest.mark.parametrize("stamps", ["start", "arrival"] if SOAK else ["arrival"])
def test_one_frame_for_each_light(
    whole_rig: "WholeRig", tmp_path: Path, stamps: str, record_property: Any
) -> None:
    size = ("--size", f"{WIDTH}x{HEIGHT}", "--formats", "GREY", "--warm-up", "0", "--lag-frames", "0")
    timing = ("--readout-us", str(READOUT_US), "--jitter-us", str(JITTER_US), "--stamps", stamps)
    whole_rig.start(*size, *timing, "--trigger", board_options=("--clock-ppm", "5000"))
    eye = {
        "start": Eye(WIDTH, HEIGHT, READOUT_US, "start", 0, JITTER_US),
        "arrival": Eye(WIDTH, HEIGHT, READOUT_US, "end", TRANSFER_US, JITTER_US),
    }
    profile = write_profile(tmp_path, eye[stamps])
    counts = {"scans": SCANS, "most_scans": MOST_SCANS, "kind": "triggered"}
    told = whole_rig.run(
        "scanning_child.py", profile=str(profile), exposure_us=15_000, trigger="wire", **counts
    )
    assert {scan["failed"] for scan in told["scans"]} == {""}
    smooth = [scan for scan in told["scans"] if not scan["retakes"]]
    record_property("scans", [len(told["scans"]), "1"])
    record_property("scans_with_retakes", [len(told["scans"]) - len(smooth), "1"])
    truth = whole_rig.truth()
    for scan in told["scans"]:
        assert scan["timing"]["kind"] == "triggered"
        taken = [truth[one["stamp_us"]] for one in scan["taken"]]
        whole_rig.assert_log_was_complete(taken)
        assert all(frame.pure(one["light"]) for frame, one in zip(taken, scan["taken"], strict=True))
        if not scan["retakes"]:
            numbers = [frame.sequence for frame in taken]
            assert numbers == list(range(numbers[0], numbers[0] + 9))
    assert len(smooth) == SCANS
