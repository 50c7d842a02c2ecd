"""The printed targets as files, true to scale.

`python -m station.calibrate.printed.printing --out calibration` writes them as SVG and as PDF; with `--check`
it only says whether the files there are what it would write.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...documents.boards import BoardSpec, ChartSpec
from ..boards.board import charuco_board
from ..colours.charts import load_chart
from .drawing import Line, Mark, Sheet, Words, box, cells, to_pdf, to_svg
from .mat_sheet import mat_sheet

RULER_MM = 100.0
"""Length of the check rulers, between the middles of their first and last line."""
_TICK = 0.15  # width of a ruler's line
_LEFT_MM = 36.0
_MIDDLE_MM = 105.0
_BOARD_TOP_MM = 52.0
_RIM_MM = 6.0
"""White paper around the board where it is cut: markers are found against white."""
_LEGIBLE = 4.6  # from line to line of text


def board_sheet(spec: BoardSpec) -> Sheet:
    """The ChArUco board with its check rulers; it fits A4 and, printed at 100 %, US Letter."""
    wide, tall = spec.columns * spec.square_mm, spec.rows * spec.square_mm
    left, top = _MIDDLE_MM - wide / 2, _BOARD_TOP_MM
    name = f"charuco-{spec.columns}x{spec.rows}"
    cut = (left - _RIM_MM, top - _RIM_MM, wide + 2 * _RIM_MM, tall + 2 * _RIM_MM)
    marks: list[Mark] = [
        *_heading(
            f"scan station   {name}",
            f"{spec.columns} x {spec.rows} squares of {spec.square_mm:g} mm, markers {spec.marker_mm:g} mm, "
            f"{spec.dictionary}",
            "Print at 100 % (no fitting to the page), then measure the rulers from line 0 to line 100.",
        ),
        *_crosses(*cut),
        *_charuco(spec, left, top),
        *_ruler(
            _MIDDLE_MM - RULER_MM / 2,
            top + tall + 22.0,
            "x: this ruler should be 100.0 mm long",
            upright=False,
        ),
        *_ruler(left - 24.0, top + tall / 2 - RULER_MM / 2, "y", upright=True),
        *_lines(
            top + tall + 42.0,
            "1  Use matte paper and a laser printer if there is one.",
            "2  Measure both rulers to a tenth of a millimetre; the station asks for both lengths.",
            "3  Cut at the crosses and glue the board to something stiff and flat, without air below it.",
            "4  Measure how thick that has become: the board's face lies so high over the mat.",
        ),
    ]
    return Sheet(f"scan station: {name}", tuple(marks))


def chart_sheet(spec: ChartSpec) -> Sheet:
    """A frame of four markers around a window, under which a colour chart is laid."""
    wide, tall = spec.frame_mm
    left, top = _MIDDLE_MM - wide / 2, _BOARD_TOP_MM
    rim = 4.0
    x, y, window_wide, window_tall = _window(spec)
    marks: list[Mark] = [
        *_heading(
            "scan station   colour-frame",
            f"{wide:g} x {tall:g} mm, markers {spec.marker_mm:g} mm of {spec.dictionary}: "
            + ", ".join(str(number) for number in spec.markers),
            "Print at 100 % (no fitting to the page).",
        ),
        *_crosses(left - rim, top - rim, wide + 2 * rim, tall + 2 * rim),
        *_frame_markers(spec, left, top),
        *_outline(left + x, top + y, window_wide, window_tall),
        *_ruler(
            _MIDDLE_MM - RULER_MM / 2, top + tall + 22.0, "this ruler should be 100.0 mm long", upright=False
        ),
        *_lines(
            top + tall + 42.0,
            "1  Cut at the crosses, then cut the window out along its line.",
            "2  Lay the frame over the chart so that its first patch is at the upper left.",
            "3  Chart and frame lie turned on the mat, the long side along the picture's longer side.",
            "4  A chart of other measures: correct first_mm and step_mm in its file in charts/.",
        ),
    ]
    return Sheet("scan station: colour frame", tuple(marks))


def _window(spec: ChartSpec) -> tuple[float, float, float, float]:
    """Left, top, width and height of the window: the patches and half a step around their centres."""
    (x, y), (across, down) = spec.first_mm, spec.step_mm
    return x - across / 2 - 2.5, y - down / 2 - 2.0, spec.columns * across + 5.0, spec.rows * down + 4.0


def _charuco(spec: BoardSpec, left: float, top: float) -> Iterator[Mark]:
    """Squares and markers as OpenCV's detector expects them."""
    board = charuco_board(spec)
    side = spec.square_mm
    for row, column in np.ndindex(spec.rows, spec.columns):
        if (row + column) % 2 == 0:
            yield box(left + column * side, top + row * side, side, side)
    ids = np.ravel(np.asarray(board.getIds()))
    for number, corners in zip(ids, board.getObjPoints(), strict=True):
        x, y = np.asarray(corners)[0, :2]
        yield _marker(int(number), spec.dictionary, left + float(x), top + float(y), spec.marker_mm)


def _frame_markers(spec: ChartSpec, left: float, top: float) -> Iterator[Mark]:
    (wide, tall), side = spec.frame_mm, spec.marker_mm
    places = ((0.0, 0.0), (wide - side, 0.0), (wide - side, tall - side), (0.0, tall - side))
    for number, (x, y) in zip(spec.markers, places, strict=True):
        yield _marker(number, spec.dictionary, left + x, top + y, side)


def _marker(number: int, dictionary: str, left: float, top: float, side_mm: float) -> Mark:
    markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, dictionary))
    modules = markers.markerSize + 2  # a border of one module all round
    pattern: NDArray[np.bool_] = np.asarray(markers.generateImageMarker(number, modules)) == 0
    return cells(pattern, left, top, side_mm / modules)


def _heading(title: str, subtitle: str, order: str) -> Iterator[Mark]:
    yield Words((_LEFT_MM, 26.0), title, 5.0, bold=True)
    yield Words((_LEFT_MM, 31.5), subtitle, 3.0, grey=0.35)
    yield Words((_LEFT_MM, 37.5), order, 3.6, bold=True)


def _lines(top: float, *texts: str) -> Iterator[Mark]:
    for number, text in enumerate(texts):
        yield Words((_LEFT_MM, top + number * _LEGIBLE), text, 3.2, grey=0.2)


def _crosses(left: float, top: float, width: float, height: float) -> Iterator[Mark]:
    """A cross at each corner of what is cut out; its arms keep clear of the paper that remains."""
    for x in (left, left + width):
        for y in (top, top + height):
            yield Line((x - 4.0, y), (x + 4.0, y), 0.1, 0.45)
            yield Line((x, y - 4.0), (x, y + 4.0), 0.1, 0.45)


def _outline(left: float, top: float, width: float, height: float) -> Iterator[Mark]:
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        yield Line(start, end, 0.1, 0.45)


def _ruler(left: float, top: float, words: str, *, upright: bool) -> Iterator[Mark]:
    """A ruler that begins at (left, top) and runs to the right, or down."""

    def place(along: float, beside: float) -> tuple[float, float]:
        return (left + beside, top + along) if upright else (left + along, top + beside)

    yield Line(place(-_TICK / 2, 0.0), place(RULER_MM + _TICK / 2, 0.0), _TICK)
    for millimetre in range(round(RULER_MM) + 1):
        length = 5.0 if millimetre % 10 == 0 else 3.5 if millimetre % 5 == 0 else 2.2
        yield Line(place(millimetre, 0.0), place(millimetre, -length), _TICK)
        if millimetre % 10 == 0:
            x, y = place(millimetre, -6.2)
            at = (x - 2.2, y + 0.9) if upright else (x, y)
            yield Words(at, str(millimetre), 2.6, centred=True)
    x, y = place(RULER_MM + 5.0, -2.0) if upright else place(0.0, 4.6)
    yield Words((x, y), words, 3.0, grey=0.2)


def sheets(chart: ChartSpec) -> dict[str, Sheet]:
    """All targets by the names of their files."""
    spec = BoardSpec()
    return {
        f"charuco-{spec.columns}x{spec.rows}": board_sheet(spec),
        "colour-frame": chart_sheet(chart),
        "mat": mat_sheet(),
    }


def files(chart: ChartSpec) -> dict[str, bytes]:
    """Name and content of every file."""
    written: dict[str, bytes] = {}
    for name, sheet in sheets(chart).items():
        written[f"{name}.svg"] = to_svg(sheet).encode("utf-8")
        written[f"{name}.pdf"] = to_pdf(sheet)
    return written


def write(folder: Path, chart: ChartSpec) -> list[Path]:
    """Write every file; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in files(chart).items():
        path = folder / name
        path.write_bytes(content)
        paths.append(path)
    return paths


def stale(folder: Path, chart: ChartSpec) -> list[str]:
    """Names of the files that are missing or differ from what would be written."""
    wanted = files(chart)
    return [name for name in wanted if not _same(folder / name, wanted[name])]


def _same(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def main() -> int:
    """The command line; 1: `--check` found a file that is not up to date."""
    parser = argparse.ArgumentParser(description="Write the printed targets, true to scale.")
    parser.add_argument("--out", type=Path, default=Path("calibration"), help="folder they are written to")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, say which files are not up to date"
    )
    asked = parser.parse_args()
    chart = load_chart("colorchecker")
    if not asked.check:
        sys.stdout.write("".join(f"{path}\n" for path in write(asked.out, chart)))
        return 0
    old = stale(asked.out, chart)
    command = f"python -m station.calibrate.printed.printing --out {asked.out}"
    sys.stdout.write("".join(f"{asked.out / name} is not up to date: run {command}\n" for name in old))
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
