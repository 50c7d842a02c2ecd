"""Sharpness of a picture whose blur is known: MTF of a Gaussian is exp(-2 (pi sigma f)^2)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from station.card.outline import find_outline
from station.card.sharpness import mtf50

MakeScene = Callable[..., Any]


def gaussian_mtf50(sigma_mm: float) -> float:
    return float(np.sqrt(np.log(2) / 2) / np.pi / sigma_mm)


@pytest.mark.parametrize("blur_px", [0.7, 1.2, 1.6])
@pytest.mark.parametrize("rotation_deg", [1.0, -6.0])
def test_a_known_blur(scene: MakeScene, blur_px: float, rotation_deg: float) -> None:
    drawn = scene(blur_mm=blur_px / 6.0, rotation_deg=rotation_deg)
    picture = drawn.grey()
    measured = mtf50(picture, drawn.camera, find_outline(picture, drawn.camera, 0.3))
    assert measured == pytest.approx(gaussian_mtf50(blur_px / 6.0), rel=0.012)


def test_dark_card_on_a_bright_mat(scene: MakeScene) -> None:
    drawn = scene(mat=0.7, border=(0.05, 0.05, 0.05), blur_mm=0.2)
    measured = mtf50(drawn.grey(), drawn.camera, drawn.outline())
    assert measured == pytest.approx(gaussian_mtf50(0.2), rel=0.012)


def test_none_where_the_edge_runs_along_the_pixels(scene: MakeScene) -> None:
    drawn = scene(rotation_deg=0.0)
    straight = drawn.camera.replace(distortion=(0.0,) * 5, rotation=(np.pi, 0.0, 0.0))
    drawn = drawn.with_(camera=straight)
    assert mtf50(drawn.grey(), straight, drawn.outline()) is None


def test_none_without_contrast(scene: MakeScene) -> None:
    drawn = scene()
    flat = np.full((drawn.camera.height_px, drawn.camera.width_px), 0.4, np.float32)
    noise = np.random.default_rng(1).normal(0.4, 0.05, flat.shape).astype(np.float32)
    assert mtf50(flat, drawn.camera, drawn.outline()) is None
    assert mtf50(noise, drawn.camera, drawn.outline()) is None
