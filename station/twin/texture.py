"""One side of a card, made from its design strip by strip, for the renderer and for the truth to look at.

The whole face in full precision would be gigabytes of fresh memory; a strip stays in the processor's cache.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from . import art, flaws
from .canvas import Canvas, reflectance_table
from .design import Body, Design
from .grid import CardGrid, Floats, Strip
from .surface import Noise, edge_distance_mm, noise, warp_parts_mm
from .texel import lay

INK_EDGE_MM = 0.02
"""How far ink creeps: Gaussian sigma of the edge of a printed layer."""
TEXT_INK = np.array([0.022, 0.022, 0.026], np.float32)
STRIP_ROWS = 64
"""An even number, so that a pixel of the truth lies in one strip."""
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Texture:
    """A strip of the card's face, card frame; all float32, and lent: the next strip overwrites them.

    Attributes:
        rows: of the grid that are to be taken from here.
        first: row of the grid of the arrays' first row; they hold a neighbouring row more where there is one.
        height_um: (H, W) over the nominal plane, warp included.
        albedo: (H, W, 3) linear reflectance.
        roughness: (H, W) GGX alpha.
        gloss: (H, W) 0 to 1.
        coverage: (H, W) share of the texel that the card covers.
    """

    rows: slice
    first: int
    height_um: Floats
    albedo: Floats
    roughness: Floats
    gloss: Floats
    coverage: Floats


@dataclass(frozen=True, slots=True)
class Print:
    """What the strips of one side are made from."""

    design: Design
    grid: CardGrid
    canvas: Canvas
    relief: Noise
    fray: Noise
    coat: float

    def foil(self) -> NDArray[np.uint8]:
        """(H, W) of the grid: 1 where there is foil; (0, 0) without any."""
        spec = self.design.spec
        if not spec.unkind.foil or spec.side != "front":
            return np.zeros((0, 0), np.uint8)
        foil = np.zeros((self.grid.rows, self.grid.columns), np.uint8)
        foil[self.canvas.window(*art.art_window(art.print_frame(self.design)))] = 1
        return foil


def prepare(design: Design, dpi: float) -> Print:
    """Print one side, at twice the resolution of `dpi`."""
    grid, spec = CardGrid(dpi), design.spec
    correlation = spec.unkind.relief_correlation_mm
    copy = f" {spec.copy}" if spec.copy else ""
    return Print(
        design,
        grid,
        art.paint(design, grid),
        noise(grid, correlation, seed=spec.seed, name=f"relief {spec.side}{copy}"),
        noise(grid, 0.25, seed=spec.seed, name=f"fray {spec.side}{copy}"),
        float(spec.own("coat").uniform(0.06, 0.11)),
    )


def build(sheet: Print, take: Callable[[Texture], None]) -> None:
    """Make the face and hand it over strip by strip, in any order and on several threads.

    Which thread makes a strip changes nothing in it.
    """
    starts = range(0, sheet.grid.rows, STRIP_ROWS)
    workers = min(WORKERS, os.cpu_count() or 1)

    def work(share: range) -> None:
        arrays = _Arrays(sheet)
        for start in share:
            take(arrays.strip(start))

    with ThreadPoolExecutor(workers, "texture") as pool:
        for done in [pool.submit(work, starts[k::workers]) for k in range(workers)]:
            done.result()


class _Arrays:
    """One worker's arrays: made once, because fresh pages cost more than what is written to them."""

    def __init__(self, sheet: Print) -> None:
        self._sheet = sheet
        self._sigma = max(0.3, INK_EDGE_MM / sheet.grid.pitch_mm)
        self._reach = ceil(4 * self._sigma) + 1  # of OpenCV's kernel, and more
        rows, columns = STRIP_ROWS + 2, sheet.grid.columns
        planes = [np.empty((rows, columns), np.float32) for _ in range(4)]
        self._height, self._roughness, self._gloss, self._coverage = planes
        self._albedo = np.empty((rows, columns, 3), np.float32)
        self._layers, self._inked = (
            np.empty((rows + 2 * self._reach, columns), np.float32) for _ in range(2)
        )

    def strip(self, start: int) -> Texture:
        grid = self._sheet.grid
        end = min(grid.rows, start + STRIP_ROWS)
        strip = Strip(grid, max(0, start - 1), min(grid.rows, end + 1))
        count = strip.last - strip.first
        height, albedo, coverage = self._height[:count], self._albedo[:count], self._coverage[:count]
        roughness, gloss = self._roughness[:count], self._gloss[:count]
        self._lay(strip, height, albedo)
        roughness.fill(self._sheet.coat)
        gloss.fill(min(1.0, self._sheet.design.spec.unkind.gloss))
        body = self._sheet.design.body
        face = flaws.Face(strip, body, height, albedo, roughness, gloss, self._sheet.fray)
        for flaw in self._sheet.design.flaws:
            flaws.apply(face, flaw)
        _cover(coverage, body, strip)
        return Texture(slice(start, end), strip.first, height, albedo, roughness, gloss, coverage)

    def _lay(self, strip: Strip, height: Floats, albedo: Floats) -> None:
        sheet, rows = self._sheet, slice(strip.first, strip.last)
        unkind, canvas, body = sheet.design.spec.unkind, sheet.canvas, sheet.design.body
        contrast = min(1.0, unkind.text_contrast)
        level, tilt, u = warp_parts_mm(body, strip.x_mm(), strip.y_mm())
        strength = np.array([unkind.relief_um_rms, unkind.ink_step_um, contrast / 255], np.float32)
        lay(
            height,
            albedo,
            (canvas.rgb[rows], canvas.text[rows]),
            (reflectance_table(), TEXT_INK),
            self._ink(strip, contrast),
            (sheet.relief.tile, sheet.relief.rows[rows], sheet.relief.columns),
            (1000 * level[:, 0], 1000 * tilt[:, 0], u[0]),
            strength,
        )

    def _ink(self, strip: Strip, contrast: float) -> Floats:
        """How much ink lies on the rows of a strip: whole layers, their edges soft."""
        above = min(self._reach, strip.first)
        rows = slice(strip.first - above, strip.last + self._reach)
        ink, text = self._sheet.canvas.ink[rows], self._sheet.canvas.text[rows]
        layers, inked = self._layers[: len(ink)], self._inked[: len(ink)]
        cv2.addWeighted(ink, 1 / 255, text, contrast / 255, 0, layers, cv2.CV_32F)
        cv2.GaussianBlur(layers, (0, 0), self._sigma, inked)
        return inked[above : above + strip.last - strip.first]


def _cover(coverage: Floats, body: Body, strip: Strip) -> None:
    """All of it, but for a rim as wide as the corners are round."""
    x, y = strip.x_mm(), strip.y_mm()
    coverage.fill(1)
    inner = body.width_mm / 2 - body.corner_radius_mm
    left, right = np.searchsorted(x[0], (-inner, inner))
    if np.abs(y).max() > body.height_mm / 2 - body.corner_radius_mm:
        left = right
    for columns in (slice(0, left), slice(right, None)):
        depth = edge_distance_mm(body, x[:, columns], y)
        coverage[:, columns] = np.clip(0.5 + depth / strip.pitch_mm, 0, 1)
