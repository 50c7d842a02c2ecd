"""How this room compiles: passes are kept on disk, with fast arithmetic that still knows infinities."""

from collections.abc import Callable
from math import prod
from pkgutil import get_data
from typing import Any, TypeVar, cast
from zlib import crc32

import numpy as np
from numba import njit
from numba.core.compiler import Compiler
from numpy.typing import NDArray

Array = NDArray[Any]
Codes = NDArray[Any]
Places = NDArray[np.uint32]
Mask = NDArray[np.bool_]
F = np.float32

Function = TypeVar("Function", bound=Callable[..., Any])

_SAFE = {"nsz", "arcp", "contract", "afn", "reassoc"}
_MODULES = (
    "_coat", "_drop", "_fields", "_fit", "_fixed", "_growing", "_jit", "_lines", "_memory", "_passes",
    "_pixels", "_poisson", "_rank", "_survey", "_taylor", "_write",
)  # fmt: skip
LINE = 16
"""Floats of one cache line, of one streamed store, and pixels between two columns of a table."""


def _sources() -> int:
    """One number for the text of all compiled modules."""
    return crc32(b"".join(get_data(str(__package__), f"{name}.py") or b"" for name in _MODULES))


SOURCES = _sources()
"""Default argument of every pass, so part of its type, so part of the key it is kept under.

Numba alone looks at the file that holds a pass, and would go on with old machine code after a change in a
file that it calls into.
"""


class _Apart(Compiler):  # type: ignore[misc]
    """Numba's compiler, told that no two arguments overlap; its decorator has no word for that."""

    def define_pipelines(self) -> list[object]:
        """As always, with the flag set."""
        self.state.flags.noalias = True
        return cast("list[object]", super().define_pipelines())


def compiled(function: Function) -> Function:
    """Compile a stage of the passes. No two of the arrays it is given may overlap: it relies on that."""
    jit = njit(fastmath=_SAFE, error_model="numpy", nogil=True, pipeline_class=_Apart)
    return cast("Function", jit(function))


def inlined(function: Function) -> Function:
    """Compile what is too small to be called: arithmetic of one pixel."""
    jit = njit(fastmath=_SAFE, error_model="numpy", nogil=True, inline="always")
    return cast("Function", jit(function))


def parallel(function: Function) -> Function:
    """Compile a pass over a picture: its `prange` runs on all cores, and other threads of Python go on."""
    jit = njit(cache=True, fastmath=_SAFE, error_model="numpy", parallel=True, nogil=True)
    return cast("Function", jit(function))


RUN = 128
"""Pixels of one run: what is known of them fits into the processor's first cache."""
ON_STACK = 37
"""Rows of scratch memory that a pass keeps on its stack; odd, so that no two arrays share their places in the
first cache."""
MOST_ROWS = 516


def capacity(rows: int) -> Array:
    """A value that tells a pass how many rows of scratch memory it needs: by its type, if few, or its length.

    Raises:
        ValueError: more than a pass can hold.
    """
    if rows > MOST_ROWS:
        raise ValueError(f"{rows} rows of scratch memory are asked for; a pass holds {MOST_ROWS}")
    return np.empty(0, f"S{ON_STACK}") if rows <= ON_STACK else np.empty(rows, "S1")


def aligned(shape: tuple[int, ...], dtype: type[np.generic] = np.float32) -> Array:
    """An unwritten array whose first byte lies on a multiple of 64."""
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + 64, np.uint8)
    skip = -memory.ctypes.data % 64
    found: Array = memory[skip : skip + size].view(dtype).reshape(shape)
    return found
