"""A printed ChArUco board, lying on the mat or held over it."""

from dataclasses import dataclass, field
from math import ceil, floor

import cv2
import numpy as np

from ..documents.boards import BoardSpec
from .grid import Floats
from .optics import Doubles
from .plate import Plate, PlatePose, Warp
from .spec import Unkind

PAPER, INK = 0.8, 0.05
"""Reflectance of white paper and of a laser printer's black."""
MARGIN_MM = 4.0
"""White paper around the squares, as it was designed."""
FINE = 200
"""Texels per square from which the pattern is averaged: markers lie within 0.5 % of a square."""


@dataclass(frozen=True, slots=True)
class BoardTarget:
    """The board as it was printed. Held over the mat it casts no shadow on it.

    Attributes:
        spec: what should have been printed.
        pose: of the middle of the squares.
        print_scale: by which the printer enlarged it.
        bend_mm: height of its middle over its upper and lower end.
        mirrored: whether it was printed the wrong way round, left and right exchanged.
        unkind: what its picture suffers; only motion, drift, noise and ambient light apply.
    """

    spec: BoardSpec = field(default_factory=BoardSpec)
    pose: PlatePose = field(default_factory=PlatePose)
    print_scale: float = 1.0
    bend_mm: float = 0.0
    mirrored: bool = False
    unkind: Unkind = field(default_factory=Unkind)

    @property
    def square_mm(self) -> float:
        """Side of a square as it was printed."""
        return self.spec.square_mm * self.print_scale

    def corners_mm(self) -> Doubles:
        """True places (corners, 3) of the inner corners, mat frame, in the order of OpenCV's numbers."""
        spec, side = self.spec, self.square_mm
        row, column = np.divmod(np.arange((spec.columns - 1) * (spec.rows - 1)), spec.columns - 1)
        u, v = (column + 1 - spec.columns / 2) * side, (spec.rows / 2 - row - 1) * side
        u = -u if self.mirrored else u
        return self.pose.on_mat_mm(np.stack((u, v, self._warp().height_mm(u, v)), axis=-1))

    def plate(self, pitch_mm: float) -> Plate:
        """The board for a renderer whose samples lie this far apart.

        A texel is a little larger than a sample, so that no edge falls between two of them.
        """
        texels = max(8, floor(self.square_mm / pitch_mm))
        texture = _pattern(self.spec, texels)
        rows, columns = (side / texels * self.square_mm for side in texture.shape[:2])
        if self.mirrored:
            texture = np.ascontiguousarray(texture[:, ::-1])
        return Plate(self.pose, self._warp(), (columns, rows), texture)

    def _warp(self) -> Warp:
        side = self.square_mm
        return Warp(bow_mm=self.bend_mm, span_mm=(self.spec.columns * side, self.spec.rows * side))


def _pattern(spec: BoardSpec, texels: int) -> Floats:
    """Reflectance (rows, columns, 3) of the board and its margin, so many texels to a square."""
    fine = texels * ceil(FINE / texels)
    drawn = board(spec).generateImage((spec.columns * fine, spec.rows * fine), marginSize=0, borderBits=1)
    size = spec.columns * texels, spec.rows * texels
    white = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    rim = round(MARGIN_MM / spec.square_mm * texels)
    white = np.pad(white, rim, constant_values=1.0)
    return np.repeat((INK + (PAPER - INK) * white)[..., None], 3, axis=-1).astype(np.float32)


def board(spec: BoardSpec) -> cv2.aruco.CharucoBoard:
    """OpenCV's board, lengths in millimetres."""
    markers = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, spec.dictionary))
    return cv2.aruco.CharucoBoard((spec.columns, spec.rows), spec.square_mm, spec.marker_mm, markers)
