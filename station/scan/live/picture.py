"""A frame made small: for the judgement on the mat, and as a JPEG for people. Pure."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...camera.interface import Pixels, full_scale
from ...card.geometry import pitch_mm
from ...card.mat import CELL_MM
from ...documents.profile import CameraProfile

PREVIEW_PX = 640
"""Widest preview."""
_GAMMA = 1 / 2.2
_CODES = 255.0
_MEAN = np.full((1, 3), 1 / 3, np.float32)


@dataclass(frozen=True, slots=True)
class Small:
    """Pictures of one frame.

    Attributes:
        grey: float32 (rows, columns), cells of `CELL_MM` on the mat, 8-bit codes after black level.
        preview: (h, w, 3) RGB of the frame's own type, at most `PREVIEW_PX` wide; None: not wanted.
    """

    grey: NDArray[np.float32]
    preview: Pixels | None


def cells_of(camera: CameraProfile) -> tuple[int, int]:
    """Columns and rows of cells that the picture has on the mat, whatever its size in pixels is."""
    pitch = pitch_mm(camera, (0.0, 0.0), 0.0) / CELL_MM
    return round(camera.width_px * pitch), round(camera.height_px * pitch)


def reduced(pixels: Pixels, camera: CameraProfile, cells: tuple[int, int], *, preview: bool) -> Small:
    """Make a frame (H, W, 3) small; `cells` as in `cells_of`."""
    small = _halved(pixels, PREVIEW_PX)
    # whole codes are too coarse for the dark mat: their mean over a cell is not, once they are no integers
    mean = cv2.transform(small.astype(np.float32), _MEAN)
    grey = np.asarray(cv2.resize(mean, cells, interpolation=cv2.INTER_AREA), np.float32)
    grey *= _CODES / full_scale(pixels.dtype)
    grey -= np.float32(camera.black_level * _CODES / camera.full_scale)
    return Small(grey, small if preview else None)


def jpeg(preview: Pixels, quality: int, *, linear: bool) -> bytes:
    """Encode a small picture (h, w, 3), RGB; codes that are linear are made fit to be looked at."""
    shown = _shown(preview, linear=linear)
    ok, data = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"a picture of {shown.shape} cannot be made a JPEG")
    return data.tobytes()


def _halved(pixels: Pixels, most_px: int) -> Pixels:
    """Halved until it is no wider; by OpenCV that is five times as fast as doing it at once."""
    small = pixels
    while small.shape[1] > most_px:
        rows, columns = small.shape[0] // 2, small.shape[1] // 2
        even = small[: 2 * rows, : 2 * columns]
        small = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def _shown(preview: Pixels, *, linear: bool) -> NDArray[np.uint8]:
    eight = preview if preview.dtype == np.uint8 else np.asarray(preview >> 8, np.uint8)
    if not linear:
        return np.asarray(eight, np.uint8)
    curve = np.round(_CODES * (np.arange(256) / _CODES) ** _GAMMA).astype(np.uint8)
    return np.asarray(cv2.LUT(eight, curve), np.uint8)
