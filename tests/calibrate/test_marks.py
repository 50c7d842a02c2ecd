"""Scans are marked when the profile behind them is not to be trusted."""

from station.calibrate.marks import warnings_of
from station.calibrate.profile import load_profile
from station.documents.calibration import CalibrationQuality

PROFILE = load_profile("twin").profile


def test_a_sound_profile_marks_nothing() -> None:
    camera = PROFILE.camera.replace(overshoot_percent=0.4)
    assert warnings_of(PROFILE) == ()
    assert warnings_of(PROFILE.replace(camera=camera)) == ()


def test_a_camera_that_sharpens_marks_its_scans() -> None:
    camera = PROFILE.camera.replace(overshoot_percent=8.2)
    (said,) = warnings_of(PROFILE.replace(camera=camera))
    assert "sharpens its pictures by 8 %" in said


def test_a_profile_that_is_not_to_be_trusted_marks_its_scans() -> None:
    bad = CalibrationQuality(verdict="redo", reason="two lights are swapped.")
    never, anew = warnings_of(PROFILE.replace(measured=False, calibration=bad))
    assert "never measured on this rig" in never
    assert "calibrated anew: two lights are swapped." in anew
