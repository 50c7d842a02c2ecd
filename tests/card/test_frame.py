"""Border widths against those the card was drawn with."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.card.frame import find_centering
from station.card.outline import find_outline
from station.card.rectify import rectify

MakeScene = Callable[..., Any]
Array = NDArray[np.float64]

PALETTE = [(0.75, 0.65, 0.2), (0.05, 0.05, 0.05), (0.9, 0.9, 0.9), (0.1, 0.2, 0.6)]


def errors_um(found: Any, borders: tuple[float, ...]) -> Array:
    assert found is not None
    widths = np.array([found.left_mm, found.right_mm, found.top_mm, found.bottom_mm])
    return (widths - np.array(borders)) * 1000


@pytest.mark.parametrize("seed", range(4))
def test_through_the_whole_picture_at_150_dpi(scene: MakeScene, seed: int) -> None:
    random = np.random.default_rng(seed)
    borders = tuple(random.uniform(1.5, 4.5, 4))
    drawn = scene(
        borders=borders, border=PALETTE[seed % 4], mat=0.15, noise=0.01, rotation_deg=random.uniform(-8, 8)
    )
    picture = drawn.image()
    outline = find_outline(picture.mean(axis=2), drawn.camera, 0.3)
    found = find_centering(rectify(picture, drawn.camera, outline, 150), 150, outline)
    assert np.abs(errors_um(found, borders)).max() < 30
    assert np.abs(errors_um(found, borders)).max() < 3000 * found.sigma_mm
    assert found.left_percent == pytest.approx(100 * borders[0] / (borders[0] + borders[1]), abs=0.3)
    assert found.top_percent == pytest.approx(100 * borders[2] / (borders[2] + borders[3]), abs=0.3)
    assert found.horizontal_percent == max(found.left_percent, 100 - found.left_percent)
    assert found.vertical_percent >= 50


@pytest.mark.parametrize(("dpi", "within_um"), [(150, 40), (400, 12)])
def test_other_resolutions(scene: MakeScene, dpi: int, within_um: float) -> None:
    borders = (1.6, 4.4, 2.9, 3.3)
    drawn = scene(borders=borders, noise=0.01, blur_mm=20 / dpi)
    found = find_centering(drawn.rectified(dpi), dpi, drawn.outline())
    assert np.abs(errors_um(found, borders)).max() < within_um


def test_scratches_and_edge_wear_do_not_move_the_frame(scene: MakeScene) -> None:
    borders = (2.5, 2.9, 3.1, 2.7)
    drawn = scene(borders=borders)
    albedo = drawn.rectified(300)
    x = (np.arange(albedo.shape[1]) + 0.5) * 25.4 / 300 - 31.5
    albedo[:, np.abs(x + 31.3) < 0.2] = 0.95
    albedo[400:600, np.abs(x + 30.0) < 0.1] = 0.95
    albedo[:, np.abs(x - 29.8) < 0.1] *= np.where(np.arange(len(albedo)) % 400 < 150, 0.6, 1.0)[:, None, None]
    found = find_centering(albedo, 300, drawn.outline())
    assert np.abs(errors_um(found, borders)).max() < 15


def test_full_art_has_no_frame(scene: MakeScene) -> None:
    drawn = scene(borders=None, art=0.7)
    assert find_centering(drawn.rectified(300), 300, drawn.outline()) is None


def test_noise_has_no_frame(scene: MakeScene) -> None:
    outline = scene().outline()
    noise = np.random.default_rng(3).uniform(0, 1, (1039, 744, 3)).astype(np.float32)
    assert find_centering(noise, 300, outline) is None
    assert find_centering(np.full((1039, 744, 3), 0.5, np.float32), 300, outline) is None


def test_a_frame_on_three_sides_is_none(scene: MakeScene) -> None:
    drawn = scene(borders=(2.5, 2.5, 3.0, -9.0))
    assert find_centering(drawn.rectified(300), 300, drawn.outline()) is None
