"""Rendered bunnies with known normals, eight directional lights, shadows, and in one of them gloss.

The data is public work and not part of the project, see the fixture `test_data`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from station.photometric.lights import directional_field
from station.photometric.linear import least_squares
from station.photometric.scale import with_estimated_black, with_estimated_noise
from station.photometric.solve import ROBUST, TRIMMED, Estimator, solve
from station.photometric.stack import Sensor, pictures

WHITE = 60000.0


@pytest.fixture(params=["bunny_lambert", "bunny_specular"])
def bunny(request: Any, test_data: Path) -> Any:
    """Name, pictures of unknown noise, light field, mask and true normals."""
    folder = test_data / request.param
    names = (folder / "filenames.txt").read_text().split()
    read = [cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED).astype(float) for name in names]
    grey = [np.round(image.mean(axis=2)).astype(np.uint16) for image in read]
    directions = np.loadtxt(folder / "light_directions.txt")
    power = np.loadtxt(folder / "light_intensities.txt").mean(axis=1, keepdims=True)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    taken = pictures(grey, np.zeros_like(grey[0]), Sensor(0.0, 65535.0, 0.0, 1.0))
    true = loadmat(folder / "Normal_gt.mat")["Normal_gt"]
    return request.param, taken, directional_field(directions, WHITE * power), mask, true


def error_deg(normals: Any, true: Any, mask: Any) -> float:
    cross = np.linalg.norm(np.cross(normals, true), axis=2)
    return float(np.degrees(np.arctan2(cross, (normals * true).sum(axis=2)))[mask].mean())


def test_least_squares_is_least_squares(bunny: Any) -> None:
    """The figure that anybody's unweighted least squares gives on this data."""
    name, taken, field, mask, true = bunny
    dull = Estimator(steps=0, left_out=0, shadow=0.0, model_error=0.0)
    expected = {"bunny_lambert": 4.77, "bunny_specular": 13.22}[name]
    for found in (solve(taken, field, estimator=dull).normals, least_squares(taken, field).normals):
        assert error_deg(found, true, mask) == pytest.approx(expected, abs=0.02)


def test_the_default_estimator_sees_through_gloss_and_shadow(bunny: Any) -> None:
    name, taken, field, mask, true = bunny
    found = solve(with_estimated_noise(taken, field, mask), field)
    bound = {"bunny_lambert": 4.0, "bunny_specular": 4.65}[name]
    assert error_deg(found.normals, true, mask) <= bound
    unshadowed = solve(with_estimated_noise(taken, field, mask), field, estimator=replace(ROBUST, shadow=0.0))
    assert error_deg(unshadowed.normals, true, mask) <= {"bunny_lambert": 3.9, "bunny_specular": 4.5}[name]
    unmasked = solve(with_estimated_noise(taken, field), field)
    assert error_deg(unmasked.normals, true, mask) <= bound


def test_least_trimmed_squares_agree(bunny: Any) -> None:
    name, taken, field, mask, true = bunny
    found = solve(with_estimated_noise(taken, field, mask), field, estimator=TRIMMED)
    bound = {"bunny_lambert": 4.1, "bunny_specular": 4.9}[name]
    assert error_deg(found.normals, true, mask) <= bound


@pytest.mark.parametrize("estimator", [ROBUST, TRIMMED])
def test_the_black_level_is_what_is_left_of_the_error(bunny: Any, estimator: Any) -> None:
    """These pictures lack about a tenth of their level: with it put back the error shrinks to a tenth."""
    name, taken, field, mask, true = bunny
    bound = {"bunny_lambert": 0.6, "bunny_specular": 1.2}[name]
    for where in (mask, None):
        mended = with_estimated_black(replace(taken, ambient=None), field, where)
        found = solve(mended, field, estimator=estimator)
        assert error_deg(found.normals, true, mask) <= bound
        assert found.valid[mask].mean() > 0.99  # the rest is marked: fewer than three lights believed
