"""A light's reflection: where it is, how sure that is, and what is none."""

import numpy as np
import pytest

from station.calibrate.spheres.highlight import Highlight, find_highlight

SIZE = 61
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]
INSIDE = np.hypot(COLUMNS - 30, ROWS - 30) < 29


def spot(x: float, y: float, peak: float, width: float = 1.4) -> np.ndarray:
    """A round spot."""
    return peak * np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (2 * width**2))


def look(codes: np.ndarray, noise: float = 1.0, seed: int = 0) -> Highlight | None:
    """What is found in codes of 8 bits."""
    shaken = codes + np.random.default_rng(seed).normal(0, noise, codes.shape)
    seen = np.clip(np.rint(shaken), 0, 255).astype(np.float32)
    return find_highlight(seen, INSIDE, seen >= 250)


@pytest.mark.parametrize(("x", "y"), [(30.0, 30.0), (24.37, 33.81), (40.5, 20.5)])
def test_a_spot_is_found_to_a_fraction_of_a_pixel(x: float, y: float) -> None:
    found = look(spot(x, y, 200.0))
    assert found is not None
    assert np.hypot(found.x_px - x, found.y_px - y) < 0.05
    assert found.sigma_px < 0.06
    assert found.clipped_px == 0


def test_the_uncertainty_grows_with_the_noise_and_is_what_spots_scatter_by() -> None:
    for noise in (4.0, 10.0):
        found = [look(50 + spot(28.3, 31.6, 150.0), noise, seed) for seed in range(60)]
        errors = np.array([(one.x_px - 28.3, one.y_px - 31.6) for one in found if one])
        stated = np.sqrt(np.mean([one.sigma_px**2 for one in found if one]))
        assert len(errors) == 60
        assert 0.4 * stated < np.sqrt(np.mean(errors**2)) < 1.5 * stated


def lopsided_lamp(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A lamp of some patches with a halo, as a share of its peak, and the middle of its light."""
    chance = np.random.default_rng(seed)
    count = chance.integers(1, 5)
    places = 30 + chance.normal(0, 1.0, (count, 2))
    light = chance.uniform(0.2, 1.0, count)
    width = chance.uniform(1.0, 1.8)
    image = np.zeros((SIZE, SIZE))
    for (x, y), share in zip(places, light, strict=True):
        far2 = (COLUMNS - x) ** 2 + (ROWS - y) ** 2
        image += share * (np.exp(-far2 / (2 * width**2)) + 0.01 / (1 + far2 / 16) ** 1.5)
    return image / image.max(), light @ places / light.sum()


@pytest.mark.parametrize("over", [3, 10, 50, 200])
def test_a_small_clipped_spot_is_used_with_a_larger_uncertainty(over: float) -> None:
    """Measured: the centroid of a lopsided lamp is off by 0.01 to 0.02 of what is clipped of it."""
    errors, stated = [], []
    for seed in range(40):
        image, true = lopsided_lamp(seed)
        found = look(255 * over * image, 0.3, seed)
        assert found is not None
        assert found.clipped_px > 1
        errors.append((found.x_px, found.y_px) - true)
        stated.append(found.sigma_px)
    assert np.sqrt(np.mean(np.square(errors))) < np.sqrt(np.mean(np.square(stated))) < 0.25


def test_a_weaker_image_of_the_same_lamp_is_left_alone() -> None:
    found = look(spot(35.2, 27.4, 200.0) + spot(20.0, 38.0, 110.0))
    assert found is not None
    assert np.hypot(found.x_px - 35.2, found.y_px - 27.4) < 0.05
    assert 0.4 < found.rival < 0.7


def test_the_spot_with_the_most_light_is_taken_of_two_that_are_clipped() -> None:
    found = look(spot(35.0, 27.0, 900.0, 2.5) + spot(20.0, 38.0, 900.0, 0.8))
    assert found is not None
    assert np.hypot(found.x_px - 35.0, found.y_px - 27.0) < 0.2


def test_what_lies_outside_of_the_sphere_is_not_looked_at() -> None:
    found = look(spot(25.0, 30.0, 90.0) + spot(59.0, 59.0, 250.0))
    assert found is not None
    assert (found.x_px, found.y_px) == pytest.approx((25.0, 30.0), abs=0.1)


def test_noise_is_no_spot() -> None:
    assert all(look(np.full((SIZE, SIZE), 20.0), 3.0, seed) is None for seed in range(20))


def test_an_empty_sphere_has_none() -> None:
    nothing = np.zeros((SIZE, SIZE), np.float32)
    assert find_highlight(nothing, INSIDE, nothing > 0) is None
    assert find_highlight(nothing, np.zeros_like(INSIDE), nothing > 0) is None
