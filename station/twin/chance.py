"""Named streams of random numbers: each element has its own, so switching one off leaves the others alone."""

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of one element: the same seed and names give the same numbers, whatever else is drawn."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed & 0xFFFFFFFFFFFFFFFF, *words])))
