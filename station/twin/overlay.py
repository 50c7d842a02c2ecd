"""The buffer of `samples.fill` as a picture that things are laid over, strip by strip."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import samples
from .grid import Floats
from .optics import Doubles, Optics
from .samples import Shorts

STRIP_ROWS = 256
NORMAL_X, NORMAL_Y, RED, COAT = 0, 1, 2, 5
"""Planes of a segment; green and blue follow red."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Strip:
    """Neighbouring rows of samples, from `first` to before `last`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """Samples of one picture; `flat` is what the kernels read.

    Attributes:
        segments: of a row.
    """

    flat: Shorts
    segments: int
    optics: Optics

    @classmethod
    def blank(cls, optics: Optics) -> "Buffer":
        """Not written yet."""
        segments = -(-(2 * optics.width_px + 2 * samples.HALO) // samples.SEGMENT)
        rows = 2 * optics.height_px + 2 * samples.HALO
        return cls(np.empty(rows * segments * samples.STRIDE, np.int16), segments, optics)

    def like(self) -> "Buffer":
        """Another one of this size, not written yet."""
        return Buffer(np.empty_like(self.flat), self.segments, self.optics)

    def copied(self) -> "Buffer":
        """Another one that shows the same."""
        return Buffer(self.flat.copy(), self.segments, self.optics)

    @property
    def rows(self) -> int:
        """Of samples, the halo included."""
        return self.flat.size // (self.segments * samples.STRIDE)

    @property
    def width(self) -> int:
        """Samples in a row, with the halo and what fills the last segment."""
        return self.segments * samples.SEGMENT

    def node_pixels(self) -> Doubles:
        """Pixel coordinates (node rows, node columns, 2) of every 32nd sample."""
        down = np.arange((self.rows - 1) // samples.SEGMENT + 2) * samples.SEGMENT
        across = np.arange(self.segments + 1) * samples.SEGMENT
        y, x = np.meshgrid(samples.to_pixel(down), samples.to_pixel(across), indexing="ij")
        return np.stack((x, y), axis=-1)

    def strips(self) -> Iterator[Strip]:
        """All of it."""
        for first in range(0, self.rows, STRIP_ROWS):
            yield Strip(first, min(self.rows, first + STRIP_ROWS))

    def take(self, other: "Buffer", strip: Strip, where: Mask) -> None:
        """Show in a strip what another one shows there, where it is said (rows, width)."""
        for target, source, chosen in zip(
            self._halves(strip), other._halves(strip), self._split(where), strict=True
        ):
            np.copyto(target, source, where=chosen[:, :, None])

    def blend(self, strip: Strip, planes: slice, values: Floats, cover: Floats) -> None:
        """Lay values (rows, width, planes), shares of one, over a strip as `cover` (rows, width) says."""
        for target, value, share in zip(
            self._halves(strip), self._split(values), self._split(cover), strict=True
        ):
            beneath = target[:, :, planes]
            above = np.moveaxis(value, -1, 2) * samples.UNIT
            beneath[:] = np.rint(beneath + (above - beneath) * share[:, :, None]).astype(np.int16)

    def coat(self, strip: Strip, where: Mask, roughness: float, gloss: float) -> None:
        """Give a strip another coat where it is said (rows, width)."""
        word = np.int16(round(63 * roughness) << 9 | round(31 * gloss) << 4)
        for target, chosen in zip(self._halves(strip), self._split(where), strict=True):
            target[:, :, COAT][chosen] = word

    def _halves(self, strip: Strip) -> tuple[Shorts, Shorts]:
        """Even and odd samples of a strip: (rows, segments, PLANES, HALF)."""
        planes = self.flat.reshape(self.rows, self.segments, samples.PLANES, samples.SEGMENT)
        chosen = planes[strip.first : strip.last]
        return chosen[..., : samples.HALF], chosen[..., samples.HALF :]

    def _split(self, ordered: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Even and odd of samples (rows, width, ...): (rows, segments, HALF, ...)."""
        paired = ordered.reshape(len(ordered), self.segments, samples.HALF, 2, *ordered.shape[2:])
        return paired[:, :, :, 0], paired[:, :, :, 1]


def between_nodes(nodes: Doubles, strip: Strip, width: int) -> Floats:
    """Values (node rows, node columns, K) at samples (rows, width, K), as `samples.fill` has them."""
    down, across = np.arange(strip.first, strip.last), np.arange(width)
    above, left = down // samples.SEGMENT, across // samples.SEGMENT
    low = (down % samples.SEGMENT / samples.SEGMENT)[:, None, None]
    rows = nodes[above] * (1 - low) + nodes[above + 1] * low
    right = (across % samples.SEGMENT / samples.SEGMENT)[None, :, None]
    return np.asarray(rows[:, left] * (1 - right) + rows[:, left + 1] * right, np.float32)


def at_samples(nodes: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Values (node rows, node columns, K) at single samples (N, K)."""
    above, left = rows // samples.SEGMENT, columns // samples.SEGMENT
    low = (rows % samples.SEGMENT / samples.SEGMENT)[:, None]
    right = (columns % samples.SEGMENT / samples.SEGMENT)[:, None]
    upper = nodes[above, left] * (1 - right) + nodes[above, left + 1] * right
    lower = nodes[above + 1, left] * (1 - right) + nodes[above + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, np.float32)
