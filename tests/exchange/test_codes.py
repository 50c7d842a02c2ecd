"""Measured values in pictures to look at: they come back within half a code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.exchange.codes import (
    TOP,
    codes_to_normals,
    linear_codes,
    linear_of_srgb,
    normals_to_codes,
    reflectance_to_codes,
    srgb_codes,
    values_to_codes,
)


def test_normals_come_back_within_half_a_code() -> None:
    normals = np.random.default_rng(0).normal(size=(40, 50, 3))
    normals[..., 2] = np.abs(normals[..., 2])
    normals = (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)
    valid = np.random.default_rng(1).random((40, 50)) > 0.1
    read, known = codes_to_normals(normals_to_codes(normals, valid))
    np.testing.assert_array_equal(known, valid)
    chord = np.linalg.norm(read.astype(float) - normals, axis=2)[valid]
    assert np.degrees(chord.max()) < np.degrees(np.sqrt(3) / TOP) * 1.01


def test_red_is_right_green_is_up_and_blue_is_to_the_camera() -> None:
    normals = np.array([[[0.6, 0.0, 0.8], [0.0, 0.6, 0.8]]], np.float32)
    right, up = normals_to_codes(normals, np.ones((1, 2), bool))[0].astype(int)
    assert right.tolist() == [round(1.6 / 2 * TOP), round(TOP / 2), round(1.8 / 2 * TOP)]
    assert up.tolist() == [round(TOP / 2), round(1.6 / 2 * TOP), round(1.8 / 2 * TOP)]


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=9), st.data())
def test_values_come_back_within_half_a_step(numbers: list[float], data: st.DataObject) -> None:
    values = np.array([numbers], np.float32)
    valid = np.array([data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))])
    codes, offset, scale = values_to_codes(values, valid)
    np.testing.assert_array_equal(codes != 0, valid)
    back = offset + scale * codes.astype(float)
    assert np.abs(back - values)[valid].max(initial=0) <= scale * 0.5001 + 1e-9


def test_few_extremes_are_cut_and_nan_is_not_measured() -> None:
    values = np.linspace(0, 1, 1001, dtype=np.float32)[None]
    values[0, 500] = 1e6
    values[0, 0] = np.nan
    codes, offset, scale = values_to_codes(values, np.ones_like(values, bool), cut_percent=0.5)
    back = offset + scale * codes.astype(float)
    assert codes[0, 0] == 0
    assert codes[0, 500] == TOP
    assert abs(back[0, 250] - values[0, 250]) < 1e-4


def test_albedo_is_linear_again_after_the_curve() -> None:
    albedo = np.random.default_rng(2).random((30, 30, 3)).astype(np.float32)
    codes, full = reflectance_to_codes(albedo)
    assert full == 1.0
    np.testing.assert_allclose(linear_of_srgb(codes), albedo, atol=2e-5)
    brighter, full = reflectance_to_codes(albedo * 5)
    assert full == pytest.approx(5, rel=0.01)
    assert brighter.max() == TOP


@pytest.mark.parametrize(("code", "linear"), [(0, 0.0), (10, 0.0030353), (128, 0.2158605), (255, 1.0)])
def test_the_curve_is_that_of_the_standard(code: int, linear: float) -> None:
    """Values from IEC 61966-2-1."""
    codes = np.array([code], np.uint8)
    assert linear_of_srgb(codes)[0] == pytest.approx(linear, abs=1e-6)
    assert linear_codes(codes)[0] == round(linear * TOP)
    assert srgb_codes(np.array([linear]))[0] == pytest.approx(code * 257, abs=1)
