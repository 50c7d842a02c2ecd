"""How this room compiles: cached on disk, with fast arithmetic that still knows infinities."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Codes = NDArray[np.uint16]
Places = NDArray[np.uint32]
Mask = NDArray[np.bool_]
F = np.float32

Function = TypeVar("Function", bound=Callable[..., Any])

_SAFE = {"nsz", "arcp", "contract", "afn", "reassoc"}


def compiled(function: Function) -> Function:
    """Compile for use inside the passes."""
    return cast("Function", njit(cache=True, fastmath=_SAFE, error_model="numpy")(function))


def parallel(function: Function) -> Function:
    """Compile a pass over a picture; its `prange` runs on all cores."""
    return cast("Function", njit(cache=True, fastmath=_SAFE, error_model="numpy", parallel=True)(function))
