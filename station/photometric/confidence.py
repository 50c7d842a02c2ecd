"""How far a normal can be trusted, as one number from 0 to 1."""

import numpy as np
from numpy.typing import NDArray

from .solve import Solution

Floats = NDArray[np.float32]

TOLERANCE_DEG = 3.0
"""The error that matters; a scratch worth naming is steeper."""
UNKNOWNS = 3
LEAST_FREEDOM = 0.5
"""Degrees of freedom of a pixel whose lights can contradict nothing."""


def confidence(solution: Solution) -> Floats:
    """Probability that a normal is off by less than `TOLERANCE_DEG`, (H, W), 0 where not valid.

    The error's two axes are taken as Student's t in two dimensions: their scale is the widened uncertainty,
    sensor's noise and alignment made wider by what the lights contradict each other (chi-square), and the
    degrees of freedom are the lights that were used beyond the three unknowns, one less where a value is
    clipped and one less where one is dark. With scale s and f degrees,
    `P(error < t) = 1 - (1 + t^2 / (f s^2))^(-f / 2)`, the distribution of Hotelling's T squared over two
    axes. It falls with the uncertainty and with chi-square, and grows with the lights used.
    """
    freedom = solution.lights_used.astype(np.float32) - UNKNOWNS
    freedom -= solution.clipped
    freedom -= solution.dark
    np.maximum(freedom, LEAST_FREEDOM, out=freedom)
    scale = np.maximum(solution.widened_sigma_rad, np.float32(1e-6))
    ratio = np.square(np.float32(np.radians(TOLERANCE_DEG)) / scale) / freedom
    trusted = -np.expm1(-0.5 * freedom * np.log1p(ratio))
    return np.where(solution.valid & np.isfinite(trusted), trusted, 0).astype(np.float32)
