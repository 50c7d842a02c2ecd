"""What print may pretend: the bounds are those of an ink's edge."""

import cv2
import numpy as np
import pytest

from station.photometric.curvature import curvature
from station.photometric.integrate import Slopes
from station.photometric.printing import BLACK, PRINT_UM, print_curvature, print_slope, step_curvature

PITCH_MM = 0.04


def test_the_slope_is_the_print_reliefs_own() -> None:
    """A colour that darkens by a factor e in 2 mm, in one channel only."""
    x = np.arange(200) * PITCH_MM
    albedo = np.full((50, 200, 3), 0.5, np.float32)
    albedo[..., 1] = np.exp(-x / 2) - BLACK
    found = print_slope(albedo, PITCH_MM)
    np.testing.assert_allclose(found[10:-10, 10:-60], PRINT_UM / 1000 / 2, rtol=1e-3)


@pytest.mark.parametrize("scale_mm", [0.15, 0.3])
def test_no_edge_of_one_layer_bends_more_than_the_bound(scale_mm: float) -> None:
    step = np.zeros((200, 200), np.float32)
    step[:, 100:] = PRINT_UM / 1000
    smooth = cv2.GaussianBlur(step, (0, 0), 1.0)
    surface = Slopes(np.gradient(smooth, PITCH_MM, axis=1).astype(np.float32), 0 * step, PITCH_MM)
    bent = curvature(surface, 0 * step, np.ones(step.shape, bool), scale_mm)
    assert np.abs(bent.mean).max() == pytest.approx(step_curvature(scale_mm), rel=0.1)


def test_dark_print_on_white_is_doubted_more_than_grey() -> None:
    albedo = np.full((120, 120, 3), 0.8, np.float32)
    dark, grey = albedo.copy(), albedo.copy()
    dark[40:80, 40:80], grey[40:80, 40:80] = 0.03, 0.6
    black, soft = (print_curvature(picture, PITCH_MM, 0.15).max() for picture in (dark, grey))
    assert black > 5 * soft > 0
    assert print_curvature(albedo, PITCH_MM, 0.15).max() == pytest.approx(0, abs=1e-6)
