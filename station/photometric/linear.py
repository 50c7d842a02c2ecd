"""The two quick answers: plain least squares, and least squares without each pixel's two extreme lights.

All codes weigh alike, as in the text-books (Woodham 1980), under far or near lights: no noise, no doubt, no
uncertainty. For a first look while the card still lies there; `solve` is for what is measured and kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._fields import columns_every
from ._fixed import CLIPPED, EMPTY, fixed_pass
from ._jit import LINE, aligned
from .stack import Floats, LightField, Pictures, check_field, unusable

FEWEST_BY_RANK = 5


@dataclass(frozen=True, slots=True)
class Quick:
    """Maps without uncertainty.

    Attributes:
        normals: float32 (H, W, 3), unit, x right, y up, z to the camera; (0, 0, 1) where there is none.
        albedo: float32 (H, W), 1 is a white matte surface.
        marks: uint8 (H, W): sum of 1, a light is clipped and the normal as wrong as that makes it, and 2,
            there is no normal.
    """

    normals: Floats
    albedo: Floats
    marks: NDArray[np.uint8]

    @property
    def streamable(self) -> bool:
        """Whether every run of every row begins on a cache line."""
        floats = (self.normals, self.albedo)
        return self.albedo.shape[1] % LINE == 0 and all(a.ctypes.data % 64 == 0 for a in floats)

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """Where a code is clipped."""
        return np.asarray(self.marks & CLIPPED != 0)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Where there is a normal."""
        return np.asarray(self.marks & EMPTY == 0)


def least_squares(pictures: Pictures, field: LightField, out: Quick | None = None) -> Quick:
    """Least squares of all lights.

    Args:
        pictures: of one channel; their noise is not looked at.
        field: what the lights do; taken as straight between places 16 pixels apart. Its shine is ignored.
        out: maps of pictures of the same size that nobody needs any more; they are written over.

    Raises:
        StationError: `stack_unusable`, field and pictures do not fit, or there is more than one channel.
    """
    return _run(pictures, field, out, by_rank=False)


def by_rank(pictures: Pictures, field: LightField, out: Quick | None = None) -> Quick:
    """Least squares without the lights of the highest and of the lowest ratio to the flat field.

    Arguments and errors as for `least_squares`; it needs five lights.
    """
    if pictures.lights < FEWEST_BY_RANK:
        raise unusable(
            f"the stack holds {pictures.lights} lit pictures; leaving two out needs {FEWEST_BY_RANK}"
        )
    return _run(pictures, field, out, by_rank=True)


def _run(pictures: Pictures, field: LightField, out: Quick | None, *, by_rank: bool) -> Quick:
    check_field(field, pictures.lit)
    _, height, width, channels = pictures.lit.shape
    if channels != 1:
        raise unusable(f"the pictures have {channels} channels; the quick answers take one")
    maps = fitting_maps(out, height, width)
    fixed_pass(
        pictures.rows(),
        fixed_table(field, width),
        np.array([pictures.sensor.black_level, pictures.sensor.clipped_from], np.float32),
        (by_rank, field.flat.shape[1:3] == (1, 1)),
        (maps.normals.reshape(height, 3 * width), maps.albedo, maps.marks),
        maps.streamable,
    )
    return maps


def fitting_maps(out: Quick | None, height: int, width: int) -> Quick:
    """The maps to write over, or new ones.

    Raises:
        StationError: `stack_unusable`, they are of another size.
    """
    if out is None:
        return Quick(
            aligned((height, width, 3)), aligned((height, width)), aligned((height, width), np.uint8)
        )
    if out.albedo.shape != (height, width):
        raise unusable(f"maps of shape {out.albedo.shape} cannot take pictures of {height} x {width}")
    return out


def fixed_table(field: LightField, width: int) -> Floats:
    """A field as the passes of least squares take it: (lights, 4, rows, columns)."""
    grid = np.concatenate([field.flat * field.tangent, field.flat, 1.0 / field.flat], axis=3)
    return columns_every(grid, width, LINE, -(-width // LINE) + 1)
