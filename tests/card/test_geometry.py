"""Pixels and millimetres, against OpenCV's own projection and by going there and back."""

import numpy as np
import pytest

from station.card.geometry import pitch_mm, pixels_to_plane, plane_to_pixels, sampled_dpi
from station.documents.profile import CameraProfile


def straight_down(**changes: object) -> CameraProfile:
    """400 mm above the mat, 10 px/mm at z = 0, looking down, picture up is mat up."""
    values: dict[str, object] = {
        "width_px": 1101,
        "height_px": 1301,
        "matrix": (4000.0, 4000.0, 550.0, 650.0),
        "distortion": (0.0, 0.0, 0.0, 0.0, 0.0),
        "rotation": (np.pi, 0.0, 0.0),
        "translation_mm": (0.0, 0.0, 400.0),
        "bit_depth": 8,
        "black_level": 0.0,
        "full_scale": 255.0,
        "noise_a": 0.01,
        "noise_b": 1.0,
        "readout_us": 10_000,
    }
    return CameraProfile.model_validate(values | changes)


DISTORTED = straight_down(
    distortion=(-0.12, 0.05, 0.002, -0.001, 0.02),
    rotation=(3.1, 0.04, -0.06),
    translation_mm=(2.0, -3.0, 410.0),
)


def _at(u: float, v: float) -> list[float]:
    return list(pixels_to_plane(straight_down(), np.array([[u, v]]), 0.0)[0])


def test_pixel_zero_is_the_centre_of_the_first_pixel() -> None:
    assert pixels_to_plane(straight_down(), np.array([[550.0, 650.0]]), 0.0)[0] == pytest.approx(
        [0, 0], abs=1e-9
    )
    assert pixels_to_plane(straight_down(), np.array([[0.0, 0.0]]), 0.0)[0] == pytest.approx(
        [-55.0, 65.0], abs=1e-9
    )


def test_a_higher_plane_is_nearer_to_the_camera_and_so_larger_in_the_picture() -> None:
    on_mat = plane_to_pixels(straight_down(), np.array([[30.0, 0.0]]), 0.0)
    above = plane_to_pixels(straight_down(), np.array([[30.0, 0.0]]), 4.0)
    assert on_mat[0, 0] == pytest.approx(550 + 300)
    assert above[0, 0] == pytest.approx(550 + 300 * 400 / 396)


@pytest.mark.parametrize("z_mm", [0.0, 0.3, 5.0])
def test_there_and_back_within_a_thousandth_of_a_pixel(z_mm: float) -> None:
    rows, columns = np.mgrid[0:1301:20, 0:1101:20]
    pixels = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    back = plane_to_pixels(DISTORTED, pixels_to_plane(DISTORTED, pixels, z_mm), z_mm)
    assert np.abs(back - pixels).max() < 1e-3


def test_no_points_in_no_points_out() -> None:
    assert pixels_to_plane(DISTORTED, np.empty((0, 2)), 0.3).shape == (0, 2)
    assert plane_to_pixels(DISTORTED, np.empty((0, 2)), 0.3).shape == (0, 2)


def test_sampled_resolution_of_a_known_scale() -> None:
    assert sampled_dpi(straight_down(), 0.0) == pytest.approx(254.0, rel=1e-6)
    assert sampled_dpi(straight_down(), 0.3) == pytest.approx(254.0 * 400 / 399.7, rel=1e-6)
    assert pitch_mm(straight_down(), (20.0, -30.0), 0.0) == pytest.approx(0.1, rel=1e-6)
