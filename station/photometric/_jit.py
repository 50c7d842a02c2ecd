"""How this room compiles: passes are kept on disk, with fast arithmetic that still knows infinities."""

from collections.abc import Callable
from pkgutil import get_data
from typing import Any, TypeVar, cast
from zlib import crc32

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
_MODULES = ("_fit", "_jit", "_passes", "_pixels", "_survey", "_taylor")


def _sources() -> int:
    """One number for the text of all compiled modules."""
    return crc32(b"".join(get_data(str(__package__), f"{name}.py") or b"" for name in _MODULES))


SOURCES = _sources()
"""Default argument of every pass, so part of its type, so part of the key it is kept under.

Numba alone looks at the file that holds a pass, and would go on with old machine code after a change in a
file that it calls into.
"""


def compiled(function: Function) -> Function:
    """Compile for use inside the passes; it is kept as a part of them."""
    return cast("Function", njit(fastmath=_SAFE, error_model="numpy", nogil=True)(function))


def parallel(function: Function) -> Function:
    """Compile a pass over a picture: its `prange` runs on all cores, and other threads of Python go on."""
    jit = njit(cache=True, fastmath=_SAFE, error_model="numpy", parallel=True, nogil=True)
    return cast("Function", jit(function))
