"""From slopes to height where not every pixel is to be trusted alike, or at all."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.sparse.linalg import LinearOperator, cg

from .integrate import Slopes, height_um, solve_poisson
from .stack import unusable

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

TOLERANCE = 1e-5
"""Of the residual, relative; a card's height is then right to some nanometres."""
MOST_ROUNDS = 500


def weighted_height_um(surface: Slopes, weight: NDArray[np.floating]) -> Floats:
    """Height in micrometres over the pixels that have a weight, mean zero; 0 elsewhere: (H, W).

    As `height_um`, but each step counts as much as the less trusted of its two pixels, and a step into a hole
    not at all: what lies in a hole or beyond the card neither bends the rest nor holds it. Conjugate
    gradients on the weighted equations, the unweighted solution being the preconditioner. Islands that
    touch nowhere keep the height that they have in the unweighted solution.

    Args:
        surface: slopes; what they are where the weight is 0 does not matter.
        weight: (H, W), 0 where a pixel is not to be trusted at all; else best one over the square of its
            slope's uncertainty.

    Raises:
        StationError: `stack_unusable`: shapes do not fit, a weight is negative or no number, none is
            positive, or the equations do not settle.
    """
    trust = np.asarray(weight, np.float64)
    if trust.shape != surface.x.shape or not np.isfinite(trust).all() or (trust < 0).any():
        raise unusable(f"weights {trust.shape} for slopes {surface.x.shape} do not fit, or are no weights")
    some = trust > 0
    if not some.any():
        raise unusable("no pixel has a weight to be integrated with")
    x, y = (np.where(some, slope, 0).astype(np.float32) for slope in (surface.x, surface.y))
    known = Slopes(x, y, surface.pitch_mm)
    start = height_um(known)
    height = _settled(_Net(known, trust / trust[some].mean()), start)
    return _islands_level(height, start, some)


class _Net:
    """Steps between neighbours, to the right and downward, and what each counts."""

    def __init__(self, surface: Slopes, trust: Array) -> None:
        half_um = surface.pitch_mm * 500.0
        self.right = np.minimum(trust[:, 1:], trust[:, :-1])
        self.down = np.minimum(trust[1:], trust[:-1])
        self._steps = (
            (surface.x[:, 1:] + surface.x[:, :-1]) * half_um,
            (surface.y[1:] + surface.y[:-1]) * -half_um,
        )

    def wanted(self) -> Array:
        """The right side: weighted steps that end in each pixel less those that begin there."""
        return self._gathered(self.right * self._steps[0], self.down * self._steps[1])

    def applied(self, height: Array) -> Array:
        """The left side for a height."""
        return self._gathered(self.right * np.diff(height, axis=1), self.down * np.diff(height, axis=0))

    @staticmethod
    def _gathered(right: Array, down: Array) -> Array:
        out = np.zeros((right.shape[0], down.shape[1]))
        out[:, 1:] += right
        out[:, :-1] -= right
        out[1:] += down
        out[:-1] -= down
        return out


def _settled(net: _Net, start: Floats) -> Array:
    shape, size = start.shape, start.size
    equations = LinearOperator(
        (size, size), matvec=lambda flat: net.applied(flat.reshape(shape)).ravel(), dtype=np.float64
    )
    near = LinearOperator(
        (size, size),
        matvec=lambda flat: solve_poisson(-flat.reshape(shape).astype(np.float32)).ravel().astype(np.float64),
        dtype=np.float64,
    )
    found, left = cg(
        equations, net.wanted().ravel(), start.ravel().astype(np.float64), rtol=TOLERANCE, atol=0.0,
        maxiter=MOST_ROUNDS, M=near,
    )  # fmt: skip
    if left:
        raise unusable(f"the weighted height did not settle within {MOST_ROUNDS} rounds")
    return np.asarray(found.reshape(shape), np.float64)


def _islands_level(height: Array, start: Floats, some: NDArray[np.bool_]) -> Floats:
    """Each connected region shifted to the mean that it has in `start`; then all to mean zero."""
    regions, count = label(some)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    off = np.bincount(regions.ravel(), (start - height).ravel(), minlength=count + 1) / np.maximum(sizes, 1)
    out = height + off[regions]
    out -= out[some].mean()
    return np.where(some, out, 0).astype(np.float32)
