"""A rectified picture is what a perfect camera in the card's own frame would have seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from station.card.rectify import card_to_mat, frame_shape, frame_xy_mm, mat_to_card, rectification, rectify

MakeScene = Callable[..., Any]


@pytest.mark.parametrize("dpi", [125, 152, 300])
def test_every_pixel_is_where_the_card_frame_says(scene: MakeScene, dpi: int) -> None:
    drawn = scene(rotation_deg=4.0, centre=(5.0, -4.0), noise=0.0, falloff=0.0, blur_mm=0.3)
    rectified = rectify(drawn.image(), drawn.camera, drawn.outline(), dpi)
    assert rectified.shape == (*frame_shape(dpi), 3)
    assert rectified.dtype == np.float32
    assert np.abs(rectified - drawn.rectified(dpi)).max() < 0.01


def test_a_shift_of_a_tenth_of_a_pixel_would_be_seen(scene: MakeScene) -> None:
    drawn = scene(rotation_deg=4.0, noise=0.0, falloff=0.0, blur_mm=0.3)
    right = rectify(drawn.image(), drawn.camera, drawn.outline(), 200)
    moved = drawn.with_(centre=(0.0127, 0.0)).outline()
    wrong = rectify(drawn.image(), drawn.camera, moved, 200)
    truth = drawn.rectified(200)
    assert np.abs(wrong - truth).max() > 3 * np.abs(right - truth).max()


def test_frame_of_600_dpi() -> None:
    assert frame_shape(600) == (2079, 1488)
    x, y = frame_xy_mm(600)
    pitch = 25.4 / 600
    assert x[0] == pytest.approx(pitch / 2 - 31.5)
    assert y[0] == pytest.approx(44 - pitch / 2)
    assert y[1] < y[0]


def test_grey_and_many_channels_are_resampled_alike(scene: MakeScene) -> None:
    drawn = scene(px_per_mm=4.0)
    colour = drawn.image()
    maps = rectification(drawn.camera, drawn.outline(), 100)
    many = maps.apply(np.concatenate([colour, colour], axis=2))
    assert many.shape == (*frame_shape(100), 6)
    assert np.array_equal(many[..., 4], maps.apply(np.ascontiguousarray(colour[..., 1])))


def test_outside_the_picture_no_light_was_measured(scene: MakeScene) -> None:
    drawn = scene(px_per_mm=4.0, noise=0.0, centre=(25.0, 0.0), rotation_deg=0.0, mat=0.5)
    rectified = rectify(drawn.image(), drawn.camera, drawn.outline(), 100)
    assert np.all(rectified[:, -5:] == 0)
    assert np.all(rectified[20:-20, 20:150].min(axis=2) > 0)


def test_a_coarser_frame_is_averaged_not_picked(scene: MakeScene) -> None:
    camera = scene(px_per_mm=8.0).camera
    noise = np.random.default_rng(2).normal(0, 1, (camera.height_px, camera.width_px)).astype(np.float32)
    outline = scene(px_per_mm=8.0).outline()
    fine = rectify(noise, camera, outline, 200)
    coarse = rectify(noise, camera, outline, 50)
    assert 0.8 < fine.std() < 1.2
    assert coarse.std() < 0.35


def test_card_and_mat_frames_are_each_others_inverse(scene: MakeScene) -> None:
    outline = scene(rotation_deg=7.0, centre=(3.0, -2.0)).outline()
    points = np.array([[0.0, 0.0], [10.0, 20.0]])
    assert mat_to_card(outline, card_to_mat(outline, points)) == pytest.approx(points)
    assert card_to_mat(outline, points)[0] == pytest.approx([3.0, -2.0])
    assert mat_to_card(outline, np.asarray(outline.corners_mm))[0] == pytest.approx([-31.5, 44.0])
