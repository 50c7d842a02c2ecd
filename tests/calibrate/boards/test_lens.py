"""The lens from views of a board that is not quite flat, against the twin's own; what poor views say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from station.calibrate.boards.board import BoardView, corners_mm
from station.calibrate.boards.lens import LensFit, fit_lens
from station.documents.boards import BoardSpec
from station.documents.fault import StationError
from station.twin.optics import Optics
from tests.calibrate.boards.boards import rough_lens, session

DPI = 100
OPTICS = Optics(DPI)
SIZE = OPTICS.width_px, OPTICS.height_px
NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")
TRUTH = np.array([*OPTICS.matrix, *OPTICS.lens.distortion])
ROUGH = rough_lens(DPI)


@pytest.fixture(scope="module")
def fit() -> LensFit:
    return fit_lens(session(DPI), SIZE, ROUGH)


def kinds(fit: LensFit) -> list[str]:
    return [finding.kind for finding in fit.findings]


def test_the_lens_is_the_twins_within_its_uncertainty(
    fit: LensFit, record_property: Callable[[str, Any], None]
) -> None:
    relative = float(fit.sigma[0] / fit.matrix[0])
    record_property("focal_sigma", [100 * relative, "%"])
    record_property("residual", [fit.residual_px, "px rms"])
    assert np.abs((fit.values - TRUTH)[:8] / fit.sigma[:8]).max() < 4
    assert relative < 5e-4
    assert fit.residual_px < 0.02
    assert fit.used == tuple(range(11))
    assert not fit.findings


def test_the_distortion_moves_no_corner_of_the_picture_noticeably(fit: LensFit) -> None:
    """Coefficients trade against each other; what counts is where points appear."""
    grid = np.stack(np.meshgrid(np.linspace(0, SIZE[0], 9), np.linspace(0, SIZE[1], 9)), axis=-1).reshape(
        -1, 2
    )
    rays = (grid - TRUTH[2:4]) / TRUTH[:2]
    off = _project(rays, fit.values) - _project(rays, TRUTH)
    # a turn of the camera and a change of its height are no error of the lens
    similar = np.column_stack([np.ones(len(rays)), rays])
    left = off - similar @ np.linalg.lstsq(similar, off, rcond=None)[0]
    assert np.abs(left).max() < 0.05


def _project(rays: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Written out anew: OpenCV's model, "Camera Calibration and 3D Reconstruction"."""
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = values
    x, y = rays.T
    r2 = x**2 + y**2
    radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    u = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    v = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    return np.column_stack([fx * u + cx, fy * v + cy])


def test_the_boards_bow_is_found_and_does_not_bend_the_lens(fit: LensFit) -> None:
    """The twin's bow is told over the whole board, this one over the corners: 72 of 90 mm."""
    across, along, twist = fit.shape_mm
    assert along == pytest.approx(0.2 * (72 / 90) ** 2, abs=4 * fit.shape_sigma_mm[1] + 0.003)
    assert abs(across) < 4 * fit.shape_sigma_mm[0] + 0.003
    assert abs(twist) < 4 * fit.shape_sigma_mm[2] + 0.003


def test_the_scale_of_the_print_does_not_touch_the_lens(fit: LensFit) -> None:
    larger = fit_lens(session(DPI, print_scale=1.02), SIZE, ROUGH)
    assert np.abs((larger.values - TRUTH)[:8] / larger.sigma[:8]).max() < 4


def test_the_start_may_be_missing(fit: LensFit) -> None:
    assert np.allclose(fit_lens(session(DPI), SIZE).values, fit.values, rtol=1e-3, atol=1e-2)


def test_residuals_are_there_for_a_map(fit: LensFit) -> None:
    assert fit.corners_px.shape == fit.residuals_px.shape == (len(fit.view_of), 2)
    assert set(fit.view_of) == set(fit.used)
    assert np.sqrt(np.mean(fit.residuals_px**2)) == pytest.approx(fit.residual_px)
    assert fit.tilts_deg[:10] == pytest.approx(25, abs=2)
    assert fit.tilts_deg[10] < 1


def test_sigmas_shrink_with_more_views_and_grow_with_smaller_tilts(fit: LensFit) -> None:
    few = fit_lens([session(DPI)[k] for k in (0, 3, 6, 10)], SIZE, ROUGH)
    assert few.sigma[0] > 1.3 * fit.sigma[0]
    slight = fit_lens(session(DPI, views=5, tilt_deg=6.0), SIZE, ROUGH)
    assert slight.sigma[0] > 2 * few.sigma[0]
    assert np.abs((slight.values - TRUTH)[:4] / slight.sigma[:4]).max() < 4


def test_flat_views_alone_are_poor_spread() -> None:
    flat = session(DPI)[-1]
    fit = fit_lens([flat, flat, flat], SIZE, ROUGH)
    [finding] = [finding for finding in fit.findings if finding.kind == "poor_spread"]
    assert finding.severe
    assert "20 to 30 degrees" in finding.next_step
    assert fit.sigma[0] > 0.1 * fit.matrix[0]


def test_a_view_of_a_board_that_moved_is_dropped_and_named(fit: LensFit) -> None:
    views = list(session(DPI))
    x, y = views[4].object_mm[:, 0], views[4].object_mm[:, 1]
    bent = views[4].corners_px + 0.02 * np.column_stack([x * y / 10, (x / 10) ** 2])
    views[4] = replace(views[4], corners_px=bent)
    found = fit_lens(views, SIZE, ROUGH)
    assert found.used == (0, 1, 2, 3, 5, 6, 7, 8, 9, 10)
    assert np.isnan(found.poses[4]).all()
    assert "View 5" in found.findings[0].message
    assert kinds(found) == ["disagree"]
    assert np.abs((found.values - TRUTH)[:8] / found.sigma[:8]).max() < 4


def test_single_wild_corners_hardly_matter(fit: LensFit) -> None:
    views = [
        replace(
            view,
            corners_px=np.where(view.ids[:, None] == 20 + number, view.corners_px + 1.0, view.corners_px),
        )
        for number, view in enumerate(session(DPI))
    ]
    found = fit_lens(views, SIZE, ROUGH)
    assert len(found.used) == 11
    assert abs(found.matrix[0] / fit.matrix[0] - 1) < 1e-3


def test_corners_of_the_picture_nobody_saw_are_told() -> None:
    middle = [replace_within(view, 0.5) for view in session(DPI)]
    assert "not_covered" in kinds(fit_lens(middle, SIZE, ROUGH))


def replace_within(view: BoardView, share: float) -> BoardView:
    """Only the corners in the middle of the picture."""
    away = np.abs(view.corners_px / np.array(view.size_px) - 0.5)
    kept = (away < share / 2).all(axis=1)
    return replace(
        view,
        ids=view.ids[kept],
        corners_px=view.corners_px[kept],
        sigma_px=view.sigma_px[kept],
        object_mm=view.object_mm[kept],
    )


def test_a_wide_lens_gets_its_sixth_power_and_a_long_one_does_not(fit: LensFit) -> None:
    """Drawn from the formula: a lens of 70 degrees whose k3 is felt."""
    assert fit.distortion[4] == 0
    values = np.array([700.0, 700.0, 500.0, 400.0, -0.3, 0.12, 0.0, 0.0, -0.08])
    views = [
        drawn(values, tilt, turn) for tilt, turn in zip(range(-35, 36, 10), range(0, 180, 20), strict=False)
    ]
    wide = fit_lens(views, (1001, 801), (650.0, 650.0, 500.0, 400.0))
    assert wide.distortion[4] == pytest.approx(-0.08, abs=5 * wide.sigma[8])
    assert wide.sigma[8] > 0
    assert np.abs((wide.values - values)[:4] / wide.sigma[:4]).max() < 4


def drawn(values: np.ndarray, tilt_deg: float, turn_deg: float) -> BoardView:
    """Corners of a large board, with noise of 0.02 px."""
    spec = BoardSpec(columns=12, rows=12, square_mm=30.0, marker_mm=22.0)
    places = corners_mm(spec)
    a, b = np.radians([tilt_deg, turn_deg])
    lean = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    turn = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    camera = places @ (np.diag([1.0, -1.0, -1.0]) @ lean @ turn).T + (0.0, 0.0, 280.0)
    at = _project(camera[:, :2] / camera[:, 2:], values)
    at += np.random.default_rng(int(tilt_deg + 90)).normal(0, 0.02, at.shape)
    inside = ((at > 0) & (at < (1000, 800))).all(axis=1)
    return BoardView(
        ids=np.flatnonzero(inside),
        corners_px=at[inside],
        sigma_px=np.full(inside.sum(), 0.02),
        object_mm=places[inside],
        size_px=(1001, 801),
        edge_px=0.6,
        mirrored=False,
        brightness=0.7,
        clipped=0.0,
    )


def test_too_few_views_end_in_one_sentence() -> None:
    views = session(DPI)
    with pytest.raises(StationError, match="of 2 views of the board 2 can be used") as caught:
        fit_lens(views[:2], SIZE, ROUGH)
    assert caught.value.code == "calibration_failed"
    with pytest.raises(StationError, match="of 11 views of the board 0 can be used"):
        fit_lens(views, (640, 480), ROUGH)
