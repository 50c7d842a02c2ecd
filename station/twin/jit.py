"""Numba's decorator with the types kept, and the options all kernels of the twin are compiled with."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def parallel_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel whose `prange` loops run on all cores; the machine code is kept in numba's cache."""
    return cast(
        "Callable[P, R]",
        numba.njit(parallel=True, fastmath=True, cache=True, nogil=True, error_model="numpy")(function),
    )


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function called from a kernel."""
    return cast(
        "Callable[P, R]", numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")(function)
    )
