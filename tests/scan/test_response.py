"""A camera that is not linear: its stacks are as good as a linear one's where the profile has its table."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from station.calibrate.profile import LoadedProfile, load_profile
from station.camera.interface import Pixels
from station.config import CameraSettings
from station.documents.fault import StationError
from station.scan.exposure import LightCheck
from station.scan.pipeline import Computed, Stack, compute, rectified_light_frames
from station.scan.schedule import Exposure
from station.scan.window import sensor
from station.twin.scene import Scene
from station.twin.spec import CardSpec
from station.twin.truth import truth

DPI = 100
EXPOSURE_US = 15_000
CARD = CardSpec(seed=4711)
GAMMA = 2.2


BLACK = 4 / 255
"""Of the twin's linear codes, as a share of full scale."""


def curved(linear: Pixels) -> Pixels:
    """What a camera of 8 bits gives that takes its black level off and applies this gamma."""
    light = np.clip((linear / 65_535 - BLACK) / (1 - BLACK), 0, 1)
    return np.round(255 * light ** (1 / GAMMA)).astype(np.uint8)


@pytest.fixture(scope="module")
def linear_stack() -> Stack:
    scene = Scene(seed=7, dpi=DPI)
    scene.place(CARD)
    dark, *lit = (scene.render(on, sequence=k, bit_depth=16) for k, on in enumerate(np.eye(9)[:, 1:]))
    return Stack(dark, tuple(lit), tuple(range(8)), EXPOSURE_US)


@pytest.fixture(scope="module")
def curved_stack(linear_stack: Stack) -> Stack:
    lights = tuple(curved(frame) for frame in linear_stack.lights)
    return replace(linear_stack, ambient=curved(linear_stack.ambient), lights=lights)


@pytest.fixture(scope="module")
def profile() -> LoadedProfile:
    return load_profile("twin")


@pytest.fixture(scope="module")
def with_table(profile: LoadedProfile) -> LoadedProfile:
    """The twin's profile for that camera: black is 0, and what was over black spans all codes."""
    table = np.repeat(255 * np.linspace(0, 1, 256)[None] ** GAMMA, 3, axis=0).astype(np.float32)
    wider, camera = 1 / (1 - BLACK), profile.profile.camera
    changed = camera.replace(
        response="table",
        gamma=GAMMA,
        black_level=0.0,
        noise_a=camera.noise_a * wider,
        noise_b=camera.noise_b * wider**2,
    )
    flat = (profile.flat * wider).astype(np.float32)
    return replace(profile, profile=profile.profile.replace(camera=changed), flat=flat, response=table)


@pytest.fixture(scope="module")
def of_linear(linear_stack: Stack, profile: LoadedProfile) -> Computed:
    return compute(linear_stack, profile, rectified_dpi=DPI)


@pytest.fixture(scope="module")
def of_curved(curved_stack: Stack, with_table: LoadedProfile) -> Computed:
    return compute(curved_stack, with_table, rectified_dpi=DPI)


def error_deg(found: Computed) -> float:
    true = truth(CARD, DPI)
    inside = true.mask & found.maps.valid
    cross = np.linalg.norm(np.cross(found.maps.normals, true.normals), axis=-1)
    angle = np.degrees(np.arctan2(cross, (found.maps.normals * true.normals).sum(axis=-1)))
    return float(angle[inside].mean())


def test_with_its_table_a_curved_camera_is_as_good_as_a_linear_one(
    of_linear: Computed, of_curved: Computed
) -> None:
    true = truth(CARD, DPI)
    assert error_deg(of_curved) < 1.05 * error_deg(of_linear)
    inside = true.mask & of_curved.maps.valid
    assert np.abs(of_curved.maps.albedo - of_linear.maps.albedo)[inside].mean() < 0.005
    assert of_curved.measurements.quality.chi2_median == pytest.approx(1, abs=0.5)


def test_without_it_the_normals_are_poor(
    curved_stack: Stack, profile: LoadedProfile, of_linear: Computed
) -> None:
    wrong = compute(curved_stack, profile, rectified_dpi=DPI)
    assert error_deg(wrong) > 5 * error_deg(of_linear)
    bow_mm = of_linear.measurements.quality.bow_mm
    assert abs(wrong.measurements.quality.bow_mm - bow_mm) > 1  # a card that nobody bent looks bent


def test_pictures_of_single_lights_are_linear(
    of_curved: Computed, curved_stack: Stack, linear_stack: Stack, with_table: LoadedProfile,
    profile: LoadedProfile,
) -> None:  # fmt: skip
    """In the card frame as well, and in the codes that the flat field is brought to for relighting."""
    outline = of_curved.measurements.outline
    assert outline is not None
    ours = rectified_light_frames(curved_stack, with_table, outline, DPI)
    theirs = rectified_light_frames(linear_stack, profile, outline, DPI)
    _, unit = sensor(with_table, curved_stack.ambient.dtype)
    assert unit == pytest.approx(257)
    for mine, linear in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine[20:-20, 20:-20] * (1 - BLACK), linear[20:-20, 20:-20], atol=900)


def verdicts(stack: Stack, profile: LoadedProfile) -> tuple[list[str], dict[Exposure, float]]:
    check = LightCheck(profile, CameraSettings())
    order = (Exposure(None), *(Exposure(light) for light in stack.light_indices))
    frames: Any = (SimpleNamespace(pixels=lambda one=one: one) for one in (stack.ambient, *stack.lights))
    decoded = [check.decode(frame) for frame in frames]
    assert all(one.pixels.dtype == stack.ambient.dtype for one in decoded)  # what is stored stays raw
    suspects, margins = check.suspects(order, [one.coarse for one in decoded])
    return [suspect.why for suspect in suspects], margins


def test_fingerprints_are_taken_of_linear_codes(curved_stack: Stack, with_table: LoadedProfile) -> None:
    """Each light's frame is known as its own, and two swapped ones are still caught."""
    refused, margins = verdicts(curved_stack, with_table)
    assert refused == []
    assert min(margins.values()) > 0.1
    first, second, *others = curved_stack.lights
    refused, _ = verdicts(replace(curved_stack, lights=(second, first, *others)), with_table)
    assert len(refused) == 2


def test_deeper_profiles_refuse_codes_of_eight_bits(curved_stack: Stack, with_table: LoadedProfile) -> None:
    deep = replace(with_table, response=np.repeat(with_table.response, 4, axis=1))
    with pytest.raises(StationError, match="codes up to 1023") as refused:
        compute(curved_stack, deep, rectified_dpi=DPI)
    assert refused.value.code == "stack_unusable"
