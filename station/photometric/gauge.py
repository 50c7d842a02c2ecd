"""The size and the depth of a piece of relief, from its pixels and the height around them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

STEP_MM = 0.2
"""A line is cut across so often: further apart than paper's relief is alike."""
SHOULDER_MM = (0.3, 0.4)
"""Where, to either side of a line's middle, the surface counts as undamaged."""
MIDDLE_MM = 0.1
"""The deepest place is looked for so near to the line's clearest pixels."""
RING_MM = (0.1, 0.4)
"""Distances from a spot between which the surface counts as undamaged."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Of pixels, along and across the direction in which they are spread most.

    Attributes:
        row, column: their centroid, pixels.
        length_mm, across_mm: from the first pixel to the last, along and across.
        angle_deg: of the long axis, 0 to 180, counter-clockwise from x.
    """

    row: float
    column: float
    length_mm: float
    across_mm: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Depth:
    """Of a flaw under its surroundings (negative: over them) and its standard uncertainty, um."""

    um: float
    sigma_um: float


def extent(rows: NDArray[np.intp], columns: NDArray[np.intp], pitch_mm: float) -> Extent:
    """How far some pixels reach."""
    along, across, axis = _turned(rows, columns)
    return Extent(
        row=float(rows.mean()),
        column=float(columns.mean()),
        length_mm=float(np.ptp(along) + 1) * pitch_mm,
        across_mm=float(np.ptp(across) + 1) * pitch_mm,
        angle_deg=float(np.degrees(np.arctan2(axis[1], axis[0])) % 180),
    )


def ridge(
    rows: NDArray[np.intp], columns: NDArray[np.intp], clear: Floats, pitch_mm: float
) -> NDArray[np.intp]:
    """Which of a line's pixels is the clearest in each section of `STEP_MM` along it."""
    along, _, _ = _turned(rows, columns)
    section = np.floor((along - along.min()) * pitch_mm / STEP_MM).astype(int)
    order = np.lexsort((-clear, section))
    return order[np.unique(section[order], return_index=True)[1]]


def line_depth(
    height_um: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], angle_deg: Floats, pitch_mm: float
) -> Depth:
    """Mean depth along a line: its middle against its shoulders, in sections across it.

    Args:
        height_um: (H, W).
        rows: of pixels in the line's middle, no nearer to each other than relief is alike.
        columns: of the same pixels.
        angle_deg: of the line at each of them.
        pitch_mm: of the picture.
    """
    steps = int(np.ceil(SHOULDER_MM[1] / pitch_mm))
    out_px = np.arange(-2 * steps, 2 * steps + 1) / 2
    heights = _sections(height_um, rows, columns, angle_deg, out_px)
    out_mm = np.abs(out_px) * pitch_mm
    shoulders = heights[:, (out_mm >= SHOULDER_MM[0]) & (out_mm <= SHOULDER_MM[1])].mean(axis=1)
    below = shoulders[:, None] - heights[:, out_mm <= MIDDLE_MM]
    deepest = below[:, np.argmax(np.abs(below.mean(axis=0)))]
    spread = deepest.std(ddof=1) if len(deepest) > 1 else abs(deepest[0])
    return Depth(float(deepest.mean()), float(spread / np.sqrt(len(deepest))))


def spot_depth(height_um: Floats, spot: Bools, valid: Bools, pitch_mm: float) -> Depth:
    """Depth of a spot's extreme under the plane through the ring around it.

    Its uncertainty is the scatter of the ring about that plane. Without enough of a ring it is infinite.
    """
    distance = cv2.distanceTransform((~spot).astype(np.uint8), cv2.DIST_L2, 5) * pitch_mm
    ring = (distance >= RING_MM[0]) & (distance <= RING_MM[1]) & valid
    if ring.sum() < 12:
        return Depth(0.0, float("inf"))
    row, column = np.indices(spot.shape)
    terms = np.stack([np.ones(spot.shape), column, row], axis=2)
    plane, *_ = np.linalg.lstsq(terms[ring], height_um[ring].astype(np.float64), rcond=None)
    below = (terms @ plane - height_um).astype(np.float32)
    inside = cv2.GaussianBlur(below, (0, 0), max(0.05 / pitch_mm, 0.3))[spot & valid]
    deepest = inside[np.argmax(np.abs(inside))] if inside.size else 0.0
    return Depth(float(deepest), float(below[ring].std()))


def _turned(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> tuple[Array, Array, Array]:
    """Places along and across the principal axis, and that axis (x right, y up); pixels."""
    places = np.column_stack([columns - columns.mean(), rows.mean() - rows])
    _, axes = np.linalg.eigh(places.T @ places)
    axis = axes[:, 1]
    return places @ axis, places @ np.array([-axis[1], axis[0]]), axis


def _sections(
    height_um: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], angle_deg: Floats, out_px: Array
) -> Array:
    """Heights on straight sections across a line: (sections, places)."""
    turn = np.radians(angle_deg)[:, None]
    x = columns[:, None] - np.sin(turn) * out_px
    y = rows[:, None] - np.cos(turn) * out_px
    taken = cv2.remap(
        height_um,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(taken, np.float64)
