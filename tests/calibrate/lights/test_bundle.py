"""The lights of rigs of chance, from the flat, from spheres, and from both, with honest uncertainties."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.lights.bundle import fit_lights
from station.calibrate.lights.bundle_result import LightsFit
from station.documents.fault import StationError
from tests.calibrate.lights.synthetic import (
    PLACES_MM,
    VIGNETTING,
    Session,
    ball_look,
    camera,
    leds,
    nominal,
    session,
)

CAMERA = camera()
SEEDS = range(6)

Array = NDArray[np.float64]


@cache
def observed(seed: int) -> Session:
    return session(seed)


@cache
def fitted(seed: int, kinds: str) -> LightsFit:
    seen = observed(seed)
    flats = seen.flats if "flats" in kinds else ()
    balls = seen.balls if "balls" in kinds else ()
    return fit_lights(CAMERA, flats, balls, seen.start, reflectance=0.9)


def places(fit: LightsFit) -> Array:
    return np.array([light.position_mm for light in fit.lights])


def true_places(seed: int) -> Array:
    return np.array([led.place_mm for led in observed(seed).rig])


def directions_deg(fit: LightsFit, truth: Array, card_mm: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Angles between found and true directions of the lights, from a place of the card."""
    here = np.array([*card_mm, 0.3])
    one, two = places(fit) - here, truth - here
    cross = np.linalg.norm(np.cross(one, two), axis=1)
    return np.degrees(np.arctan2(cross, (one * two).sum(axis=1)))


@pytest.mark.parametrize("seed", SEEDS)
def test_flats_and_spheres_give_the_directions_to_a_tenth_of_a_degree(seed: int) -> None:
    fit = fitted(seed, "flats and balls")
    for place in ((0.0, 0.0), (31.5, 44.0), (-31.5, 44.0)):
        assert directions_deg(fit, true_places(seed), place).mean() < 0.12
    assert np.linalg.norm(places(fit) - true_places(seed), axis=1).max() < 3.0
    assert not fit.findings


@pytest.mark.parametrize("seed", SEEDS)
def test_flats_alone_give_them_to_half_a_degree(seed: int) -> None:
    fit = fitted(seed, "flats")
    assert directions_deg(fit, true_places(seed)).mean() < 0.8
    assert not fit.findings
    assert fit.fits[0].highlight_rms_px is None
    assert fit.ball_residual_px.shape == (0, 8, 2)


def test_spheres_alone_give_places_and_nothing_else() -> None:
    fit = fitted(0, "balls")
    assert directions_deg(fit, true_places(0)).mean() < 0.15
    for light, believed in zip(fit.lights, observed(0).start, strict=True):
        assert (light.power, light.axis, light.lobe) == (believed.power, believed.axis, believed.lobe)
    assert fit.codes is None
    assert fit.sheet_bow_mm is None
    assert {one.power_sigma_percent for one in fit.fits} == {None}
    assert [(one.kind, one.severe) for one in fit.findings] == [("too_few", False)]


@pytest.mark.parametrize("kinds", ["flats and balls", "flats", "balls"])
def test_errors_are_as_large_as_the_uncertainties_say(kinds: str) -> None:
    """Mahalanobis distances of the places: their mean square is the number of coordinates, 3."""
    squares, angles = [], []
    for seed in SEEDS:
        fit, truth = fitted(seed, kinds), true_places(seed)
        for k, off in enumerate(places(fit) - truth):
            own = fit.covariance[3 * k : 3 * k + 3, 3 * k : 3 * k + 3]
            squares.append(off @ np.linalg.solve(own, off) / 3)
        sigmas = np.array([one.direction_sigma_deg for one in fit.fits])
        angles.append(directions_deg(fit, truth) / sigmas)
    assert 0.3 < np.mean(squares) < 2.0
    assert np.quantile(squares, 0.95) < 5.0
    assert 0.4 < np.sqrt(np.mean(np.square(angles))) < 1.7


@pytest.mark.parametrize("seed", SEEDS)
def test_powers_axes_and_lobes_come_from_the_flat(seed: int) -> None:
    fit, rig = fitted(seed, "flats and balls"), observed(seed).rig
    lobes = np.array([light.lobe for light in fit.lights]) - np.array([led.lobe for led in rig])
    assert np.sqrt(np.mean(lobes**2)) < 0.08
    axes = np.sum(
        np.array([light.axis for light in fit.lights]) * np.array([led.axis for led in rig]), axis=1
    )
    assert np.degrees(np.arccos(axes)).mean() < 2.0
    powers = np.array([light.power for light in fit.lights])
    assert powers.mean() == pytest.approx(1.0)
    ratio = powers / np.array([led.power for led in rig])
    sigma = np.array([one.power_sigma_percent for one in fit.fits])
    off = 100 * (ratio.mean(axis=1) / ratio.mean() - 1) / sigma
    assert np.sqrt(np.mean(off**2)) < 2.0
    colour = ratio / ratio.mean(axis=1, keepdims=True)
    assert colour == pytest.approx(np.ones((8, 3)), abs=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sheets_bow_and_tilt_are_found_within_their_uncertainty(seed: int) -> None:
    fit = fitted(seed, "flats and balls")
    assert fit.sheet_bow_mm is not None
    assert fit.sheet_bow_sigma_mm is not None
    assert fit.sheet_bow_mm < 0.25
    assert 0.0 < fit.sheet_bow_sigma_mm < 0.1
    assert np.abs(fit.sheet_tilt_deg).max() < 0.4


def test_the_lenss_vignetting_is_told_from_the_lights() -> None:
    for seed in SEEDS:
        fit = fitted(seed, "flats and balls")
        corner = np.exp(sum(fit.vignetting)) / np.exp(0.0)
        assert corner == pytest.approx(1 - VIGNETTING, abs=0.02)


def test_codes_are_those_of_white_per_power() -> None:
    fit, rig = fitted(1, "flats and balls"), observed(1).rig
    assert fit.codes == pytest.approx(6.0e6 * np.mean([led.power for led in rig]), rel=0.02)


def test_the_residuals_are_noise() -> None:
    fit = fitted(1, "flats and balls")
    assert fit.residual_percent.shape[0] == 8
    assert np.sqrt(np.mean(fit.residual_percent**2)) < 0.05
    assert np.sqrt(np.nanmean(fit.ball_residual_px**2)) < 0.3
    assert all(one.flat_rms_percent is not None and one.flat_rms_percent < 0.1 for one in fit.fits)


def test_one_look_without_spheres_says_that_it_is_too_few() -> None:
    seen = observed(2)
    fit = fit_lights(CAMERA, seen.flats[:1], (), seen.start)
    assert "too_few" in {one.kind for one in fit.findings if one.severe}
    truth = true_places(2)
    sigmas = np.array([one.position_sigma_mm for one in fit.fits])
    assert np.sqrt(np.mean(((places(fit) - truth) / sigmas) ** 2)) < 2.0


def test_two_spheres_are_enough_and_less_certain_than_five() -> None:
    seen = observed(3)
    two = fit_lights(CAMERA, (), (seen.balls[0], seen.balls[4]), seen.start)
    five = fitted(3, "balls")
    assert directions_deg(two, true_places(3)).mean() < 0.3
    assert two.fits[0].direction_sigma_deg > 1.2 * five.fits[0].direction_sigma_deg


def test_nothing_observed_is_refused() -> None:
    with pytest.raises(StationError, match="no light was seen") as caught:
        fit_lights(CAMERA, (), (), nominal())
    assert caught.value.code == "calibration_failed"


def test_one_sphere_alone_is_refused() -> None:
    rig = leds(np.random.default_rng(8))
    with pytest.raises(StationError, match="two spheres or more"):
        fit_lights(CAMERA, (), (ball_look(rig, PLACES_MM[0], None),), nominal())


def test_observations_of_another_number_of_lights_are_refused() -> None:
    with pytest.raises(StationError, match="not of the 4 lights"):
        fit_lights(CAMERA, observed(0).flats, (), nominal()[:4])
