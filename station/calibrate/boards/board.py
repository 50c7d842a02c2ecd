"""The printed ChArUco board in a picture: its corners, and whether the picture is fit to be used."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.boards import BoardSpec
from ...documents.fault import StationError
from ...photometric.stack import CLIP_SHARE
from .board_view import BoardView, board_findings
from .corners import Corners, refine_corners

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Picture = NDArray[Any]

_LONGEST_PX = 1400
"""Markers are looked for in a picture of at most this size: they are then 20 to 90 pixels wide."""
_SHORT_PX, _LARGEST_ZOOM = 700, 2.0
"""A smaller picture is enlarged: OpenCV's thresholds want modules of more than 3 pixels."""
_CERTAIN_SHARE = 0.4
"""Of the corners; a mirrored board has shown up to a fifth of them under wrong numbers."""
_LEAST_CORNERS = 6
"""Fewer are not told from chance: a homography takes four."""
_ALIGNED = 0.88
"""Of the way from a corner to the nearest marker's: the rest is left to the marker's blur."""


def charuco_board(spec: BoardSpec) -> cv2.aruco.CharucoBoard:
    """OpenCV's object; its own axes are x right, y down, from the upper left corner.

    Raises:
        StationError: `calibration_failed`, OpenCV knows no such dictionary, or the markers do not fit.
    """
    known = getattr(cv2.aruco, spec.dictionary, None)
    if known is None or not spec.dictionary.startswith("DICT_") or spec.marker_mm >= spec.square_mm:
        raise StationError(
            "calibration_failed",
            f"there is no board of {spec.marker_mm} mm markers of {spec.dictionary} "
            f"in squares of {spec.square_mm} mm",
        )
    dictionary = cv2.aruco.getPredefinedDictionary(known)
    return cv2.aruco.CharucoBoard((spec.columns, spec.rows), spec.square_mm, spec.marker_mm, dictionary)


def corners_mm(spec: BoardSpec) -> Array:
    """All inner corners ((columns - 1) * (rows - 1), 3): origin in the board's middle, x right, y up."""
    x = (np.arange(1, spec.columns) - spec.columns / 2) * spec.square_mm
    y = (spec.rows / 2 - np.arange(1, spec.rows)) * spec.square_mm
    across, down = np.meshgrid(x, y)
    return np.column_stack([across.ravel(), down.ravel(), np.zeros(across.size)])


def find_board(picture: Picture, spec: BoardSpec, *, full_scale: float | None = None) -> BoardView:
    """Find the board in a picture that samples it at 75 to 600 dpi.

    Args:
        picture: (H, W) or (H, W, 3), any scale of brightness.
        spec: the board as it was designed.
        full_scale: highest code; None: that of the integer type, 1.0 for floating point.

    Raises:
        StationError: `calibration_failed`, see `charuco_board`.
        ValueError: the array is no picture.
    """
    grey, top = _grey(picture, full_scale)
    size = (grey.shape[1], grey.shape[0])
    ids, near, mirrored = _detect(grey, spec)
    if len(ids) >= _LEAST_CORNERS:
        ids, corners, scale = _refined(grey, spec, ids, near)
    if len(ids) < _LEAST_CORNERS:
        return _nothing(grey / top, size)
    view = BoardView(
        ids=ids,
        corners_px=corners.at_px,
        sigma_px=corners.sigma_px,
        object_mm=corners_mm(spec)[ids],
        size_px=size,
        edge_px=float(np.median(corners.blur_px)),
        mirrored=mirrored,
        brightness=float(np.median(corners.paper)) / top,
        clipped=_clipped(_brightest(picture) / top, corners),
    )
    return replace(view, findings=tuple(board_findings(view, len(corners_mm(spec)), scale)))


def _grey(picture: Picture, full_scale: float | None) -> tuple[NDArray[np.float32], float]:
    if picture.ndim not in (2, 3) or min(picture.shape[:2]) < 8 or picture.shape[2:] not in ((), (1,), (3,)):
        raise ValueError(f"an array of shape {picture.shape} is no picture of a board")
    grey = picture.astype(np.float32)
    grey = grey if grey.ndim == 2 else grey.mean(axis=2)
    if full_scale is None:
        full_scale = float(np.iinfo(picture.dtype).max) if picture.dtype.kind in "iu" else 1.0
    return np.nan_to_num(grey), full_scale


def _brightest(picture: Picture) -> NDArray[np.float32]:
    """The brightest channel (H, W): one that is clipped is enough to move an edge."""
    return np.asarray(picture if picture.ndim == 2 else picture.max(axis=2), np.float32)


def _detect(grey: NDArray[np.float32], spec: BoardSpec) -> tuple[Numbers, Array, bool]:
    """Numbers and rough places of the corners, and whether it was the mirrored picture that showed them."""
    share = _detection_scale(max(grey.shape))
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    small = cv2.resize(grey, None, fx=share, fy=share, interpolation=way)
    low, high = np.percentile(small, (1, 99))
    even = np.clip((small - low) * (235 / max(high - low, 1e-6)) + 10, 0, 255).astype(np.uint8)
    parameters = cv2.aruco.CharucoParameters()
    parameters.minMarkers = 1  # a hidden marker need not cost its corners: each is checked by its own fit
    parameters.checkMarkers = False  # one marker seen twice would cost the whole board; see _refined
    detector = cv2.aruco.CharucoDetector(charuco_board(spec), parameters)
    ids, at = _look(detector, even)
    mirrored = False
    if len(ids) < _CERTAIN_SHARE * len(corners_mm(spec)):
        # some markers read as others in a mirror: the side that shows more of them is right
        others, seen = _look(detector, np.ascontiguousarray(even[:, ::-1]))
        if len(others) > len(ids):
            ids, mirrored = others, True
            at = np.column_stack([even.shape[1] - 1 - seen[:, 0], seen[:, 1]])
    factors = np.array(grey.shape[::-1]) / np.array(even.shape[::-1])
    return ids, (at + 0.5) * factors - 0.5, mirrored


def _detection_scale(longest_px: int) -> float:
    return float(np.clip(_LONGEST_PX / longest_px, 0.0, _LARGEST_ZOOM if longest_px < _SHORT_PX else 1.0))


def _look(detector: cv2.aruco.CharucoDetector, picture: NDArray[np.uint8]) -> tuple[Numbers, Array]:
    found: tuple[Any, ...] = detector.detectBoard(picture)  # OpenCV's annotations leave the None out
    at, ids = found[0], found[1]
    if ids is None or at is None:
        return np.empty(0, np.int64), np.empty((0, 2))
    return np.asarray(ids, np.int64).ravel(), np.asarray(at, np.float64).reshape(-1, 2)


def _refined(
    grey: NDArray[np.float32], spec: BoardSpec, ids: Numbers, near: Array
) -> tuple[Numbers, Corners, float]:
    """The corners that fit the board and are sharp crossings, and pixels per millimetre of the board."""
    places = corners_mm(spec)[ids, :2]
    homography, agrees = cv2.findHomography(places, near, cv2.RANSAC, 2.0 + 0.002 * max(grey.shape))
    jacobians = _jacobians(np.asarray(homography, np.float64), places)
    fine = agrees.ravel().astype(bool) & np.isfinite(jacobians).all(axis=(1, 2))
    ids, near, jacobians = ids[fine], near[fine], jacobians[fine]
    row, column = np.divmod(ids, spec.columns - 1)
    # above and to the right of the first corner lies a white square, and so on in turn
    polarity = np.where((row + column) % 2 == 0, 1.0, -1.0)
    radius = _ALIGNED * (spec.square_mm - spec.marker_mm) / np.sqrt(2)
    corners = refine_corners(grey, near, jacobians, radius, polarity)
    scale = float(np.median(np.sqrt(np.abs(np.linalg.det(jacobians)))))
    return ids[corners.good], corners.only(corners.good), scale


def _jacobians(homography: Array, places: Array) -> Array:
    """(N, 2, 2): derivative of the homography, pixels per millimetre."""
    lifted = np.column_stack([places, np.ones(len(places))]) @ homography.T
    at = lifted[:, :2] / lifted[:, 2:]
    columns = [(homography[:2, axis] - at * homography[2, axis]) / lifted[:, 2:] for axis in (0, 1)]
    return np.stack(columns, axis=-1)


def _nothing(grey: NDArray[np.float32], size: tuple[int, int]) -> BoardView:
    """What can be said of a picture without a board."""
    bright = float(np.percentile(grey, 95))
    view = BoardView(
        ids=np.empty(0, np.int64),
        corners_px=np.empty((0, 2)),
        sigma_px=np.empty(0),
        object_mm=np.empty((0, 3)),
        size_px=size,
        edge_px=float("nan"),
        mirrored=False,
        brightness=bright,
        clipped=float((grey >= CLIP_SHARE).mean()),
    )
    return replace(view, findings=tuple(board_findings(view, 0, 0.0)))


def _clipped(share: NDArray[np.float32], corners: Corners) -> float:
    """Of the paper within the corners' hull, the pixels at the top of the scale."""
    if len(corners.at_px) < 3:
        return float((share >= CLIP_SHARE).mean())
    hull = cv2.convexHull(corners.at_px.astype(np.float32))
    mask = np.zeros(share.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1)
    within = share[mask > 0]
    paper = within[within > within.mean()]
    return float((paper >= CLIP_SHARE).mean()) if paper.size else 0.0
