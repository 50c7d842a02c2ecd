"""Drawings in millimetres, as SVG and as PDF, true to scale: filled shapes, lines and a little text.

The origin is the sheet's upper left corner, x to the right, y down.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

A4_MM = (210.0, 297.0)
_POINTS_PER_MM = 72 / 25.4
_DIGIT_EM = 0.556  # width of every digit in Helvetica, which is how a number is centred


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled area: one or more closed outlines, by the even-odd rule. `grey`: 0 is black, 1 is white."""

    outlines: tuple[tuple[Point, ...], ...]
    grey: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line with square-cut ends."""

    start: Point
    end: Point
    width_mm: float = 0.15
    grey: float = 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text. `at` is the left end of its base line; for a centred number its middle."""

    at: Point
    text: str
    size_mm: float = 3.2
    bold: bool = False
    centred: bool = False
    grey: float = 0.0

    @property
    def left(self) -> Point:
        """Where the text begins."""
        shift = _DIGIT_EM * self.size_mm * len(self.text) / 2 if self.centred else 0.0
        return self.at[0] - shift, self.at[1]


Mark = Shape | Line | Words


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page and what is on it, painted in this order."""

    title: str
    marks: tuple[Mark, ...]
    size_mm: tuple[float, float] = A4_MM


def box(left: float, top: float, width: float, height: float, grey: float = 0.0) -> Shape:
    """A filled rectangle."""
    right, bottom = left + width, top + height
    return Shape((((left, top), (right, top), (right, bottom), (left, bottom)),), grey)


def cells(black: NDArray[np.bool_], left: float, top: float, side: float, grey: float = 0.0) -> Shape:
    """The dark cells (rows, columns) of a pattern as outlines, so that no seam shows between two cells."""
    loops = [
        tuple((round(left + side * x, 6), round(top + side * y, 6)) for x, y in loop)
        for loop in _loops(black)
    ]
    return Shape(tuple(loops), grey)


def _loops(black: NDArray[np.bool_]) -> Iterable[tuple[tuple[int, int], ...]]:
    """Closed ways along the edges between dark and bright, dark to the right, corners only."""
    padded = np.pad(black, 1)
    ways: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in np.argwhere(padded):
        x, y = int(column) - 1, int(row) - 1
        for bright, start, end in (
            (not padded[row - 1, column], (x, y), (x + 1, y)),
            (not padded[row, column + 1], (x + 1, y), (x + 1, y + 1)),
            (not padded[row + 1, column], (x + 1, y + 1), (x, y + 1)),
            (not padded[row, column - 1], (x, y + 1), (x, y)),
        ):
            if bright:
                ways.setdefault(start, []).append(end)
    while ways:
        yield _walk(ways)


def _walk(ways: dict[tuple[int, int], list[tuple[int, int]]]) -> tuple[tuple[int, int], ...]:
    first = min(ways)
    at, came, loop = first, (0, 0), []
    while True:
        ahead = ways[at]
        # where two dark cells touch at a corner, keep to the same cell: turn right
        ahead.sort(key=lambda end: came[0] * (end[1] - at[1]) - came[1] * (end[0] - at[0]))
        end = ahead.pop()
        if not ahead:
            del ways[at]
        step = end[0] - at[0], end[1] - at[1]
        if step != came:
            loop.append(at)
        at, came = end, step
        if at == first:
            return tuple(loop)


def to_svg(sheet: Sheet) -> str:
    """The sheet as SVG whose user unit is the millimetre."""
    width, height = (_number(value) for value in sheet.size_mm)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    body = [_svg(mark) for mark in sheet.marks]
    return "\n".join([head, f"<title>{escape(sheet.title)}</title>", ground, *body, "</svg>"]) + "\n"


def _svg(mark: Mark) -> str:
    colour = "#" + 3 * f"{round(255 * mark.grey):02x}"
    if isinstance(mark, Shape):
        path = "".join("M" + "L".join(_pair(point) for point in outline) + "Z" for outline in mark.outlines)
        return f'<path d="{path}" fill="{colour}" fill-rule="evenodd"/>'
    if isinstance(mark, Line):
        path = f"M{_pair(mark.start)}L{_pair(mark.end)}"
        return f'<path d="{path}" stroke="{colour}" stroke-width="{_number(mark.width_mm)}"/>'
    x, y = (_number(value) for value in mark.left)
    weight = ' font-weight="bold"' if mark.bold else ""
    return (
        f'<text x="{x}" y="{y}" font-family="Helvetica, Arial, Liberation Sans, sans-serif" '
        f'font-size="{_number(mark.size_mm)}"{weight} fill="{colour}">{escape(mark.text)}</text>'
    )


def to_pdf(sheet: Sheet) -> bytes:
    """The sheet as PDF 1.6 of one page, with the fonts every reader has; printing asks for no scaling.

    The page's content is plain text: the same sheet gives the same bytes on every machine.
    """
    width, height = sheet.size_mm
    scale = f"{_POINTS_PER_MM:.9f}"
    upright = f"{scale} 0 0 -{scale} 0 {height * _POINTS_PER_MM:.6f} cm"
    content = "\n".join([upright, *(_pdf(mark) for mark in sheet.marks)]).encode("cp1252")
    media = f"[0 0 {width * _POINTS_PER_MM:.4f} {height * _POINTS_PER_MM:.4f}]"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    title = _pdf_string(sheet.title)
    return _pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox {media} /Contents 4 0 R "
            "/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>".encode("ascii"),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
            font.format("Helvetica").encode("ascii"),
            font.format("Helvetica-Bold").encode("ascii"),
            f"<< /Title {title} >>".encode("cp1252"),
        ]
    )


def _pdf_file(objects: list[bytes]) -> bytes:
    """Objects numbered from 1, the first the catalogue, the last the document's information."""
    out, places = bytearray(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


def _pdf(mark: Mark) -> str:
    grey = _number(mark.grey)
    if isinstance(mark, Shape):
        paths = [_pdf_outline(outline) for outline in mark.outlines]
        return f"{grey} g {' '.join(paths)} f*"
    if isinstance(mark, Line):
        start, end = _pair(mark.start), _pair(mark.end)
        return f"{grey} G {_number(mark.width_mm)} w {start} m {end} l S"
    font = "F2" if mark.bold else "F1"
    size, text = _number(mark.size_mm), _pdf_string(mark.text)
    return f"{grey} g BT /{font} {size} Tf 1 0 0 -1 {_pair(mark.left)} Tm {text} Tj ET"


def _pdf_outline(outline: tuple[Point, ...]) -> str:
    return " ".join([f"{_pair(outline[0])} m", *(f"{_pair(point)} l" for point in outline[1:]), "h"])


def _pdf_string(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"({escaped})"


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """Tenths of a micrometre are enough."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
