"""The least-squares problem behind the lens: all views at once, with what is known beforehand."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from .board_view import BoardView
from .projection import LENS, POSE, SHAPE, Extent, corner_sigma_px, first_pose, seen

Array = NDArray[np.float64]

_CENTRE_SHARE = 0.05
_DISTORTION_SIGMA = (1.0, 1.0, 0.005, 0.005, 1.0)
_ASPECT_SIGMA = 0.002
_SHAPE_SIGMA_MM = 1.0
"""Weak knowledge of any camera and any board: the lens's centre lies within 5 % of the picture's longer side
of its middle, distortion and tangential terms are those of a lens and not of a fisheye, pixels are square
within 0.2 %, a board is flat within a millimetre. It decides only what the views leave open."""
_ABSENT = 1e-9
"""Sigma of a coefficient that is held at zero."""
_MEDIAN = 0.6745  # of the absolute value of a standard normal variable
_LEAST_SCALE = 0.1
_HUBER = 3.0  # standard deviations beyond which a residual counts less


@dataclass(frozen=True, slots=True)
class Solution:
    """What fits best.

    Attributes:
        lens: (9,).
        shape: (3,) mm.
        poses: (views, 6).
        covariance: (12, 12), of lens and shape.
        residuals: for each view (N, 2), seen less computed, in pixels.
    """

    lens: Array
    shape: Array
    poses: Array
    covariance: Array
    residuals: tuple[Array, ...]

    def view_rms(self) -> Array:
        """(views,), rms per coordinate in pixels."""
        return np.array([np.sqrt(np.mean(residual**2)) for residual in self.residuals])


@dataclass(frozen=True, slots=True)
class Problem:
    """Residuals in standard deviations: those of the corners first, then those of the prior knowledge.

    Attributes:
        k3: whether the distortion's sixth power is free.
    """

    views: tuple[BoardView, ...]
    size_px: tuple[int, int]
    extent: Extent
    k3: bool

    def solve(self, lens: Array) -> Solution:
        """Fit from a lens that is roughly known.

        First as the corners' own sigmas have it; then with the scale of what that leaves, and with less ear
        for what lies far out.
        """
        x = np.concatenate([lens, np.zeros(SHAPE), *(first_pose(lens, view) for view in self.views)])
        x = self._minimise(x, 1.0, "linear")
        scale = self._scale(x)
        x = self._minimise(x, scale, "huber")
        return self._solution(x)

    def _solution(self, x: Array) -> Solution:
        scale = self._scale(x)
        _, jacobian = self._system(x, scale)
        covariance = inverse(jacobian.T @ jacobian)
        residuals = tuple(np.asarray(view.corners_px - at, np.float64) for view, (at, _) in self._seen(x))
        inner = LENS + SHAPE
        if not self.k3:
            x, covariance = x.copy(), covariance.copy()
            x[LENS - 1], covariance[LENS - 1], covariance[:, LENS - 1] = 0.0, 0.0, 0.0
        return Solution(
            x[:LENS], x[LENS:inner], x[inner:].reshape(-1, POSE), covariance[:inner, :inner], residuals
        )

    def _minimise(self, x: Array, scale: float, loss: Literal["linear", "huber"]) -> Array:
        def residuals(p: Array) -> Array:
            return self._system(p, scale)[0]

        def derivatives(p: Array) -> Array:
            return self._system(p, scale)[1]

        found = least_squares(
            residuals,
            x,
            jac=derivatives,
            x_scale="jac",
            loss=loss,
            f_scale=_HUBER,
            xtol=1e-12,
            ftol=1e-10,
            max_nfev=200,
        )
        return np.asarray(found.x, np.float64)

    def _scale(self, x: Array) -> float:
        """Of the corners' residuals against their sigmas, outliers apart."""
        ratios = [
            ((view.corners_px - at) / corner_sigma_px(view)[:, None]).ravel()
            for view, (at, _) in self._seen(x)
        ]
        joined = np.abs(np.concatenate(ratios))
        freedom = max(joined.size - len(x), 1) / joined.size
        return max(_LEAST_SCALE, float(np.median(joined)) / _MEDIAN / float(np.sqrt(freedom)))

    def _seen(self, x: Array) -> list[tuple[BoardView, tuple[Array, Array]]]:
        lens, shape = x[:LENS], x[LENS : LENS + SHAPE]
        poses = x[LENS + SHAPE :].reshape(-1, POSE)
        return [
            (view, seen(lens, shape, pose, view, self.extent))
            for view, pose in zip(self.views, poses, strict=True)
        ]

    def _system(self, x: Array, scale: float) -> tuple[Array, Array]:
        """Residuals (R,) and their derivatives (R, unknowns)."""
        residuals, rows = [], []
        for number, (view, (at, by)) in enumerate(self._seen(x)):
            weight = 1 / (scale * corner_sigma_px(view))
            residuals.append(((at - view.corners_px) * weight[:, None]).ravel())
            weighted = (by * weight[:, None, None]).reshape(-1, LENS + SHAPE + POSE)
            row = np.zeros((len(weighted), len(x)))
            row[:, : LENS + SHAPE] = weighted[:, : LENS + SHAPE]
            first = LENS + SHAPE + POSE * number
            row[:, first : first + POSE] = weighted[:, LENS + SHAPE :]
            rows.append(row)
        known, by_known = self._prior(x)
        return np.concatenate([*residuals, known]), np.concatenate([*rows, by_known])

    def _prior(self, x: Array) -> tuple[Array, Array]:
        width, height = self.size_px
        centre = _CENTRE_SHARE * max(width, height)
        sigma = np.array([centre, centre, *_DISTORTION_SIGMA, *[_SHAPE_SIGMA_MM] * SHAPE])
        if not self.k3:
            sigma[6] = _ABSENT
        values = x[2 : LENS + SHAPE] - np.array(
            [(width - 1) / 2, (height - 1) / 2, *[0.0] * (LENS + SHAPE - 4)]
        )
        by = np.zeros((len(values) + 1, len(x)))
        by[np.arange(len(values)), np.arange(2, LENS + SHAPE)] = 1 / sigma
        by[-1, :2] = np.array([-x[1] / x[0], 1.0]) / x[0] / _ASPECT_SIGMA
        return np.append(values / sigma, (x[1] / x[0] - 1) / _ASPECT_SIGMA), by


def inverse(information: Array) -> Array:
    """Covariance of unknowns whose units differ by many powers of ten."""
    size = np.sqrt(np.diag(information))
    size = np.where(size > 0, size, 1.0)
    scaled = information / np.outer(size, size)
    return np.asarray(np.linalg.pinv(scaled, hermitian=True) / np.outer(size, size), np.float64)
