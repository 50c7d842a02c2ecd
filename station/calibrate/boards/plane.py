"""Where the mat lies under the camera, and how large it appears: from the board lying flat.

The mat frame: z = 0 on the mat, origin where the ray of the picture's middle meets it, x along the picture's
rows to the right, y up, z to the camera.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from .board_view import BoardView
from .lens import LensFit
from .lens_problem import inverse
from .print_scale import PrintScale, print_scale
from .projection import LENS, POSE, SHAPE, Extent, corner_sigma_px, first_pose, seen

Array = NDArray[np.float64]

_THICKNESS_SIGMA_MM = 0.05
_BENT_MM = 0.15
"""A board bowed by more leaves its mean height, and with it the scale, in doubt by some ten-thousandths."""
_BEND_SIGMA_MM = 0.3  # what a board on cardboard is bowed by, before it is looked at


@dataclass(frozen=True, slots=True)
class PlaneFit:
    """The mat under the camera.

    Attributes:
        rotation: Rodrigues vector (rad), mat frame to camera frame.
        translation_mm: of the same transform.
        sigma: (6,), standard uncertainty of rotation and translation, that of lens, scale and thickness
            included.
        tilt_deg: between the mat's normal and the camera's axis.
        tilt_sigma_deg: of that.
        scale_um_per_px: of the mat in the picture's middle, the geometric mean of both directions.
        scale_sigma: its relative standard uncertainty.
        residual_px: rms per coordinate.
        bow_mm: height of the board's middle over its ends or sides, whichever is larger, as it lies.
        bow_sigma_mm: of that.
        findings: what a person should know.
    """

    rotation: tuple[float, float, float]
    translation_mm: tuple[float, float, float]
    sigma: Array
    tilt_deg: float
    tilt_sigma_deg: float
    scale_um_per_px: float
    scale_sigma: float
    residual_px: float
    bow_mm: float
    bow_sigma_mm: float
    findings: tuple[CalibrationFinding, ...] = ()


def fit_plane(
    view: BoardView, lens: LensFit, thickness_mm: float, scale: PrintScale | None = None
) -> PlaneFit:
    """The mat's pose from one view of the board lying flat on it.

    Args:
        view: with the lengths of the design; `scale` is applied here.
        lens: fitted to views with the same lengths as this one after `scale`, or to any: it has no scale.
        thickness_mm: of the board; its face lies so high over the mat.
        scale: of the print; None: not measured.

    Raises:
        StationError: `calibration_failed`, the view has severe findings.
    """
    severe = next((finding for finding in view.findings if finding.severe), None)
    if severe is not None:
        raise StationError("calibration_failed", f"the flat view cannot be used: {severe.message}")
    measured = print_scale(100.0, None) if scale is None else scale
    board = _fit_board(measured.applied(view), lens)
    knowns = np.concatenate([board.pose, lens.values, [thickness_mm, 1.0]])
    covariance = _joint(board, lens, measured.sigma)
    middle = ((lens.size_px[0] - 1) / 2, (lens.size_px[1] - 1) / 2)

    def outcome(values: Array) -> Array:
        return _mat(values, middle)

    found = outcome(knowns)
    by = _derivatives(outcome, knowns, np.sqrt(np.diag(covariance)))
    sigma = np.sqrt(np.diag(by @ covariance @ by.T))
    largest = int(np.argmax(np.abs(board.shape[:2])))
    fit = PlaneFit(
        rotation=(float(found[0]), float(found[1]), float(found[2])),
        translation_mm=(float(found[3]), float(found[4]), float(found[5])),
        sigma=sigma[:POSE],
        tilt_deg=float(found[6]),
        tilt_sigma_deg=float(sigma[6]),
        scale_um_per_px=float(found[7]),
        scale_sigma=float(sigma[7] / found[7]),
        residual_px=board.residual_px,
        bow_mm=float(board.shape[largest]),
        bow_sigma_mm=float(board.shape_sigma[largest]),
    )
    return replace(fit, findings=(*measured.findings, *_findings(fit)))


@dataclass(frozen=True, slots=True)
class _Board:
    pose: Array
    shape: Array
    shape_sigma: Array
    by_lens: Array  # (POSE, LENS): how the pose follows the lens
    covariance: Array  # (POSE, POSE), for a lens that is known
    residual_px: float


def _fit_board(view: BoardView, lens: LensFit) -> _Board:
    """Pose and shape of the board under a given lens, and how both depend on it."""
    extent, values, sigma = Extent.of((view,)), lens.values, corner_sigma_px(view)

    def system(x: Array) -> tuple[Array, Array]:
        at, by = seen(values, x[POSE:], x[:POSE], view, extent)
        residual = np.append(((at - view.corners_px) / sigma[:, None]).ravel(), x[POSE:] / _BEND_SIGMA_MM)
        rows = (by / sigma[:, None, None]).reshape(-1, LENS + SHAPE + POSE)
        ordered = np.concatenate([rows[:, LENS + SHAPE :], rows[:, LENS : LENS + SHAPE]], axis=1)
        known = np.column_stack([np.zeros((SHAPE, POSE)), np.eye(SHAPE) / _BEND_SIGMA_MM])
        return residual, np.concatenate([ordered, known])

    def residuals(x: Array) -> Array:
        return system(x)[0]

    def derivatives(x: Array) -> Array:
        return system(x)[1]

    start = np.concatenate([first_pose(values, view), np.zeros(SHAPE)])
    x = np.asarray(least_squares(residuals, start, jac=derivatives, x_scale="jac", xtol=1e-12).x, np.float64)
    at, by = seen(values, x[POSE:], x[:POSE], view, extent)
    off = view.corners_px - at
    freedom = max(off.size - POSE, 1)
    scale = float(np.sqrt(np.sum((off / sigma[:, None]) ** 2) / freedom))
    own = system(x)[1] / np.append(np.full(off.size, scale), np.ones(SHAPE))[:, None]
    covariance = inverse(own.T @ own)
    rows = (by / (scale * sigma[:, None, None])).reshape(-1, LENS + SHAPE + POSE)[:, :LENS]
    by_lens = -covariance @ own[: off.size].T @ rows
    whole = covariance + by_lens @ lens.covariance @ by_lens.T
    return _Board(
        pose=x[:POSE],
        shape=x[POSE:],
        shape_sigma=np.sqrt(np.diag(whole)[POSE:]),
        by_lens=by_lens[:POSE],
        covariance=covariance[:POSE, :POSE],
        residual_px=float(np.sqrt(np.mean(off**2))),
    )


def _joint(board: _Board, lens: LensFit, scale_sigma: float) -> Array:
    """Covariance of pose, lens, thickness and scale, (POSE + LENS + 2) square."""
    size = POSE + LENS
    joint = np.zeros((size + 2, size + 2))
    mixed = board.by_lens @ lens.covariance
    joint[:POSE, :POSE] = board.covariance + mixed @ board.by_lens.T
    joint[:POSE, POSE:size], joint[POSE:size, :POSE] = mixed, mixed.T
    joint[POSE:size, POSE:size] = lens.covariance
    joint[size, size], joint[size + 1, size + 1] = _THICKNESS_SIGMA_MM**2, scale_sigma**2
    return joint


def _mat(values: Array, middle_px: tuple[float, float]) -> Array:
    """(8,): the mat's Rodrigues vector and translation, its tilt in degrees, micrometres per pixel.

    From the board's pose, the lens, the board's thickness and the factor on all lengths.
    """
    pose, lens, (thickness, factor) = values[:POSE], values[POSE : POSE + LENS], values[POSE + LENS :]
    turn = np.asarray(cv2.Rodrigues(pose[:3])[0], np.float64)
    normal = turn[:, 2]
    below = pose[3:] * factor - thickness * normal
    step = 1.0
    near = np.array([(0, 0), (step, 0), (-step, 0), (0, step), (0, -step)]) + middle_px
    places = _on_plane(near, lens, normal, below)
    origin = places[0]
    right, down = (places[1] - places[2]) / (2 * step), (places[3] - places[4]) / (2 * step)
    x = right / np.linalg.norm(right)
    rotation = np.column_stack([x, np.cross(normal, x), normal])
    tilt = np.degrees(np.arccos(np.clip(-normal[2], -1, 1)))
    area = np.linalg.norm(np.cross(right, down))
    return np.array([*np.ravel(cv2.Rodrigues(rotation)[0]), *origin, tilt, 1000 * np.sqrt(area)])


def _on_plane(pixels: Array, lens: Array, normal: Array, place: Array) -> Array:
    """Where rays of pixels (N, 2) meet a plane, camera frame: (N, 3)."""
    fx, fy, cx, cy = lens[:4]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-14)
    ideal = cv2.undistortPoints(pixels.reshape(-1, 1, 2), matrix, lens[4:], criteria=stop).reshape(-1, 2)
    rays = np.column_stack([ideal, np.ones(len(ideal))])
    return np.asarray(rays * ((normal @ place) / (rays @ normal))[:, None], np.float64)


def _derivatives(outcome: Callable[[Array], Array], at: Array, sigma: Array) -> Array:
    """(outcomes, knowns): central differences over a tenth of a standard deviation."""
    columns = []
    for index, width in enumerate(sigma):
        step = np.zeros(len(at))
        step[index] = 0.1 * width if width > 0 else 1e-6
        columns.append((outcome(at + step) - outcome(at - step)) / (2 * step[index]))
    return np.stack(columns, axis=1)


def _findings(fit: PlaneFit) -> Iterator[CalibrationFinding]:
    if abs(fit.bow_mm) > max(_BENT_MM, 3 * fit.bow_sigma_mm):
        yield CalibrationFinding(
            kind="bent_target",
            message=f"The board is bowed by {abs(fit.bow_mm):.2f} ± {fit.bow_sigma_mm:.2f} mm "
            f"({'its middle' if fit.bow_mm > 0 else 'its rim'} stands up).",
            next_step="Glue the board to something stiff and flat, or weigh its rim down.",
            severe=False,
        )


def camera_values(lens: LensFit, plane: PlaneFit) -> dict[str, Any]:
    """What lens and plane say of a `CameraProfile`; for its `replace`."""
    return {
        "width_px": lens.size_px[0],
        "height_px": lens.size_px[1],
        "matrix": lens.matrix,
        "distortion": lens.distortion,
        "rotation": plane.rotation,
        "translation_mm": plane.translation_mm,
        "scale_um_per_px": plane.scale_um_per_px,
    }
