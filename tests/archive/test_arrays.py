"""Encodings: what goes in comes out, within the error that is promised."""

import numpy as np
import pytest

from station.archive.arrays import decode, encode

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "bool"])
@pytest.mark.parametrize("shape", [(70, 33), (70, 33, 3), (3, 5, 2), (1, 1), (1, 1, 3), (3, 2, 3)])
def test_plain_is_lossless(dtype: str, shape: tuple[int, ...]) -> None:
    array = (RANDOM.random(shape) * (255 if dtype != "bool" else 2)).astype(dtype)
    if dtype == "float32":
        array.flat[0] = np.nan
    back = decode(encode(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_normals_keep_their_direction_and_their_holes() -> None:
    slopes = RANDOM.normal(0, 0.2, (60, 40, 2))
    normals = np.dstack([slopes, np.ones((60, 40))])
    normals = (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)
    normals[3, 4] = np.nan
    back = decode(encode(normals, "normals"))
    assert back.dtype == np.float32
    assert np.isnan(back[3, 4]).all()
    assert np.isnan(back).sum() == 3
    chord = np.linalg.norm(back - normals, axis=2)
    assert np.nanmax(np.degrees(2 * np.arcsin(chord / 2))) < 0.004
    np.testing.assert_allclose(np.linalg.norm(back, axis=2)[normals[..., 0] == normals[..., 0]], 1, atol=1e-6)


def test_grazing_normals_stay_unit_vectors() -> None:
    normals = np.array([[[1, 0, 0], [0, -1, 0], [0, 0, 1]]], np.float32)
    np.testing.assert_allclose(decode(encode(normals, "normals")), normals, atol=1e-6)


@pytest.mark.parametrize("largest", [0.3, 1.0, 7.5])
def test_fractions_above_one_are_not_cut(largest: float) -> None:
    albedo = (RANDOM.random((50, 30, 3)) * largest).astype(np.float32)
    albedo[0, 0] = (0, largest, np.nan)
    back = decode(encode(albedo, "fraction"))
    assert back.dtype == np.float32
    assert np.isnan(back[0, 0, 2])
    assert np.isnan(back).sum() == 1
    assert np.nanmax(np.abs(back - albedo)) <= 0.51 * max(1, largest) / 65534


def test_heights_keep_half_a_nanometre() -> None:
    height = RANDOM.normal(0, 0.3, (50, 30)).astype(np.float32)
    height[7, 8] = np.nan
    back = decode(encode(height, "height_mm"))
    assert back.dtype == np.float32
    assert np.isnan(back[7, 8])
    assert np.isnan(back).sum() == 1
    assert np.nanmax(np.abs(back.astype(float) - height)) < 0.5e-6 + 2 * np.spacing(np.nanmax(np.abs(height)))


@pytest.mark.parametrize("encoding", ["normals", "fraction", "height_mm"])
def test_an_image_of_holes_stays_one(encoding: str) -> None:
    shape = (4, 5, 3) if encoding == "normals" else (4, 5)
    assert np.isnan(decode(encode(np.full(shape, np.nan, np.float32), encoding))).all()


@pytest.mark.parametrize(
    ("array", "encoding"),
    [
        (np.zeros((4, 4), np.int64), "plain"),
        (np.zeros((4, 4, 4), np.uint8), "plain"),
        (np.zeros(4, np.uint8), "plain"),
        (np.zeros((0, 4), np.uint8), "plain"),
        (np.zeros((4, 4, 3), np.float32), "normals"),
        (np.broadcast_to(np.float32([0, 0, -1]), (4, 4, 3)), "normals"),
        (np.zeros((4, 4, 2), np.float32), "normals"),
        (np.full((4, 4), -0.1, np.float32), "fraction"),
        (np.full((4, 4), np.inf, np.float32), "fraction"),
        (np.zeros((4, 4), np.float64), "fraction"),
        (np.full((4, 4), 3, np.float32), "height_mm"),
        (np.full((4, 4), -np.inf, np.float32), "height_mm"),
        (np.zeros((4, 4, 3), np.float32), "height_mm"),
    ],
)
def test_what_an_encoding_cannot_hold_is_refused(array: np.ndarray, encoding: str) -> None:
    with pytest.raises(ValueError, match=r"image|normals|fractions|height"):
        encode(array, encoding)


def test_damaged_bytes_are_refused() -> None:
    content = encode(np.arange(6000, dtype=np.uint16).reshape(60, 100))
    for damaged in (b"", b"GIF89a", content[:100], content[: len(content) // 2]):
        with pytest.raises(ValueError, match="TIFF"):
            decode(damaged)


def test_an_unknown_encoding_is_refused() -> None:
    content = encode(np.zeros((4, 4), np.uint8)).replace(b'"plain"', b'"later"')
    with pytest.raises(ValueError, match="later"):
        decode(content)


def test_the_same_array_gives_the_same_bytes() -> None:
    array = np.arange(6000, dtype=np.uint16).reshape(60, 100)
    assert encode(array) == encode(array.copy())
