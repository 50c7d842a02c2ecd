"""The card is found to a few hundredths of a millimetre, or refused with the reason."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.card.outline import find_outline
from station.documents.fault import StationError
from station.documents.scan import Outline

MakeScene = Callable[..., Any]
Array = NDArray[np.float64]


def worst_corner_um(found: Outline, truth: Array) -> float:
    return float(np.abs(np.array(found.corners_mm) - truth).max() * 1000)


def refusal(picture: NDArray[np.float32], camera: Any) -> str:
    with pytest.raises(StationError) as caught:
        find_outline(picture, camera, 0.3)
    assert caught.value.code == "card_not_found"
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "within_um"),
    [
        ({}, 3),
        ({"rotation_deg": -10.0, "centre": (8.0, -6.0)}, 3),
        ({"rotation_deg": 10.0, "centre": (-8.0, 7.0)}, 3),
        ({"rotation_deg": 0.0}, 3),
        ({"mat": 0.8, "border": (0.05, 0.05, 0.05)}, 3),
        ({"mat": 0.02, "border": (0.05, 0.05, 0.05)}, 15),
        ({"mat": 0.02, "border": (0.05, 0.05, 0.05), "noise": 0.015}, 50),
        ({"borders": None, "art": 0.7}, 20),
        ({"px_per_mm": 4.0}, 10),
        ({"px_per_mm": 9.0}, 2),
        ({"size": (62.6, 87.7)}, 3),
    ],
    ids=[
        "plain",
        "turned",
        "turned_back",
        "upright",
        "dark_card",
        "black_on_dark",
        "noisy",
        "full_art",
        "coarse",
        "fine",
        "cut",
    ],
)
def test_corners_sides_and_rotation(scene: MakeScene, changes: dict[str, Any], within_um: float) -> None:
    drawn = scene(**changes)
    found = find_outline(drawn.grey(), drawn.camera, 0.3)
    assert worst_corner_um(found, drawn.corners()) < within_um
    assert found.width_mm == pytest.approx(drawn.size[0], abs=2e-3 * within_um)
    assert found.height_mm == pytest.approx(drawn.size[1], abs=2e-3 * within_um)
    assert found.rotation_deg == pytest.approx(drawn.rotation_deg, abs=0.02)


def test_a_camera_turned_half_round_decides_what_is_up(scene: MakeScene) -> None:
    drawn = scene(rotation_deg=3.0)
    picture = np.ascontiguousarray(drawn.grey()[::-1, ::-1])
    fx, fy, cx, cy = drawn.camera.matrix
    k1, k2, p1, p2, k3 = drawn.camera.distortion
    half_turn = np.diag([-1.0, -1.0, 1.0])
    turned = drawn.camera.replace(
        matrix=(fx, fy, drawn.camera.width_px - 1 - cx, drawn.camera.height_px - 1 - cy),
        distortion=(k1, k2, -p1, -p2, k3),
        rotation=_rodrigues(half_turn @ _matrix(drawn.camera.rotation)),
        translation_mm=tuple(half_turn @ np.array(drawn.camera.translation_mm)),
    )
    found = find_outline(picture, turned, 0.3)
    assert worst_corner_um(found, drawn.corners()[[2, 3, 0, 1]]) < 3
    assert found.rotation_deg == pytest.approx(3.0 - 180.0, abs=0.02)


def _matrix(rotation: tuple[float, ...]) -> Array:
    return np.asarray(cv2.Rodrigues(np.array(rotation))[0])


def _rodrigues(matrix: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in cv2.Rodrigues(matrix)[0].ravel())


def test_dust_on_card_and_mat_does_not_move_it(scene: MakeScene) -> None:
    def dust(_: Any, x: Array, y: Array) -> Array:
        random = np.random.default_rng(5)
        specks = np.zeros_like(x)
        specks[tuple(random.integers(0, size, 250) for size in x.shape)] = 12.0
        return np.asarray(cv2.GaussianBlur(specks, (0, 0), 1.5))

    drawn = scene(added=dust)
    assert worst_corner_um(find_outline(drawn.grey(), drawn.camera, 0.3), drawn.corners()) < 5


def test_print_as_dark_as_the_mat_may_touch_the_edge(scene: MakeScene) -> None:
    def dark(drawn: Any, x: Array, y: Array) -> Array:
        across, along = drawn.card_xy(x, y)
        return -0.55 * ((np.abs(across) < 31.5) & (across > 20) & (np.abs(along - 5) < 18))

    drawn = scene(added=dark, border=(0.63, 0.63, 0.63))
    assert worst_corner_um(find_outline(drawn.grey(), drawn.camera, 0.3), drawn.corners()) < 5


def test_an_empty_mat(scene: MakeScene) -> None:
    empty = scene(size=(0.01, 0.01))
    assert "nothing" in refusal(empty.grey(), empty.camera)


def test_a_black_picture(scene: MakeScene) -> None:
    camera = scene().camera
    assert "nothing" in refusal(np.zeros((camera.height_px, camera.width_px), np.float32), camera)


def test_two_cards(scene: MakeScene) -> None:
    one = scene(centre=(-17.0, 0.0), rotation_deg=0.0)
    other = scene(centre=(49.0, 0.0), rotation_deg=0.0)
    assert "more than one" in refusal(one.with_(more=(other,)).grey(), one.camera)


def test_two_cards_on_top_of_each_other(scene: MakeScene) -> None:
    one = scene(more=(scene(centre=(10.0, 8.0)),))
    assert "more than one card" in refusal(one.grey(), one.camera)


@pytest.mark.parametrize("centre", [(30.0, 0.0), (-25.0, 0.0), (0.0, 25.0), (5.0, -30.0)])
def test_a_card_that_sticks_out(scene: MakeScene, centre: tuple[float, float]) -> None:
    out = scene(centre=centre)
    assert "sticks out" in refusal(out.grey(), out.camera)


def test_a_corner_of_a_card_in_the_picture(scene: MakeScene) -> None:
    out = scene(centre=(60.0, 70.0))
    assert "part of a card" in refusal(out.grey(), out.camera)


def test_a_card_that_lies_across(scene: MakeScene) -> None:
    across = scene(rotation_deg=90.0)
    assert "across" in refusal(across.grey(), across.camera)


def test_something_that_is_no_card(scene: MakeScene) -> None:
    small = scene(size=(50.0, 70.0))
    assert "a card 63 x 88 mm" in refusal(small.grey(), small.camera)


def test_a_round_thing_of_about_a_cards_size_has_no_straight_side(scene: MakeScene) -> None:
    def oval(_: Any, x: Array, y: Array) -> Array:
        return 0.6 * ((x / 31.5) ** 2 + (y / 44) ** 2 < 1)

    drawn = scene(size=(0.01, 0.01), added=oval)
    assert "straight edge" in refusal(drawn.grey(), drawn.camera)
