"""Rectangles of ink on paper, each texel with the share of it that they cover."""

from dataclasses import dataclass

import numpy as np

from .grid import Floats
from .optics import Doubles

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Paper:
    """A frame and white paper around it. Coordinates in mm from the frame's upper left corner, y down.

    Attributes:
        texture: float32 (rows, columns, 3), reflectance; the frame's middle is its middle.
        frame_mm: width and height.
    """

    texture: Floats
    frame_mm: tuple[float, float]
    texel_mm: float

    @classmethod
    def blank(cls, frame_mm: tuple[float, float], margin_mm: float, white: float, texel_mm: float) -> "Paper":
        """Nothing printed yet."""
        columns, rows = (round((side + 2 * margin_mm) / texel_mm) for side in frame_mm)
        return cls(np.full((rows, columns, 3), white, np.float32), frame_mm, texel_mm)

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the whole paper."""
        rows, columns = self.texture.shape[:2]
        return columns * self.texel_mm, rows * self.texel_mm

    def fill(self, box: Box, colour: Doubles | float, *, over: float) -> None:
        """Print a box (left, top, right, bottom) where the reflectance is `over` throughout.

        Neighbouring boxes may share an edge: what they cover of a texel adds up.
        """
        left, top, right, bottom = box
        rows, down = self._shares(top, bottom, 1)
        columns, across = self._shares(left, right, 0)
        self.texture[rows, columns] += (
            down[:, None, None] * across[:, None] * (np.asarray(colour) - over)
        ).astype(np.float32)

    def _shares(self, low_mm: float, high_mm: float, axis: int) -> tuple[slice, Doubles]:
        """The texels of a stretch along an axis (0: x, 1: y), and the share of each that it covers."""
        count = self.texture.shape[1 - axis]
        origin = (count - self.frame_mm[axis] / self.texel_mm) / 2
        low, high = (origin + place / self.texel_mm for place in (low_mm, high_mm))
        first, last = max(0, int(low)), min(count, int(np.ceil(high)))
        index = np.arange(first, last)
        return slice(first, last), np.clip(np.minimum(index + 1, high) - np.maximum(index, low), 0, 1)
