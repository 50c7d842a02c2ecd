"""A colour chart in its printed frame, as the twin's camera sees colours."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from ..documents.boards import ChartSpec
from .charuco import INK, PAPER
from .optics import Doubles
from .paper import Paper
from .plate import Plate, PlatePose, Warp
from .spec import Unkind

CAMERA_FROM_SRGB: Doubles = np.array([[0.72, 0.23, 0.05], [0.14, 0.74, 0.12], [0.04, 0.22, 0.74]])
"""Linear sRGB to what the camera sees of it, white-balanced: its filters overlap, grey stays grey."""
MARGIN_MM = 4.0
"""White paper around the frame."""
GROUND = 0.06
"""Reflectance of the chart between its patches."""
FILLED = 0.9
"""Side of a patch, as a share of the way to the next."""


@dataclass(frozen=True, slots=True)
class ChartTarget:
    """A chart and its frame, matte and flat.

    Attributes:
        pose: of the middle of the frame.
        unkind: what its picture suffers; only motion, drift, noise and ambient light apply.
    """

    spec: ChartSpec
    pose: PlatePose = field(default_factory=PlatePose)
    unkind: Unkind = field(default_factory=Unkind)

    def patches_mm(self) -> Doubles:
        """True middles (patches, 3) of the patches, row by row, mat frame."""
        (wide, tall), centres = self.spec.frame_mm, _centres(self.spec)
        flat = np.column_stack((centres[:, 0] - wide / 2, tall / 2 - centres[:, 1], np.zeros(len(centres))))
        return self.pose.on_mat_mm(flat)

    def seen(self) -> Doubles:
        """True reflectance (patches, 3) in the camera's channels, row by row."""
        return np.clip(np.array(self.spec.srgb) @ CAMERA_FROM_SRGB.T, 0, 1)

    def plate(self, pitch_mm: float) -> Plate:
        """The chart for a renderer whose samples lie this far apart."""
        sheet = Paper.blank(self.spec.frame_mm, MARGIN_MM, PAPER, pitch_mm)
        _draw_markers(sheet, self.spec)
        (x, y), (right, down) = self.spec.first_mm, self.spec.step_mm
        columns, rows = self.spec.columns, self.spec.rows
        whole = x - right / 2, y - down / 2, x + (columns - 0.5) * right, y + (rows - 0.5) * down
        sheet.fill(whole, GROUND, over=PAPER)
        half_x, half_y = FILLED * right / 2, FILLED * down / 2
        for (across, below), colour in zip(_centres(self.spec), self.seen(), strict=True):
            sheet.fill(
                (across - half_x, below - half_y, across + half_x, below + half_y), colour, over=GROUND
            )
        return Plate(self.pose, Warp(), sheet.size_mm, sheet.texture)


def _centres(spec: ChartSpec) -> Doubles:
    """(patches, 2), from the frame's upper left corner, x to the right, y down."""
    row, column = np.divmod(np.arange(spec.rows * spec.columns), spec.columns)
    return np.asarray(np.array(spec.first_mm) + np.column_stack((column, row)) * spec.step_mm, np.float64)


def _draw_markers(sheet: Paper, spec: ChartSpec) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, spec.dictionary))
    bits = dictionary.markerSize + 2  # a border of one bit all round
    (wide, tall), side = spec.frame_mm, spec.marker_mm
    places = (0.0, 0.0), (wide - side, 0.0), (wide - side, tall - side), (0.0, tall - side)
    for number, (left, top) in zip(spec.markers, places, strict=True):
        pattern = dictionary.generateImageMarker(number, bits)
        for row, column in np.argwhere(pattern == 0):
            x, y = left + column * side / bits, top + row * side / bits
            sheet.fill((x, y, x + side / bits, y + side / bits), INK, over=PAPER)
