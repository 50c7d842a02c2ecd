"""The printed targets, as numbers that the printer, the camera and the twin share."""

from pydantic import Field

from .base import StrictDocument


class BoardSpec(StrictDocument):
    """A ChArUco board: a chessboard with a marker in every white square (OpenCV's, new pattern).

    Attributes:
        columns, rows: squares.
        square_mm: side of a square, as it was designed; a printer may make it a per cent larger or smaller.
        marker_mm: side of a marker.
        dictionary: OpenCV's name of the predefined dictionary.
    """

    columns: int = Field(default=8, ge=3)
    rows: int = Field(default=10, ge=3)
    square_mm: float = Field(default=9.0, gt=0)
    marker_mm: float = Field(default=6.75, gt=0)
    dictionary: str = "DICT_4X4_100"

    @property
    def corners(self) -> int:
        """Inner corners of the chessboard."""
        return (self.columns - 1) * (self.rows - 1)


class ChartSpec(StrictDocument):
    """A colour chart that lies in a printed frame with four markers, so that its patches are found.

    Lengths in millimetres from the frame's upper left corner, x to the right, y down.

    Attributes:
        name: of the chart.
        frame_mm: width and height of the rectangle whose corners are the outer corners of the four markers.
        marker_mm: side of a marker.
        markers: their numbers, clockwise from the upper left one.
        first_mm: centre of the first patch.
        step_mm: from patch to patch, across and down.
        columns, rows: of patches.
        patch_mm: side of the square in the middle of a patch that is looked at.
        srgb: linear sRGB (D65, 0 to 1) of each patch, row by row.
        dictionary: of the markers.
    """

    name: str
    frame_mm: tuple[float, float]
    marker_mm: float
    markers: tuple[int, int, int, int] = (90, 91, 92, 93)
    first_mm: tuple[float, float]
    step_mm: tuple[float, float]
    columns: int
    rows: int
    patch_mm: float
    srgb: tuple[tuple[float, float, float], ...]
    dictionary: str = "DICT_4X4_100"
