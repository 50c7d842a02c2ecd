"""From mean electrons to codes: shot noise, read noise, black level, clipping."""

import numpy as np
from numba import prange

from .grid import Floats
from .jit import inner_kernel, parallel_kernel
from .sensor import Pixels

QUANTILES = 16_384


@parallel_kernel
def digitise(
    codes: Pixels, electrons: Floats, table: Floats, seed: np.uint64, noise: Floats, scale: Floats
) -> None:
    """Electrons to codes.

    Args:
        codes: uint8 or uint16 (rows, columns, 3); written.
        electrons: float32 (rows, 3, columns), mean.
        table: QUANTILES equally likely values of a normal deviate.
        seed: of this frame.
        noise: 1 or 0 for shot noise, variance of the read noise (electrons squared).
        scale: codes per electron, black level, highest code, full well.
    """
    height, width = electrons.shape[0], electrons.shape[2]
    for y in prange(height):
        deviates = np.empty(4 * ((width + 3) // 4), np.float32)
        for c in range(3):
            _gauss_row(deviates, table, seed + np.uint64(3 * y + c) * np.uint64(0xD1B54A32D192ED03))
            _codes(deviates, electrons[y, c], noise, scale)
            for p in range(width):
                codes[y, p, c] = np.int32(deviates[p])


@inner_kernel
def _codes(deviates: Floats, source: Floats, noise: Floats, scale: Floats) -> None:
    """In place, deviates become codes; photons are many enough for Gauss to stand for Poisson."""
    shot, read = noise[0], noise[1]
    gain, black, top, well = scale[0], scale[1], scale[2], scale[3]
    for p in range(source.size):
        mean = source[p]
        taken = min(well, mean + np.sqrt(shot * mean + read) * deviates[p])
        deviates[p] = min(top, max(np.float32(0), black + gain * taken + np.float32(0.5)))


@inner_kernel
def _mix(state: np.uint64) -> np.uint64:
    """The output function of splitmix64 (Steele, Lea and Flood 2014)."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inner_kernel
def _gauss_row(out: Floats, table: Floats, seed: np.uint64) -> None:
    """Fill with normal deviates: four 14-bit indices of each 64-bit number into the table of quantiles."""
    state, mask = _mix(seed), np.uint64(QUANTILES - 1)
    for q in range(out.size // 4):
        state += np.uint64(0x9E3779B97F4A7C15)
        bits = _mix(state)
        for k in range(4):
            out[4 * q + k] = table[np.intp((bits >> np.uint64(16 * k)) & mask)]
