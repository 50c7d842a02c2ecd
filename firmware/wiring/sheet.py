"""A drawing sheet: lines, words and the symbols of a circuit as SVG. Coordinates in pixels, y down."""

from html import escape

Place = tuple[float, float]
STYLE = """
  text { font: 14px "DejaVu Sans", "Liberation Sans", Arial, sans-serif; fill: #1b1b1b; }
  .small { font-size: 12px; fill: #444; }
  .title { font-size: 22px; font-weight: bold; }
  .head { font-size: 15px; font-weight: bold; }
  .wire, .part { fill: none; stroke: #1b1b1b; stroke-width: 1.6; stroke-linejoin: round; }
  .part { fill: #fff; }
  .solid { fill: #1b1b1b; stroke: none; }
  .power { stroke: #b3261e; stroke-width: 2.4; }
  .block { fill: #f3f6fa; stroke: #38506b; stroke-width: 1.6; }
  .group { fill: none; stroke: #8795a5; stroke-width: 1.2; stroke-dasharray: 6 5; }
"""


class Sheet:
    """Collects elements; `svg()` is the picture."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._size = width, height
        self._title = title
        self._elements: list[str] = []

    def svg(self) -> str:
        """The whole picture."""
        width, height = self._size
        body = "\n".join(f"  {element}" for element in self._elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">\n'
            f"  <title>{escape(self._title)}</title>\n  <style>{STYLE}  </style>\n"
            f'  <rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
        )

    def text(self, at: Place, words: str, kind: str = "", anchor: str = "start", **data: str) -> None:
        """Words on their base line; `data` is for programs that read the picture."""
        marks = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
        look = f' class="{kind}"' if kind else ""
        place = f'x="{at[0]:g}" y="{at[1]:g}"'
        aligned = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._elements.append(f"<text {place}{look}{aligned}{marks}>{escape(words)}</text>")

    def wire(self, *places: Place, kind: str = "wire") -> None:
        """A line through places."""
        points = " ".join(f"{x:g},{y:g}" for x, y in places)
        self._elements.append(f'<polyline class="{kind}" points="{points}"/>')

    def shape(self, *places: Place, kind: str = "part") -> None:
        """A closed outline."""
        points = " ".join(f"{x:g},{y:g}" for x, y in places)
        self._elements.append(f'<polygon class="{kind}" points="{points}"/>')

    def box(self, corner: Place, size: Place, kind: str = "block", radius: float = 6) -> None:
        """An upright rectangle by its upper left corner."""
        self._elements.append(
            f'<rect class="{kind}" x="{corner[0]:g}" y="{corner[1]:g}" '
            f'width="{size[0]:g}" height="{size[1]:g}" rx="{radius:g}"/>'
        )

    def circle(self, at: Place, radius: float, kind: str = "part") -> None:
        """A circle."""
        self._elements.append(f'<circle class="{kind}" cx="{at[0]:g}" cy="{at[1]:g}" r="{radius:g}"/>')

    def node(self, at: Place) -> None:
        """Where wires are joined."""
        self.circle(at, 3.4, "solid")

    def terminal(self, at: Place) -> None:
        """Where a cable is screwed in."""
        self.circle(at, 4.5)

    def ground(self, at: Place) -> None:
        """Ground, below a place."""
        x, y = at
        self.wire((x, y), (x, y + 6))
        for reach, down in ((11, 6), (7, 11), (3, 16)):
            self.wire((x - reach, y + down), (x + reach, y + down))

    def resistor(self, at: Place, words: str, *, upright: bool = False) -> None:
        """Its middle at a place, 44 long."""
        x, y = at
        if upright:
            self.box((x - 7, y - 22), (14, 44), "part", 0)
            self.text((x + 13, y + 5), words)
        else:
            self.box((x - 22, y - 7), (44, 14), "part", 0)
            self.text((x, y - 13), words, anchor="middle")

    def capacitor(self, at: Place, words: str) -> None:
        """Upright, its plates around a place."""
        x, y = at
        for level in (y - 4, y + 4):
            self.wire((x - 12, level), (x + 12, level), kind="wire")
        self.text((x + 18, y + 5), words)

    def led(self, at: Place, *, upright: bool = True) -> None:
        """A light-emitting diode, conducting downwards or to the right; 24 long."""
        x, y = at
        turn = (lambda a, b: (x + a, y + b)) if upright else (lambda a, b: (x + b, y - a))
        self.shape(turn(-11, -10), turn(11, -10), turn(0, 10))
        self.wire(turn(-11, 10), turn(11, 10))
        for begin in (-6, 2):
            tip = 25, begin - 9
            self.wire(turn(15, begin), turn(*tip))
            self.wire(turn(tip[0] - 6, tip[1]), turn(*tip), turn(tip[0] - 1, tip[1] + 6))

    def switch(self, at: Place) -> None:
        """A push button that closes, from left to right, 50 long."""
        x, y = at
        for side in (x - 25, x + 25):
            self.circle((side, y), 3.4)
        self.wire((x - 24, y - 11), (x + 24, y - 11))
        self.wire((x, y - 11), (x, y - 21))
        self.wire((x - 8, y - 21), (x + 8, y - 21))

    def mosfet(self, at: Place) -> None:
        """N-channel, its gate at a place, drain 40 to the right and 26 up, source 26 down."""
        x, y = at
        self.wire((x + 14, y - 18), (x + 14, y + 18))
        self.wire((x, y), (x + 14, y))
        for level in (-18, 0, 18):
            self.wire((x + 20, y + level - 6), (x + 20, y + level + 6))
        self.wire((x + 20, y - 18), (x + 40, y - 18), (x + 40, y - 26))
        self.wire((x + 20, y + 18), (x + 40, y + 18), (x + 40, y + 26))
        self.wire((x + 20, y), (x + 40, y), (x + 40, y + 18))
        self.shape((x + 21, y), (x + 30, y - 5), (x + 30, y + 5), kind="solid")
        self.node((x + 40, y + 18))
