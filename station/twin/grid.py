"""Sampling grids of the card frame: where a row and a column lie in millimetres."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

CARD_WIDTH_MM = 63.0
CARD_HEIGHT_MM = 88.0
TEXELS_PER_PIXEL = 2
"""The card is modelled this much finer than it is seen; an integer, so that truth is an exact block mean."""
MARGIN_MM = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CardGrid:
    """Texels over the nominal card rectangle and a margin around it.

    Attributes:
        dpi: of the pixels whose subdivision the texels are.
    """

    dpi: float

    @property
    def pitch_mm(self) -> float:
        """Of the texels."""
        return 25.4 / (self.dpi * TEXELS_PER_PIXEL)

    @property
    def margin(self) -> int:
        """Texels around the nominal rectangle."""
        return TEXELS_PER_PIXEL * ceil(MARGIN_MM / (self.pitch_mm * TEXELS_PER_PIXEL))

    @property
    def pixel_rows(self) -> int:
        """Of the rectified frame."""
        return round(CARD_HEIGHT_MM * self.dpi / 25.4)

    @property
    def pixel_columns(self) -> int:
        """Of the rectified frame."""
        return round(CARD_WIDTH_MM * self.dpi / 25.4)

    @property
    def rows(self) -> int:
        """Of the texel array."""
        return self.pixel_rows * TEXELS_PER_PIXEL + 2 * self.margin

    @property
    def columns(self) -> int:
        """Of the texel array."""
        return self.pixel_columns * TEXELS_PER_PIXEL + 2 * self.margin

    def x_mm(self) -> Floats:
        """(1, columns): centres of the columns."""
        centres = (np.arange(self.columns) - self.margin + 0.5) * self.pitch_mm - CARD_WIDTH_MM / 2
        return centres.astype(np.float32)[None, :]

    def y_mm(self) -> Floats:
        """(rows, 1): centres of the rows, growing upwards."""
        centres = CARD_HEIGHT_MM / 2 - (np.arange(self.rows) - self.margin + 0.5) * self.pitch_mm
        return centres.astype(np.float32)[:, None]

    def column(self, x_mm: float) -> float:
        """Fractional column index of a place."""
        return (x_mm + CARD_WIDTH_MM / 2) / self.pitch_mm + self.margin - 0.5

    def row(self, y_mm: float) -> float:
        """Fractional row index of a place."""
        return (CARD_HEIGHT_MM / 2 - y_mm) / self.pitch_mm + self.margin - 0.5

    def box(self, x_mm: float, y_mm: float, reach_mm: float) -> tuple[slice, slice]:
        """Rows and columns within `reach_mm` of a place, cut at the array's border."""
        reach = reach_mm / self.pitch_mm + 1
        row, column = self.row(y_mm), self.column(x_mm)
        return (
            slice(max(0, int(row - reach)), max(0, min(self.rows, int(row + reach) + 2))),
            slice(max(0, int(column - reach)), max(0, min(self.columns, int(column + reach) + 2))),
        )

    def pixels(self, texels: Floats) -> Floats:
        """Area mean over each pixel of the rectified frame, margin cut off."""
        inner = texels[self.margin : self.rows - self.margin, self.margin : self.columns - self.margin]
        n = TEXELS_PER_PIXEL
        shape = (self.pixel_rows, n, self.pixel_columns, n, *inner.shape[2:])
        return np.asarray(inner.reshape(shape).mean(axis=(1, 3)), np.float32)
