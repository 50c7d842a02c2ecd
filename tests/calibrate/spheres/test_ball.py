"""The outline is measured in the pictures; a hint only says where to look."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from station.calibrate.spheres.ball import Circle, Outline, circle_of_mask, refit
from station.calibrate.spheres.circle_fit import fit_circle
from station.calibrate.spheres.composites import composites
from station.calibrate.spheres.search import find_sphere
from station.documents.fault import StationError
from tests.calibrate.spheres.chrome import Chrome

HINTS = [(0, 0, 0), (1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (3, -2, 3), (-3, 3, -4)]


def off(outline: Outline, scene: Chrome) -> np.ndarray:
    """By how much centre and radius are wrong."""
    true = np.array([*scene.centre_px, scene.radius_px])
    return np.array([outline.x_px, outline.y_px, outline.radius_px]) - true


@pytest.mark.parametrize("wrong", HINTS)
def test_a_wrong_hint_does_not_matter(wrong: tuple[int, int, int]) -> None:
    scene = Chrome()
    (x, y), radius = scene.centre_px, scene.radius_px
    near = Circle(x + wrong[0], y + wrong[1], radius + wrong[2])
    found = refit(composites(scene.pictures()), near)
    assert np.abs(off(found, scene)).max() < 0.1
    assert found.coverage > 0.9


def test_the_stated_uncertainty_is_what_outlines_scatter_by() -> None:
    """Twelve spheres in different places, some before a wall as dark as they are in part."""
    shares = []
    for number in range(12):
        chance = np.random.default_rng(number)
        scene = Chrome(
            centre_px=(100 + chance.uniform(-2, 2), 90 + chance.uniform(-2, 2)),
            radius_px=60 + chance.uniform(-3, 3),
            wall=chance.choice([12.0, 30.0, 90.0]),
            noise=2.0,
        )
        found = refit(composites(scene.pictures()), Circle(100, 90, 60))
        shares.append(off(found, scene) / found.sigma_px)
    assert 0.3 < np.sqrt(np.mean(np.square(shares))) < 2.0


def test_a_dark_sphere_whose_lower_half_is_lost_in_the_dark() -> None:
    scene = Chrome(wall=60.0)
    pictures = scene.pictures()
    pictures[:, 100:] = 8
    found = refit(composites(pictures), Circle(103, 87, 61))
    assert 0.45 < found.coverage < 0.75
    assert found.oval_px == (0.0, 0.0)
    assert np.abs(off(found, scene)).max() < 0.3


def test_noise_is_no_sphere() -> None:
    for number in range(9):
        chance = np.random.default_rng(number)
        pictures = gaussian_filter(chance.normal(100, 5, (6, 200, 200)), (0, number % 3, number % 3))
        with pytest.raises(StationError, match="no outline of a sphere shows around x 100, y 100"):
            refit(composites(pictures), Circle(100.0, 100.0, (30.0, 60.0, 80.0)[number % 3]))


def test_a_sphere_is_found_without_a_hint() -> None:
    scene = Chrome()
    assert np.abs(off(find_sphere(composites(scene.pictures())), scene)).max() < 0.1


def test_where_there_is_no_sphere_none_is_found() -> None:
    pictures = np.random.default_rng(5).integers(0, 60, (4, 160, 200), np.uint8)
    with pytest.raises(StationError, match="no sphere was found"):
        find_sphere(composites(pictures))


def test_a_mask_of_another_size_and_an_empty_one_are_refused() -> None:
    with pytest.raises(
        StationError, match="the mask is 30 x 20 pixels large, and the pictures are 200 x 180"
    ):
        circle_of_mask(np.ones((20, 30), bool), (180, 200))
    with pytest.raises(StationError, match="the mask is empty"):
        circle_of_mask(np.zeros((180, 200), bool), (180, 200))


def test_an_ellipse_is_told_from_a_circle_and_outliers_from_both() -> None:
    angle = np.arange(200) * 2 * np.pi / 200
    radius = 50 + 0.4 * np.cos(2 * angle) - 0.3 * np.sin(2 * angle)
    radius[20:50] += 3.0
    found = fit_circle(
        10 + radius * np.cos(angle), 20 + radius * np.sin(angle), (10.5, 20.2, 49.7), oval=True
    )
    assert found.values == pytest.approx([10, 20, 50, 0.4, -0.3], abs=0.02)


def test_points_that_err_together_count_as_fewer() -> None:
    """A bump along the circle makes the fit worse than as much noise of each point would."""
    angle = np.arange(200) * 2 * np.pi / 200
    noise = np.random.default_rng(1).normal(0, 0.3, 200)
    waves = gaussian_filter(noise, 5, mode="wrap")
    waves *= noise.std() / waves.std()
    fits = [
        fit_circle((50 + w) * np.cos(angle), (50 + w) * np.sin(angle), (0, 0, 50), oval=False)
        for w in (noise, waves)
    ]
    alone, together = (np.trace(fit.covariance) for fit in fits)
    assert together > 4 * alone
