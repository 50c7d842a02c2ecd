"""Polynomial texture maps, read by an own reader that knows the format's description alone."""

import struct
from pathlib import Path

import numpy as np
import pytest

from station.documents.fault import StationError
from station.exchange.ptm import Ptm, fit_ptm, read_ptm, write_ptm

HEIGHT, WIDTH = 24, 32


def directions(zeniths_deg: tuple[float, ...] = (20.0, 50.0), each: int = 6) -> np.ndarray:
    """Rings of lights."""
    rings = []
    for zenith in np.radians(zeniths_deg):
        azimuth = np.arange(each) * 2 * np.pi / each + zenith
        level = np.full(each, np.cos(zenith))
        rings.append(np.stack([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), level], 1))
    return np.concatenate(rings)


def pictures(lights: np.ndarray) -> np.ndarray:
    """A coloured dome under each light, linear, (K, H, W, 3)."""
    y, x = np.mgrid[0.4 : -0.4 : HEIGHT * 1j, -0.4 : 0.4 : WIDTH * 1j]
    normals = np.dstack([x, y, np.sqrt(1 - x**2 - y**2)])
    colour = np.dstack([0.9 - 0.5 * x, 0.5 + 0.3 * y, 0.3 + 0.2 * x])
    return (np.clip(normals @ lights.T, 0, None)[..., None] * colour[:, :, None]).transpose(2, 0, 1, 3)


def relit(content: bytes, light: np.ndarray) -> np.ndarray:
    """Read and light a file byte by byte, as its description says, row 0 at the top."""
    lines = content.split(b"\n", 6)
    assert lines[:2] == [b"PTM_1.2", b"PTM_FORMAT_LRGB"]
    width, height = int(lines[2]), int(lines[3])
    scale, bias = [float(v) for v in lines[4].split()], [int(v) for v in lines[5].split()]
    lu, lv, _ = light / np.linalg.norm(light)
    terms = [lu * lu, lv * lv, lu * lv, lu, lv, 1.0]
    out = np.zeros((height, width, 3))
    for pixel in range(width * height):
        raw = struct.unpack_from("6B", lines[6], 6 * pixel)
        rgb = struct.unpack_from("3B", lines[6], 6 * width * height + 3 * pixel)
        level = sum((r - b) * s * t for r, b, s, t in zip(raw, bias, scale, terms, strict=True))
        out[height - 1 - pixel // width, pixel % width] = np.array(rgb) * level / 255
    assert len(lines[6]) == 9 * width * height
    return out


@pytest.fixture(scope="module")
def lights() -> np.ndarray:
    return directions()


@pytest.fixture(scope="module")
def written(lights: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ptm") / "x.ptm"
    lit = pictures(lights).astype(np.float32)
    write_ptm(path, fit_ptm(lambda light: lit[light], lights))
    return path


def test_lit_again_it_looks_like_the_pictures(written: Path, lights: np.ndarray) -> None:
    content = written.read_bytes()
    for light in (0, 4, 9):
        error = relit(content, lights[light]) / 255 - pictures(lights)[light]
        assert np.sqrt((error**2).mean()) < 0.002
        assert np.abs(error).max() < 0.006


def test_lit_from_between_the_lights_too(written: Path) -> None:
    light = np.array([[0.3, -0.4, np.sqrt(0.75)]])
    assert np.abs(relit(written.read_bytes(), light[0]) / 255 - pictures(light)[0]).max() < 0.02


@pytest.mark.parametrize("flip", [(slice(None, None, -1), slice(None)), (slice(None), slice(None, None, -1))])
def test_a_picture_upside_down_or_mirrored_would_be_seen(
    written: Path, lights: np.ndarray, flip: tuple[slice, slice]
) -> None:
    error = relit(written.read_bytes(), lights[9])[flip] / 255 - pictures(lights)[9]
    assert np.abs(error).max() > 0.2


@pytest.mark.parametrize("sign", [(-1, 1, 1), (1, -1, 1)])
def test_a_light_from_the_other_side_would_be_seen(
    written: Path, lights: np.ndarray, sign: tuple[int, int, int]
) -> None:
    error = relit(written.read_bytes(), lights[9] * sign) / 255 - pictures(lights)[9]
    assert np.abs(error).max() > 0.2


def test_the_rooms_own_reader_agrees(written: Path, lights: np.ndarray) -> None:
    read = read_ptm(written)
    for light in (2, 7):
        np.testing.assert_allclose(
            read.relit(lights[light]), relit(written.read_bytes(), lights[light]), atol=1e-3
        )


def test_biases_are_whole_bytes_and_zero_is_kept(written: Path) -> None:
    read = read_ptm(written)
    assert ((read.bias >= 0) & (read.bias <= 255) & (read.bias == np.rint(read.bias))).all()
    assert (read.scale > 0).all()


@pytest.mark.parametrize(("zeniths_deg", "each"), [((45.0,), 8), ((20.0, 50.0), 2)])
def test_one_ring_or_few_lights_still_show_their_own_pictures(
    zeniths_deg: tuple[float, ...], each: int
) -> None:
    some = directions(zeniths_deg, each)
    lit = pictures(some).astype(np.float32)
    ptm = fit_ptm(lambda light: lit[light], some)
    for light in range(len(some)):
        assert np.abs(ptm.relit(some[light]) / 255 - lit[light]).max() < 0.01


def test_lights_nearly_on_one_ring_do_not_make_it_grainy() -> None:
    """Heights of lights that differ by half a degree would tell a curvature by nothing but noise."""
    ring = np.concatenate([directions((44.5,), 4), directions((45.5,), 4)])
    lit = pictures(ring) + np.random.default_rng(0).normal(0, 0.01, (8, HEIGHT, WIDTH, 3))
    ptm = fit_ptm(lambda light: lit[light].astype(np.float32), ring)
    assert ptm.scale.max() < 3
    for light in range(8):
        assert np.abs(ptm.relit(ring[light]) / 255 - lit[light]).std() < 0.015


def test_black_stays_black() -> None:
    ptm = fit_ptm(lambda _: np.zeros((2, 3, 3), np.float32), directions())
    assert ptm.relit(np.array([0, 0, 1])).max() == 0


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = tmp_path / "x.ptm"
    ptm = Ptm(np.zeros((2, 3, 6), np.uint8), np.ones(6), np.zeros(6), np.zeros((2, 3, 3), np.uint8))
    write_ptm(whole, ptm)
    content = whole.read_bytes()
    for damaged, sentence in (
        (content[:-1], "is cut short or holds more than 3 x 2 pixels"),
        (content.replace(b"LRGB", b"LUM "), "is no PTM_1.2 PTM_FORMAT_LRGB file"),
        (content.replace(b"\n3\n", b"\nx\n"), "has a damaged header"),
        (content[:30], "is cut short|damaged header"),
    ):
        whole.write_bytes(damaged)
        with pytest.raises(StationError, match=sentence):
            read_ptm(whole)
