"""Slopes to height: exact for what cards do, free at the borders, honest about curl."""

from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.integrate import Slopes, bend, curl_rms, height_um, slopes


def card(height_mm: Any, rows: int = 260, columns: int = 186, pitch_mm: float = 88 / 260) -> Any:
    """Heights (um) and normals of a surface z(x, y) in mm over a card's grid, normals by fine differences."""
    x = (np.arange(columns) + 0.5) * pitch_mm - columns * pitch_mm / 2
    y = rows * pitch_mm / 2 - (np.arange(rows) + 0.5) * pitch_mm
    x, y = np.meshgrid(x, y)
    step = 1e-4
    p = (height_mm(x + step, y) - height_mm(x - step, y)) / (2 * step)
    q = (height_mm(x, y + step) - height_mm(x, y - step)) / (2 * step)
    normals = np.stack([-p, -q, np.ones_like(p)], axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return 1000 * height_mm(x, y), normals.astype(np.float32)


def rebuilt(normals: Any, pitch_mm: float = 88 / 260) -> Any:
    valid = np.ones(normals.shape[:2], bool)
    return height_um(slopes(normals, valid, pitch_mm))


def corner(x: Any, y: Any) -> Any:
    """The top right corner, 20 mm of it, lifted by 1 mm along a smooth bend."""
    beyond = np.clip((x + y) / np.sqrt(2) - (31.5 + 44) / np.sqrt(2) + 20, 0, None)
    return (beyond / 20) ** 2


def diagonal_bow(x: Any, y: Any) -> Any:
    return 0.5 * (x * 0.6 + y * 0.8) ** 2 / 44**2


@pytest.mark.parametrize("surface", [corner, diagonal_bow])
def test_a_lifted_corner_and_a_bow_come_back_within_a_micrometre(surface: Any) -> None:
    truth, normals = card(surface)
    error = rebuilt(normals) - (truth - truth.mean())
    assert np.ptp(truth) > 400
    assert np.abs(error).max() < 1.0


def test_up_is_up() -> None:
    """A slope that rises to the right and towards the top gives a height that does."""
    _, normals = card(lambda x, y: 0.01 * x + 0.02 * y)
    height = rebuilt(normals)
    assert height[100, -1] > height[100, 0]
    assert height[0, 50] > height[-1, 50]
    assert height[0, 50] - height[-1, 50] == pytest.approx(0.02 * 1000 * (88 / 260) * 259, rel=1e-4)


def test_noise_of_the_height_is_local() -> None:
    """Independent errors of slope do not add up to waves: about 1.3 sigma times the pitch."""
    random = np.random.default_rng(3)
    x, y = (0.005 * random.standard_normal((400, 300)).astype(np.float32) for _ in range(2))
    height = height_um(Slopes(x, y, 0.032))
    assert 0.8 < height.std() / (0.005 * 32) < 2.5


def test_curl_is_zero_for_a_surface_and_not_for_an_error_of_calibration() -> None:
    _, normals = card(corner)
    valid = np.ones(normals.shape[:2], bool)
    pitch = 88 / 260
    assert curl_rms(slopes(normals, valid, pitch), valid) < 2e-4
    rows = np.linspace(-1, 1, 260, dtype=np.float32)[:, None] * np.ones((1, 186), np.float32)
    wrong = Slopes(0.05 * rows, np.zeros_like(rows), pitch)
    assert curl_rms(wrong, valid) == pytest.approx(0.05 * 2 / (259 * pitch), rel=1e-3)


@pytest.mark.parametrize(("bow_mm", "twist_mm"), [(1.5, 0.0), (-0.4, 0.0), (0.3, 0.2), (0.0, -0.5)])
def test_bow_and_twist(bow_mm: float, twist_mm: float) -> None:
    def sheet(x: Any, y: Any) -> Any:
        return bow_mm * (1 - (y / 44) ** 2) + twist_mm / 4 * (x / 31.5) * (y / 44)

    heights, normals = card(sheet, columns=186)
    found = bend(rebuilt(normals), np.ones(normals.shape[:2], bool), 88 / 260)
    assert found.bow_mm == pytest.approx(bow_mm, abs=2e-3)
    assert found.twist_mm == pytest.approx(twist_mm, abs=4e-3)
    corners = heights[[0, 0, -1, -1], [-1, 0, -1, 0]] / 1000
    assert corners[0] - corners[1] - corners[2] + corners[3] == pytest.approx(twist_mm, abs=0.01)


def test_what_is_not_valid_is_flat_and_does_not_count() -> None:
    _, normals = card(diagonal_bow)
    valid = np.ones(normals.shape[:2], bool)
    valid[100:120, 50:70] = False
    normals[100:120, 50:70] = np.nan
    surface = slopes(normals, valid, 88 / 260)
    assert (surface.x[100:120, 50:70] == 0).all()
    assert np.isfinite(height_um(surface)).all()
    assert np.isfinite(curl_rms(surface, valid))


@pytest.mark.parametrize(
    ("normals", "valid", "pitch"),
    [
        (np.zeros((4, 5)), np.ones((4, 5), bool), 0.1),
        (np.zeros((4, 5, 3)), np.ones((5, 4), bool), 0.1),
        (np.zeros((4, 5, 3)), np.zeros((4, 5), bool), 0.1),
        (np.full((4, 5, 3), np.inf), np.ones((4, 5), bool), 0.1),
        (np.ones((4, 5, 3)), np.ones((4, 5), bool), 0.0),
        (np.ones((4, 5, 3)), np.ones((4, 5), bool), np.nan),
    ],
)
def test_what_cannot_be_integrated_is_refused(normals: Any, valid: Any, pitch: float) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(StationError) as refused:
        slopes(normals, valid, pitch)
    assert refused.value.code == "stack_unusable"
