"""Directions of lights from a chrome sphere, on rendered pictures whose lights are known."""

import numpy as np
import pytest

from station.calibrate.spheres.ball import Circle
from station.calibrate.spheres.sphere import SphereLights, reflected, sphere_lights, sphere_normals
from station.documents.fault import StationError
from tests.calibrate.spheres.chrome import Chrome, apart_deg, lamps


def kinds(found: SphereLights) -> list[tuple[str, tuple[int, ...]]]:
    """Of the findings."""
    return [(finding.kind, finding.lights) for finding in found.findings]


def test_the_directions_are_those_of_the_lights_not_the_normals_between() -> None:
    """The classic mistake: the normal where the light is mirrored lies half way to it."""
    scene = Chrome()
    found = sphere_lights(scene.pictures(), scene.mask())
    assert apart_deg(found.directions, scene.lights).max() < 0.3
    half = scene.lights + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    assert apart_deg(found.directions, half).min() > 5
    assert found.findings == ()


def test_the_stated_uncertainty_is_what_directions_are_wrong_by() -> None:
    shares = []
    for number in range(10):
        chance = np.random.default_rng(number)
        scene = Chrome(
            centre_px=(101 + chance.uniform(-2, 2), 90 + chance.uniform(-2, 2)),
            noise=3.0,
            strength=(150.0, 2000.0)[number % 2],
        )
        found = sphere_lights(scene.pictures(), scene.mask())
        shares.append(apart_deg(found.directions, scene.lights) / found.sigma_deg)
    assert 0.3 < np.sqrt(np.mean(np.square(shares))) < 1.7


def test_an_error_of_the_outline_turns_all_lights_as_the_formula_says() -> None:
    """2 d / (r n_z): half a pixel on 62 is 0.92 degrees straight ahead."""
    scene = Chrome()
    found = sphere_lights(scene.pictures(), scene.mask())
    assert 0 < found.shared_sigma_deg < found.sigma_deg.max()
    straight = np.array([0.0, 0.0, 1.0])
    moved = reflected(np.array([0.5 / 62.4, 0.0, np.sqrt(1 - (0.5 / 62.4) ** 2)]))
    assert apart_deg(moved[None], straight[None])[0] == pytest.approx(np.degrees(2 * 0.5 / 62.4), rel=1e-3)


@pytest.mark.parametrize("hint", ["mask", "box", "circle", "none"])
def test_any_kind_of_hint_leads_to_the_same(hint: str) -> None:
    scene = Chrome()
    (x, y), r = scene.centre_px, scene.radius_px
    hints = {"mask": scene.mask(), "box": (x - r + 2, y - r, x + r, y + r - 3), "circle": Circle(x, y + 2, r)}
    found = sphere_lights(scene.pictures(), hints.get(hint))
    assert apart_deg(found.directions, scene.lights).max() < 0.3


def test_colour_and_sixteen_bits_change_nothing() -> None:
    scene = Chrome()
    grey = scene.pictures()
    deep = np.repeat(grey[..., None], 3, axis=3).astype(np.uint16) * 257
    one, other = sphere_lights(grey, scene.mask()), sphere_lights(deep, scene.mask())
    assert apart_deg(one.directions, other.directions).max() < 0.02
    assert one.sigma_deg == pytest.approx(other.sigma_deg, rel=0.3)


def test_a_light_that_did_not_burn_is_named() -> None:
    scene = Chrome()
    pictures = scene.pictures()
    pictures[3] = Chrome(strength=0.0).pictures()[3]
    found = sphere_lights(pictures, scene.mask())
    assert kinds(found) == [("unlit", (3,))]
    assert np.isnan(found.directions[3]).all()
    assert np.isnan(found.sigma_deg[3])
    others = [0, 1, 2, 4, 5, 6, 7]
    assert apart_deg(found.directions[others], scene.lights[others]).max() < 0.3


def test_a_large_clipped_reflection_is_named_and_a_small_one_is_used() -> None:
    small = Chrome(strength=2000.0)
    found = sphere_lights(small.pictures(), small.mask())
    assert found.findings == ()
    assert all(spot and spot.clipped_px > 1 for spot in found.highlights)
    assert apart_deg(found.directions, small.lights).max() < 0.5
    large = Chrome(strength=2000.0, lamp_px=3.5)
    assert kinds(sphere_lights(large.pictures(), large.mask())) == [
        ("clipped_highlight", tuple(range(len(large.lights))))
    ]


def test_two_lamps_at_once_are_named() -> None:
    scene = Chrome(second=0.8)
    found = sphere_lights(scene.pictures(), scene.mask())
    beside = np.abs(scene.lights[:, 0]) > 0.1  # where the two images do not touch
    assert apart_deg(found.directions, scene.lights)[beside].max() < 0.5
    assert kinds(found) == [("disagree", tuple(np.flatnonzero(beside).tolist()))]


def test_lights_in_one_place_are_named() -> None:
    turn = np.linspace(0, 2 * np.pi, 5)[:-1]
    close = np.stack([0.05 * np.cos(turn) + 0.3, 0.05 * np.sin(turn), np.ones(4)], axis=1)
    scene = Chrome(lights=close / np.linalg.norm(close, axis=1, keepdims=True))
    assert [kind for kind, _ in kinds(sphere_lights(scene.pictures(), scene.mask()))] == ["poor_spread"]


def test_two_lights_and_pictures_of_two_sizes_are_refused() -> None:
    scene = Chrome(lights=lamps(3))
    pictures = list(scene.pictures())
    with pytest.raises(StationError, match="2 pictures of the sphere are too few"):
        sphere_lights(pictures[:2], scene.mask())
    with pytest.raises(StationError, match="picture 2 is 200 x 180 pixels large, and the first is 210 x 180"):
        sphere_lights([*pictures[:2], pictures[2][:, :200]], scene.mask())


def test_the_normals_of_a_sphere_point_where_it_bulges() -> None:
    scene = Chrome()
    outline = sphere_lights(scene.pictures(), scene.mask()).outline
    normals = sphere_normals(outline, scene.shape)
    x, y = (round(at) for at in scene.centre_px)
    assert normals[y, x] == pytest.approx([0, 0, 1], abs=0.02)
    assert normals[y - 40, x, 1] > 0.5
    assert normals[y, x + 40, 0] > 0.5
    assert np.isnan(normals[0, 0]).all()
