"""What several pictures of one resting thing under changing light have in common, and how they differ."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...documents.fault import StationError
from ...photometric.stack import CLIP_SHARE

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Picture = NDArray[Any]
"""(H, W) or (H, W, 3), codes of any type."""


class Pictures(Protocol):
    """A list or array of them, or something that reads them from files as they are asked for."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int, /) -> Picture:
        """One of them."""


@dataclass(frozen=True, slots=True)
class Composites:
    """Pictures of the mean of the channels, over all lights; float32 (H, W) each.

    Attributes:
        mean, most, least: over the lights.
        spread: standard deviation over the lights.
    """

    mean: Floats
    most: Floats
    least: Floats
    spread: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.mean.shape[0], self.mean.shape[1]

    def for_edges(self) -> tuple[Floats, ...]:
        """Those in which an outline shows; that of one picture alone does not vary."""
        several = bool(self.spread.any())
        return (self.mean, self.most, self.spread) if several else (self.mean,)


def grey(picture: Picture) -> Floats:
    """The mean of a picture's channels."""
    return np.asarray(picture, np.float32) if picture.ndim == 2 else picture.mean(axis=2, dtype=np.float32)


def clipped(picture: Picture, full_scale: float) -> Bools:
    """Where any channel is clipped."""
    over = np.asarray(picture >= CLIP_SHARE * full_scale)
    return over if over.ndim == 2 else np.asarray(over.any(axis=2))


def full_scale_of(picture: Picture) -> float:
    """The highest code of the picture's type; floats have none."""
    return float(np.iinfo(picture.dtype).max) if np.issubdtype(picture.dtype, np.integer) else float("inf")


def composites(pictures: Pictures) -> Composites:
    """Go through the pictures once.

    Raises:
        StationError: `calibration_failed`: no pictures, or pictures of different sizes.
    """
    if len(pictures) == 0:
        raise StationError("calibration_failed", "there are no pictures of the sphere")
    first = grey(pictures[0])
    most, least = first.copy(), first.copy()
    total, squares = first.astype(np.float64), np.square(first, dtype=np.float64)
    for number in range(1, len(pictures)):
        one = grey(pictures[number])
        if one.shape != first.shape:
            raise StationError(
                "calibration_failed",
                f"picture {number} is {_size(one)} pixels large, and the first is {_size(first)}",
            )
        np.maximum(most, one, out=most)
        np.minimum(least, one, out=least)
        total += one
        squares += np.square(one, dtype=np.float64)
    mean = total / len(pictures)
    spread = np.sqrt(np.maximum(squares / len(pictures) - mean**2, 0.0))
    if len(pictures) == 1:
        spread[:] = 0.0
    return Composites(mean.astype(np.float32), most, least, spread.astype(np.float32))


def _size(picture: Picture) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"
