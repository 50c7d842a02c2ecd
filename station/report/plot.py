"""Drawings with axes, as inline SVG.

All drawings are `WIDTH` units wide, so that lines and letters are alike in all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

from .text import element

WIDTH = 400.0
"""Width of every drawing in its own units; a letter is 11 of them high."""

Range = tuple[float, float]
Place = tuple[float, float]

_LEFT, _RIGHT, _TOP, _BOTTOM = 43.0, 14.0, 24.0, 31.0  # room for the figures at the axes
_INSIDE = WIDTH - _LEFT - _RIGHT


@dataclass(frozen=True, slots=True)
class Axes:
    """A box with a scale on two sides.

    Attributes:
        across: values at its left and right edge.
        up: values at its lower and upper edge; may fall.
        height: of the box, in units.
    """

    across: Range
    up: Range
    height: float

    @classmethod
    def to_scale(cls, across: Range, up: Range) -> "Axes":
        """Axes on which a step is as long in both directions."""
        return cls(across, up, _INSIDE * abs(up[1] - up[0]) / abs(across[1] - across[0]))

    @property
    def unit(self) -> float:
        """Units of the drawing per step of the lower axis."""
        return _INSIDE / abs(self.across[1] - self.across[0])

    def at(self, x: float, y: float) -> Place:
        """Where a value lies in the drawing."""
        right = (x - self.across[0]) / (self.across[1] - self.across[0])
        up = (y - self.up[0]) / (self.up[1] - self.up[0])
        return _LEFT + _INSIDE * right, _TOP + self.height * (1 - up)

    def drawing(self, kind: str, label: str, names: tuple[str, str], content: str) -> str:
        """The whole drawing: the box with its scales, and `content`, which is markup."""
        view = f"0 0 {WIDTH:g} {_TOP + self.height + _BOTTOM:.1f}"
        return (
            f'<svg class="drawing {escape(kind)}" viewBox="{view}" role="img" aria-label="{escape(label)}">'
            f"{self._scales(*names)}{content}</svg>"
        )

    def _scales(self, x_name: str, y_name: str) -> str:
        bottom, right = _TOP + self.height, WIDTH - _RIGHT
        lines, words = [], []
        for value in ticks(self.across):
            x, _ = self.at(value, self.up[0])
            lines.append(f"M{x:.1f} {_TOP:.1f}V{bottom:.1f}")
            words.append(letters(said(value), x, bottom + 15, "middle"))
        for value in ticks(self.up):
            _, y = self.at(self.across[0], value)
            lines.append(f"M{_LEFT:.1f} {y:.1f}H{right:.1f}")
            words.append(letters(said(value), _LEFT - 6, y + 4, "end"))
        names = letters(y_name, 0, 11, "start") + letters(x_name, right, bottom + 29, "end")
        return f'<path class="grid" d="{"".join(lines)}"/><g class="scale">{"".join(words)}{names}</g>'


def ticks(between: Range, about: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) within a range, about so many."""
    low, high = min(between), max(between)
    step = round_up((high - low) / about)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def round_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten; 1 for what is not positive."""
    if not (isfinite(value) and value > 0):
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= value * (1 - 1e-9))


def magnification(size: float, wanted: float) -> float:
    """By how much to enlarge something so that it comes near a wanted size and not above it.

    1, 2 or 5 times a power of ten; never below 1.
    """
    if not (isfinite(size) and 0 < size < wanted):
        return 1.0
    power = 10.0 ** floor(log10(wanted / size))
    return max(power * n for n in (1, 2, 5) if power * n <= wanted / size * (1 + 1e-9))


def letters(words: str, x: float, y: float, anchor: str, kind: str = "") -> str:
    """Plain text in a drawing."""
    more = {"class_": kind} if kind else {}
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **more)


def line(places: Iterable[Place], kind: str) -> str:
    """A line through places of the drawing."""
    return f'<polyline class="{escape(kind)}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'


def said(value: float) -> str:
    """A round value in as few letters as it needs."""
    return f"{value:.10g}".replace("-", "−")
