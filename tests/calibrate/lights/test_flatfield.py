"""The grid over a picture, and the flat field of an ideal sheet from pictures of a real one."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.lights.bundle import fit_lights
from station.calibrate.lights.flatfield import flat_field, grid_of
from station.documents.fault import StationError
from tests.calibrate.lights.synthetic import Session, camera, ideal_flat, session

CAMERA = camera()
PLANE_MM = 0.3
SEEDS = range(20, 24)

Array = NDArray[np.float64]


def off_percent(flat: NDArray[np.float32], seen: Session) -> Array:
    """Error (lights, rows, columns) against the true ideal sheet, whose reflectance is left open."""
    ratio = np.log(flat / ideal_flat(seen.rig, PLANE_MM)).mean(axis=-1)
    return 100 * (ratio - ratio.mean())


@pytest.mark.parametrize("size", [(246, 192), (311, 201), (104, 80)])
def test_a_bilinear_picture_is_its_grid_at_any_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    nodes = rng.uniform(10, 200, (9, 7, 3))
    v, u = np.linspace(0, 8, size[0]), np.linspace(0, 6, size[1])
    rows = np.stack([np.interp(v, range(9), nodes[:, c, k]) for k in range(3) for c in range(7)], axis=-1)
    rows = rows.reshape(size[0], 3, 7)
    picture = np.stack(
        [[np.interp(u, range(7), rows[r, k]) for r in range(size[0])] for k in range(3)], axis=-1
    )
    assert grid_of(picture, 9, 7) == pytest.approx(nodes, abs=1e-9)


def test_the_grid_of_a_noisy_ramp_is_not_biased_at_the_border() -> None:
    rng = np.random.default_rng(2)
    v, u = np.mgrid[0:492, 0:384]
    ramp = (50 + 0.2 * v + 0.3 * u)[..., None] * np.ones(3)
    grid = grid_of(ramp + rng.normal(0, 2.0, ramp.shape))
    assert grid.shape == (104, 80, 3)
    wanted = 50 + 0.2 * np.linspace(0, 491, 104)[:, None] + 0.3 * np.linspace(0, 383, 80)
    off = grid - wanted[..., None]
    edge = np.concatenate([off[0].ravel(), off[-1].ravel(), off[:, 0].ravel(), off[:, -1].ravel()])
    assert abs(edge.mean()) < 0.15
    assert abs(off.mean()) < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_the_flat_field_is_that_of_an_ideal_sheet(seed: int) -> None:
    """What remains of a light's own level is the lights' drift between and within the looks."""
    seen = session(seed)
    fit = fit_lights(CAMERA, seen.flats, seen.balls, seen.start)
    flat = flat_field(fit, seen.flats, CAMERA, PLANE_MM)
    assert flat.dtype == np.float32
    assert flat.shape == seen.flats[0].grid.shape
    off = off_percent(flat, seen)
    shape = off - off.mean(axis=(1, 2), keepdims=True)
    own = shape - shape.mean(axis=0)  # what lights have in common changes no normal
    assert np.sqrt(np.mean(off**2)) < 0.35
    assert np.sqrt(np.mean(shape**2)) < 0.25
    assert np.sqrt(np.mean(own**2)) < 0.1
    raw = off_percent(seen.flats[0].grid, seen)
    assert np.sqrt(np.mean(off**2)) < 0.6 * np.sqrt(np.mean(raw**2))


def test_a_wrong_lobe_does_not_bend_it() -> None:
    seen = session(30)
    fit = fit_lights(CAMERA, seen.flats, seen.balls, seen.start)
    wrong = replace(fit, lights=tuple(light.replace(lobe=light.lobe + 0.4) for light in fit.lights))
    right, bent = (flat_field(one, seen.flats, CAMERA, PLANE_MM) for one in (fit, wrong))
    ratio = np.log(bent / right).mean(axis=-1)
    ratio -= ratio.mean(axis=(1, 2), keepdims=True)
    assert 100 * np.abs(ratio).max() < 0.3


def test_dust_in_one_look_goes_and_structure_of_the_lights_stays() -> None:
    seen = session(31)
    clean = fit_lights(CAMERA, seen.flats, seen.balls, seen.start)
    before = flat_field(clean, seen.flats, CAMERA, PLANE_MM)
    dusty = seen.flats[0].grid.copy()
    dusty[:, 20, 11] *= 0.93
    both = []
    for n, look in enumerate(seen.flats):
        grid = dusty.copy() if n == 0 else look.grid.copy()
        grid[2, 30:34, 20:24] *= 0.98
        both.append(replace(look, grid=grid))
    after = flat_field(fit_lights(CAMERA, both, seen.balls, seen.start), both, CAMERA, PLANE_MM)
    change = np.log(after / before).mean(axis=-1)
    assert np.abs(change[:, 20, 11]).max() < 0.005
    assert change[2, 30:34, 20:24] == pytest.approx(np.full((4, 4), np.log(0.98)), abs=0.002)


def test_a_fit_without_flats_has_no_flat_field() -> None:
    seen = session(32)
    fit = fit_lights(CAMERA, (), seen.balls, seen.start)
    with pytest.raises(StationError, match="not fitted to these 2 flats"):
        flat_field(fit, seen.flats, CAMERA, PLANE_MM)
