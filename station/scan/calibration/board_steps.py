"""The steps with something printed: the board flat on the mat, the board tilted, the colour chart."""

import numpy as np
from numpy.typing import NDArray

from ...calibrate.boards.board import find_board
from ...calibrate.boards.board_view import BoardView
from ...calibrate.colours.chart_view import measure_chart
from ...calibrate.colours.charts import load_chart
from ...calibrate.sensor.sharpening import edges_of_grid, sharpness_of
from ...documents.calibration import CalibrationFinding
from .fitting import optics
from .looks import view_arrays
from .taking import Lit, Taken, Taking

BOARD_FRAMES = 4


async def flat_board(taking: Taking) -> Taken:
    """The board flat on the mat: its corners, and how sharp its edges are."""
    lit, view = await _board(taking)
    grid = np.full((taking.session.options.board.corners, 2), np.nan)
    grid[view.ids] = view.corners_px
    rows = taking.session.options.board.rows - 1
    sharp = sharpness_of(lit.mean.mean(axis=2), edges_of_grid(grid.reshape(rows, -1, 2)))
    figures = {
        "overshoot_percent": sharp.overshoot_percent,
        "mtf50_cy_per_px": sharp.mtf50_cy_per_px,
    }
    return _taken(lit, view, figures, sharp.findings)


async def tilted_board(taking: Taking) -> Taken:
    """The board propped up."""
    return _taken(*await _board(taking), {}, ())


async def _board(taking: Taking) -> tuple[Lit, BoardView]:
    lit = await taking.lit(BOARD_FRAMES)
    full = lit.response.full - float(lit.response.black.mean())
    return lit, find_board(lit.mean, taking.session.options.board, full_scale=full)


def _taken(
    lit: Lit,
    view: BoardView,
    more: dict[str, float | None],
    findings: tuple[CalibrationFinding, ...],
) -> Taken:
    figures: dict[str, float | None] = {
        "corners": float(len(view.ids)),
        "edge_px": view.edge_px,
        "paper_percent": 100 * view.brightness,
        **more,
    }
    known = {name: value for name, value in figures.items() if value is not None and np.isfinite(value)}
    live = lit.findings(may_clip=True, may_be_dark=True)
    # the mean over all lights is darker than a picture need be; that alone is no fault
    of_view = (one for one in view.findings if one.severe or one.kind != "too_dark")
    return Taken(view_arrays(view), known, (*live, *of_view, *findings))


async def colour(taking: Taking) -> Taken:
    """The colour chart, as reflectances of the camera's channels."""
    session = taking.session
    chart = load_chart(session.options.chart)
    lit = await taking.lit(BOARD_FRAMES)
    sheet = session.arrays(session.takes("flat")[0])["grid"].mean(axis=0)
    exposures = taking.flat_exposure_us / taking.exposure_us
    white = _enlarged(sheet, lit.mean.shape[:2]) / np.float32(session.options.reflectance * exposures)
    patches = measure_chart(lit.mean / white, optics(session, taking.bench).camera, chart)
    arrays = {name: getattr(patches, name) for name in ("reflectance", "sigma", "uneven")}
    seen = float(np.isfinite(patches.reflectance).all(axis=1).sum())
    return Taken(arrays, {"patches": seen}, lit.findings(may_be_dark=True))


def _enlarged(grid: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A grid over the whole picture, between its nodes straight: (H, W, 3)."""
    rows = np.linspace(0, grid.shape[0] - 1, shape[0])
    columns = np.linspace(0, grid.shape[1] - 1, shape[1])
    top, left = (
        np.minimum(rows.astype(int), grid.shape[0] - 2),
        np.minimum(columns.astype(int), grid.shape[1] - 2),
    )
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    above = grid[top] * (1 - down) + grid[top + 1] * down
    return np.asarray(above[:, left] * (1 - right) + above[:, left + 1] * right, np.float32)
