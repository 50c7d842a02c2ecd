"""From a picture to the card's own frame: nominal 63 x 88 mm, its centre in the middle, its sides upright."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM
from station.documents.profile import CameraProfile
from station.documents.scan import Outline

from .geometry import Points, plane_to_pixels, sampled_dpi

Image = NDArray[np.float32]

_MM_PER_INCH = 25.4
_CHANNELS_AT_ONCE = 4  # what cv2.remap takes
_KNOT_MM = 0.5
_FINER = 1.25  # from this ratio on, pixels are averaged before they are picked


@dataclass(frozen=True, slots=True)
class Rectification:
    """Where each pixel of the card frame lies in the picture; made once, applied to every picture of a stack.

    Attributes:
        columns, rows: float32 (H', W'), pixel coordinates in the picture.
        blur_px: standard deviation of the averaging that a coarser target needs, 0 for none.
    """

    columns: Image
    rows: Image
    blur_px: float

    def apply(self, image: Image) -> Image:
        """Resample a picture (H, W) or (H, W, C) into the card frame, by Lanczos over 8 x 8 pixels.

        What lies outside the picture becomes 0: no light was measured there.
        """
        source = np.asarray(image, np.float32)
        if self.blur_px > 0:
            source = np.asarray(cv2.GaussianBlur(source, (0, 0), self.blur_px), np.float32).reshape(
                source.shape
            )
        if source.ndim == 2:
            return self._remap(source)
        parts = [
            self._remap(source[..., first : first + _CHANNELS_AT_ONCE])
            for first in range(0, source.shape[2], _CHANNELS_AT_ONCE)
        ]
        return np.concatenate([part.reshape(*self.rows.shape, -1) for part in parts], axis=2)

    def _remap(self, source: Image) -> Image:
        return np.asarray(
            cv2.remap(
                np.ascontiguousarray(source),
                self.columns,
                self.rows,
                cv2.INTER_LANCZOS4,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(0, 0, 0, 0),
            ),
            np.float32,
        )


def frame_shape(dpi: float) -> tuple[int, int]:
    """Rows and columns of the card frame."""
    return round(CARD_HEIGHT_MM * dpi / _MM_PER_INCH), round(CARD_WIDTH_MM * dpi / _MM_PER_INCH)


def frame_xy_mm(dpi: float) -> tuple[Points, Points]:
    """Card coordinates of the pixel centres: x (W',) to the right, y (H',) upward, in mm."""
    height, width = frame_shape(dpi)
    pitch = _MM_PER_INCH / dpi
    x = (np.arange(width) + 0.5) * pitch - CARD_WIDTH_MM / 2
    y = CARD_HEIGHT_MM / 2 - (np.arange(height) + 0.5) * pitch
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def card_to_mat(outline: Outline, xy_mm: Points) -> Points:
    """Points (N, 2) of the card frame in the mat frame."""
    turn = np.radians(outline.rotation_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(xy_mm @ matrix.T + np.mean(outline.corners_mm, axis=0), np.float64)


def mat_to_card(outline: Outline, xy_mm: Points) -> Points:
    """Points (N, 2) of the mat frame in the card frame."""
    turn = np.radians(outline.rotation_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray((xy_mm - np.mean(outline.corners_mm, axis=0)) @ matrix, np.float64)


def rectification(camera: CameraProfile, outline: Outline, dpi: float, z_mm: float = 0.3) -> Rectification:
    """The map from the card frame at `dpi` to the picture, for a face at height `z_mm`."""
    x, y = frame_xy_mm(dpi)
    spread_x, spread_y = _knots(x), _knots(y)
    grid = np.stack(np.broadcast_arrays(spread_x[0][None, :], spread_y[0][:, None]), axis=-1).reshape(-1, 2)
    pixels = plane_to_pixels(camera, card_to_mat(outline, grid), z_mm)
    coarse = pixels.reshape(len(spread_y[0]), len(spread_x[0]), 2)
    columns, rows = (spread_y[1] @ coarse[..., axis] @ spread_x[1].T for axis in (0, 1))
    ratio = sampled_dpi(camera, z_mm) / dpi
    # a Gaussian pixel of the target's pitch, less the pixel the picture has already
    blur = 0.5 * float(np.sqrt(ratio**2 - 1)) if ratio > _FINER else 0.0
    return Rectification(columns.astype(np.float32), rows.astype(np.float32), blur)


def _knots(positions: Points) -> tuple[Points, Points]:
    """Every so many positions, and the matrix that interpolates all from them.

    A lens bends so little between knots half a millimetre apart that straight lines are within 0.001 px.
    """
    count = max(2, round(float(np.ptp(positions)) / _KNOT_MM) + 1)
    knots = np.linspace(positions[0], positions[-1], count)
    place = np.linspace(0, count - 1, len(positions))
    left = np.minimum(place.astype(int), count - 2)
    matrix = np.zeros((len(positions), count))
    every = np.arange(len(positions))
    matrix[every, left] = 1 - (place - left)
    matrix[every, left + 1] += place - left
    return knots.astype(np.float64), matrix


def rectify(
    image: NDArray[np.floating], camera: CameraProfile, outline: Outline, dpi: float, z_mm: float = 0.3
) -> Image:
    """A picture (H, W) or (H, W, C) in the card frame: float32 (H', W') or (H', W', C)."""
    return rectification(camera, outline, dpi, z_mm).apply(np.asarray(image, np.float32))
