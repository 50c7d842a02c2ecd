"""Overshoot, sharpness and grain of the twin's camera, linear and as a webcam."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.profile import load_profile, scaled_camera
from station.calibrate.sensor.sharpening import edges_of_grid, grain_of, sharpness_of
from station.card.geometry import plane_to_pixels
from station.twin.charuco import BoardTarget
from station.twin.isp import Isp
from station.twin.plate import PlatePose
from station.twin.scene import Scene
from station.twin.sheet import Sheet

DPI = 150
HALF_LIT = [0.25] * 8


@cache
def board_scene(turn_deg: float) -> tuple[Scene, NDArray[np.float64]]:
    """A printed board on the mat, and its edges in the picture."""
    target = BoardTarget(pose=PlatePose(turn_deg=turn_deg))
    scene = Scene(3, dpi=DPI)
    scene.place(target)
    height, width = scene.render(HALF_LIT).shape[:2]
    camera = scaled_camera(load_profile("twin").profile.camera, width, height)
    corners = target.corners_mm()
    pixels = plane_to_pixels(camera, corners[:, :2], float(corners[0, 2]))
    return scene, edges_of_grid(pixels.reshape(target.spec.rows - 1, target.spec.columns - 1, 2))


def seen(isp: Isp, turn_deg: float = 4.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A linear picture of the board, as after a table, and the edges in it, a pixel off."""
    scene, edges = board_scene(turn_deg)
    scene.isp = isp
    codes = scene.render(HALF_LIT, sequence=1).mean(axis=2)
    shift = np.random.default_rng(0).uniform(-1, 1, (len(edges), 1, 2))
    return 255 * (codes / 255) ** isp.gamma, edges + shift


@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_linear_optics_do_not_overshoot(gamma: float) -> None:
    found = sharpness_of(*seen(Isp(gamma=gamma)))
    assert found.overshoot_percent is not None
    assert found.overshoot_percent < 0.1
    assert found.edges > 80
    assert found.findings == ()


@pytest.mark.parametrize(("strength", "percent"), [(0.3, 4.1), (1.0, 16.4)])
def test_sharpening_is_measured_and_named(strength: float, percent: float) -> None:
    found = sharpness_of(*seen(Isp(sharpen=strength)))
    assert found.overshoot_percent == pytest.approx(percent, rel=0.15)
    assert found.overshoot_sigma_percent is not None
    assert found.overshoot_sigma_percent < 0.05 * percent
    assert [finding.kind for finding in found.findings] == ["sharpens"]


def test_sharpness_falls_with_smoothing_and_rises_with_sharpening() -> None:
    of = [sharpness_of(*seen(isp)) for isp in (Isp(denoise=1.0), Isp(), Isp(sharpen=1.0))]
    smooth, plain, sharp = (one.mtf50_cy_per_px for one in of)
    assert smooth is not None
    assert plain is not None
    assert sharp is not None
    assert smooth < 0.6 * plain
    assert sharp > 1.3 * plain
    # a Gaussian of one pixel alone falls to half at sqrt(ln 2 / 2) / pi cycles per pixel
    assert smooth == pytest.approx(np.sqrt(np.log(2) / 2) / np.pi, rel=0.15)
    assert of[1].mtf50_sigma_cy_per_px == pytest.approx(0, abs=0.01)


def test_edges_in_line_with_the_pixels_tell_nothing() -> None:
    across = np.where(np.arange(100) < 50.2, 20.0, 200.0)
    picture = np.repeat(across[None], 400, axis=0)
    upright = np.array([[[50.0, 10.0 + 20 * k], [50.0, 110.0 + 20 * k]] for k in range(8)])
    found = sharpness_of(picture, upright)
    assert found.overshoot_percent is None
    assert [finding.kind for finding in found.findings] == ["too_few"]


def test_what_is_no_edge_is_not_counted() -> None:
    """Edges that are not there, at the border, or too short."""
    picture = np.random.default_rng(1).normal(100, 2, (300, 300))
    edges = np.array([[[50, 50], [150, 60]], [[-40, 5], [90, 3]], [[100, 100], [130, 102]]], float)
    assert sharpness_of(picture, edges).edges == 0


def test_corners_that_were_not_found_leave_their_sides_out() -> None:
    corners = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0)), axis=-1)
    assert len(edges_of_grid(corners)) == 17
    corners[1, 1] = np.nan
    assert len(edges_of_grid(corners)) == 13


@pytest.fixture(scope="module")
def flat_pair() -> Callable[[Isp], tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    scene = Scene(4, dpi=DPI)
    scene.place(Sheet())

    def make(isp: Isp) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        scene.isp = isp
        first, second = (scene.render(HALF_LIT, sequence=number) for number in (1, 2))
        return first.astype(np.uint8), second.astype(np.uint8)

    return make


def test_noise_of_independent_pixels(flat_pair: Callable[[Isp], tuple]) -> None:
    for isp in (Isp(), Isp(gamma=2.2)):
        found = grain_of([flat_pair(isp)])
        assert abs(found.across) < 0.05
        assert abs(found.down) < 0.05
        assert found.findings == ()


def test_smoothing_shows_in_the_noise(flat_pair: Callable[[Isp], tuple]) -> None:
    found = grain_of([flat_pair(Isp(denoise=1.0))])
    assert found.across > 0.5
    assert found.down > 0.5
    assert [finding.kind for finding in found.findings] == ["denoises"]
    with pytest.raises(ValueError, match="32 x 32"):
        grain_of([])
