"""The whole guide on rigs drawn at random: how near the profile comes to the truth, and to its scans."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from station.documents.calibrating import CalibrationOptions
from station.twin.isp import Isp
from station.twin.spec import CardSpec

from .guided import Guided

SMALL_DPI, FULL_DPI = 110, 200
SEEDS = 10
CARDS = tuple(CardSpec(seed, side) for seed in (101, 202) for side in ("front", "back"))


@pytest.mark.early
def test_a_rig_is_found_by_the_guide_alone_and_a_webcam_does_as_well(
    tmp_path: Path, tell: Callable[..., None]
) -> None:
    guided = Guided(31, SMALL_DPI, tmp_path / "linear")
    profile = guided.profile()
    errors = guided.direction_errors_deg(profile)
    linear, known = guided.error_deg(profile, CARDS[:2]), guided.error_deg(guided.truth, CARDS[:2])
    assert errors.mean() < 0.5
    assert linear < 1.15 * known
    camera = profile.profile.camera
    assert camera.stamp_at == "end"
    assert camera.stamp_delay_us == pytest.approx(1_500, abs=400)
    assert camera.readout_us == pytest.approx(12_000, rel=0.03)
    assert camera.response == "linear"
    assert profile.profile.calibration.verdict in ("pass", "usable")
    sigma = max(fit.direction_sigma_deg for fit in profile.profile.calibration.lights)
    assert errors.max() < 4 * sigma  # the stated uncertainty means something
    webcam = with_a_webcam(tmp_path / "webcam", 31, SMALL_DPI, CARDS[:2])
    tell(
        f"guided calibration at {SMALL_DPI} dpi: lights {errors.mean():.2f} deg, normals "
        f"{linear / known:.2f} times the truth's error, with a webcam {webcam / linear:.2f} times that"
    )
    assert webcam < 1.2 * linear


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
        ratios.append(guided.error_deg(profile, CARDS) / guided.error_deg(guided.truth, CARDS))
    record_property("light_direction_mean", [round(float(np.mean(directions)), 3), "deg"])
    record_property("light_direction_worst_rig", [round(max(directions), 3), "deg"])
    record_property("normals_over_true_profile_mean", [round(float(np.mean(ratios)), 3), "1"])
    record_property("normals_over_true_profile_worst_rig", [round(max(ratios), 3), "1"])
    assert np.mean(directions) < 0.5
    assert np.mean(ratios) <= 1.15


def with_a_webcam(folder: Path, seed: int, dpi: float, cards: tuple[CardSpec, ...]) -> float:
    """Mean error of normals with gamma 2.2, limited range and flickering room light, once calibrated."""
    options = {"isp": Isp(gamma=2.2, limited_range=True), "mains_hz": 50, "mains_depth": 0.5}
    guided = Guided(seed, dpi, folder, scene_options=options)
    profile = guided.profile()
    assert profile.profile.camera.response == "table"
    assert profile.profile.camera.gamma == pytest.approx(2.2, abs=0.15)
    return guided.error_deg(profile, cards)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_webcams_are_as_good_once_they_are_calibrated(
    tmp_path: Path, record_property: Callable[..., None]
) -> None:
    found = []
    for seed in (41, 42, 43):
        linear = Guided(seed, FULL_DPI, tmp_path / f"linear {seed}")
        error = linear.error_deg(linear.profile(), CARDS)
        found.append(with_a_webcam(tmp_path / f"webcam {seed}", seed, FULL_DPI, CARDS) / error)
    record_property("webcam_over_linear_mean", [round(float(np.mean(found)), 3), "1"])
    record_property("webcam_over_linear_worst", [round(max(found), 3), "1"])
    assert max(found) < 1.2
