"""The ground truth of a card: what a perfect instrument would find, in the rectified card frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .design import Borders, Flaw, Pose, design
from .grid import Floats
from .spec import CardSpec
from .surface import face_height_mm
from .texture import build

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
    face = build(drawn, dpi)
    grid = face.grid
    normals = np.stack((-face.slope_x, -face.slope_y, np.ones_like(face.slope_x)), axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    mean = grid.pixels(normals)
    return Truth(
        dpi=dpi,
        normals=mean / np.linalg.norm(mean, axis=-1, keepdims=True),
        albedo=grid.pixels(face.albedo),
        height_um=grid.pixels(face.height_um),
        gloss=grid.pixels(face.gloss),
        foil=grid.pixels(face.foil),
        mask=grid.pixels(face.coverage) >= INSIDE,
        borders=drawn.borders,
        pose=drawn.pose,
        flaws=drawn.flaws,
        width_mm=drawn.body.width_mm,
        height_mm=drawn.body.height_mm,
        corner_radius_mm=drawn.body.corner_radius_mm,
        face_mm=face_height_mm(drawn),
    )
