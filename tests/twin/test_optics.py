"""The one true camera."""

import cv2
import numpy as np
import pytest

from station.twin.optics import DISTORTION, Optics


@pytest.fixture
def places() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.column_stack((rng.uniform(-38, 38, 50), rng.uniform(-50, 50, 50), rng.uniform(-0.5, 2, 50)))


@pytest.mark.parametrize("dpi", [100, 600])
def test_projection_is_opencvs_model(places: np.ndarray, dpi: int) -> None:
    optics = Optics(dpi)
    fx, fy, cx, cy = optics.matrix
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    turn = cv2.Rodrigues(optics.rotation)[0]
    wanted, _ = cv2.projectPoints(
        places, turn, -optics.rotation @ optics.centre_mm, matrix, np.array(DISTORTION)
    )
    np.testing.assert_allclose(optics.project(places), wanted[:, 0], atol=1e-6)


def test_looking_back_finds_the_place(places: np.ndarray) -> None:
    optics = Optics(600)
    np.testing.assert_allclose(
        optics.on_height(optics.project(places), places[:, 2]), places[:, :2], atol=1e-6
    )


@pytest.mark.parametrize("dpi", [50, 100, 150, 300])
def test_every_resolution_shows_the_same_field(dpi: int) -> None:
    fine, coarse = Optics(600), Optics(dpi)
    edge = np.array([[-0.5, -0.5], [fine.width_px - 0.5, fine.height_px - 0.5]])
    scaled = np.array([[-0.5, -0.5], [coarse.width_px - 0.5, coarse.height_px - 0.5]])
    np.testing.assert_allclose(coarse.on_height(scaled, 0.0), fine.on_height(edge, 0.0), atol=0.01)


def test_axes_right_is_right_and_up_is_up() -> None:
    optics = Optics(600)
    middle, right, up = optics.project(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]))
    assert right[0] - middle[0] == pytest.approx(10 / 25.4 * 600, rel=0.01)
    assert middle[1] - up[1] == pytest.approx(10 / 25.4 * 600, rel=0.01)


def test_card_at_its_worst_place_lies_wholly_in_the_picture() -> None:
    optics = Optics(600)
    for turn in np.deg2rad((-2.0, 2.0)):
        corners = np.array([[x, y] for x in (-31.6, 31.6) for y in (-44.1, 44.1)])
        turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        for shift in ((3, 3), (3, -3), (-3, 3), (-3, -3)):
            pixels = optics.project(np.column_stack((turned + shift, np.full(4, 0.8))))
            assert pixels.min() > 20
            assert pixels[:, 0].max() < optics.width_px - 20
            assert pixels[:, 1].max() < optics.height_px - 20
