"""Chrome spheres: their centres from their outlines, their highlights, and where those say the lights are."""

import numpy as np
import pytest

from station.calibrate.lights.mirror import (
    eye_mm,
    highlights_px,
    mirrored_rays,
    outline_centre_px,
    project,
    sphere_centre_mm,
)
from station.calibrate.lights.triangulate import ball_centres, triangulate
from tests.calibrate.lights.synthetic import (
    OPTICS,
    PLACES_MM,
    ball_look,
    camera,
    highlight_px,
    leds,
    outline_px,
    with_highlights,
)

CAMERA = camera()


def test_the_eye_and_its_projection_are_those_of_the_camera() -> None:
    assert eye_mm(CAMERA) == pytest.approx(OPTICS.centre_mm, abs=1e-9)
    places = np.array([[[10.0, -20.0, 3.0], [0.0, 0.0, 20.0]]])
    assert project(CAMERA, places) == pytest.approx(OPTICS.project(places), abs=1e-6)


@pytest.mark.parametrize("place", PLACES_MM)
@pytest.mark.parametrize("radius_mm", [5.0, 10.0])
def test_a_spheres_centre_follows_from_its_outline(place: tuple[float, float], radius_mm: float) -> None:
    centre = np.array([*place, 0.3 + radius_mm])
    seen = outline_px(centre, radius_mm)
    assert outline_centre_px(CAMERA, centre, radius_mm) == pytest.approx(seen, abs=0.02)
    found = sphere_centre_mm(CAMERA, (float(seen[0]), float(seen[1])), radius_mm, 0.3)
    assert found == pytest.approx(centre, abs=0.001)


def test_the_outlines_centre_is_not_the_projection_of_the_spheres() -> None:
    centre = np.array([25.0, 35.0, 10.3])
    apart = outline_centre_px(CAMERA, centre, 10.0) - project(CAMERA, centre)
    assert 0.3 < np.linalg.norm(apart) < 3.0


def test_a_highlight_is_where_the_way_from_light_to_eye_is_shortest() -> None:
    rig = leds(np.random.default_rng(1))
    lights = np.array([led.place_mm for led in rig])
    centres = np.array([[*place, 10.3] for place in PLACES_MM])
    predicted = highlights_px(CAMERA, centres, np.full(len(centres), 10.0), lights)
    for b, centre in enumerate(centres):
        for k, light in enumerate(lights):
            assert predicted[b, k] == pytest.approx(highlight_px(centre, 10.0, light), abs=0.01)


def test_a_light_right_behind_the_camera_is_mirrored_where_the_camera_looks() -> None:
    centre = np.array([[5.0, 8.0, 10.0]])
    eye = eye_mm(CAMERA)
    light = centre + 1.5 * (eye - centre)
    seen = highlights_px(CAMERA, centre, np.array([10.0]), light)
    nearest = centre + 10.0 * (eye - centre) / np.linalg.norm(eye - centre)
    assert seen[0] == pytest.approx(project(CAMERA, nearest), abs=1e-6)


def test_a_mirrored_ray_leads_to_the_light_and_one_beside_the_sphere_nowhere() -> None:
    centre = np.array([10.0, -12.0, 10.3])
    light = np.array([[120.0, 80.0, 150.0]])
    pixels = highlights_px(CAMERA, centre[None], np.array([10.0]), light)[0]
    origin, toward = mirrored_rays(CAMERA, centre, 10.0, np.vstack([pixels, [[0.0, 0.0]], [[np.nan] * 2]]))
    way = light[0] - origin[0]
    assert np.cross(way / np.linalg.norm(way), toward[0]) == pytest.approx(np.zeros(3), abs=1e-9)
    assert np.isnan(toward[1:]).all()


def test_lights_are_found_where_the_mirrored_rays_meet() -> None:
    rig = leds(np.random.default_rng(2))
    balls = [ball_look(rig, place, None) for place in PLACES_MM]
    places = triangulate(CAMERA, balls, ball_centres(CAMERA, balls))
    assert places == pytest.approx(np.array([led.place_mm for led in rig]), abs=0.1)


def test_one_bad_highlight_does_not_spoil_the_place() -> None:
    rig = leds(np.random.default_rng(3))
    rng = np.random.default_rng(4)
    balls = [ball_look(rig, place, rng) for place in PLACES_MM]
    wrong = balls[2].highlights_px.copy()
    wrong[:, 0] += 40.0
    balls[2] = with_highlights(balls[2], wrong)
    places = triangulate(CAMERA, balls, ball_centres(CAMERA, balls))
    away = np.linalg.norm(places - np.array([led.place_mm for led in rig]), axis=1)
    assert away.max() < 12.0


def test_a_light_that_only_one_sphere_shows_has_no_place() -> None:
    rig = leds(np.random.default_rng(5))
    balls = [ball_look(rig, place, None) for place in PLACES_MM[:3]]
    for n in (0, 1):
        seen = balls[n].highlights_px.copy()
        seen[4] = np.nan
        balls[n] = with_highlights(balls[n], seen)
    places = triangulate(CAMERA, balls, ball_centres(CAMERA, balls))
    assert np.isnan(places[4]).all()
    assert np.isfinite(np.delete(places, 4, axis=0)).all()
