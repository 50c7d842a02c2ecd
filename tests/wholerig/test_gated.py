"""Light by light on the whole rig: no frame that passes the gate is wrong, stale or mixed.

What burned in which rows of each frame is known from the pins of the simulated chip, and from the pixels.
"""

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import WholeRig

SOAK = os.environ.get("STATION_SOAK") == "1"
SWITCHES = 400 if SOAK else 40
READOUT_US, JITTER_US, TRANSFER_US = 12_000, 1_000, 2_000
SETTINGS: dict[str, Any] = {
    "switches": SWITCHES,
    "exposures_us": [5_000, 15_000],
    "readout_us": READOUT_US,
    "late_us": TRANSFER_US + JITTER_US,
    "idle_s": 0.25,
    "gate": True,
}
PURE_CODES = 0.6
"""A band's mean may differ by this much from what was computed: rounding, no more."""


def at_full_size(test: Any) -> Any:
    """Small in the suite; the soak runs it at full size."""
    return pytest.mark.soak(pytest.mark.timeout(1_500)(test)) if SOAK else test


def start(rig: "WholeRig", stamps: str) -> None:
    timing = {"readout": READOUT_US, "jitter": JITTER_US, "transfer": TRANSFER_US}
    options = [word for name, value in timing.items() for word in (f"--{name}-us", str(value))]
    rig.start("--formats", "GREY", "--size", "160x120", "--stamps", stamps, *options)


def wrong(rig: "WholeRig", told: dict[str, Any]) -> list[str]:
    """One line for each frame that was not taken under its light alone, by pins or by pixels."""
    truth, found = rig.truth(), []
    frames = []
    for one in told["taken"]:
        frame = truth[one["stamp_us"]]
        frames.append(frame)
        assert frame.delivered
        assert frame.exposure_us == one["exposure_us"]
        by_pins, by_pixels = frame.pure(one["light"]), one["strangeness"] <= PURE_CODES
        assert by_pins == by_pixels or not by_pins, f"{frame}: {one}"
        if not by_pins:
            found.append(f"light {one['light']}, idle {one['idle']}: {frame.shares}")
    rig.assert_log_was_complete(frames)
    return found


@at_full_size
@pytest.mark.parametrize("stamps", ["start", "arrival"] if SOAK else ["start"])
def test_every_frame_was_taken_under_its_light_alone(
    whole_rig: "WholeRig", stamps: str, record_property: Any
) -> None:
    start(whole_rig, stamps)
    told = whole_rig.run("switching_child.py", **SETTINGS)
    taken = told["taken"]
    assert len(taken) == SWITCHES
    assert {one["idle"] for one in taken} == {False, True}
    assert told["faults"] == []
    bad = wrong(whole_rig, told)
    counts = whole_rig.camera.counts()
    record_property("switches", [len(taken), "1"])
    record_property("wrong_stale_or_mixed", [len(bad), "1"])
    record_property("frames_looked_at", [sum(one["looked_at"] for one in taken), "1"])
    record_property("retakes", [sum(one["retakes"] for one in taken), "1"])
    record_property("frames_dropped", [counts["dropped"], "1"])
    record_property("frames_missed", [counts["missed"], "1"])
    assert bad == []


def test_without_the_gate_wrong_frames_are_found(whole_rig: "WholeRig") -> None:
    start(whole_rig, "start")
    told = whole_rig.run("switching_child.py", **{**SETTINGS, "switches": 12, "gate": False})
    assert len(wrong(whole_rig, told)) >= 6
