"""Rig profiles: read, checked, refused in words, and carried to another picture size."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.calibrate.profile import load_profile
from station.documents.fault import StationError

LIGHT = """
[[lights]]
position_mm = [{x}, 100.0, 150.0]
power = [1.0, 1.0, 1.0]
axis = [0.0, 0.0, -1.0]
lobe = 1.0
"""
REST = """
schema_version = 1
name = "bench"
created = "2026-01-01T00:00:00Z"
[camera]
width_px = 400
height_px = 300
matrix = [900.0, 900.0, 199.5, 149.5]
distortion = [0.1, 0.0, 0.0, 0.0, 0.0]
rotation = [3.14159, 0.0, 0.0]
translation_mm = [0.0, 0.0, 400.0]
bit_depth = 8
black_level = 4.0
full_scale = 255.0
noise_a = 0.02
noise_b = 0.1
readout_us = 1000
[flat_field]
file = "bench.npz"
sha256 = "{sha256}"
reflectance = 0.9
exposure_us = 1000
plane_z_mm = 0.3
"""

Make = Callable[..., Path]


def ramp() -> Any:
    """A flat field that is linear in the picture: light k, row r, column c of a 7 x 9 grid."""
    k, r, c = np.mgrid[0:4, 0:7, 0:9]
    return (100 + 10 * k + r + 0.5 * c)[..., None] * np.ones(3) + np.array([0, 1, 2])


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a profile of four lights, with one thing changed."""

    def write(flat: Any = None, old: str = "", new: str = "", **arrays: Any) -> Path:
        array = tmp_path / "bench.npz"
        if "field" not in arrays:
            arrays["flat"] = np.asarray(ramp() if flat is None else flat, np.float32)
        np.savez(array, **arrays)
        lights = "".join(LIGHT.format(x=x) for x in (-50, 0, 50, 100))
        text = REST.format(sha256=hashlib.sha256(array.read_bytes()).hexdigest()) + lights
        path = tmp_path / "bench.toml"
        path.write_text(text.replace(old, new, 1) if old else text)
        return path

    return write


def test_a_profile_is_read_with_its_flat_field(make: Make) -> None:
    path = make()
    loaded = load_profile(str(path))
    assert loaded.profile.name == "bench"
    assert loaded.flat.shape == (4, 7, 9, 3)
    assert loaded.path == path
    assert (
        loaded.sha256 == hashlib.sha256(path.read_bytes() + path.with_suffix(".npz").read_bytes()).hexdigest()
    )


def test_the_hash_changes_with_either_file(make: Make) -> None:
    first = load_profile(str(make())).sha256
    assert load_profile(str(make(old='name = "bench"', new='name = "other"'))).sha256 != first
    assert load_profile(str(make(flat=ramp() + 1))).sha256 != first


def test_the_shipped_profile_of_the_twin_is_sound() -> None:
    loaded = load_profile("twin")
    assert loaded.profile.simulated
    assert len(loaded.profile.lights) == len(loaded.flat) == 8


def test_the_flat_field_at_pixels(make: Make) -> None:
    """Corner pixels are the corner nodes, between nodes it is linear, beyond the border it stays."""
    loaded = load_profile(str(make()))
    at = loaded.flat_at(np.array([[0, 0], [399, 299], [199.5, 149.5], [-5, -5]]))
    assert at.shape == (4, 4, 3)
    np.testing.assert_allclose(at[0, :, 0], [100, 100 + 6 + 4, 100 + 3 + 2, 100], rtol=1e-6)
    np.testing.assert_allclose(at[3, 0], [130, 131, 132], rtol=1e-6)


def test_another_size_of_the_same_picture(make: Make) -> None:
    """A point of the scene keeps its place in the picture, as a share of it."""
    loaded = load_profile(str(make()))
    half = loaded.scaled(200, 150)
    camera = half.profile.camera
    assert (camera.width_px, camera.height_px) == (200, 150)
    assert camera.matrix == pytest.approx((450, 450, 99.5, 74.5))
    edge, same = half.flat_at(np.array([[199.0, 149.0]])), loaded.flat_at(np.array([[399.0, 299.0]]))
    np.testing.assert_allclose(edge, same, rtol=1e-6)
    assert loaded.scaled(400, 300) is loaded
    assert loaded.scaled(401, 300).profile.camera.width_px == 401  # within half a per cent


@pytest.mark.parametrize("size", [(400, 200), (300, 300), (0, 0), (404, 300)])
def test_a_picture_of_another_shape_is_refused(make: Make, size: tuple[int, int]) -> None:
    with pytest.raises(StationError, match=f"not {size[0]} x {size[1]}") as refused:
        load_profile(str(make())).scaled(*size)
    assert refused.value.code == "profile_invalid"


def refused_with(path: Path | str) -> str:
    with pytest.raises(StationError) as refused:
        load_profile(str(path))
    assert refused.value.code == "profile_invalid"
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_is_not_there_is_named(make: Make, tmp_path: Path) -> None:
    assert "no rig profile named nowhere" in refused_with("nowhere")
    assert "missing.toml" in refused_with(tmp_path / "missing.toml")
    path = make()
    path.with_suffix(".npz").unlink()
    assert "bench.npz" in refused_with(path)


def test_a_changed_array_is_noticed(make: Make) -> None:
    path = make()
    array = path.with_suffix(".npz")
    array.write_bytes(array.read_bytes()[:-1] + b"x")
    assert "not the flat field that bench.toml was made with" in refused_with(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("width_px = 400", "width_px = 0", "camera.width_px"),
        ("noise_a = 0.02", "noise_aa = 0.02", "camera.noise_a"),
        ("schema_version = 1", "schema_version = 3", "schema_version"),
        ("[camera]", "[camera", "not a TOML file"),
    ],
)
def test_a_wrong_document_is_refused_by_its_field(make: Make, old: str, new: str, says: str) -> None:
    assert says in refused_with(make(old=old, new=new))


def test_bytes_that_are_no_text_are_refused(make: Make) -> None:
    path = make()
    path.write_bytes(b"\xff\xfe")
    assert "not a TOML file" in refused_with(path)


def test_wrong_arrays_are_refused(make: Make) -> None:
    assert "(3, 7, 9, 3)" in refused_with(make(flat=ramp()[:3]))
    assert "not positive" in refused_with(make(flat=ramp() - 105))
    assert "not positive" in refused_with(make(flat=np.where(ramp() > 130, np.nan, ramp())))
    assert "no readable array named flat" in refused_with(make(field=ramp()))


def test_an_array_file_that_is_none_is_refused(make: Make) -> None:
    path = make()
    array = path.with_suffix(".npz")
    old = hashlib.sha256(array.read_bytes()).hexdigest()
    array.write_bytes(b"PK not really")
    path.write_text(path.read_text().replace(old, hashlib.sha256(array.read_bytes()).hexdigest()))
    assert "no readable array" in refused_with(path)


def curve() -> Any:
    """A response of 8 bits, another one for each channel."""
    return (255 * np.linspace(0, 1, 256) ** np.array([[2.2], [2.0], [1.8]])).astype(np.float32)


def with_table(make: Make, response: Any) -> Path:
    arrays = {} if response is None else {"response": response}
    return make(old="bit_depth = 8", new='bit_depth = 8\nresponse = "table"', **arrays)


def test_a_response_is_read_and_taken_out(make: Make) -> None:
    loaded = load_profile(str(with_table(make, curve())))
    assert loaded.response is not None
    codes = np.array([[[0, 0, 0], [128, 128, 128], [255, 255, 255]]], np.uint8)
    linear = loaded.linear(codes)
    assert linear.dtype == np.uint16
    np.testing.assert_array_equal(linear, np.round(257 * curve()[:, [0, 128, 255]].T)[None])
    assert loaded.scaled(200, 150).response is loaded.response


def test_a_linear_camera_keeps_its_codes(make: Make) -> None:
    """Whatever else lies in the array file."""
    loaded = load_profile(str(make(response=curve())))
    codes = np.zeros((2, 3, 3), np.uint8)
    assert loaded.response is None
    assert loaded.linear(codes) is codes


def test_wrong_responses_are_refused(make: Make) -> None:
    bent = curve()
    bent[1, 100] = 0
    assert "no readable array named response" in refused_with(with_table(make, None))
    assert "not a response float32 (3, 256)" in refused_with(with_table(make, curve()[:, :128]))
    assert "not a response float32 (3, 256)" in refused_with(with_table(make, curve().astype(float)))
    assert "does not rise" in refused_with(with_table(make, bent))
    assert "does not rise" in refused_with(with_table(make, np.zeros((3, 256), np.float32)))
    assert "beyond 0 to 255" in refused_with(with_table(make, curve() * 2))
    assert "beyond 0 to 255" in refused_with(with_table(make, curve() * np.float32(np.nan)))
