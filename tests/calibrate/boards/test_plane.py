"""The mat under the camera, against the twin's own: pose, height, scale, and each one's uncertainty."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.calibrate.boards.lens import LensFit, fit_lens
from station.calibrate.boards.plane import PlaneFit, camera_values, fit_plane
from station.calibrate.boards.print_scale import PrintScale, print_scale
from station.card.geometry import pixels_to_plane, plane_to_pixels
from station.documents.boards import BoardSpec
from station.documents.calibration import CalibrationFinding
from station.documents.fault import StationError
from station.documents.profile import CameraProfile
from station.twin.optics import Optics
from tests.calibrate.boards.boards import rough_lens, session

DPI = 100
OPTICS = Optics(DPI)
ROUGH = rough_lens(DPI)
SIZE = OPTICS.width_px, OPTICS.height_px
THICKNESS_MM = 1.0
MEASURED = print_scale(100.0, 100.0)


@pytest.fixture(scope="module")
def lens() -> LensFit:
    return fit_lens(session(DPI), SIZE, ROUGH)


@pytest.fixture(scope="module")
def plane(lens: LensFit) -> PlaneFit:
    return fit_plane(session(DPI)[-1], lens, THICKNESS_MM, MEASURED)


@pytest.fixture(scope="module")
def camera(lens: LensFit, plane: PlaneFit) -> CameraProfile:
    rest = {
        "bit_depth": 8, "black_level": 4.0, "full_scale": 255.0,
        "noise_a": 0.02, "noise_b": 0.1, "readout_us": 0,
    }  # fmt: skip
    return CameraProfile.model_validate({**rest, **camera_values(lens, plane)})


def test_the_mat_leans_as_the_twins_does(
    plane: PlaneFit, record_property: Callable[[str, Any], None]
) -> None:
    true_normal = OPTICS.rotation[:, 2]
    found = _turn(plane.rotation)[:, 2]
    error = float(np.degrees(np.arccos(np.clip(found @ true_normal, -1, 1))))
    record_property("tilt_error", [error, "deg"])
    assert error < 0.05
    true_tilt = float(np.degrees(np.arccos(-true_normal[2])))
    assert plane.tilt_deg == pytest.approx(true_tilt, abs=0.05)
    assert abs(plane.tilt_deg - true_tilt) < 4 * plane.tilt_sigma_deg


def _turn(rotation: tuple[float, float, float]) -> np.ndarray:
    """Rodrigues' formula."""
    angle = float(np.linalg.norm(rotation))
    x, y, z = np.array(rotation) / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def test_the_frame_is_the_pictures(camera: CameraProfile) -> None:
    middle = np.array([[(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2]])
    assert pixels_to_plane(camera, middle, 0.0)[0] == pytest.approx([0, 0], abs=1e-3)
    right = pixels_to_plane(camera, middle + np.array([50, 0]), 0.0)[0]
    assert right[0] > 0
    assert abs(right[1]) < 0.02
    assert pixels_to_plane(camera, middle + np.array([0, -50]), 0.0)[0][1] > 0


def test_lengths_on_the_mat_are_true(camera: CameraProfile) -> None:
    """Between pixels, here and in the twin: frames differ by a turn and a shift, distances do not."""
    pixels = np.array([[20.0, 20.0], [300.0, 30.0], [290.0, 390.0], [15.0, 380.0], [160.0, 200.0]])
    here, there = pixels_to_plane(camera, pixels, 0.0), OPTICS.on_height(pixels, 0.0)
    apart = [np.linalg.norm(places[:, None] - places[None], axis=2) for places in (here, there)]
    assert np.abs(apart[0] - apart[1]).max() < 0.03


def test_the_height_over_the_mat_counts(camera: CameraProfile) -> None:
    """A point 0.3 mm up appears where the twin sees it; the origin is the twin's to a hundredth."""
    places = np.array([[-30.0, -40.0], [30.0, 40.0], [0.0, 0.0]])
    pixels = plane_to_pixels(camera, places, 0.3)
    there = OPTICS.on_height(pixels, 0.3)
    apart = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (places, there)]
    assert np.abs(apart[0] - apart[1]).max() < 0.03


def test_the_scale_in_the_middle_is_told(plane: PlaneFit) -> None:
    middle = np.array([(SIZE[0] - 1) / 2, (SIZE[1] - 1) / 2])
    near = OPTICS.on_height(middle + np.array([[0, 0], [1, 0], [0, 1]]), 0.0)
    true = 1000 * np.sqrt(abs(np.linalg.det(near[1:] - near[0])))
    assert plane.scale_um_per_px == pytest.approx(true, rel=2e-4)
    assert plane.scale_sigma == pytest.approx(1e-3, rel=0.1)  # the ruler's: 0.1 mm in 100 mm


def test_the_camera_stands_where_it_stands(plane: PlaneFit) -> None:
    """Height over the mat, within what the focal length, the ruler and the thickness leave open."""
    height = float((-_turn(plane.rotation).T @ np.array(plane.translation_mm))[2])
    assert abs(height - OPTICS.centre_mm[2]) < 4 * plane.sigma[5]
    assert plane.sigma[5] == pytest.approx(0.4, rel=0.3)  # 0.1 % of 400 mm, the rest is less


def test_the_bow_of_the_board_is_seen_from_above_too(plane: PlaneFit) -> None:
    assert plane.bow_mm == pytest.approx(0.2 * (72 / 90) ** 2, abs=4 * plane.bow_sigma_mm)
    assert plane.bow_sigma_mm < 0.05


def test_a_bent_board_is_told() -> None:
    views = session(DPI, views=5, bend_mm=0.6)
    lens = fit_lens(views, SIZE, ROUGH)
    fit = fit_plane(views[-1], lens, THICKNESS_MM, MEASURED)
    assert [finding.kind for finding in fit.findings] == ["bent_target"]
    assert not fit.findings[0].severe


def test_a_print_too_large_is_measured_away(lens: LensFit) -> None:
    views = session(DPI, print_scale=1.02)
    wrong = fit_plane(views[-1], lens, THICKNESS_MM, MEASURED)
    right = fit_plane(views[-1], lens, THICKNESS_MM, print_scale(100.0, 102.0))
    assert wrong.scale_um_per_px * 1.02 == pytest.approx(right.scale_um_per_px, rel=1e-3)
    assert right.scale_um_per_px == pytest.approx(254.0, rel=2e-3)
    assert not right.findings


def test_a_thicker_board_lies_higher(lens: LensFit, plane: PlaneFit) -> None:
    thick = fit_plane(session(DPI)[-1], lens, THICKNESS_MM + 2.0, MEASURED)
    assert thick.translation_mm[2] - plane.translation_mm[2] == pytest.approx(2.0, abs=0.01)


def test_a_view_that_cannot_be_used_is_refused_with_its_reason(lens: LensFit) -> None:
    finding = CalibrationFinding(kind="blurred", message="The edges are soft.", next_step="Focus.")
    view = replace(session(DPI)[-1], findings=(finding,))
    with pytest.raises(StationError, match="the flat view cannot be used: The edges are soft") as caught:
        fit_plane(view, lens, THICKNESS_MM, MEASURED)
    assert caught.value.code == "calibration_failed"


def test_the_ruler_gives_scale_and_uncertainty() -> None:
    scale = print_scale(100.0, 99.6, 99.8)
    assert (scale.across, scale.along) == pytest.approx((0.996, 0.998))
    assert scale.sigma == pytest.approx(0.001)
    assert scale.square_mm(BoardSpec()) == pytest.approx(9.0 * 0.997)
    assert not scale.findings
    assert print_scale(100.0, 99.6).along == pytest.approx(0.996)


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (print_scale(100.0, None), "was not measured"),
        (print_scale(100.0, 99.6, sigma_mm=0.5), "was read too coarsely"),
        (print_scale(100.0, 96.0), "printed at 96.0 %"),
    ],
)
def test_a_poor_scale_is_told(scale: PrintScale, words: str) -> None:
    [finding] = scale.findings
    assert finding.kind == "poor_scale"
    assert words in finding.message


def test_a_scale_nobody_measured_makes_all_lengths_uncertain(lens: LensFit) -> None:
    fit = fit_plane(session(DPI)[-1], lens, THICKNESS_MM)
    assert fit.scale_sigma == pytest.approx(0.01, rel=0.05)
    assert [finding.kind for finding in fit.findings] == ["poor_scale"]


def test_a_ruler_of_another_length_is_refused() -> None:
    with pytest.raises(StationError, match="cannot have been printed 10 mm long"):
        print_scale(100.0, 10.0)
