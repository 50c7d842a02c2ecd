"""How a printed board appears in a camera, with the derivatives that a fit and its covariance need.

Three groups of unknowns: the lens (fx, fy, cx, cy, k1, k2, p1, p2, k3), the shape of the board, and the pose
of each view (Rodrigues vector and translation, board frame to camera frame).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .board_view import BoardView

Array = NDArray[np.float64]

LENS, SHAPE, POSE = 9, 3, 6
LENS_NAMES = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
SIGMA_FLOOR_PX = 0.02
"""What a corner is uncertain by besides its noise: print, paper, the shape of the blur. At 75 dpi the twin's
corners scatter by as much; it keeps a few sharp corners from deciding alone."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Half the width and height of a board, in which its shape is measured."""

    half_width_mm: float
    half_height_mm: float

    @classmethod
    def of(cls, views: tuple[BoardView, ...]) -> "Extent":
        """Of all the corners seen."""
        most = np.max([np.abs(view.object_mm[:, :2]).max(axis=0) for view in views], axis=0)
        return cls(float(most[0]), float(most[1]))

    def terms(self, object_mm: Array) -> Array:
        """(N, 3): heights of a board bowed across, bowed along and twisted, each by 1 mm.

        A bow is the middle's height over the ends, at a mean of zero; a twist lifts two corners and sinks
        the others.
        """
        x, y = object_mm[:, 0] / self.half_width_mm, object_mm[:, 1] / self.half_height_mm
        return np.column_stack([1 / 3 - x**2, 1 / 3 - y**2, x * y])


def seen(lens: Array, shape: Array, pose: Array, view: BoardView, extent: Extent) -> tuple[Array, Array]:
    """Where the view's corners appear (N, 2), and the derivatives (N, 2, LENS + SHAPE + POSE)."""
    terms = extent.terms(view.object_mm)
    places = view.object_mm + np.column_stack([np.zeros((len(terms), 2)), terms @ shape])
    fx, fy, cx, cy = lens[:4]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    at, jacobian = cv2.projectPoints(places, pose[:3], pose[3:], matrix, lens[4:])
    by = np.asarray(jacobian, np.float64).reshape(
        -1, 2, 15
    )  # OpenCV: rotation, translation, f, c, distortion
    rotation, translation, intrinsic = by[..., :3], by[..., 3:6], by[..., 6:15]
    normal = cv2.Rodrigues(pose[:3])[0][:, 2]
    by_height = translation @ normal
    by_shape = by_height[..., None] * terms[:, None, :]
    columns = (intrinsic, by_shape, rotation, translation)
    return np.asarray(at, np.float64).reshape(-1, 2), np.concatenate(columns, axis=2)


def first_pose(lens: Array, view: BoardView) -> Array:
    """The board's pose (6,) under a lens that is roughly known, taking it for flat.

    From afar a plane leaning one way looks much like one leaning the other: of OpenCV's two answers the one
    that fits better is taken.
    """
    fx, fy, cx, cy = lens[:4]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    _, turns, shifts, errors = cv2.solvePnPGeneric(
        view.object_mm, view.corners_px, matrix, lens[4:], flags=cv2.SOLVEPNP_IPPE
    )
    best = int(np.argmin(np.ravel(errors)))
    start = np.asarray(turns[best], np.float64), np.asarray(shifts[best], np.float64)
    turn, shift = cv2.solvePnPRefineLM(view.object_mm, view.corners_px, matrix, lens[4:], *start)
    return np.concatenate([np.ravel(turn), np.ravel(shift)]).astype(np.float64)


def corner_sigma_px(view: BoardView) -> Array:
    """(N,)."""
    return np.asarray(np.hypot(view.sigma_px, SIGMA_FLOOR_PX), np.float64)


def tilt_deg(pose: Array) -> float:
    """Angle between a board's normal and the line of sight to its middle."""
    normal = cv2.Rodrigues(pose[:3])[0][:, 2]
    sight = pose[3:] / np.linalg.norm(pose[3:])
    return float(np.degrees(np.arccos(np.clip(abs(normal @ sight), -1.0, 1.0))))
