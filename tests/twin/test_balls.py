"""Polished balls: mirror images where light takes its shortest way, and as bright as a mirror leaves them."""

from collections.abc import Callable
from dataclasses import replace
from math import cos, pi

import cv2
import numpy as np
import pytest
from scipy.optimize import minimize

from station.twin.balls import Balls, BallView
from station.twin.lights import HEIGHT_MM, LED_HALF_MM, RING_MM, light_field, ring
from station.twin.optics import Optics
from station.twin.rigs import random_rig
from station.twin.scene import Scene
from station.twin.sensor import BANDS, ELECTRONS_PER_RADIANCE, FULL_WELL_E, NOMINAL_EXPOSURE_US, Sensor
from station.twin.sheet import Sheet
from station.twin.spec import Unkind

pytestmark = pytest.mark.usefixtures("compiled")
Only = Callable[[int], np.ndarray]
THREE = ((0.0, 0.0), (22.0, -30.0), (-26.0, 38.0))
DPI = 100
SHORT_US = 50


def _scene(balls: Balls, dpi: float = DPI) -> tuple[Scene, BallView]:
    scene = Scene(dpi=dpi)
    scene.place(balls)
    return scene, BallView(balls, scene.optics, scene.rig.lights)


def _electrons(scene: Scene, on: np.ndarray, **how: int) -> np.ndarray:
    """What 16-bit codes stand for, (H, W)."""
    codes = scene.render(on, bit_depth=16, **how).astype(np.float64)
    return (codes - Sensor(16).black_level).mean(axis=-1) / Sensor(16).codes_per_electron


def _window(picture: np.ndarray, place: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, columns and rows around a place."""
    x, y = np.round(place).astype(int)
    rows, columns = np.mgrid[y - reach : y + reach + 1, x - reach : x + reach + 1]
    return picture[rows, columns], columns, rows


def _centroid(picture: np.ndarray, place: np.ndarray, reach: int = 4) -> np.ndarray:
    values, columns, rows = _window(picture, place, reach)
    return np.array([(values * columns).sum(), (values * rows).sum()]) / values.sum()


def _normal(angles: np.ndarray) -> np.ndarray:
    """From polar angles, each (2,)."""
    zenith, azimuth = angles
    return np.array([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])


def _shortest(balls: Balls, eye: np.ndarray, chain: tuple[int, ...], end: np.ndarray) -> np.ndarray:
    """The first place on the shortest way from the eye over the front of each ball to the end."""

    def places(angles: np.ndarray) -> list[np.ndarray]:
        ends = [eye, *balls.centres_mm[list(chain[1:])]]
        met = []
        for ball, turn in zip(chain, angles.reshape(-1, 2), strict=True):
            met.append(balls.centres_mm[ball] + balls.radius_mm * _normal(turn))
        return [ends[0], *met, end]

    def length(angles: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(places(angles), axis=0), axis=1).sum())

    start = []
    for before, ball, after in zip(
        [eye, *balls.centres_mm[list(chain[:-1])]],
        chain,
        [*balls.centres_mm[list(chain[1:])], end],
        strict=True,
    ):
        ways = [way - balls.centres_mm[ball] for way in (before, after)]
        x, y, z = sum(way / np.linalg.norm(way) for way in ways)
        start += [np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)]
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 10_000, "maxfev": 10_000}
    found = minimize(length, np.array(start), method="Nelder-Mead", options=options)
    return places(found.x)[1]


@pytest.mark.parametrize("dpi", [75, 600])
def test_a_light_is_mirrored_where_its_way_is_shortest(dpi: int) -> None:
    view = BallView(Balls(THREE), Optics(dpi), ring())
    for ball in range(3):
        for light in range(8):
            met = _shortest(view.balls, view.optics.centre_mm, (ball,), ring()[light].position_mm)
            wanted = view.optics.project(met)
            np.testing.assert_allclose(view.highlight_px(ball, light), wanted, atol=1e-4)


def test_a_light_is_mirrored_over_two_balls_where_its_way_is_shortest() -> None:
    view = BallView(Balls(THREE), Optics(600), ring())
    pixels, met, _ = view.mirrored(
        np.array([[0, 1], [2, 0]]), np.array([light.position_mm for light in ring()[:2]])
    )
    for chain, pixel, place, light in zip(((0, 1), (2, 0)), pixels, met[:, 0], ring(), strict=False):
        wanted = _shortest(view.balls, view.optics.centre_mm, chain, light.position_mm)
        np.testing.assert_allclose(place, wanted, atol=1e-5)
        np.testing.assert_allclose(pixel, view.optics.project(wanted), atol=1e-3)


def test_a_light_below_the_horizon_of_every_visible_place_is_not_mirrored() -> None:
    """Behind the ball and below it, as seen from the camera."""
    view = BallView(Balls(((0.0, 0.0),)), Optics(100), ring())
    pixels, _, _ = view.mirrored(np.array([[0]]), np.array([[0.0, 0.0, -500.0]]))
    assert np.isnan(pixels).all()


@pytest.mark.parametrize("seed", [None, 3])
def test_rays_inside_the_outline_meet_the_ball_and_rays_outside_miss_it(seed: int | None) -> None:
    rig = None if seed is None else random_rig(seed)
    optics = Optics(600) if rig is None else Optics(600, rig.lens)
    view = BallView(Balls(THREE, radius_mm=8.0), optics, ring())
    for ball, centre in enumerate(view.balls.centres_mm):
        outline = view.outline_px(ball, 100)
        middle = outline.mean(axis=0)
        outward = (outline - middle) / np.linalg.norm(outline - middle, axis=1, keepdims=True)
        for off, meets in ((-0.01, True), (0.01, False)):
            rays = optics.directions(outline + off * outward)
            beside = np.linalg.norm(np.cross(centre - optics.centre_mm, rays), axis=1)
            assert ((beside < 8.0) == meets).all()


def test_the_picture_shows_each_light_where_the_truth_says(kind: Unkind, only: Only) -> None:
    """Unclipped, against the centroid; the ball mirrors nothing else that is bright there."""
    scene, view = _scene(Balls(THREE, reflectance=0.02, unkind=kind))
    for light in range(8):
        picture = _electrons(scene, only(light), exposure_us=SHORT_US)
        for ball in range(3):
            place = view.highlight_px(ball, light)
            assert picture.max() < FULL_WELL_E
            assert _centroid(picture, place) == pytest.approx(place, abs=0.02)


def test_motion_moves_highlights_with_the_sheet(kind: Unkind, only: Only) -> None:
    """The sheet's shift by least squares on the picture's slopes, beside the highlight."""
    balls = Balls(((0.0, 0.0),), reflectance=0.02, unkind=replace(kind, motion_px_rms=0.2))
    scene, view = _scene(balls)
    place = view.highlight_px(0, 0)
    still = _electrons(_scene(replace(balls, unkind=kind))[0], only(0))
    rows, columns = np.indices(still.shape)
    beside = np.hypot(columns - place[0], rows - place[1]) > 50
    down, across = np.gradient(still)
    slopes = np.column_stack((across[beside], down[beside]))
    for sequence in range(4):
        change = (_electrons(scene, only(0), sequence=sequence) - still)[beside]
        shift = np.linalg.lstsq(slopes, -change, rcond=None)[0]
        bright = _electrons(scene, only(0), exposure_us=SHORT_US, sequence=sequence)
        assert _centroid(bright, place, reach=6) - place == pytest.approx(shift, abs=0.04)


def test_the_outline_in_the_picture_is_the_true_one(kind: Unkind) -> None:
    """A black ball in room light alone: where the sheet's light has fallen to its half."""
    balls = Balls(THREE, reflectance=0.0, unkind=replace(kind, ambient=0.5))
    scene, view = _scene(balls)
    picture = _electrons(scene, np.zeros(8)).astype(np.float32)
    for ball in range(3):
        outline = view.outline_px(ball, 60)
        outward = outline - outline.mean(axis=0)
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        steps = np.arange(-3, 3.01, 0.05)
        places = (outline[:, None] + steps[:, None] * outward[:, None]).astype(np.float32)
        levels = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_CUBIC)
        inside = (outline > 3).all(axis=1) & (outline < np.array(picture.shape)[::-1] - 4).all(axis=1)
        half = levels[:, np.abs(steps - 2).argmin()] / 2
        crossing = np.array([steps[(row > level).argmax()] for row, level in zip(levels, half, strict=True)])
        assert inside.sum() > 40
        assert np.abs(crossing[inside].mean()) < 0.05
        assert np.abs(crossing[inside]).max() < 0.15


def test_a_highlight_has_the_light_that_a_mirror_leaves(kind: Unkind, only: Only) -> None:
    """Rays through the highlight, thrown densely: those that end on the LED's square bring its radiance."""
    scene, view = _scene(Balls(((5.0, -8.0),), reflectance=0.02, unkind=kind), dpi=200)
    light, fine = ring()[2], 0.02
    place = view.highlight_px(0, 2)
    across, down = np.meshgrid(*[np.arange(-2, 2, fine)] * 2)
    rays = scene.optics.directions(place + np.stack((across, down), axis=-1).reshape(-1, 2))
    eye, centre = scene.optics.centre_mm, view.balls.centres_mm[0]
    along = rays @ (centre - eye)
    met = eye + (along - np.sqrt(along**2 - (centre - eye) @ (centre - eye) + 100))[:, None] * rays
    normals = (met - centre) / 10
    back = rays - 2 * np.sum(rays * normals, axis=1, keepdims=True) * normals
    reach = ((light.position_mm - met) @ light.axis) / (back @ light.axis)
    off = met + reach[:, None] * back - light.position_mm
    side = np.cross(light.axis, (0, 0, 1)) / np.linalg.norm(np.cross(light.axis, (0, 0, 1)))
    square = np.stack((off @ side, off @ np.cross(light.axis, side)))
    seen = (np.abs(square) < LED_HALF_MM).all(axis=0)
    cosines = -(back @ light.axis)[seen]
    intensity = light.power * (RING_MM**2 + HEIGHT_MM**2) / cos(pi / 4)
    radiance = intensity / (2 * LED_HALF_MM) ** 2 * cosines ** (light.lobe - 1)
    scale = ELECTRONS_PER_RADIANCE * SHORT_US / NOMINAL_EXPOSURE_US
    wanted = scale * pi * 0.02 * radiance.sum() * fine**2
    found, _, _ = _window(_electrons(scene, only(2), exposure_us=SHORT_US), place, 8)
    corners = (np.array([scene.optics.width_px, scene.optics.height_px]) - 1) / 2
    kept = 1 - 0.1 * ((place - corners) ** 2).sum() / ((corners + 0.5) ** 2).sum()
    assert found.sum() == pytest.approx(wanted * kept, rel=0.02)


def test_chrome_clips_hard_at_the_usual_exposure_and_black_glass_at_the_shortest_does_not(only: Only) -> None:
    chrome, view = _scene(Balls(THREE), dpi=200)
    picture = chrome.render(only(3))
    glass, _ = _scene(Balls(THREE, reflectance=0.04), dpi=200)
    short = glass.render(only(3), exposure_us=SHORT_US)
    for ball in range(3):
        bright, _, _ = _window(picture, view.highlight_px(ball, 3), 3)
        assert (bright == 255).all(axis=-1).sum() >= 9
        dim, _, _ = _window(short, view.highlight_px(ball, 3), 3)
        assert 40 < dim.max() < 255


def test_a_mirrored_sheet_is_as_bright_as_the_sheet_where_the_ray_ends(kind: Unkind, only: Only) -> None:
    scene, view = _scene(Balls(((0.0, 0.0),), unkind=kind))
    values = _electrons(scene, only(1))
    eye, centre = scene.optics.centre_mm, view.balls.centres_mm[0]
    middle = view.outline_px(0).mean(axis=0)
    toward = ring()[1].position_mm[:2] / np.hypot(*ring()[1].position_mm[:2])
    pixels = np.round(middle + np.outer((32.0, 34.0, 36.0, 37.0), toward * (1, -1)))
    rays = scene.optics.directions(pixels)
    along = rays @ (centre - eye)
    met = eye + (along - np.sqrt(along**2 - (centre - eye) @ (centre - eye) + 100))[:, None] * rays
    normals = (met - centre) / 10
    back = rays - 2 * np.sum(rays * normals, axis=1, keepdims=True) * normals
    ends = met + ((0.3 - met[:, 2]) / back[:, 2])[:, None] * back
    lit = light_field(ring()[1], ends, eye, 0.1)[:, 2].astype(np.float64)
    corners = (np.array([scene.optics.width_px, scene.optics.height_px]) - 1) / 2
    lit *= 1 - 0.1 * ((pixels - corners) ** 2).sum(axis=1) / ((corners + 0.5) ** 2).sum()
    wanted = ELECTRONS_PER_RADIANCE * 0.6 * 0.9 * lit * np.mean(ring()[1].colour)
    found = [values[int(y), int(x)] for x, y in pixels]
    assert (back[:, 2] < 0).all()
    np.testing.assert_allclose(found, wanted, rtol=0.03)


def test_shadows_lie_where_no_light_can_reach_and_nowhere_else(kind: Unkind, only: Only) -> None:
    """Black balls, so that nothing is thrown back onto the sheet."""
    scene, view = _scene(Balls(THREE, reflectance=0.0, unkind=kind))
    plain = Scene(dpi=DPI)
    plain.place(Sheet(unkind=kind))
    shadow, open_sheet = _electrons(scene, only(4)), _electrons(plain, only(4))
    rows, columns = np.mgrid[2 : scene.optics.height_px - 2, 2 : scene.optics.width_px - 2]
    pixels = np.stack((columns, rows), axis=-1).reshape(-1, 2)
    places = np.column_stack((scene.optics.on_height(pixels, 0.3), np.full(len(pixels), 0.3)))
    ways = ring()[4].position_mm - places
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    rays = scene.optics.directions(pixels)
    beside, hidden = np.full(len(pixels), np.inf), np.zeros(len(pixels), bool)
    for centre in view.balls.centres_mm:
        beside = np.minimum(beside, np.linalg.norm(np.cross(centre - places, ways), axis=1))
        hidden |= np.linalg.norm(np.cross(centre - scene.optics.centre_mm, rays), axis=1) < 10.6
    found = shadow[pixels[:, 1], pixels[:, 0]]
    whole = open_sheet[pixels[:, 1], pixels[:, 0]]
    dark, lit = ~hidden & (beside < 9.3), ~hidden & (beside > 10.7)
    rim = ~hidden & (np.abs(beside - 10) < 0.1)
    assert dark.sum() > 3_000
    assert found[dark].max() < 2
    np.testing.assert_allclose(found[lit], whole[lit], atol=2)
    assert 0.4 < (found[rim] / whole[rim]).mean() < 0.6


def test_balls_brighten_the_sheet_around_them_and_darken_its_room_light(kind: Unkind, only: Only) -> None:
    bright, view = _scene(Balls(((0.0, 0.0),), unkind=kind))
    black, _ = _scene(Balls(((0.0, 0.0),), reflectance=0.0, unkind=replace(kind, ambient=0.3)))
    plain = Scene(dpi=DPI)
    plain.place(Sheet(unkind=kind))
    toward = ring()[0].position_mm[:2] / np.hypot(*ring()[0].position_mm[:2])
    x, y = np.round(scene_place(view.optics, 15 * toward)).astype(int)
    gain = _electrons(bright, only(0))[y, x] / _electrons(plain, only(0))[y, x]
    assert 1.01 < gain < 1.1
    room = _electrons(black, np.zeros(8))
    far = np.round(scene_place(view.optics, 45 * np.array([0, 1.0]))).astype(int)
    assert room[y, x] / room[far[1], far[0]] == pytest.approx(1 - (10 / np.hypot(15, 10)) ** 3, abs=0.05)


def scene_place(optics: Optics, xy_mm: np.ndarray) -> np.ndarray:
    return optics.project(np.append(xy_mm, 0.3))


def test_balls_show_the_lights_in_each_other(kind: Unkind, only: Only) -> None:
    """Weaker by the square of the second mirror's demagnification, at the place that its ways give."""
    near = Balls(((0.0, 0.0), (22.0, 8.0)), unkind=kind)
    pair, view = _scene(near)
    alone, _ = _scene(Balls(((0.0, 0.0),), unkind=kind))
    light = 5
    pixels, _, _ = view.mirrored(np.array([[0, 1]]), ring()[light].position_mm[None])
    how = {"exposure_us": 1_000}
    added, _, _ = _window(_electrons(pair, only(light), **how), pixels[0], 2)
    before, _, _ = _window(_electrons(alone, only(light), **how), pixels[0], 2)
    assert added.max() > before.max() + 1_000
    assert np.unravel_index(added.argmax(), added.shape) == (2, 2)


def test_a_ball_in_the_way_hides_a_highlight(kind: Unkind, only: Only) -> None:
    light = ring()[0].position_mm
    toward = light[:2] / np.hypot(*light[:2])
    behind = tuple(-20.0 * toward)
    small, tall = Balls((behind,), unkind=kind), Balls((behind, tuple(0 * toward)), unkind=kind)
    low = replace(tall, radius_mm=9.9)
    scene, view = _scene(small)
    place = view.highlight_px(0, 0)
    free, _, _ = _window(_electrons(scene, only(0)), place, 2)
    assert free.max() == pytest.approx(FULL_WELL_E, rel=0.01)
    blocked, view = _scene(low)
    met = view.mirrored(np.array([[0]]), light[None])[1][0, 0]
    way = (light - met) / np.linalg.norm(light - met)
    beside = np.linalg.norm(np.cross(low.centres_mm[1] - met, way))
    seen, _, _ = _window(_electrons(blocked, only(0)), view.highlight_px(0, 0), 2)
    assert (seen.max() < 0.9 * FULL_WELL_E) == (beside < low.radius_mm)


def test_a_highlight_is_lit_by_the_band_of_its_row(kind: Unkind, only: Only) -> None:
    scene, view = _scene(Balls(((0.0, 0.0),), unkind=kind))
    place = view.highlight_px(0, 6)
    band = int(round(place[1]) * BANDS // scene.optics.height_px)
    on = np.tile(only(6), (BANDS, 1))
    on[max(0, band - 5) : band + 6] = 0
    dark, _, _ = _window(_electrons(scene, on), place, 1)
    lit, _, _ = _window(_electrons(scene, np.tile(only(6), (BANDS, 1)) - on), place, 1)
    assert dark.max() < 50
    assert lit.max() == pytest.approx(FULL_WELL_E, rel=0.01)


def test_balls_at_the_rim_and_outside_are_drawn_as_far_as_they_show(only: Only) -> None:
    scene, view = _scene(Balls(((39.0, 50.0), (-60.0, 0.0), (0.0, -51.0))))
    picture = scene.render(only(2))
    assert (view.outline_px(0)[:, 0].max() > scene.optics.width_px) or (view.outline_px(0)[:, 1].min() < 0)
    x, y = view.outline_px(0).mean(axis=0)
    assert picture[round(max(0, y)) + 3, round(min(x, scene.optics.width_px - 1)) - 3].mean() < 100
    assert scene.render(only(2)).tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    "how",
    [
        {"places_mm": ((0.0, 0.0), (5.0, 5.0))},
        {"radius_mm": 0.0},
        {"reflectance": 1.2},
        {"sheet": Sheet(bow_mm=0.1)},
    ],
)
def test_balls_that_cannot_lie_so_are_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="ball"):
        Balls(**({"places_mm": ((0.0, 0.0),)} | how))  # type: ignore[arg-type]
