"""Sampling grids of the card frame: where a row and a column lie in millimetres."""

from dataclasses import dataclass
from math import ceil, floor

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


@dataclass(frozen=True, slots=True)
class Strip:
    """Neighbouring rows of a grid, from `first` to before `last`: faces are made strip by strip."""

    grid: CardGrid
    first: int
    last: int

    @property
    def pitch_mm(self) -> float:
        """Of the texels."""
        return self.grid.pitch_mm

    def x_mm(self) -> Floats:
        """(1, columns): centres of the columns."""
        return self.grid.x_mm()

    def y_mm(self) -> Floats:
        """(rows, 1): centres of the strip's rows."""
        return self.grid.y_mm()[self.first : self.last]

    def box(self, x_mm: float, y_mm: float, reach_x_mm: float, reach_y_mm: float) -> tuple[slice, slice]:
        """The strip's rows and columns within reach of a place; slices of no length where there are none."""
        across, down = reach_x_mm / self.pitch_mm + 1, reach_y_mm / self.pitch_mm + 1
        row, column = self.grid.row(y_mm), self.grid.column(x_mm)
        return (
            _cut(row - down - self.first, row + down - self.first, self.last - self.first),
            _cut(column - across, column + across, self.grid.columns),
        )


def _cut(low: float, high: float, size: int) -> slice:
    first = min(size, max(0, floor(low)))
    return slice(first, max(first, min(size, floor(high) + 2)))
