"""What rounding to whole codes does to noise that is measured from frame to frame."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1 / 12
"""Variance of the error of rounding to whole numbers."""
_ORDERS = np.arange(1, 40)
_SIGMAS = np.geomspace(1e-3, 2.0, 400)


def _seen(sigma: Array) -> Array:
    """Variance from frame to frame of rounded values whose true levels lie anywhere between two codes.

    Of the whole error, `sigma**2 + 1/12`, the part that stays the same from frame to frame is not seen: the
    mean square of rounding averaged over the noise, a saw-tooth whose Fourier terms the noise damps (Widrow
    and Kollár, "Quantization Noise", 2008).
    """
    damped = np.exp(-4 * np.pi**2 * _ORDERS**2 * sigma[:, None] ** 2) / (2 * np.pi**2 * _ORDERS**2)
    return np.asarray(sigma**2 + ROUNDING - damped.sum(axis=1))


_SEEN = _seen(_SIGMAS)


def whole_variance(seen: NDArray[np.floating]) -> Array:
    """Mean square error of rounded codes, from their variance from frame to frame.

    True levels must lie anywhere between two codes, as those of many pixels do.
    """
    variance = np.asarray(seen, np.float64)
    sigma = np.interp(variance, _SEEN, _SIGMAS)
    return np.where(variance > _SEEN[-1], variance, sigma**2 + ROUNDING)
