"""Slopes to height: exact for what cards do, free at the borders, honest about curl."""

from typing import Any

import numpy as np
import pytest

from station.documents.fault import StationError
from station.photometric.integrate import Slopes, bend, curl, curl_rms, height_um, slopes
from station.photometric.weighted import weighted_height_um


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


def rebuilt_slopes(normals: Any) -> Any:
    return slopes(normals, np.ones(normals.shape[:2], bool), 88 / 260)


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


def test_a_sum_in_one_pass_is_the_sum_of_steps() -> None:
    """The compiled divergence against the equations as they stand, for odd sizes and single lines."""
    random = np.random.default_rng(5)
    for shape in [(7, 5), (1, 6), (6, 1), (2, 2), (33, 130)]:
        x, y = random.standard_normal((2, *shape)).astype(np.float32)
        height = height_um(Slopes(x, y, 0.1))
        right = np.diff(height, axis=1) - (x[:, 1:] + x[:, :-1]) * 50
        down = np.diff(height, axis=0) + (y[1:] + y[:-1]) * 50
        left_over = np.zeros(shape)
        left_over[:, 1:] += right
        left_over[:, :-1] -= right
        left_over[1:] += down
        left_over[:-1] -= down
        assert np.abs(left_over).max() < 1e-3
        assert abs(height.mean()) < 1e-3


def test_a_hole_and_what_lies_beyond_the_card_bend_nothing() -> None:
    """A bowed card with a hole of nonsense and a margin of nonsense: weighted, the rest comes back."""
    truth, normals = card(diagonal_bow)
    rows, columns = truth.shape
    inside = np.zeros((rows, columns), bool)
    inside[12:-9, 7:-15] = True
    inside[90:140, 60:110] = False
    surface = rebuilt_slopes(normals)
    random = np.random.default_rng(2)
    for slope in (surface.x, surface.y):
        slope[~inside] = 0.3 * random.standard_normal((~inside).sum())
    truth = truth - truth[inside].mean()
    found = weighted_height_um(surface, inside.astype(float))
    assert np.abs(found - truth)[inside].max() < 0.5
    assert (found[~inside] == 0).all()
    assert np.abs(height_um(surface) - truth)[inside].max() > 20


def test_doubtful_slopes_count_less() -> None:
    """Half the card thirty times as noisy: told so, the other half is as good as without it."""
    truth, normals = card(corner)
    surface = rebuilt_slopes(normals)
    random = np.random.default_rng(4)
    sigma = np.where(np.arange(truth.shape[1]) < 93, 0.002, 0.06)[None, :] * np.ones_like(truth)
    for slope in (surface.x, surface.y):
        np.add(slope, sigma * random.standard_normal(sigma.shape), out=slope, casting="same_kind")
    good = np.s_[:, 5:85]

    def error(height: Any) -> float:
        off = (height - truth)[good]
        return float((off - off.mean()).std())

    assert error(weighted_height_um(surface, sigma**-2)) < 0.5 * error(height_um(surface))


def test_equal_weights_change_nothing() -> None:
    _, normals = card(corner)
    surface = rebuilt_slopes(normals)
    same = weighted_height_um(surface, np.full(surface.x.shape, 3.0))
    np.testing.assert_allclose(same, height_um(surface), atol=0.02)


def test_islands_are_each_right_in_themselves() -> None:
    truth, normals = card(diagonal_bow)
    apart = np.ones(truth.shape)
    apart[:, 90:96] = 0
    found = weighted_height_um(rebuilt_slopes(normals), apart)
    for island in (np.s_[:, :90], np.s_[:, 96:]):
        off = (found - truth)[island]
        assert np.ptp(off) < 0.5


@pytest.mark.parametrize(
    "weight", [np.ones((3, 3)), np.zeros((260, 186)), np.full((260, 186), -1.0), np.full((260, 186), np.nan)]
)
def test_what_is_no_weight_is_refused(weight: Any) -> None:
    _, normals = card(corner)
    with pytest.raises(StationError) as refused:
        weighted_height_um(rebuilt_slopes(normals), weight)
    assert refused.value.code == "stack_unusable"


def test_the_curl_map_shows_where() -> None:
    """A jump of the slopes along a line that no surface has."""
    _, normals = card(corner)
    surface = rebuilt_slopes(normals)
    surface.x[100:] += 0.02
    valid = np.ones(surface.x.shape, bool)
    valid[40, 50] = False
    shown = curl(surface, valid)
    assert shown.shape == valid.shape
    assert np.isnan(shown[-1]).all()
    assert np.isnan(shown[39:41, 49:51]).all()
    assert np.isnan(shown).sum() == 260 + 186 - 1 + 4
    pitch = 88 / 260
    np.testing.assert_allclose(np.abs(shown[99, :-1]), 0.02 / pitch, rtol=0.02)
    assert np.nanmax(np.abs(np.delete(shown, 99, axis=0))) < 1e-2


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
