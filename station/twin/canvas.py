"""Drawing in millimetres: colours on a texel grid, and beside them where ink lies."""

import colorsys
from collections.abc import Sequence
from functools import cache
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from .grid import CardGrid, Floats

Rgb = tuple[int, int, int]
Place = tuple[float, float]
SHIFT = 4  # OpenCV's fixed-point coordinates: sixteenths of a texel
RIMS = (np.s_[:1, :], np.s_[-1:, :], np.s_[1:-1, :1], np.s_[1:-1, -1:])
"""Of a rectangle of texels: its first and last row, and what they leave of its first and last column."""
FONTS = {
    "plain": cv2.FONT_HERSHEY_SIMPLEX,
    "bold": cv2.FONT_HERSHEY_DUPLEX,
    "serif": cv2.FONT_HERSHEY_TRIPLEX,
}


class Canvas:
    """Display colours (sRGB, 8 bit) over a grid, and where `ink` (print over bare stock) and `text` lie."""

    def __init__(self, grid: CardGrid) -> None:
        self.grid = grid
        self.rgb: NDArray[np.uint8] = np.zeros((grid.rows, grid.columns, 3), np.uint8)
        self.ink: NDArray[np.uint8] = np.zeros((grid.rows, grid.columns), np.uint8)
        self.text: NDArray[np.uint8] = np.zeros((grid.rows, grid.columns), np.uint8)

    def polygon(self, places: Sequence[Place], colour: Rgb) -> None:
        """Fill a polygon, its edges anti-aliased."""
        points = np.array([self._fixed(x, y) for x, y in places], np.int32)
        cv2.fillPoly(self.rgb, [points], colour, cv2.LINE_AA, SHIFT)

    def line(self, places: Sequence[Place], colour: Rgb, width_mm: float, *, closed: bool = False) -> None:
        """Draw a line; it is ink upon ink."""
        points = np.array([self._fixed(x, y) for x, y in places], np.int32)
        thickness = max(1, round(width_mm / self.grid.pitch_mm))
        cv2.polylines(self.rgb, [points], closed, colour, thickness, cv2.LINE_AA, SHIFT)
        cv2.polylines(self.ink, [points], closed, (255,), thickness, cv2.LINE_AA, SHIFT)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Rgb, angle_deg: float = 0.0) -> None:
        """Fill an ellipse."""
        scale = (1 << SHIFT) / self.grid.pitch_mm
        axes = (max(1, round(rx * scale)), max(1, round(ry * scale)))
        cv2.ellipse(self.rgb, self._fixed(x, y), axes, -angle_deg, 0, 360, colour, -1, cv2.LINE_AA, SHIFT)

    def rectangle(self, left: float, bottom: float, right: float, top: float, colour: Rgb) -> None:
        """Fill an upright rectangle."""
        self.polygon(((left, bottom), (right, bottom), (right, top), (left, top)), colour)

    def gradient(self, left: float, bottom: float, right: float, top: float, upper: Rgb, lower: Rgb) -> None:
        """Fill an upright rectangle with a vertical run from one colour to another.

        It covers of each texel on its rim what belongs to it, and of the reflectance likewise: its sides lie
        where they were asked for, not at the nearest texel.
        """
        rows, down = _shares(self.grid.row(top), self.grid.row(bottom), self.grid.rows)
        columns, across = _shares(self.grid.column(left), self.grid.column(right), self.grid.columns)
        t = np.linspace(0, 1, len(down), dtype=np.float32)[:, None, None]
        run = np.round((1 - t) * np.array(upper, np.float32) + t * np.array(lower, np.float32))
        whole = np.broadcast_to(run.astype(np.uint8), (len(down), len(across), 3))
        box = self.rgb[rows, columns]
        rims = [_mix(box[rim], whole[rim], np.outer(down[rim[0]], across[rim[1]])) for rim in RIMS]
        box[:] = whole
        for rim, mixed in zip(RIMS, rims, strict=True):
            box[rim] = mixed

    def lay_ink(self, left: float, bottom: float, right: float, top: float) -> None:
        """An upright rectangle of print over bare stock."""
        rows, down = _shares(self.grid.row(top), self.grid.row(bottom), self.grid.rows)
        columns, across = _shares(self.grid.column(left), self.grid.column(right), self.grid.columns)
        box = self.ink[rows, columns]
        box[:] = np.maximum(box, np.rint(255 * np.outer(down, across)).astype(np.uint8))

    def window(self, left: float, bottom: float, right: float, top: float) -> tuple[slice, slice]:
        """Rows and columns whose centres lie within an upright rectangle."""
        g = self.grid
        rows = slice(max(0, round(g.row(top) + 0.5)), min(g.rows, round(g.row(bottom) + 0.5)))
        return rows, slice(max(0, round(g.column(left) + 0.5)), min(g.columns, round(g.column(right) + 0.5)))

    def write(
        self, words: str, x: float, y: float, height_mm: float, *, font: str = "plain", right: bool = False
    ) -> None:
        """Write one line of text, its base line at y, capitals `height_mm` high; `right`: it ends at x."""
        face, scale, thickness = self._type(height_mm, font)
        column = self.grid.column(x) - (
            self.text_width_mm(words, height_mm, font) / self.grid.pitch_mm if right else 0
        )
        cv2.putText(
            self.text,
            words,
            (round(column), round(self.grid.row(y))),
            face,
            scale,
            (255,),
            thickness,
            cv2.LINE_AA,
        )

    def text_width_mm(self, words: str, height_mm: float, font: str = "plain") -> float:
        """How long a line of text becomes."""
        (width, _), _ = cv2.getTextSize(words, *self._type(height_mm, font))
        return float(width) * self.grid.pitch_mm

    def _type(self, height_mm: float, font: str) -> tuple[int, float, int]:
        scale = height_mm / self.grid.pitch_mm / 21  # Hershey capitals are 21 units high
        return FONTS[font], scale, max(1, round(scale * (2.2 if font == "bold" else 1.6)))

    def _fixed(self, x: float, y: float) -> tuple[int, int]:
        factor = 1 << SHIFT
        return round(self.grid.column(x) * factor), round(self.grid.row(y) * factor)


def _shares(low: float, high: float, size: int) -> tuple[slice, Floats]:
    """The texels that an interval of fractional indices touches, and how much of each it covers, 0 to 1."""
    first, last = max(0, floor(low + 0.5)), min(size, ceil(high + 0.5))
    middle = np.arange(first, last)
    share = np.minimum(middle + 0.5, high) - np.maximum(middle - 0.5, low)
    return slice(first, last), np.clip(share, 0, 1).astype(np.float32)


def _mix(below: NDArray[np.uint8], above: NDArray[np.uint8], share: Floats) -> NDArray[np.uint8]:
    """Display colours (H, W, 3) of texels whose reflectance is `above`'s for a share (H, W) of their area."""
    table = reflectance_table()
    part = share[..., None]
    mixed = part * table[above] + (1 - part) * table[below]
    return np.searchsorted((table[1:] + table[:-1]) / 2, mixed).astype(np.uint8)


def hsv(hue: float, saturation: float, value: float) -> Rgb:
    """A display colour by its hue; whole turns of the hue make no difference."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


@cache
def reflectance_table() -> Floats:
    """(256,): linear reflectance of printed display codes, from 1.5 % (black) to 86 % (bare white)."""
    code = np.arange(256, dtype=np.float64) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return (0.015 + 0.845 * linear).astype(np.float32)


def display(linear: tuple[float, float, float]) -> Rgb:
    """The display colour whose reflectance is nearest to a linear one."""
    code = np.clip((np.asarray(linear) - 0.015) / 0.845, 0, 1)
    srgb = np.where(code <= 0.0031308, code * 12.92, 1.055 * code ** (1 / 2.4) - 0.055)
    red, green, blue = (round(float(v) * 255) for v in srgb)
    return red, green, blue
