"""Rigs: the standard one is what it always was, and drawn ones are within what a collector builds."""

from math import hypot

import numpy as np
import pytest

from station.twin.lights import Light, ring
from station.twin.optics import Lens, Optics
from station.twin.rigs import MOVED_MM, Layout, Rig, nominal, random_rig, standard
from station.twin.scene import Scene
from station.twin.spec import Unkind
from station.twin.world import Target

LAYOUTS: tuple[Layout, ...] = ("ring", "two_rings")
SEEDS = range(20)


def _drawn() -> list[tuple[Layout, Rig]]:
    return [(layout, random_rig(seed, layout)) for layout in LAYOUTS for seed in SEEDS]


def _zenith_deg(place: np.ndarray) -> float:
    return float(np.rad2deg(np.arccos(place[2] / np.linalg.norm(place))))


def test_standard_rig_is_the_ring_under_the_usual_camera() -> None:
    assert standard().lights is ring()
    assert standard().lens == Lens()


def test_scene_without_a_rig_is_the_scene_with_the_standard_one() -> None:
    plain, told = Scene(3, dpi=50), Scene(3, dpi=50, rig=standard())
    for scene in (plain, told):
        scene.place(Target())
    assert plain.render(np.eye(8)[2]).tobytes() == told.render(np.eye(8)[2]).tobytes()


@pytest.mark.parametrize(("layout", "zeniths_deg"), [("ring", [45] * 8), ("two_rings", [35, 55] * 4)])
def test_nominal_lights_stand_where_the_layout_says(layout: Layout, zeniths_deg: list[int]) -> None:
    lights = nominal(layout)
    assert [_zenith_deg(light.position_mm) for light in lights] == pytest.approx(zeniths_deg)
    distances = [np.linalg.norm(light.position_mm) for light in lights]
    assert distances == pytest.approx([distances[0]] * 8)
    azimuths = np.rad2deg([np.arctan2(light.position_mm[1], light.position_mm[0]) for light in lights]) % 360
    assert np.diff(azimuths) == pytest.approx([45] * 7)
    for light in lights:
        np.testing.assert_allclose(light.axis, -light.position_mm / distances[0])


def test_same_seed_same_rig_and_another_seed_another() -> None:
    one, again, other = random_rig(4), random_rig(4), random_rig(5)
    assert one.lens == again.lens != other.lens
    for left, right, third in zip(one.lights, again.lights, other.lights, strict=True):
        assert (left.position_mm == right.position_mm).all()
        assert left.power == right.power != third.power


def test_lights_lie_near_their_nominal_places() -> None:
    far = []
    for layout, rig in _drawn():
        for light, drawing in zip(rig.lights, nominal(layout), strict=True):
            far.append(np.linalg.norm(light.position_mm - drawing.position_mm))
            assert np.rad2deg(np.arccos(light.axis @ drawing.axis)) < 20
            assert 0.8 <= light.lobe <= 1.3
    assert max(far) <= MOVED_MM
    assert max(far) > 0.9 * MOVED_MM


def test_powers_are_unequal_and_no_light_is_too_bright_for_the_usual_exposure() -> None:
    for _, rig in _drawn():
        powers = [light.power for light in rig.lights]
        assert max(powers) / min(powers) == pytest.approx(1.6)
    scene = Scene(1, dpi=50, rig=random_rig(2, "two_rings"))
    scene.place(Target(reflectance=0.86, unkind=Unkind.kind()))
    brightest = max(scene.render(light).max() for light in np.eye(8))
    assert 0.7 * 255 < brightest < 0.98 * 255


def test_flat_card_mirrors_no_light_into_the_camera() -> None:
    """The mirror image of a light, joined with the eye, crosses the card's plane well beside the card."""
    for _, rig in _drawn():
        eye = np.array(rig.lens.centre_mm)
        for light in rig.lights:
            image = light.position_mm * (1, 1, -1)
            crossing = image + (eye - image) * (-image[2] / (eye[2] - image[2]))
            beside = np.maximum(np.abs(crossing[:2]) - (31.5, 44), 0)
            assert hypot(*beside) > 25


def test_camera_sees_a_card_wherever_it_may_lie_and_looks_askew() -> None:
    for _, rig in _drawn():
        optics = Optics(600, rig.lens)
        corners = np.array([[x, y, 0.8] for x in (-36.2, 36.2) for y in (-48.3, 48.3)])
        pixels = optics.project(corners)
        assert pixels.min() > 20
        assert (pixels < np.array([optics.width_px, optics.height_px]) - 20).all()
        np.testing.assert_allclose(optics.on_height(pixels, 0.8), corners[:, :2], atol=1e-6)
        assert np.rad2deg(np.arccos(-optics.rotation[2, 2])) == pytest.approx(2, abs=0.05)
        assert 385 <= rig.lens.centre_mm[2] <= 415


def test_a_rig_has_a_light_for_every_switch_of_the_board() -> None:
    light: Light = ring()[0]
    with pytest.raises(ValueError, match="7 lights"):
        Rig((light,) * 7, Lens(), "small")
