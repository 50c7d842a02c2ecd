"""The quick answers, held against numpy's least squares pixel by pixel."""

from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.lights import directional_field
from station.photometric.linear import by_rank, least_squares
from station.photometric.stack import LightField, Sensor, pictures

SENSOR = Sensor(black_level=4.0, full_scale=255.0, noise_a=0.1, noise_b=0.3)
SHAPE = (3, 275)
"""Wider than a block, and no multiple of a line."""


def lights(count: int) -> Any:
    around = np.arange(count) * 2.4
    return np.stack([np.cos(around), np.sin(around), 1.0 + 0.2 * (np.arange(count) % 3)], axis=1)


def directional(count: int) -> LightField:
    return directional_field(lights(count), np.linspace(150, 250, count)[:, None])


def near(count: int) -> LightField:
    """A field that is straight from place to place, so that any way of interpolating it agrees."""
    base, grid = directional(count), np.linspace(0, 1, 9, dtype=np.float32)
    flat = np.broadcast_to(base.flat, (count, 2, 9, 1)).astype(np.float32)
    tangent = base.tangent + np.stack([0.2 * grid, -0.1 * grid], axis=-1)[None, None]
    return LightField(flat, np.broadcast_to(tangent, (count, 2, 9, 2)).astype(np.float32))


def rays(field: LightField, column: int) -> Any:
    """Rows a with code = a . m, of one pixel column: (lights, 3)."""
    at = column / (SHAPE[1] - 1) * (field.flat.shape[2] - 1)
    left = min(int(at), max(field.flat.shape[2] - 2, 0))
    right, t = min(left + 1, field.flat.shape[2] - 1), at - left
    tangent = (1 - t) * field.tangent[:, 0, left] + t * field.tangent[:, 0, right]
    return field.flat[:, 0, 0] * np.concatenate([tangent, np.ones((len(tangent), 1))], axis=1)


def unit(m: Any) -> Any:
    return m / np.linalg.norm(m) if m[2] > 0 else np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("make", [directional, near])
@pytest.mark.parametrize("count", [3, 6, 8, 9])
def test_least_squares_of_any_codes(count: int, make: Any, dark: bool, dtype: Any) -> None:
    random = np.random.default_rng(count)
    frames = [random.integers(20, 240, SHAPE).astype(dtype) for _ in range(count)]
    ambient = random.integers(2, 9, SHAPE).astype(dtype)
    field = make(count)
    found = least_squares(pictures(frames, ambient if dark else None, SENSOR), field)
    for row, column in ((0, 0), (1, 17), (2, 255), (0, 256), (2, 274)):
        code = np.array([frame[row, column] for frame in frames], float)
        above = code - (ambient[row, column] if dark else SENSOR.black_level)
        m = np.linalg.lstsq(rays(field, column), above)[0]
        np.testing.assert_allclose(found.normals[row, column], unit(m), atol=2e-3)
        assert found.valid[row, column] == (m[2] > 0)
        if m[2] > 0:
            assert found.albedo[row, column] == pytest.approx(np.linalg.norm(m), rel=2e-3)


@pytest.mark.parametrize("make", [directional, near])
@pytest.mark.parametrize("count", [5, 7, 8])
def test_by_rank_leaves_out_the_highest_and_the_lowest_ratio(count: int, make: Any) -> None:
    random = np.random.default_rng(count)
    frames = [random.integers(20, 240, SHAPE).astype(np.uint8) for _ in range(count)]
    field = make(count)
    found = by_rank(pictures(frames, None, SENSOR), field)
    for row, column in ((0, 0), (1, 17), (2, 255), (0, 256), (2, 274)):
        above = np.array([frame[row, column] for frame in frames], float) - SENSOR.black_level
        order = np.argsort(above / field.flat[:, 0, 0, 0])[1:-1]
        m = np.linalg.lstsq(rays(field, column)[order], above[order])[0]
        np.testing.assert_allclose(found.normals[row, column], unit(m), atol=2e-3)


def test_a_clipped_light_is_marked_and_nothing_is_not_a_number() -> None:
    frames = [np.full(SHAPE, 100, np.uint8) for _ in range(8)]
    frames[2][1, 30:40] = 255
    for frame in frames:
        frame[2, :50] = 4
    found = least_squares(pictures(frames, None, SENSOR), directional(8))
    assert found.clipped[1, 30:40].all()
    assert found.clipped.sum() == 10
    assert not found.valid[2, :50].any()
    assert (found.normals[2, :50] == [0, 0, 1]).all()
    assert np.isfinite(found.normals).all()
    assert np.isfinite(found.albedo).all()


def test_maps_are_written_over() -> None:
    frames = [np.full((4, 64), 60 + 10 * k, np.uint8) for k in range(8)]
    taken, field = pictures(frames, None, SENSOR), directional(8)
    first = least_squares(taken, field)
    expected = first.normals.copy()
    first.normals[:] = 7
    again = least_squares(taken, field, first)
    assert again.normals is first.normals
    np.testing.assert_array_equal(again.normals, expected)
    with pytest.raises(StationError, match="cannot take"):
        least_squares(pictures([frame[:2] for frame in frames], None, SENSOR), field, first)


def test_what_the_quick_answers_refuse() -> None:
    four = [np.full((4, 5), 60 + k, np.uint8) for k in range(4)]
    with pytest.raises(StationError, match="leaving two out"):
        by_rank(pictures(four, None, SENSOR), directional(4))
    colour = [np.full((4, 5, 3), 60, np.uint8) for _ in range(4)]
    field = directional_field(lights(4), np.full((4, 3), 200.0))
    with pytest.raises(StationError, match="3 channels"):
        least_squares(pictures(colour, None, SENSOR), field)
