"""Folders laid out like DiLiGenT (Shi et al. 2016): pictures, lights, and often the truth.

`filenames.txt`, `light_directions.txt` (N, 3), `light_intensities.txt` (N, 3) for red, green and blue, and
where there are any `mask.png` and `Normal_gt.mat`. Normals: x right, y up, z to the camera.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from .files import lines_of, unreadable

Array = NDArray[np.float64]
NAMES, DIRECTIONS, INTENSITIES = "filenames.txt", "light_directions.txt", "light_intensities.txt"
MASK, TRUTH = "mask.png", "Normal_gt.mat"
TRUTH_KEY = "Normal_gt"
_DAMAGED = (
    MatReadError,
    ValueError,
    TypeError,
    NotImplementedError,
    OSError,
    EOFError,
    zlib.error,
    MemoryError,
)


@dataclass(frozen=True, slots=True)
class DiligentFolder:
    """What the lists of a folder say.

    Attributes:
        pictures: files that exist.
        directions: (N, 3), towards the lights.
        intensities: (N, 3), of red, green and blue.
        mask, truth: files, None where there are none.
    """

    pictures: tuple[Path, ...]
    directions: Array
    intensities: Array
    mask: Path | None
    truth: Path | None


def is_diligent(folder: Path) -> bool:
    """Whether a folder is laid out so."""
    return (folder / NAMES).is_file() or (folder / DIRECTIONS).is_file()


def read_diligent(folder: Path) -> DiligentFolder:
    """The lists of a folder, checked against each other.

    Raises:
        StationError: `source_unreadable`, naming the file and line that is wrong.
    """
    names = [(number, folder / name) for number, name in lines_of(folder / NAMES)]
    if not names:
        raise unreadable(f"{folder / NAMES} names no pictures")
    for number, path in names:
        if not path.is_file():
            raise unreadable(f"{folder / NAMES} line {number} names {path.name!r}, and there is no such file")
    directions = _table(folder / DIRECTIONS, len(names))
    _no_zeros(folder / DIRECTIONS, directions)
    intensities = _table(folder / INTENSITIES, len(names))
    if not (intensities > 0).all():
        raise unreadable(f"{folder / INTENSITIES} holds an intensity that is not positive")
    mask, truth = folder / MASK, folder / TRUTH
    return DiligentFolder(
        tuple(path for _, path in names),
        directions,
        intensities,
        mask if mask.is_file() else None,
        truth if truth.is_file() else None,
    )


def read_truth(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """The true normals float32 (H, W, 3) of pictures of this shape; (0, 0, 0) where there are none.

    Raises:
        StationError: `source_unreadable`: damaged, of another size, or no normals.
    """
    try:
        found = loadmat(path).get(TRUTH_KEY)
    except _DAMAGED as error:
        raise unreadable(f"{path} is damaged or no MATLAB file of version 5") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f":
        raise unreadable(f"{path} holds no array of numbers named {TRUTH_KEY}")
    if found.shape != (*shape, 3):
        raise unreadable(f"{path} holds normals {found.shape}, the pictures are {shape}")
    if not np.isfinite(found).all():
        raise unreadable(f"{path} holds a normal that is not a number")
    return found.astype(np.float32)


def _table(path: Path, count: int) -> Array:
    lines = lines_of(path)
    if len(lines) != count:
        raise unreadable(f"{path} holds {len(lines)} lines for {count} pictures")
    return np.array([_row(path, number, line) for number, line in lines])


def _row(path: Path, number: int, line: str) -> list[float]:
    try:
        row = [float(word) for word in line.replace(",", " ").split()]
    except ValueError as error:
        raise unreadable(f"{path} line {number} is not three numbers: {line[:60]!r}") from error
    if len(row) != 3 or not np.isfinite(row).all():
        raise unreadable(f"{path} line {number} is not three numbers: {line[:60]!r}")
    return row


def _no_zeros(path: Path, vectors: Array) -> None:
    zero = ~vectors.any(axis=1)
    if zero.any():
        raise unreadable(f"{path} holds a light of length zero, that of picture {int(np.argmax(zero))}")
