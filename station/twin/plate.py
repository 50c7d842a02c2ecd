"""Anything thin, matte and printed, slightly warped, in any pose: where rays meet it, what samples see of it.

The plate's own frame has its origin in the plate's middle, u to its right, v up, w out of its face.
"""

from dataclasses import dataclass
from math import cos, radians, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from . import samples
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, Floats
from .optics import Doubles, Optics

COARSE = 8
"""Every so many samples the ray is traced; between them its way over the plate is a straight line within
0.002 pixels, for a plate held at 30 degrees and seen at 75 samples per inch."""
STRIP_ROWS = 256
ROUNDS = 5
"""Of the search for the place where a ray meets a warped plate: its warp is slight, each round divides the
error by more than ten."""


@dataclass(frozen=True, slots=True)
class PlatePose:
    """Where a plate's middle is, mat frame, and how the plate is turned.

    Attributes:
        turn_deg: about its own normal, counter-clockwise, before it is tilted.
        tilt_deg: then about the mat's x axis and about its y axis, right-handed.
    """

    x_mm: float = 0.0
    y_mm: float = 0.0
    z_mm: float = 0.3
    tilt_deg: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0

    def rotation(self) -> Doubles:
        """3 x 3, plate frame to mat frame."""
        a, b, c = (radians(angle) for angle in (*self.tilt_deg, self.turn_deg))
        rx = np.array([[1, 0, 0], [0, cos(a), -sin(a)], [0, sin(a), cos(a)]])
        ry = np.array([[cos(b), 0, sin(b)], [0, 1, 0], [-sin(b), 0, cos(b)]])
        rz = np.array([[cos(c), -sin(c), 0], [sin(c), cos(c), 0], [0, 0, 1]])
        return np.asarray(ry @ rx @ rz, np.float64)

    @property
    def middle_mm(self) -> Doubles:
        """Of the plate, mat frame."""
        return np.array([self.x_mm, self.y_mm, self.z_mm])

    def on_mat_mm(self, places_mm: Doubles) -> Doubles:
        """Places (..., 3) of the plate frame in the mat frame."""
        return np.asarray(places_mm @ self.rotation().T + self.middle_mm, np.float64)


@dataclass(frozen=True, slots=True)
class Warp:
    """Height of a face over its plane; the bow's mean over `span_mm` is zero.

    Attributes:
        bow_mm: height of the middle over the two ends of the long side.
        twist_mm: by how much the corners of the span are lifted and sunk in turn.
        span_mm: width and height over which that is meant; the shape goes on beyond.
    """

    bow_mm: float = 0.0
    twist_mm: float = 0.0
    span_mm: tuple[float, float] = (CARD_WIDTH_MM, CARD_HEIGHT_MM)

    def height_mm(self, u_mm: Doubles, v_mm: Doubles) -> Doubles:
        """Of places (...) of the plate."""
        across, along = 2 * u_mm / self.span_mm[0], 2 * v_mm / self.span_mm[1]
        return np.asarray(self.bow_mm * (1 / 3 - along**2) + self.twist_mm * across * along, np.float64)

    def slopes(self, u_mm: Floats, v_mm: Floats) -> tuple[Floats, Floats]:
        """dw/du and dw/dv."""
        wide, tall = self.span_mm[0] / 2, self.span_mm[1] / 2
        skew = self.twist_mm / (wide * tall)
        return skew * v_mm, skew * u_mm - 2 * self.bow_mm / tall**2 * v_mm


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate as the renderer needs it.

    Attributes:
        size_mm: width and height.
        texture: float32 (rows, columns, 3), reflectance, over the whole plate, its first row at the top.
    """

    pose: PlatePose
    warp: Warp
    size_mm: tuple[float, float]
    texture: Floats

    def on_mat_mm(self, places_mm: Doubles) -> Doubles:
        """Places (..., 2) of the face, plate frame, in the mat frame (..., 3)."""
        u, v = places_mm[..., 0], places_mm[..., 1]
        return self.pose.on_mat_mm(np.stack((u, v, self.warp.height_mm(u, v)), axis=-1))

    def met_by(self, optics: Optics, pixels: Doubles) -> Doubles:
        """Places (..., 2), plate frame, that pixels (..., 2) look at; beyond its rim it goes on level."""
        turn = self.pose.rotation()
        rays = optics.directions(pixels) @ turn
        eye = (optics.centre_mm - self.pose.middle_mm) @ turn
        w: Doubles = np.zeros(pixels.shape[:-1])
        for _ in range(ROUNDS):
            reach = (w - eye[2]) / rays[..., 2]
            u, v = (eye[k] + reach * rays[..., k] for k in (0, 1))
            inside = (np.clip(x, -s / 2, s / 2) for x, s in zip((u, v), self.size_mm, strict=True))
            w = self.warp.height_mm(*inside)
        return np.stack((u, v), axis=-1)


def lay(buffer: NDArray[np.int16], segments: int, plate: Plate, optics: Optics) -> None:
    """Put a plate over what a buffer (of `samples.fill`) shows; where the plate ends, that stays."""
    planes = buffer.reshape(-1, segments, samples.PLANES, samples.SEGMENT)
    width = segments * samples.SEGMENT
    for first in range(0, len(planes), STRIP_ROWS):
        strip = planes[first : first + STRIP_ROWS]
        u, v = _traced(plate, optics, first, len(strip), width)
        cover = _cover(plate, u, v, 25.4 / optics.dpi / 2)[..., None]
        seen = np.concatenate((_normals(plate, u, v), _reflectance(plate, u, v)), axis=-1) * samples.UNIT
        for k in range(5):
            beneath = _in_order(strip[:, :, k])
            _put(strip[:, :, k], seen[..., k] * cover[..., 0] + beneath * (1 - cover[..., 0]))


def _traced(plate: Plate, optics: Optics, first: int, rows: int, width: int) -> tuple[Floats, Floats]:
    """Places on the plate (rows, width) of the samples from row `first` on."""
    down, across = _coarse(first, -(-rows // COARSE)), _coarse(0, width // COARSE)
    pixels = np.stack(np.broadcast_arrays(across, down[:, None]), axis=-1)
    traced = plate.met_by(optics, pixels).astype(np.float32)
    whole = cv2.resize(traced, None, fx=COARSE, fy=COARSE, interpolation=cv2.INTER_LINEAR)
    inner = np.asarray(whole[COARSE : COARSE + rows, COARSE : COARSE + width], np.float32)
    return inner[..., 0], inner[..., 1]


def _coarse(first: int, count: int) -> Doubles:
    """Pixel coordinates of the middles of groups of samples, one group more at either end."""
    return samples.to_pixel(first + COARSE * np.arange(-1.0, count + 1) + (COARSE - 1) / 2)


def _cover(plate: Plate, u: Floats, v: Floats, pitch_mm: float) -> Floats:
    """Share of each sample that the plate covers."""
    wide, tall = plate.size_mm
    inside = np.minimum(wide / 2 - np.abs(u), tall / 2 - np.abs(v))
    return np.clip(0.5 + inside / pitch_mm, 0, 1).astype(np.float32)


def _normals(plate: Plate, u: Floats, v: Floats) -> Floats:
    """X and y of the face's unit normal, mat frame: (..., 2)."""
    right, up = plate.warp.slopes(u, v)
    normals = np.stack((-right, -up, np.ones_like(u)), axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals @ plate.pose.rotation()[:2].T.astype(np.float32), np.float32)


def _reflectance(plate: Plate, u: Floats, v: Floats) -> Floats:
    rows, columns = plate.texture.shape[:2]
    wide, tall = plate.size_mm
    column = (u / wide + 0.5) * columns - 0.5
    row = (0.5 - v / tall) * rows - 0.5
    return np.asarray(
        cv2.remap(
            plate.texture, column, row, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )


def _in_order(plane: NDArray[np.int16]) -> Floats:
    """One plane of a strip (rows, segments, SEGMENT) as samples (rows, width) from left to right."""
    ordered = np.empty(plane.shape, np.float32)
    ordered[..., 0::2], ordered[..., 1::2] = plane[..., : samples.HALF], plane[..., samples.HALF :]
    return ordered.reshape(len(plane), -1)


def _put(plane: NDArray[np.int16], values: Floats) -> None:
    """The reverse of `_in_order`."""
    ordered = np.rint(values).astype(np.int16).reshape(plane.shape)
    plane[..., : samples.HALF], plane[..., samples.HALF :] = ordered[..., 0::2], ordered[..., 1::2]
