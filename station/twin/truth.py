"""The ground truth of a card: what a perfect instrument would find, in the rectified card frame."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .design import Borders, Flaw, Pose, design
from .grid import TEXELS_PER_PIXEL, Floats
from .spec import CardSpec
from .surface import face_height_mm
from .texel import means
from .texture import Print, Texture, build, prepare

INSIDE = 0.999
"""A pixel counts as inside the card when at least this share of it is covered."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Arrays over the nominal 63 x 88 mm rectangle: H = round(88 dpi / 25.4), W = round(63 dpi / 25.4).

    Attributes:
        normals: float32 (H, W, 3), unit, area mean, card frame (x right, y up, z to the camera).
        albedo: float32 (H, W, 3), linear reflectance, area mean.
        height_um: float32 (H, W), over the card's nominal plane, warp included, area mean.
        gloss, foil: float32 (H, W), 0 to 1.
        mask: bool (H, W), wholly inside the cut edge.
        borders: widths from the cut edge to the print frame.
        pose: of the card's centre on the mat.
        flaws: all flaws of this side.
        width_mm, height_mm, corner_radius_mm: of the cut card.
        face_mm: height over the mat of the nominal plane (height_um = 0).
    """

    dpi: float
    normals: Floats
    albedo: Floats
    height_um: Floats
    gloss: Floats
    foil: Floats
    mask: NDArray[np.bool_]
    borders: Borders
    pose: Pose
    flaws: tuple[Flaw, ...]
    width_mm: float
    height_mm: float
    corner_radius_mm: float
    face_mm: float

    @property
    def left_percent(self) -> float:
        """Share of the left border in left plus right."""
        return self.borders.left_percent

    @property
    def top_percent(self) -> float:
        """Share of the top border in top plus bottom."""
        return self.borders.top_percent


def truth(spec: CardSpec, dpi: float) -> Truth:
    """Ground truth of a card side at a resolution."""
    drawn = design(spec)
    sheet = prepare(drawn, dpi)
    normals, albedo, height_um, gloss, coverage = _means(sheet)
    return Truth(
        dpi=dpi,
        normals=normals,
        albedo=albedo,
        height_um=height_um,
        gloss=gloss,
        foil=_foil(sheet),
        mask=coverage >= INSIDE,
        borders=drawn.borders,
        pose=drawn.pose,
        flaws=drawn.flaws,
        width_mm=drawn.body.width_mm,
        height_mm=drawn.body.height_mm,
        corner_radius_mm=drawn.body.corner_radius_mm,
        face_mm=face_height_mm(drawn),
    )


def _means(sheet: Print) -> tuple[Floats, ...]:
    """Normals, albedo, height, gloss and coverage of the pixels."""
    grid, n = sheet.grid, TEXELS_PER_PIXEL
    shape = grid.pixel_rows, grid.pixel_columns
    seen = tuple(np.empty((*shape, *more), np.float32) for more in ((3,), (3,), (), (), ()))
    per_um = np.float32(1 / (2000 * grid.pitch_mm))

    def take(face: Texture) -> None:
        start = max(face.rows.start, grid.margin)
        rows = slice((start - grid.margin) // n, min(grid.pixel_rows, (face.rows.stop - grid.margin) // n))
        pixels = tuple(whole[rows] for whole in seen)
        others = face.gloss, face.coverage
        means(pixels, start - face.first, grid.margin, per_um, face.height_um, face.albedo, others)

    build(sheet, take)
    return seen


def _foil(sheet: Print) -> Floats:
    grid, n = sheet.grid, TEXELS_PER_PIXEL
    foil, mean = sheet.foil(), np.zeros((grid.pixel_rows, grid.pixel_columns), np.float32)
    inner = foil[grid.margin : grid.rows - grid.margin, grid.margin : grid.columns - grid.margin]
    for row, column in product(range(n), range(n)) if foil.size else ():
        mean += inner[row::n, column::n] / np.float32(n * n)
    return mean
