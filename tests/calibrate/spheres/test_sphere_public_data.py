"""The bars on photographs: a chrome and a grey sphere (University of Washington) under the same lamps."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from station.calibrate.spheres.ball import circle_of_mask, refit
from station.calibrate.spheres.composites import composites
from station.calibrate.spheres.sphere import SphereLights, sphere_lights, sphere_normals
from station.exchange.pictures import read_picture
from station.photometric.lights import directional_field
from station.photometric.linear import least_squares
from station.photometric.solve import solve
from station.photometric.stack import Sensor, pictures
from tests.calibrate.spheres.chrome import apart_deg

SQUARE = np.ones((3, 3), bool)
WRONG_MASKS = {
    "eroded": lambda mask: binary_erosion(mask, SQUARE),
    "dilated": lambda mask: binary_dilation(mask, SQUARE),
    "shifted right": lambda mask: np.roll(mask, 1, 1),
    "shifted left": lambda mask: np.roll(mask, -1, 1),
    "shifted down": lambda mask: np.roll(mask, 1, 0),
    "shifted up": lambda mask: np.roll(mask, -1, 0),
    "much too small": lambda mask: binary_erosion(mask, SQUARE, 5),
}


def sphere_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (K, H, W, 3) in the lights' order, and the mask that came with them."""
    lit = [path for path in folder.iterdir() if re.fullmatch(r"\w+\.\d+\.png", path.name)]
    lit.sort(key=lambda path: int(path.suffixes[0][1:]))
    mask = read_picture(folder / f"{lit[0].name.split('.')[0]}.mask.png").codes
    return np.stack([read_picture(path).codes for path in lit]), mask.reshape(*mask.shape[:2], -1)[
        ..., 0
    ] > 127


@pytest.fixture(scope="module")
def chrome(test_data: Path) -> tuple[np.ndarray, np.ndarray, SphereLights]:
    frames, mask = sphere_of(test_data / "uw_chrome")
    return frames, mask, sphere_lights(frames, mask)


@pytest.mark.parametrize("wrong", WRONG_MASKS)
def test_directions_stand_still_when_the_mask_is_wrong(
    chrome: tuple[np.ndarray, np.ndarray, SphereLights], wrong: str
) -> None:
    frames, mask, found = chrome
    other = sphere_lights(frames, WRONG_MASKS[wrong](mask))
    assert apart_deg(other.directions, found.directions).max() < 0.02


def test_they_are_found_without_a_mask_too(chrome: tuple[np.ndarray, np.ndarray, SphereLights]) -> None:
    frames, _, found = chrome
    assert apart_deg(sphere_lights(frames).directions, found.directions).max() < 0.02


def test_small_clipped_reflections_are_used_and_doubted_the_more(
    chrome: tuple[np.ndarray, np.ndarray, SphereLights],
) -> None:
    _, _, found = chrome
    assert all(spot and spot.clipped_px > 3 for spot in found.highlights)
    assert found.findings == ()
    assert 0.1 < found.sigma_deg.max() < 0.3
    assert found.shared_sigma_deg < 0.15
    assert 0.5 < found.outline.coverage < 0.8  # below, it is black before black


@pytest.mark.parametrize("how", ["least squares", "robust"])
def test_the_grey_sphere_under_these_lights_is_round(
    chrome: tuple[np.ndarray, np.ndarray, SphereLights],
    test_data: Path,
    record_property: Callable[[str, object], None],
    how: str,
) -> None:
    """Mean error inside 0.8 of the radius, against the normals of the grey sphere's own refitted outline."""
    codes, mask = sphere_of(test_data / "uw_gray")
    outline = refit(composites(codes), circle_of_mask(mask, mask.shape))
    one_channel = np.rint(codes.mean(axis=3, keepdims=True) * 256).astype(np.uint16)
    taken = pictures(tuple(one_channel), None, Sensor(0.0, 65280.0, 0.0, 256.0**2))
    field = directional_field(chrome[2].directions, np.full((len(codes), 1), 65280.0))
    normals = least_squares(taken, field).normals if how == "least squares" else solve(taken, field).normals
    inside = outline.inside(mask.shape, 0.8)
    errors = apart_deg(normals[inside], sphere_normals(outline, mask.shape)[inside])
    record_property(f"normals of the grey sphere, {how}", [float(errors.mean()), "degrees"])
    assert inside.sum() > 20_000
    assert errors.mean() < 4.7
