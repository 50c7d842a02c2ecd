"""A picture of the board as it was understood, and what is wrong with it in words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding

Array = NDArray[np.float64]

_LEAST_SHARE = 0.25
"""Of the corners; fewer say too little about the board's pose."""
_DARKEST, _TOO_DARK = 0.1, 0.3
"""Paper's share of full scale below which a picture is refused, and below which more light is worth it."""
_CLIPPED, _LARGELY_CLIPPED = 0.01, 0.2
"""A clipped edge wanders, the crossing of two does not as long as both sides wander alike."""
_BLUR_PX, _BLUR_MM = 1.2, 0.1
"""An edge is soft where its Gaussian sigma exceeds both: a camera that samples finely need not be sharp to
a pixel, one that samples coarsely cannot be sharp to a tenth of a millimetre."""


@dataclass(frozen=True, slots=True)
class BoardView:
    """One picture of the board.

    Attributes:
        ids: (N,), OpenCV's numbers of the inner corners, row by row from the board's upper left.
        corners_px: (N, 2), in the picture as it was handed in.
        sigma_px: (N,), standard uncertainty of each coordinate, by the noise around that corner alone.
        object_mm: (N, 3), where these corners lie on the board: origin in its middle, x right, y up, z = 0.
        size_px: width and height of the picture.
        edge_px: Gaussian sigma of the edges, the pixel's own width included; NaN: none were found.
        mirrored: whether the board is seen as in a mirror.
        brightness: of the paper, share of full scale.
        clipped: share of the paper's pixels at the top of the scale.
        findings: what is wrong; a severe one: the picture is not to be used.
    """

    ids: NDArray[np.int64]
    corners_px: Array
    sigma_px: Array
    object_mm: Array
    size_px: tuple[int, int]
    edge_px: float
    mirrored: bool
    brightness: float
    clipped: float
    findings: tuple[CalibrationFinding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether nothing severe was found."""
        return not any(finding.severe for finding in self.findings)

    def stretched(self, across: float, down: float) -> Self:
        """The same view of a board that the printer made larger by these factors."""
        return replace(self, object_mm=self.object_mm * (across, down, 1.0))


def board_findings(view: BoardView, corners: int, px_per_mm: float) -> Iterator[CalibrationFinding]:
    """What is wrong with a view of a board that has so many corners in all (0: none was found)."""
    if view.brightness < _TOO_DARK:
        yield CalibrationFinding(
            kind="too_dark",
            message=f"The brightest paper reaches only {100 * view.brightness:.0f} % of full scale.",
            next_step="Expose longer or raise the gain until the paper reaches about two thirds.",
            severe=view.brightness < _DARKEST or not len(view.ids),
        )
    if view.clipped > _CLIPPED:
        yield CalibrationFinding(
            kind="clipped",
            message=f"{100 * view.clipped:.0f} % of the paper's pixels are at the top of the scale.",
            next_step="Expose shorter, or turn the board so that its print does not shine into the lens.",
            severe=view.clipped > _LARGELY_CLIPPED,
        )
    if not len(view.ids):
        yield CalibrationFinding(
            kind="not_found",
            message="No printed board was found in the picture.",
            next_step="Lay the board face up, wholly in the picture, in focus and without shine.",
        )
        return
    if len(view.ids) < _LEAST_SHARE * corners:
        yield CalibrationFinding(
            kind="too_few",
            message=f"Only {len(view.ids)} of the board's {corners} corners were found.",
            next_step="Move more of the board into the picture, and see that nothing covers it or shines.",
        )
    if view.mirrored:
        yield CalibrationFinding(
            kind="mirrored",
            message="The camera delivers mirrored pictures: the board's markers read only in a mirror.",
            next_step="Switch mirroring off in the camera's settings (often called flip or mirror).",
        )
    yield from _blurred(view, px_per_mm)


def _blurred(view: BoardView, px_per_mm: float) -> Iterator[CalibrationFinding]:
    softness = min(view.edge_px / _BLUR_PX, view.edge_px / px_per_mm / _BLUR_MM)
    if softness > 1:
        yield CalibrationFinding(
            kind="blurred",
            message=f"The print's edges are {view.edge_px:.1f} pixels soft "
            f"({view.edge_px / px_per_mm:.2f} mm, Gaussian sigma).",
            next_step="Focus on the board and hold it still; a smaller aperture helps where it is tilted.",
            severe=softness > 2,
        )
