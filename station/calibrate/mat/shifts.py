"""From the shifts of a few places to how they moved together; a place that moved otherwise is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]

AGREES = 5.0
"""Standard uncertainties by which a place may lie off the common motion."""
FLOOR_PX = 0.1
"""Added to them: a texture finer than the pixels looks another one when it has moved by parts of a pixel. In
the twin that is 0.1 px at 150 dpi and half as much at 300."""
TURNED = 3
"""Places from which on a turn is told from places that moved by themselves."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Where one place went: (2,) px, x and y, and the covariance."""

    px: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class Motion:
    """How the places moved together.

    Attributes:
        used: (places,), which agree.
        shift_px: (2,), of the middle.
        turn_rad: clockwise in the picture; None: too few places.
        grown: change of size; None likewise.
        covariance: of shift, turn and growth, (4, 4), or of the shift alone (2, 2).
    """

    used: NDArray[np.bool_]
    shift_px: Array
    turn_rad: float | None
    grown: float | None
    covariance: Array


def common(places_px: Array, shifts: Sequence[Shift | None], middle_px: Array) -> Motion | None:
    """The motion that most places share; None: fewer than two were found that agree.

    Args:
        places_px: (places, 2).
        shifts: of each place; None: it was not found.
        middle_px: (2,), about which a turn is a turn.
    """
    used = np.array([shift is not None for shift in shifts])
    while used.sum() >= 2:
        seen = [shift for shift, wanted in zip(shifts, used, strict=True) if wanted and shift is not None]
        fit = _Fit(places_px[used] - middle_px, seen)
        off = fit.off()
        if off.max() <= AGREES:
            return fit.motion(used)
        used[np.flatnonzero(used)[int(np.argmax(off))]] = False
    return None


class _Fit:
    """Shift, and from `TURNED` places on turn and growth, fitted so that one wrong place does not pull."""

    def __init__(self, places: Array, shifts: Sequence[Shift]) -> None:
        self._places = places
        self._px = np.array([shift.px for shift in shifts])
        self._roots = [
            np.linalg.cholesky(np.linalg.inv(shift.covariance + FLOOR_PX**2 * np.eye(2))) for shift in shifts
        ]
        self._terms = np.stack([self._of_place(x, y) for x, y in places])
        white = np.concatenate([root.T @ terms for root, terms in zip(self._roots, self._terms, strict=True)])
        wanted = np.concatenate([root.T @ px for root, px in zip(self._roots, self._px, strict=True)])
        start = np.zeros(self._terms.shape[2])
        start[:2] = np.median(self._px, axis=0)

        def off(moved: Array) -> Array:
            return np.asarray(white @ moved - wanted, np.float64)

        found = least_squares(off, start, loss="cauchy", x_scale="jac")
        self._moved = np.asarray(found.x, np.float64)
        self._covariance = np.linalg.inv(white.T @ white)

    def _of_place(self, x: float, y: float) -> Array:
        turned = ((1.0, 0.0, -y, x), (0.0, 1.0, x, y))
        return np.array(turned)[:, : 4 if len(self._places) >= TURNED else 2]

    def off(self) -> Array:
        """How far each place lies off, in standard uncertainties."""
        left = self._px - self._terms @ self._moved
        return np.array([np.linalg.norm(root.T @ one) for root, one in zip(self._roots, left, strict=True)])

    def motion(self, used: NDArray[np.bool_]) -> Motion:
        turn, grown = (
            (float(self._moved[2]), float(self._moved[3])) if len(self._moved) == 4 else (None, None)
        )
        return Motion(used, self._moved[:2], turn, grown, self._covariance)
