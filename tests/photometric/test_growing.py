"""Lights that come one at a time say what they say together."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.growing import Growing
from station.photometric.linear import least_squares
from station.photometric.solve import solve
from station.photometric.stack import Pictures, Sensor

SENSOR = Sensor(black_level=4.0, full_scale=255.0, noise_a=0.03, noise_b=0.3)
ORDER = (3, 0, 7, 5, 1, 2, 6, 4)


@pytest.fixture
def scene(make_bench: Any) -> Any:
    """Field of one channel and codes (8, H, W) of random grey, some of them clipped; the ambient picture."""
    bench = make_bench(height=67, width=301)
    field = bench.field()
    field = replace(field, flat=(field.flat[..., :1] / 200).astype(np.float32))
    random = np.random.default_rng(4)
    light = bench.render(
        bench.normals(lambda x, y: (0.05 * np.sin(x), 0.04 * np.cos(y))), np.full((1, 1, 3), 0.5)
    )
    codes = np.clip(light[..., 1] / 200 + random.integers(4, 12, light.shape[:3]), 0, 255).astype(np.uint8)
    codes[:, 20, 40] = 255
    return field, codes, random.integers(2, 9, codes.shape[1:]).astype(np.uint8)


@pytest.mark.parametrize("dark", [True, False])
def test_one_at_a_time_is_all_at_once(scene: Any, dark: bool) -> None:
    field, codes, ambient = scene
    ambient = ambient if dark else None
    growing = Growing(field, SENSOR, codes.shape[1:], ambient)
    for light in ORDER:
        growing.add(light, codes[light])
    together = Pictures(codes[..., None], None if ambient is None else ambient[..., None], SENSOR)
    found, expected = growing.least_squares(), least_squares(together, field)
    # matrices are worked out at the field's nodes, here 4 mm apart, and straight between them
    np.testing.assert_allclose(found.normals, expected.normals, atol=5e-4)
    np.testing.assert_allclose(found.albedo, expected.albedo, rtol=5e-4, atol=1e-5)
    np.testing.assert_array_equal(found.marks, expected.marks)
    assert found.clipped[20, 40]
    np.testing.assert_array_equal(solve(growing.pictures(), field).normals, solve(together, field).normals)


def test_what_is_missing_or_comes_twice_is_refused(scene: Any) -> None:
    field, codes, ambient = scene
    growing = Growing(field, SENSOR, codes.shape[1:], ambient)
    for light in range(7):
        growing.add(light, codes[light])
    assert growing.missing == [7]
    for again in (0, 8, -1):
        with pytest.raises(StationError, match="there before"):
            growing.add(again, codes[0])
    with pytest.raises(StationError, match="not uint8"):
        growing.add(7, codes[7].astype(np.uint16))
    for early in (growing.least_squares, growing.pictures):
        with pytest.raises(StationError, match=r"\[7\] are missing"):
            early()
    growing.add(7, codes[7])
    assert growing.least_squares().valid.mean() > 0.99


def test_an_ambient_picture_of_another_size_is_refused(scene: Any) -> None:
    field, codes, ambient = scene
    with pytest.raises(StationError, match="ambient picture"):
        Growing(field, SENSOR, codes.shape[1:], ambient[1:])
