"""The whole guide on rigs drawn at random: how near the profile comes to the truth, and to its scans."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.documents.calibrating import CalibrationOptions
from station.twin.isp import Isp
from station.twin.spec import CardSpec

from .guided import Guided

SMALL_DPI, FULL_DPI = 110, 200
SEEDS = 10
CARDS = tuple(CardSpec(seed, side) for seed in (101, 202) for side in ("front", "back"))


def ratio(guided: Guided, profile: Any, cards: tuple[CardSpec, ...] = CARDS) -> float:
    """Mean error of normals over that of the profile that knows the truth."""
    found = [guided.card_error_deg(profile, spec) for spec in cards]
    known = [guided.card_error_deg(guided.truth, spec) for spec in cards]
    return float(np.mean(found) / np.mean(known))


@pytest.mark.early
def test_a_rig_is_found_by_the_guide_alone(tmp_path: Path, tell: Callable[..., None]) -> None:
    guided = Guided(31, SMALL_DPI, tmp_path)
    profile = guided.profile()
    errors = guided.direction_errors_deg(profile)
    worse = ratio(guided, profile, CARDS[:2])
    tell(
        f"guided calibration, {SMALL_DPI} dpi: lights {errors.mean():.2f} deg, normals {worse:.2f} x truth's"
    )
    assert errors.mean() < 0.5
    assert worse < 1.15
    camera = profile.profile.camera
    assert camera.stamp_at == "end"
    assert camera.stamp_delay_us == pytest.approx(1_500, abs=400)
    assert camera.readout_us == pytest.approx(12_000, rel=0.03)
    assert camera.response == "linear"
    assert profile.profile.calibration.verdict in ("pass", "usable")
    sigma = max(fit.direction_sigma_deg for fit in profile.profile.calibration.lights)
    assert errors.max() < 4 * sigma  # the stated uncertainty means something


@pytest.mark.early
def test_a_collector_without_a_chrome_ball_still_gets_a_profile(tmp_path: Path) -> None:
    guided = Guided(33, SMALL_DPI, tmp_path, options=CalibrationOptions(frames=4))
    guided.session.skip("balls")
    guided.session.skip("colour")
    profile = guided.profile()
    errors = guided.direction_errors_deg(profile)
    sigma = max(fit.direction_sigma_deg for fit in profile.profile.calibration.lights)
    assert errors.mean() < 1.0
    assert errors.max() < 4 * sigma
    named = {figure.name: figure for figure in profile.profile.calibration.figures}
    assert named["highlight_residual_px"].verdict == "not_assessed"


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_ten_rigs_are_found_by_the_guide_alone(tmp_path: Path, record_property: Callable[..., None]) -> None:
    directions, ratios = [], []
    for seed in range(1, SEEDS + 1):
        guided = Guided(seed, FULL_DPI, tmp_path / str(seed))
        profile = guided.profile()
        directions.append(float(guided.direction_errors_deg(profile).mean()))
        ratios.append(ratio(guided, profile))
    record_property("light_direction_mean", [round(float(np.mean(directions)), 3), "deg"])
    record_property("light_direction_worst_rig", [round(max(directions), 3), "deg"])
    record_property("normals_over_true_profile_mean", [round(float(np.mean(ratios)), 3), "1"])
    record_property("normals_over_true_profile_worst_rig", [round(max(ratios), 3), "1"])
    assert np.mean(directions) < 0.5
    assert np.mean(ratios) <= 1.15


def webcam() -> dict[str, Any]:
    return {"isp": Isp(gamma=2.2, limited_range=True), "mains_hz": 50, "mains_depth": 0.5}


def webcam_over_linear(folder: Path, seed: int, dpi: float, cards: tuple[CardSpec, ...]) -> float:
    """Mean error of normals with a calibrated webcam, over that with a calibrated linear camera."""
    errors = []
    for name, options in (("webcam", webcam()), ("linear", {})):
        guided = Guided(seed, dpi, folder / name, scene_options=options)
        profile = guided.profile()
        errors.append(np.mean([guided.card_error_deg(profile, spec) for spec in cards]))
        if name == "webcam":
            camera = profile.profile.camera
            assert camera.response == "table"
            assert camera.gamma == pytest.approx(2.2, abs=0.15)
    return float(errors[0] / errors[1])


@pytest.mark.early
def test_a_webcam_is_as_good_once_it_is_calibrated(tmp_path: Path, tell: Callable[..., None]) -> None:
    worse = webcam_over_linear(tmp_path, 32, SMALL_DPI, CARDS[:2])
    tell(f"gamma 2.2, limited range, flicker: normals {worse:.2f} times the linear camera's error")
    assert worse < 1.2


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_webcams_are_as_good_once_they_are_calibrated(
    tmp_path: Path, record_property: Callable[..., None]
) -> None:
    found = [webcam_over_linear(tmp_path / str(seed), seed, FULL_DPI, CARDS) for seed in (41, 42, 43)]
    record_property("webcam_over_linear_mean", [round(float(np.mean(found)), 3), "1"])
    record_property("webcam_over_linear_worst", [round(max(found), 3), "1"])
    assert max(found) < 1.2
