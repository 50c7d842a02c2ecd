"""The card's own colours for a screen; false colours, and the legends that say what they mean."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..documents.profile import UNIT_MATRIX, Matrix
from .maps import Bools, Bytes, Floats

Table = NDArray[np.uint8]


def _of_opencv(code: int) -> Table:
    ramp = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    return np.ascontiguousarray(cv2.applyColorMap(ramp, code)[:, 0, ::-1]).astype(np.uint8)


def _between(*anchors: tuple[int, int, int]) -> Table:
    """Evenly spaced colours, linearly blended."""
    places = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), places, [a[c] for a in anchors]) for c in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


HEIGHT = _between((14, 40, 52), (28, 98, 102), (112, 158, 138), (208, 200, 164), (248, 242, 226))
DOUBT = _between((243, 240, 232), (226, 198, 146), (197, 124, 68), (124, 54, 36), (52, 20, 24))
SLOPE = _of_opencv(cv2.COLORMAP_BONE)
DIVERGING = _between((28, 74, 110), (98, 150, 180), (238, 236, 230), (205, 133, 92), (128, 52, 34))


def true_colours(linear: Floats, colour: Matrix) -> Floats:
    """Reflectances (..., 3) of the camera's channels as linear sRGB, by the matrix of its profile.

    With the unit matrix, that of a camera whose colours were never measured, the same array comes back.
    Otherwise colours that no screen shows are cut at zero; NaN stays NaN.
    """
    if colour == UNIT_MATRIX:
        return linear
    return np.asarray(np.maximum(linear @ np.array(colour, np.float32).T, 0), np.float32)


def robust_range(values: Floats, valid: Bools, low: float, high: float) -> tuple[float, float] | None:
    """Percentiles of the measured, finite values; None if there are none. Never of zero width."""
    usable = values[valid & np.isfinite(values)]
    if not usable.size:
        return None
    bottom, top = (float(p) for p in np.percentile(usable, (low, high)))
    return (bottom, top) if top > bottom else (bottom - 0.5, bottom + 0.5)


def paint(values: Floats, between: tuple[float, float], table: Table) -> Bytes:
    """Values as colours of the table, clipped to the range; NaN is painted like the lower end."""
    bottom, top = between
    share = np.clip((np.nan_to_num(values, nan=bottom) - bottom) / (top - bottom), 0.0, 1.0)
    return np.asarray(table[np.rint(255 * share).astype(np.uint8)])


def gradient(table: Table, stops: int = 12) -> str:
    """The table as a CSS gradient from left to right."""
    picked = [table[round(i * 255 / (stops - 1))] for i in range(stops)]
    return f"linear-gradient(to right, {', '.join(f'rgb({r} {g} {b})' for r, g, b in picked)})"


def normal_ball(size_px: int = 96) -> tuple[Bytes, Bools]:
    """The colours of all normals of the upper half space on a ball, as the key to a map of normals."""
    axis = (np.arange(size_px) + 0.5) / size_px * 2 - 1
    x, y = np.meshgrid(axis, -axis)
    inside = x**2 + y**2 < 1
    z = np.sqrt(np.maximum(0, 1 - x**2 - y**2))
    return paint_normals(np.dstack([x, y, z]).astype(np.float32)), inside


def paint_normals(normals: Floats, gain: float = 1.0) -> Bytes:
    """Normals as colours: red is x, green is y, blue is z, each -1 to 1; `gain` multiplies slopes first."""
    stretched = np.nan_to_num(normals) * np.array([gain, gain, 1.0], np.float32)
    unit = stretched / np.maximum(np.linalg.norm(stretched, axis=2, keepdims=True), 1e-9)
    return np.asarray(np.rint(np.clip(127.5 + 127.5 * unit, 0, 255)), np.uint8)
