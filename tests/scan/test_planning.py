"""The plan of a scan under lamps that flicker."""

import pytest

from station.calibrate.profile import load_profile
from station.config import ScanSettings
from station.scan.planning import plan_of

CAMERA = load_profile("twin").profile.camera


def test_without_flicker_the_settings_are_the_plan() -> None:
    plan = plan_of(ScanSettings(exposure_us=12_345, rectified_dpi=300), CAMERA)
    assert (plan.exposure_us, plan.exposure_why, plan.rectified_dpi) == (12_345, "", 300)


@pytest.mark.parametrize(("mains_hz", "kept_us"), [(50, 10_000), (60, 8_333)])
def test_under_flicker_the_exposure_is_kept_to_it_and_the_plan_says_so(mains_hz: int, kept_us: int) -> None:
    plan = plan_of(ScanSettings(exposure_us=12_000), CAMERA.replace(mains_hz=mains_hz))
    assert plan.exposure_us == kept_us
    assert f"{kept_us} µs instead of 12000" in plan.exposure_why
    assert f"{mains_hz} Hz" in plan.exposure_why


def test_an_exposure_that_fits_needs_no_reason() -> None:
    plan = plan_of(ScanSettings(exposure_us=20_000), CAMERA.replace(mains_hz=50))
    assert (plan.exposure_us, plan.exposure_why) == (20_000, "")
