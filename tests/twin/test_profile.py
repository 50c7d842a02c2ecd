"""The twin's rig profile: valid, near the truth, and what the generator makes."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from station.calibrate.profile import load_profile
from station.camera.interface import CameraMode
from station.documents.profile import RigProfile
from station.documents.toml import as_toml
from station.twin.lights import ring
from station.twin.optics import Optics
from station.twin.profile import BilinearFit, calibrate, profile, true_profile, write
from station.twin.rigs import Layout, nominal, random_rig
from station.twin.scene import Scene
from station.twin.sensor import STAMP_JITTER_US, Sensor
from station.twin.shutter import FreeRunning
from station.twin.spec import Unkind
from station.twin.starting import NAMES
from station.twin.starting import write as write_starting_point
from station.twin.world import Target

CALIBRATION = Path(__file__).parents[2] / "calibration"


@pytest.fixture(scope="module")
def shipped() -> RigProfile:
    return RigProfile.model_validate(tomllib.loads((CALIBRATION / "twin.toml").read_text("utf-8")))


@pytest.fixture(scope="module")
def flat(shipped: RigProfile) -> np.ndarray:
    with np.load(CALIBRATION / shipped.flat_field.file) as arrays:
        return arrays["flat"]


def test_shipped_profile_is_whole(shipped: RigProfile, flat: np.ndarray) -> None:
    assert shipped.simulated
    digest = hashlib.sha256((CALIBRATION / shipped.flat_field.file).read_bytes()).hexdigest()
    assert shipped.flat_field.sha256 == digest
    assert flat.dtype == np.float32
    assert flat.shape == (8, 104, 80, 3)
    assert flat.min() > 20
    assert flat.max() < 0.98 * shipped.camera.full_scale - shipped.camera.black_level


def test_lights_are_near_the_truth_but_not_the_truth(shipped: RigProfile) -> None:
    for found, light in zip(shipped.lights, ring(), strict=True):
        assert 0.01 < np.linalg.norm(np.array(found.position_mm) - light.position_mm) < 0.8
        assert np.dot(found.axis, light.axis) > 0.99
        assert found.power == pytest.approx([light.power * c for c in light.colour], rel=0.05)


def test_camera_of_the_profile_is_the_camera(shipped: RigProfile) -> None:
    optics = Optics(600)
    assert (shipped.camera.width_px, shipped.camera.height_px) == (optics.width_px, optics.height_px)
    assert shipped.camera.matrix == pytest.approx(optics.matrix, abs=1e-3)
    assert shipped.camera.translation_mm == pytest.approx(-optics.rotation @ optics.centre_mm, abs=1e-3)


def test_the_profile_says_what_its_camera_stamps(shipped: RigProfile) -> None:
    """The usual place of a stamp and the bound of its jitter, from the simulated driver itself."""
    camera = shipped.camera
    mode = CameraMode(0, 0, 15_000, 1.0, 33_000, camera.readout_us)
    shutter = FreeRunning("arrival", STAMP_JITTER_US, 1, 0.0)
    shutter.begin(mode, 0)
    shots = [shutter.take() for _ in range(500)]
    after_us = [(shot.stamp_ns - shot.first_ns) / 1_000 - 27_000 for shot in shots]
    assert camera.stamp_at == "end"
    assert max(abs(one - camera.stamp_delay_us) for one in after_us) <= camera.stamp_jitter_us
    assert max(after_us) <= camera.stamp_late_us


def test_measured_noise_is_the_sensors(shipped: RigProfile) -> None:
    sensor = Sensor(8)
    assert shipped.camera.noise_a == pytest.approx(sensor.noise_a, rel=0.03)
    assert shipped.camera.noise_b == pytest.approx(sensor.noise_b, rel=0.2)
    assert shipped.camera.black_level == sensor.black_level


def test_calibrating_again_at_another_resolution_finds_the_same_flat_field(flat: np.ndarray) -> None:
    again = calibrate(dpi=60, averaged=2)
    assert again.flat.shape == flat.shape
    ratio = again.flat.mean(axis=-1) / flat.mean(axis=-1)
    for k in range(8):  # drift of 1 % per frame moves each light as a whole
        assert ratio[k].mean() == pytest.approx(1, abs=0.04)
        assert ratio[k].std() < 0.02
    assert again.noise_a == pytest.approx(Sensor(8).noise_a, rel=0.1)


def test_written_profile_reads_as_the_document_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "new", dpi=60, averaged=1)
    read = RigProfile.model_validate(tomllib.loads(path.read_text("utf-8")))
    with np.load(path.parent / read.flat_field.file) as arrays:
        assert arrays["flat"].shape == (8, 104, 80, 3)
    assert read.flat_field.sha256 == hashlib.sha256((path.parent / "twin.npz").read_bytes()).hexdigest()
    measured = calibrate(dpi=60, averaged=1)
    assert read == profile(measured, "twin.npz", read.flat_field.sha256, dpi=60)


def test_fit_has_no_bias_at_the_edges() -> None:
    """A plane is a bilinear surface: the fit must return its values at the grid's places."""
    optics = Optics(60)
    rows, columns = np.indices((optics.height_px, optics.width_px)).astype(np.float64)
    plane = np.stack([3 + 0.5 * rows - 0.25 * columns] * 3, axis=-1)
    fitted = BilinearFit(optics)(plane)
    y, x = np.linspace(0, optics.height_px - 1, 104)[:, None], np.linspace(0, optics.width_px - 1, 80)
    np.testing.assert_allclose(fitted[..., 1], 3 + 0.5 * y - 0.25 * x, atol=1e-6)


def test_true_profile_knows_the_rig_and_what_its_sheet_looks_like(tmp_path: Path) -> None:
    rig = random_rig(5, "two_rings")
    loaded = load_profile(str(true_profile(rig, 60, tmp_path, "truth")))
    assert loaded.profile.name == "truth"
    for known, light in zip(loaded.profile.lights, rig.lights, strict=True):
        assert known.position_mm == pytest.approx(light.position_mm, abs=1e-5)
        assert known.axis == pytest.approx(light.axis, abs=1e-7)
        assert known.power == pytest.approx([light.power * c for c in light.colour], abs=1e-5)
        assert known.lobe == light.lobe
    scene = Scene(1, dpi=60, rig=rig)
    scene.place(Target(unkind=Unkind.kind()))
    places = np.array([[40.0, 60.0], [96.0, 123.0], [150.0, 200.0]])
    flat = loaded.flat_at(places)
    for k, on in enumerate(np.eye(8)):
        picture = (
            scene.render(on, bit_depth=16, exposure_us=7_500).astype(np.float64) - Sensor(16).black_level
        )
        seen = [2 * 255 / 65_535 * picture[int(y), int(x)] for x, y in places]
        np.testing.assert_allclose(flat[k], seen, rtol=2e-3)


def test_light_by_the_true_profiles_formula_is_the_flat_fields(tmp_path: Path) -> None:
    """Up to the lens's loss in the corners, which the formula of the lights does not know."""
    rig = random_rig(6)
    loaded = load_profile(str(true_profile(rig, 60, tmp_path, "truth")))
    optics = Optics(60, rig.lens)
    middle = np.array([[(optics.width_px - 1) / 2, (optics.height_px - 1) / 2]])
    place = np.append(optics.on_height(middle, 0.3)[0], 0.3)
    codes = []
    for light in loaded.profile.lights:
        way = np.array(light.position_mm) - place
        far = np.linalg.norm(way)
        facing = -(way @ light.axis) / far
        codes.append(np.array(light.power) * facing**light.lobe * way[2] / far**3)
    ratio = loaded.flat_at(middle)[:, 0] / np.array(codes)
    np.testing.assert_allclose(ratio / ratio.mean(), 1, rtol=3e-3)


@pytest.mark.parametrize("layout", ["ring", "two_rings"])
def test_shipped_starting_points_are_what_the_command_makes_and_say_so(
    layout: Layout, tmp_path: Path
) -> None:
    made, shipped = load_profile(str(write_starting_point(tmp_path, layout))), load_profile(NAMES[layout])
    assert shipped.profile.replace(flat_field=made.profile.flat_field) == made.profile
    np.testing.assert_array_equal(shipped.flat, made.flat)
    assert not shipped.profile.measured
    assert not shipped.profile.simulated
    for light, drawn in zip(shipped.profile.lights, nominal(layout), strict=True):
        assert light.position_mm == pytest.approx(drawn.position_mm, abs=1e-3)
    assert shipped.path.with_suffix(".npz").stat().st_size < 20_000


def test_starting_point_is_as_bright_as_the_twin_with_the_nominal_rig(tmp_path: Path) -> None:
    flat = load_profile("ring-8").flat
    assert 100 < flat[:, 13, 10].min() == pytest.approx(flat[:, 13, 10].max(), rel=0.01)


def test_toml_reads_back() -> None:
    tree = {
        "a": 1,
        "b": 'x "y" ö',
        "c": [1.5, 2.0],
        "d": {"e": True, "f": {"g": []}},
        "h": [{"i": 1}, {"i": 2}],
    }
    assert tomllib.loads(as_toml(tree)) == tree
