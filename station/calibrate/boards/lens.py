"""The lens, from views of the printed board in many poses: focal length, centre, distortion, each with sigma.

All unknowns are fitted together: the lens, the pose of each view, and the board's own shape, for paper on
cardboard is bowed by tenths of a millimetre and a tilted view sees that. A station's lens is long: over its
narrow field focal length and distance look alike, and only the perspective of tilted views parts them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from .board_view import BoardView
from .lens_problem import Problem, Solution
from .projection import LENS, POSE, Extent, tilt_deg

Array = NDArray[np.float64]
Start = tuple[float, float, float, float]

FEWEST_VIEWS = 3
"""A plane in three poses is the least that fixes a pinhole."""
CELLS = 5
"""Into so many columns and rows the picture is divided to say where corners were seen."""
_BAD_VIEW, _BAD_VIEW_PX = 3.0, 0.1
"""A view whose residual exceeds so many times the median view's, and this, was moved or bent."""
_NEEDS_K3 = 5.0
"""Standard deviations by which k3 must differ from zero before it is let into the model."""
_FOCAL_LOOSE, _FOCAL_UNKNOWN = 0.003, 0.03
"""Relative sigma of the focal length that is told, and that is refused. At 0.3 % the camera stands within
1.2 mm in 400 mm of where it is thought."""
_LEAST_COVERED = 0.7


@dataclass(frozen=True, slots=True)
class LensFit:
    """The lens as it was fitted.

    Attributes:
        size_px: width and height of the pictures.
        matrix: fx, fy, cx, cy in pixels.
        distortion: k1, k2, p1, p2, k3 (OpenCV).
        sigma: (9,), standard uncertainty of these nine, in their order.
        covariance: (9, 9).
        residual_px: rms per coordinate over the corners of the views that were used.
        corners_px, residuals_px: (M, 2) each, of all corners used, for a map.
        view_of: (M,), which view each belongs to.
        poses: (views, 6), Rodrigues vector and translation in mm, board frame to camera frame; NaN: not used.
        tilts_deg: (views,), between the board's normal and the line of sight; NaN: not used.
        shape_mm: (3,), the board's bow across, bow along, and twist, see `projection.Extent`.
        shape_sigma_mm: (3,).
        used: numbers of the views that were used.
        coverage: share of the picture's cells in which a corner was seen.
        findings: what a person should know.
    """

    size_px: tuple[int, int]
    matrix: tuple[float, float, float, float]
    distortion: tuple[float, float, float, float, float]
    sigma: Array
    covariance: Array
    residual_px: float
    corners_px: Array
    residuals_px: Array
    view_of: NDArray[np.int64]
    poses: Array
    tilts_deg: Array
    shape_mm: Array
    shape_sigma_mm: Array
    used: tuple[int, ...]
    coverage: float
    findings: tuple[CalibrationFinding, ...] = ()

    @property
    def values(self) -> Array:
        """(9,): fx, fy, cx, cy, k1, k2, p1, p2, k3."""
        return np.array([*self.matrix, *self.distortion])


def fit_lens(views: Sequence[BoardView], size_px: tuple[int, int], start: Start | None = None) -> LensFit:
    """Fit lens, poses and the board's shape to all views at once; a view that contradicts them is dropped.

    Args:
        views: in any poses, the one of the board lying flat among them. Those with severe findings or of
            another size are left out.
        size_px: width and height of the pictures.
        start: fx, fy, cx, cy as far as they are known; None: taken from the views, some of which must then be
            tilted.

    Raises:
        StationError: `calibration_failed`, fewer than three views can be used, or they tell no focal length.
    """
    used = [number for number, view in enumerate(views) if view.usable and view.size_px == size_px]
    _require(len(used), len(views))
    lens = _start([views[number] for number in used], size_px, start)
    dropped: list[CalibrationFinding] = []
    while True:
        _require(len(used), len(views))
        chosen = tuple(views[number] for number in used)
        solution = Problem(chosen, size_px, Extent.of(chosen), k3=False).solve(lens)
        bad = _bad_view(solution.view_rms())
        if bad is None:
            break
        dropped.append(_disagrees(used.pop(bad), solution.view_rms(), bad))
    fit = _result(_with_k3(chosen, size_px, solution), chosen, used, len(views), size_px)
    return replace(fit, findings=(*dropped, *_findings(fit)))


def _require(usable: int, views: int) -> None:
    if usable < FEWEST_VIEWS:
        raise StationError(
            "calibration_failed",
            f"of {views} views of the board {usable} can be used; the lens needs {FEWEST_VIEWS} at least",
        )


def _start(views: list[BoardView], size_px: tuple[int, int], start: Start | None) -> Array:
    if start is None:
        objects = [view.object_mm.astype(np.float32) for view in views]
        pictures = [view.corners_px.astype(np.float32) for view in views]
        matrix = np.asarray(cv2.initCameraMatrix2D(objects, pictures, size_px), np.float64)
        start = (matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2])
    if not np.isfinite(start).all() or min(start[:2]) <= 0:
        raise StationError(
            "calibration_failed", "the views tell no focal length; tilt the board by 20 to 30 degrees"
        )
    return np.array([*start, 0.0, 0.0, 0.0, 0.0, 0.0])


def _bad_view(rms_px: Array) -> int | None:
    """The view that fits worst, if it fits far worse than most."""
    worst = int(np.argmax(rms_px))
    limit = max(_BAD_VIEW * float(np.median(rms_px)), _BAD_VIEW_PX)
    return worst if rms_px[worst] > limit else None


def _with_k3(views: tuple[BoardView, ...], size_px: tuple[int, int], plain: Solution) -> Solution:
    """The model with the sixth power of the radius where the views need it, else the one without."""
    fuller = Problem(views, size_px, Extent.of(views), k3=True).solve(plain.lens)
    sigma = float(np.sqrt(fuller.covariance[LENS - 1, LENS - 1]))
    return fuller if abs(fuller.lens[LENS - 1]) > _NEEDS_K3 * sigma else plain


def _result(
    solution: Solution,
    views: tuple[BoardView, ...],
    used: list[int],
    count: int,
    size_px: tuple[int, int],
) -> LensFit:
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = (float(value) for value in solution.lens)
    poses, tilts = np.full((count, POSE), np.nan), np.full(count, np.nan)
    poses[used] = solution.poses
    tilts[used] = [tilt_deg(pose) for pose in solution.poses]
    sigma = np.sqrt(np.diag(solution.covariance))
    residuals = np.concatenate(solution.residuals)
    corners = np.concatenate([view.corners_px for view in views])
    return LensFit(
        size_px=size_px,
        matrix=(fx, fy, cx, cy),
        distortion=(k1, k2, p1, p2, k3),
        sigma=sigma[:LENS],
        covariance=solution.covariance[:LENS, :LENS],
        residual_px=float(np.sqrt(np.mean(residuals**2))),
        corners_px=corners,
        residuals_px=residuals,
        view_of=np.repeat(used, [len(view.ids) for view in views]),
        poses=poses,
        tilts_deg=tilts,
        shape_mm=solution.shape,
        shape_sigma_mm=sigma[LENS:],
        used=tuple(used),
        coverage=_coverage(corners, size_px),
    )


def _coverage(corners_px: Array, size_px: tuple[int, int]) -> float:
    cells = np.floor((corners_px + 0.5) / size_px * CELLS).clip(0, CELLS - 1).astype(np.int64)
    return len(np.unique(cells, axis=0)) / CELLS**2


def _disagrees(view: int, rms_px: Array, at: int) -> CalibrationFinding:
    return CalibrationFinding(
        kind="disagree",
        message=f"View {view + 1} was left out: its corners lie {rms_px[at]:.2f} pixels off, "
        f"those of most views {np.median(rms_px):.2f}.",
        next_step="Hold the board still and flat while the picture is taken.",
        severe=False,
    )


def _findings(fit: LensFit) -> Iterator[CalibrationFinding]:
    loose = float(max(fit.sigma[0] / fit.matrix[0], fit.sigma[1] / fit.matrix[1]))
    steepest = float(np.nanmax(fit.tilts_deg))
    if loose > _FOCAL_LOOSE:
        yield CalibrationFinding(
            kind="poor_spread",
            message=f"The focal length is known to {100 * loose:.2f} % only; the steepest view leans by "
            f"{steepest:.0f} degrees.",
            next_step="Tilt the board by 20 to 30 degrees, to every side in turn.",
            severe=loose > _FOCAL_UNKNOWN,
        )
    if fit.coverage < _LEAST_COVERED:
        yield CalibrationFinding(
            kind="not_covered",
            message=f"The corners reach only {100 * fit.coverage:.0f} % of the picture; the distortion "
            "elsewhere is a guess.",
            next_step="Take views with the board in each corner of the picture; part of it may be cut off.",
            severe=False,
        )
