"""Calibration targets on the mat: where they are and what they show is what they say they are and show."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from station.documents.boards import BoardSpec, ChartSpec
from station.twin.chart import CAMERA_FROM_SRGB, ChartTarget
from station.twin.charuco import INK, PAPER, BoardTarget, board
from station.twin.optics import Optics
from station.twin.plate import PlatePose
from station.twin.rigs import Rig, random_rig
from station.twin.scene import Scene
from station.twin.sensor import Sensor
from station.twin.sheet import Sheet
from station.twin.spec import Unkind
from station.twin.things import Thing

pytestmark = pytest.mark.usefixtures("compiled")
Only = Callable[[int], np.ndarray]
DPI = 100
KIND = Unkind.kind()
ALL = np.full(8, 0.2)
CHART = ChartSpec(
    name="six",
    frame_mm=(66.0, 80.0),
    marker_mm=9.0,
    first_mm=(20.0, 26.0),
    step_mm=(13.0, 14.0),
    columns=3,
    rows=2,
    patch_mm=7.0,
    srgb=(
        (0.9, 0.9, 0.9),
        (0.2, 0.2, 0.2),
        (0.5, 0.05, 0.04),
        (0.05, 0.4, 0.06),
        (0.04, 0.05, 0.4),
        (0.6, 0.5, 0.05),
    ),
)


@pytest.fixture(scope="module")
def rig() -> Rig:
    return random_rig(11)


def _scene(thing: Thing, rig: Rig | None = None, dpi: float = DPI) -> Scene:
    scene = Scene(1, dpi=dpi, rig=rig)
    scene.place(thing)
    return scene


def _codes(scene: Scene, on: np.ndarray) -> np.ndarray:
    """16-bit codes over black."""
    return scene.render(on, bit_depth=16).astype(np.float64) - Sensor(16).black_level


def _at(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Mean of 5 x 5 pixels about each place."""
    corners = np.round(pixels).astype(int) - 2
    return np.array([picture[y : y + 5, x : x + 5].mean(axis=(0, 1)) for x, y in corners])


def _corners(scene: Scene, target: BoardTarget) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and pixels of the corners that OpenCV finds in the picture."""
    grey = cv2.cvtColor(scene.render(ALL), cv2.COLOR_RGB2GRAY)
    corners, numbers, _, _ = cv2.aruco.CharucoDetector(board(target.spec)).detectBoard(grey)
    if numbers is None:
        return np.empty(0, int), np.empty((0, 2))
    return numbers.ravel(), corners.reshape(-1, 2)


@pytest.mark.parametrize(
    "target",
    [
        BoardTarget(),
        BoardTarget(pose=PlatePose(2, 1, 20, (25, 0))),
        BoardTarget(pose=PlatePose(0, 3, 25, (-15, 22), 8)),
        BoardTarget(pose=PlatePose(0, 0, 5, (0, -30)), print_scale=1.003),
        BoardTarget(pose=PlatePose(0, 3, 15, (10, 10), -20), bend_mm=2.0),
        BoardTarget(BoardSpec(columns=6, rows=9, square_mm=9.7, marker_mm=7.1), PlatePose(turn_deg=90)),
    ],
    ids=["flat", "leaning", "askew", "steep", "bent", "another"],
)  # fmt: skip
def test_corners_of_a_board_are_seen_where_they_are(target: BoardTarget, rig: Rig) -> None:
    scene = _scene(replace(target, unkind=KIND), rig)
    numbers, seen = _corners(scene, target)
    true = scene.optics.project(target.corners_mm())[numbers]
    assert len(numbers) > 0.6 * len(target.corners_mm())
    off = seen - true
    assert np.abs(off).max() < 0.15  # what the detector itself errs at 100 samples per inch
    assert np.abs(off.mean(axis=0)).max() < 0.02


def test_printer_that_enlarges_moves_the_corners_by_as_much() -> None:
    plain, larger = BoardTarget().corners_mm(), BoardTarget(print_scale=1.003).corners_mm()
    np.testing.assert_allclose(larger[:, :2], 1.003 * plain[:, :2])
    assert np.linalg.norm(plain[1] - plain[0]) == pytest.approx(9.0)


def test_mirrored_board_is_the_boards_mirror_image_and_is_not_read() -> None:
    plain, mirrored = BoardTarget(unkind=KIND), BoardTarget(mirrored=True, unkind=KIND)
    np.testing.assert_allclose(mirrored.corners_mm() * (-1, 1, 1), plain.corners_mm(), atol=1e-12)
    scene = _scene(mirrored)
    assert len(_corners(scene, mirrored)[0]) == 0
    flipped = cv2.cvtColor(np.ascontiguousarray(scene.render(ALL)[:, ::-1]), cv2.COLOR_RGB2GRAY)
    corners, _, _, _ = cv2.aruco.CharucoDetector(board(mirrored.spec)).detectBoard(flipped)
    assert len(corners) == 63


def test_tilted_board_is_lit_by_the_angle_between_its_normal_and_the_light(only: Only) -> None:
    """White margin of a board held at 20 degrees, leaning to all sides: inverse square and cosines."""
    dark = BoardSpec(columns=3, rows=3, square_mm=4.0, marker_mm=3.0)
    scene_of = {
        tilt: _scene(BoardTarget(dark, PlatePose(0, 0, 10, tilt), unkind=KIND))
        for tilt in ((20.0, 0.0), (-20.0, 0.0), (0.0, 20.0), (0.0, -20.0))
    }
    for tilt, scene in scene_of.items():
        target = scene.current
        assert isinstance(target, BoardTarget)
        turn = target.pose.rotation()
        places = np.array([[x, 7.8, 0.0] for x in (-6.0, 0.0, 6.0)]) @ turn.T + (0, 0, 10)
        sizes = _codes(scene, ALL)
        for k, light in enumerate(scene.rig.lights):
            way = light.position_mm - places
            distance = np.linalg.norm(way, axis=-1)
            expected = PAPER * light.power * (way @ turn[:, 2]) / distance**3
            expected *= (-(way @ light.axis) / distance) ** light.lobe
            seen = _at(_codes(scene, only(k)), scene.optics.project(places))[:, 1] / light.colour[1]
            pixels = scene.optics.project(places)
            middle = np.array([(sizes.shape[1] - 1) / 2, (sizes.shape[0] - 1) / 2])
            expected *= 1 - 0.10 * ((pixels - middle) ** 2).sum(axis=-1) / ((middle + 0.5) ** 2).sum()
            unit = seen / expected
            assert unit.std() / unit.mean() < 0.01, (tilt, k)


def test_board_is_printed_black_on_white(rig: Rig) -> None:
    """A white and a black place of the same square column, against an ideal sheet under the same light."""
    target = BoardTarget(unkind=KIND)
    scene, sheet = _scene(target, rig), _scene(Sheet(reflectance=1.0, unkind=KIND), rig)
    black, white = np.array([-31.5, 40.5, 0.3]), np.array([-31.5, -47.0, 0.3])
    pixels = scene.optics.project(np.stack((black, white)))
    share = _at(_codes(scene, ALL), pixels) / _at(_codes(sheet, ALL), pixels)
    np.testing.assert_allclose(share, [[INK] * 3, [PAPER] * 3], rtol=0.01)


@pytest.mark.parametrize("rising", [(0.0, -0.5), (0.5, 0.0)])
def test_tilted_sheet_is_brighter_where_it_faces_the_light(rising: tuple[float, float], only: Only) -> None:
    """By half a degree: lights on the side that is lifted graze it, those across from it see more of it."""
    level, tilted = _scene(Sheet(unkind=KIND)), _scene(Sheet(unkind=KIND, tilt_deg=rising))
    middle = level.optics.project(np.array([[0.0, 0.0, 0.3]]))
    turn = PlatePose(tilt_deg=rising).rotation()
    for k, light in enumerate(level.rig.lights):
        toward = light.position_mm - (0, 0, 0.3)
        expected = (toward @ turn[:, 2]) / toward[2]
        seen = _at(_codes(tilted, only(k)), middle) / _at(_codes(level, only(k)), middle)
        np.testing.assert_allclose(seen, expected, rtol=5e-4)


def test_bowed_sheet_leans_as_its_bow_says(only: Only) -> None:
    bow = 0.4
    flat, bowed = _scene(Sheet(unkind=KIND)), _scene(Sheet(unkind=KIND, bow_mm=bow))
    places = np.array([[0.0, y, 0.3] for y in (-40.0, 0.0, 40.0)])
    pixels = flat.optics.project(places)
    for k, light in enumerate(flat.rig.lights):
        seen = _at(_codes(bowed, only(k)), pixels)[:, 1] / _at(_codes(flat, only(k)), pixels)[:, 1]
        toward = light.position_mm - places
        normal = np.column_stack((np.zeros(3), 2 * bow * places[:, 1] / 44.0**2, np.ones(3)))
        expected = (toward * normal).sum(axis=1) / toward[:, 2]
        np.testing.assert_allclose(seen, expected, atol=0.005)  # the rest is the bow's own height


def test_blotches_are_as_strong_as_they_are_said_to_be_and_turn_with_the_sheet() -> None:
    even, blotched = Sheet(unkind=KIND), Sheet(unkind=KIND, blotch=0.01, seed=4)
    scene = _scene(blotched)
    ideal = _codes(_scene(even), ALL)
    lying, turned = (
        _codes(_scene(one), ALL) / ideal - 1 for one in (blotched, replace(blotched, turned=True))
    )
    assert 0.005 < lying.std() < 0.015
    places = np.array([[x, y, 0.3] for x in (-25.0, 0.0, 25.0) for y in (-35.0, -10.0, 20.0)])
    one, other = (
        _at(view, scene.optics.project(places * (s, s, 1))) for view, s in ((lying, 1), (turned, -1))
    )
    np.testing.assert_allclose(one, other, atol=5e-4)
    assert np.abs(_at(turned, scene.optics.project(places)) - one).max() > 0.005
    another = _codes(_scene(replace(blotched, seed=5)), ALL) / ideal - 1
    assert abs(np.corrcoef(another.ravel(), lying.ravel())[0, 1]) < 0.8


def test_bought_sheet_is_nearly_flat_and_nearly_even() -> None:
    one = Sheet.bought(3)
    assert 0.07 <= abs(one.bow_mm) <= 0.13
    assert one == Sheet.bought(3) != Sheet.bought(4)
    assert replace(one, turned=True) == Sheet.bought(3, turned=True)
    assert not one.ideal
    assert Sheet().ideal


def test_chart_shows_its_colours_through_the_cameras_matrix(rig: Rig) -> None:
    target = ChartTarget(CHART, PlatePose(turn_deg=4, x_mm=1.5), unkind=KIND)
    scene, sheet = _scene(target, rig), _scene(Sheet(reflectance=1.0, unkind=KIND), rig)
    pixels = scene.optics.project(target.patches_mm())
    camera = _at(_codes(scene, ALL), pixels) / _at(_codes(sheet, ALL), pixels)
    np.testing.assert_allclose(camera @ np.linalg.inv(CAMERA_FROM_SRGB).T, CHART.srgb, atol=0.003)
    np.testing.assert_allclose(camera[:2], np.array(CHART.srgb)[:2], atol=0.003)  # grey stays grey


def test_markers_of_the_chart_are_at_its_frames_corners(rig: Rig) -> None:
    target = ChartTarget(CHART, PlatePose(turn_deg=4, x_mm=1.5), unkind=KIND)
    scene = _scene(target, rig, dpi=150)
    grey = cv2.cvtColor(scene.render(ALL), cv2.COLOR_RGB2GRAY)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_100)
    corners, numbers, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(grey)
    assert numbers is not None
    found = {int(n): c[0] for n, c in zip(numbers.ravel(), corners, strict=True)}
    wide, tall = np.array(CHART.frame_mm) / 2
    outer = np.array([[-wide, tall, 0], [wide, tall, 0], [wide, -tall, 0], [-wide, -tall, 0]])
    true = scene.optics.project(target.pose.on_mat_mm(outer))
    seen = np.array([found[number][k] for k, number in enumerate(CHART.markers)])
    assert np.abs(seen - true).max() < 1.0  # marker corners are found to a pixel


def test_plate_and_optics_agree_where_a_ray_meets_it() -> None:
    plate = BoardTarget(pose=PlatePose(3, -4, 20, (20, -12), 30), bend_mm=1.5).plate(0.1)
    optics = Optics(300)
    places = np.array([[-30.0, 40.0], [0.0, 0.0], [22.0, -17.0]])
    pixels = optics.project(plate.on_mat_mm(places))
    np.testing.assert_allclose(plate.met_by(optics, pixels), places, atol=1e-4)


def test_lens_cap_hides_every_target(only: Only) -> None:
    scene = _scene(BoardTarget(unkind=KIND))
    scene.wire(covered=True)
    assert (scene.render(only(0)) == 4).all()
