"""The printed targets: true to scale, found again by the detector, up to date, and alike in SVG and PDF."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from station.calibrate.boards.board import corners_mm, find_board
from station.calibrate.colours.charts import load_chart
from station.calibrate.printed.drawing import Line, Sheet, Words, cells, to_pdf, to_svg
from station.calibrate.printed.mat_sheet import FIELD_MM, PLAY_MM, dots_mm
from station.calibrate.printed.printing import files, sheets, stale
from station.card.outline import find_outline
from station.documents.boards import BoardSpec
from station.documents.profile import CameraProfile

TARGETS = Path(__file__).parents[3] / "calibration"
SVG = "{http://www.w3.org/2000/svg}"
LETTER_MM = (215.9, 279.4)
PX_PER_MM = 300 / 25.4
CHART = load_chart("colorchecker")
NAMES = ("charuco-8x10", "colour-frame", "mat")

Outline = list[tuple[float, float]]


def svg_shapes(path: Path) -> list[tuple[list[Outline], float]]:
    """Filled shapes in mm, with their grey. The files use M, L and Z alone."""
    found = []
    for element in ET.parse(path).getroot().iter(f"{SVG}path"):  # noqa: S314 - our own file
        if "fill" in element.attrib:
            loops = [
                [tuple(map(float, point.split())) for point in loop.split("L")]
                for loop in re.findall(r"M([^Z]*)Z", element.attrib["d"])
            ]
            found.append((loops, int(element.attrib["fill"][1:3], 16) / 255))
    return found


def svg_lines(path: Path) -> list[tuple[float, float, float, float]]:
    paths = [element.attrib for element in ET.parse(path).getroot().iter(f"{SVG}path")]  # noqa: S314 - our own
    return [
        tuple(float(number) for number in re.findall(r"-?[\d.]+", path["d"]))
        for path in paths
        if "stroke" in path
    ]


def pdf_content(path: Path) -> tuple[str, tuple[float, float]]:
    """The page's drawing commands and its size in mm, by the numbers the file's own table gives."""
    data = path.read_bytes()
    table = int(re.findall(rb"startxref\n(\d+)", data)[0])
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", data[table:])]
    for number, place in enumerate(places, start=1):
        assert data[place:].startswith(b"%d 0 obj" % number)
    length = int(re.findall(rb"/Length (\d+)", data)[0])
    start = data.index(b"stream\n") + len(b"stream\n")
    assert data[start + length :].startswith(b"\nendstream")
    media = [float(number) for number in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)[0]]
    return data[start : start + length].decode("cp1252"), (media[0] / 72 * 25.4, media[1] / 72 * 25.4)


def pdf_shapes(path: Path) -> list[tuple[list[Outline], float]]:
    content, (_, height) = pdf_content(path)
    matrix = [float(number) for number in content.splitlines()[0].split()[:6]]
    assert matrix[0] == pytest.approx(72 / 25.4, rel=1e-8)
    assert matrix[3] == -matrix[0]
    assert matrix[5] == pytest.approx(height * 72 / 25.4, abs=1e-3)
    found = []
    for grey, path_ in re.findall(r"^([\d.]+) g ([^B\n]*) f\*$", content, re.MULTILINE):
        loops = [
            [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+) [ml]", loop)]
            for loop in path_.split(" h")
            if loop.strip()
        ]
        found.append((loops, float(grey)))
    return found


def drawn(shapes: list[tuple[list[Outline], float]], px_per_mm: float = PX_PER_MM) -> NDArray[np.uint8]:
    """The shapes as a printer of four times the resolution puts them on A4, seen at `px_per_mm`."""
    size = round(210 * px_per_mm), round(297 * px_per_mm)
    fine = np.full((4 * size[1], 4 * size[0]), 255, np.uint8)
    for loops, grey in shapes:
        at = [np.rint(np.array(loop) * 4 * px_per_mm - 0.5).astype(np.int32) for loop in loops]
        cv2.fillPoly(fine, at, (round(grey * 255),))
    return cv2.resize(fine, size, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("read", [svg_shapes, pdf_shapes])
def test_the_board_on_the_page_is_found_where_it_was_drawn(
    read: Callable[[Path], list[tuple[list[Outline], float]]],
) -> None:
    spec = BoardSpec()
    page = (drawn(read(TARGETS / f"charuco-8x10{'.svg' if read is svg_shapes else '.pdf'}")) * 0.8).astype(
        np.uint8
    )
    view = find_board(page, spec)
    assert len(view.ids) == 63
    assert not view.findings
    at_mm = (view.corners_px + 0.5) / PX_PER_MM
    wanted = corners_mm(spec)[view.ids, :2] * (1, -1)
    shift = (at_mm - wanted).mean(axis=0)
    assert np.abs(at_mm - wanted - shift).max() < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_svg_and_pdf_draw_the_same(name: str) -> None:
    svg, pdf = svg_shapes(TARGETS / f"{name}.svg"), pdf_shapes(TARGETS / f"{name}.pdf")
    assert len(svg) == len(pdf)
    for (loops, grey), (others, other_grey) in zip(svg, pdf, strict=True):
        assert [len(loop) for loop in loops] == [len(loop) for loop in others]
        assert np.allclose(np.concatenate(loops), np.concatenate(others), atol=1e-4)
        assert grey == pytest.approx(other_grey, abs=0.003)


def test_the_rulers_are_a_hundred_millimetres() -> None:
    lines = svg_lines(TARGETS / "charuco-8x10.svg")
    upright = sorted(x for x, y, x2, y2 in lines if x == x2 and abs(y2 - y) == pytest.approx(5.0))
    level = sorted(y for x, y, x2, y2 in lines if y == y2 and abs(x2 - x) == pytest.approx(5.0))
    for ticks in (upright, level):
        assert len(ticks) == 11
        assert np.allclose(np.diff(ticks), 10.0, atol=1e-9)
        assert ticks[-1] - ticks[0] == pytest.approx(100.0, abs=1e-9)
    every = [
        x for x, y, x2, y2 in lines if x == x2 and min(abs(y2 - y - s) for s in (-2.2, -3.5, -5.0)) < 1e-6
    ]
    assert len(every) == 101


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_a4_and_fits_letter(name: str) -> None:
    root = ET.parse(TARGETS / f"{name}.svg").getroot()  # noqa: S314 - our own file
    assert (root.attrib["width"], root.attrib["height"]) == ("210mm", "297mm")
    assert root.attrib["viewBox"] == "0 0 210 297"
    assert pdf_content(TARGETS / f"{name}.pdf")[1] == pytest.approx((210.0, 297.0), abs=1e-3)
    points = np.array(
        [point for loops, _ in svg_shapes(TARGETS / f"{name}.svg") for loop in loops for point in loop]
    )
    points = np.concatenate(
        [points, np.array(svg_lines(TARGETS / f"{name}.svg") or [[105] * 4]).reshape(-1, 2)]
    )
    rim = 6.0  # what printers leave white
    assert points.min() > rim
    assert points[:, 0].max() < 210 - rim
    # printers centre the page or begin at its top: both must keep everything
    cut = (297 - LETTER_MM[1]) / 2
    assert points[:, 1].min() > cut + rim
    assert points[:, 1].max() < 297 - 2 * cut - rim


def test_pdfs_ask_not_to_be_scaled() -> None:
    assert b"/PrintScaling /None" in (TARGETS / "charuco-8x10.pdf").read_bytes()


def test_the_files_are_up_to_date_and_small() -> None:
    assert stale(TARGETS, CHART) == []
    for name, content in files(CHART).items():
        assert len(content) < 300_000, name


def test_the_command_writes_them_and_says_which_are_old(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "station.calibrate.printed.printing", "--out", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 2 * len(sheets(CHART))
    (tmp_path / "mat.svg").write_text("old")
    checked = subprocess.run([*command, "--check"], check=False, capture_output=True, text=True)
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"{tmp_path / 'mat.svg'} is not up to date")
    assert len(checked.stdout.splitlines()) == 1
    assert (tmp_path / "mat.svg").read_text() == "old"


def test_dark_cells_become_outlines_without_seams() -> None:
    rng = np.random.default_rng(3)
    black = rng.random((6, 7)) < 0.5
    shape = cells(black, 0.0, 0.0, 1.0)
    page = np.zeros((60, 70), np.uint8)
    cv2.fillPoly(page, [np.rint(np.array(loop) * 10 - 0.5).astype(np.int32) for loop in shape.outlines], (1,))
    assert np.array_equal(page[5::10, 5::10].astype(bool), black)
    edges = sum(
        abs(a[0] - b[0]) + abs(a[1] - b[1])
        for loop in shape.outlines
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True)
    )
    padded = np.pad(black, 1).astype(int)
    assert edges == np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()


def test_words_with_brackets_stay_words() -> None:
    sheet = Sheet("a (b) < c & d", (Words((1.0, 2.0), r"x (y) \ z & é"), Line((0, 0), (1, 1))))
    assert ET.fromstring(to_svg(sheet)).findall(f"{SVG}text")[0].text == r"x (y) \ z & é"  # noqa: S314
    assert r"(x \(y\) \\ z & é) Tj".encode("cp1252") in to_pdf(sheet)


def test_the_frame_around_the_chart_has_its_markers() -> None:
    page = drawn(svg_shapes(TARGETS / "colour-frame.svg"))
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_100)
    corners, numbers, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(page)
    at = {int(n): (c.reshape(4, 2) + 0.5) / PX_PER_MM for n, c in zip(numbers.ravel(), corners, strict=True)}
    assert set(at) == set(CHART.markers)
    outer = [at[number][place] for place, number in enumerate(CHART.markers)]
    assert np.linalg.norm(outer[1] - outer[0]) == pytest.approx(CHART.frame_mm[0], abs=0.1)
    assert np.linalg.norm(outer[3] - outer[0]) == pytest.approx(CHART.frame_mm[1], abs=0.1)


def test_the_mats_dots_lie_in_the_fields_corners_beside_the_card() -> None:
    dots = np.array(dots_mm())
    away = np.maximum(np.abs(dots) - (31.5, 44.0), 0)
    assert np.hypot(*away.T).min() > PLAY_MM
    for a in (-1, 1):
        for b in (-1, 1):
            there = (dots * (a, b) > 0).all(axis=1) & (np.abs(dots) < np.array(FIELD_MM) / 2).all(axis=1)
            assert there.sum() >= 10


@pytest.mark.parametrize(("x_mm", "y_mm"), [(0.0, 0.0), (2.5, -2.0)])
def test_a_card_on_the_printed_mat_is_found(x_mm: float, y_mm: float) -> None:
    """The outline's strokes and the dots are no part of the card, also when it lies beside its place."""
    px_per_mm = 200 / 25.4
    page = drawn(svg_shapes(TARGETS / "mat.svg"), px_per_mm).astype(np.float32) / 255
    for x, y, x2, y2 in svg_lines(TARGETS / "mat.svg"):
        ends = [tuple(round(v * px_per_mm) for v in end) for end in ((x, y), (x2, y2))]
        cv2.line(page, ends[0], ends[1], (0.72,), 2)
    middle = np.array([105.0, 156.0])
    corners = [
        (-31.5 + x_mm, 44 + y_mm),
        (31.5 + x_mm, 44 + y_mm),
        (31.5 + x_mm, -44 + y_mm),
        (-31.5 + x_mm, -44 + y_mm),
    ]
    at = [(middle + np.array(corner) * (1, -1)) * px_per_mm for corner in corners]
    cv2.fillPoly(page, [np.rint(np.array(at)).astype(np.int32)], (0.8,), lineType=cv2.LINE_AA)
    size = np.rint(np.array(FIELD_MM) * px_per_mm).astype(int)
    first = np.rint(middle * px_per_mm - size / 2).astype(int)
    seen = page[first[1] : first[1] + size[1], first[0] : first[0] + size[0]] * 0.75 + 0.04
    seen = cv2.GaussianBlur(seen, (0, 0), 0.7) + np.random.default_rng(1).normal(0, 0.004, seen.shape)
    outline = find_outline(seen.astype(np.float32), over(size, px_per_mm), 0.0)
    assert np.abs(np.array(outline.corners_mm) - corners).max() < 0.25


def over(size: NDArray[np.int64], px_per_mm: float) -> CameraProfile:
    """A camera far above, looking straight down."""
    return CameraProfile.model_validate(
        {
            "width_px": int(size[0]), "height_px": int(size[1]),
            "matrix": (400 * px_per_mm, 400 * px_per_mm, (size[0] - 1) / 2, (size[1] - 1) / 2),
            "distortion": (0.0,) * 5, "rotation": (np.pi, 0.0, 0.0), "translation_mm": (0.0, 0.0, 400.0),
            "bit_depth": 8, "black_level": 0.0, "full_scale": 255.0, "noise_a": 0.01, "noise_b": 1.0,
            "readout_us": 0,
        }
    )  # fmt: skip
