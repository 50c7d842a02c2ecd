"""How lights and frames are held together: the table of cases, and the numbers in every reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.calibrate.profile import load_profile
from station.camera.interface import CameraMode
from station.camera.timing import (
    DARK_US,
    USEFUL_SHARE,
    Known,
    decide,
    gated,
    spare_us,
    strobe_us,
    without_clock,
)

PERIOD_US = 33_000
CAMERA = load_profile("twin").profile.camera.replace(stamp_at="end")


def mode(exposure_us: int, readout_us: int, period_us: int = PERIOD_US) -> CameraMode:
    return CameraMode(640, 820, exposure_us, 1.0, period_us, readout_us)


def known(exposure_us: int, readout_us: int, margin_us: float) -> Known:
    return Known(mode(exposure_us, readout_us), PERIOD_US, margin_us)


@pytest.mark.parametrize(
    ("exposure_us", "readout_us", "margin_us", "kind", "on_us", "frames"),
    [
        (15_000, 12_000, 1_000, "whole", 15_000, 1),
        (15_000, 12_000, 2_700, "whole", 15_000, 1),
        (15_000, 12_000, 2_800, "alternate", 15_000, 2),
        (32_000, 12_000, 1_000, "strobe", 18_000, 1),
        (32_000, 12_000, 3_500, "strobe", 13_000, 1),
        (32_000, 12_000, 3_700, "alternate", 32_000, 2),
        (15_000, 28_000, 1_000, "alternate", 15_000, 2),
        (32_000, 28_000, 100, "alternate", 32_000, 2),
        (32_000, 28_000, 2_700, "alternate", 32_000, 2),
        (32_000, 28_000, 2_800, "gated", 32_000, 0),
        (15_000, 12_000, 20_000, "gated", 15_000, 0),
    ],
)
def test_the_quickest_way_that_the_margins_leave(
    exposure_us: int, readout_us: int, margin_us: float, kind: str, on_us: int, frames: int
) -> None:
    timing = decide(known(exposure_us, readout_us, margin_us))
    assert (timing.kind, timing.on_us, timing.frames_per_light) == (kind, on_us, frames)


@pytest.mark.parametrize(
    ("exposure_us", "readout_us", "margin_us", "numbers"),
    [
        (15_000, 12_000, 900, ["15.0 ms", "12.0 ms", "0.9 ms", "33.0 ms"]),
        (32_000, 12_000, 900, ["32.0 ms", "12.0 ms", "0.9 ms", "33.0 ms", "20.0 ms", "18.2 ms", "57 %"]),
        (32_000, 28_000, 900, ["32.0 ms", "28.0 ms", "0.9 ms", "33.0 ms", "4.0 ms"]),
        (32_000, 28_000, 4_400, ["4.4 ms", "33.0 ms"]),
    ],
)
def test_every_reason_names_its_numbers(
    exposure_us: int, readout_us: int, margin_us: float, numbers: list[str]
) -> None:
    why = decide(known(exposure_us, readout_us, margin_us)).why
    assert all(number in why for number in numbers), why
    assert "\n" not in why


@given(st.integers(50, 60_000), st.integers(0, 60_000), st.floats(60_000, 120_000), st.floats(0, 20_000))
def test_no_way_leaves_less_than_the_margin(
    exposure_us: int, readout_us: int, period_us: float, margin_us: float
) -> None:
    one = Known(mode(exposure_us, readout_us, int(period_us)), period_us, margin_us)
    timing = decide(one)
    if timing.kind == "strobe":
        assert timing.on_us >= USEFUL_SHARE * exposure_us - 1
        assert (exposure_us - readout_us - timing.on_us) / 2 >= margin_us
    elif timing.kind != "gated":
        covered_us = exposure_us + readout_us + 2 * margin_us + DARK_US
        assert covered_us <= timing.frames_per_light * period_us
        assert spare_us(one, timing.frames_per_light) >= margin_us
    else:
        assert margin_us > spare_us(one, 2)
        assert strobe_us(one) < USEFUL_SHARE * exposure_us


@pytest.mark.parametrize(
    ("camera", "asked", "wire", "programmable", "kind", "said"),
    [
        (CAMERA, mode(15_000, 12_000), False, False, "gated", "no exposure programmes"),
        (CAMERA, mode(15_000, 12_000), True, False, "gated", "no exposure programmes"),
        (CAMERA, mode(15_000, 12_000), True, True, "triggered", "trigger wire"),
        (CAMERA.replace(stamp_at="unknown"), mode(15_000, 12_000), True, True, "triggered", "15.0 ms"),
        (CAMERA.replace(stamp_at="unknown"), mode(15_000, 12_000), False, True, "gated", "stamps"),
        (CAMERA, mode(15_000, 12_000, 0), False, True, "gated", "period"),
        (CAMERA, mode(40_000, 12_000), False, True, "gated", "40.0 ms"),
        (CAMERA, mode(15_000, 12_000), False, True, None, ""),
    ],
)
def test_what_needs_no_clock(
    camera: object, asked: CameraMode, wire: bool, programmable: bool, kind: str | None, said: str
) -> None:
    timing = without_clock(asked, camera, wire=wire, programmable=programmable)  # type: ignore[arg-type]
    assert (timing.kind if timing else None) == kind
    assert said in (timing.why if timing else "")


def test_gated_says_what_it_does() -> None:
    assert (
        gated(mode(15_000, 12_000), "for a test").why
        == "for a test: each light burns until its frame has come"
    )
