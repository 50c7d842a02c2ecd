"""The part of the pictures that the card covers, with its camera and its light."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..calibrate.codes import TOP
from ..calibrate.profile import LoadedProfile
from ..camera.interface import Pixels, full_scale
from ..card.geometry import pitch_mm, pixels_to_plane, plane_to_pixels
from ..documents.profile import CameraProfile
from ..documents.scan import Outline
from ..photometric.coat import ROUGHNESS, coat_over, coated_share, transmission
from ..photometric.lights import near_field
from ..photometric.stack import LightField, Sensor, unusable

Array = NDArray[np.float64]

MARGIN_MM = 2.0
NODE_MM = 1.35
"""Distance of the nodes on which light and geometry are known; between them straight lines do."""
INSIDE_MM = 1.0
"""What lies nearer to the card's edge takes no part in registration and gains: the edge throws shadows."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """A regular grid over a window, from corner pixel to corner pixel; N nodes, row by row.

    Attributes:
        shape: rows and columns.
        pixels: (N, 2).
        floor_mm, above_mm: (N, 2), where their rays cross the planes z = 0 and z = 1, mat frame.
    """

    shape: tuple[int, int]
    pixels: Array
    floor_mm: Array
    above_mm: Array

    def at(self, z_mm: NDArray[np.floating]) -> Array:
        """Where the rays reach the heights (N,): (N, 3)."""
        xy = self.floor_mm + (self.above_mm - self.floor_mm) * z_mm[:, None]
        return np.column_stack([xy, z_mm])


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the picture.

    Attributes:
        rows, columns: of the picture that it covers.
        camera: as if it had taken this rectangle alone.
        nodes: where light and geometry are known.
    """

    rows: slice
    columns: slice
    camera: CameraProfile
    nodes: Nodes

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.camera.height_px, self.camera.width_px

    def cut(self, frame: Pixels, shift_px: NDArray[np.floating] | tuple[float, float] = (0, 0)) -> Pixels:
        """The window of a frame, moved by whole pixels (x, y); beyond the picture its border is repeated."""
        left, top = (
            self.columns.start + round(float(shift_px[0])),
            self.rows.start + round(float(shift_px[1])),
        )
        height, width = self.shape
        if left >= 0 and top >= 0 and top + height <= frame.shape[0] and left + width <= frame.shape[1]:
            return frame[top : top + height, left : left + width]
        rows = np.clip(np.arange(top, top + height), 0, frame.shape[0] - 1)
        columns = np.clip(np.arange(left, left + width), 0, frame.shape[1] - 1)
        moved: Pixels = frame[rows[:, None], columns[None, :]]
        return moved


def around(outline: Outline, camera: CameraProfile, z_mm: float) -> Window:
    """The window around a card, with a margin of mat."""
    corners = plane_to_pixels(camera, np.array(outline.corners_mm), z_mm)
    middle = np.mean(outline.corners_mm, axis=0)
    margin = MARGIN_MM / pitch_mm(camera, (float(middle[0]), float(middle[1])), z_mm)
    left, top = np.maximum(np.floor(corners.min(axis=0) - margin), 0).astype(int)
    size = np.array([camera.width_px, camera.height_px])
    right, bottom = np.minimum(np.ceil(corners.max(axis=0) + margin) + 1, size).astype(int)
    fx, fy, cx, cy = camera.matrix
    matrix = (fx, fy, cx - float(left), cy - float(top))
    cropped = camera.replace(width_px=int(right - left), height_px=int(bottom - top), matrix=matrix)
    return Window(slice(int(top), int(bottom)), slice(int(left), int(right)), cropped, _nodes(cropped))


def _nodes(camera: CameraProfile) -> Nodes:
    size = (camera.height_px, camera.width_px)
    pitch = pitch_mm(camera, (0.0, 0.0), 0.0)
    rows, columns = (max(2, round(pixels * pitch / NODE_MM) + 1) for pixels in size)
    u, v = np.linspace(0, size[1] - 1, columns), np.linspace(0, size[0] - 1, rows)
    pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    floor, above = pixels_to_plane(camera, pixels, 0.0), pixels_to_plane(camera, pixels, 1.0)
    return Nodes((rows, columns), pixels, floor, above)


def card_mask(outline: Outline, camera: CameraProfile, z_mm: float, inset_mm: float) -> NDArray[np.bool_]:
    """Pixels (H, W) of the picture at least `inset_mm` inside the card's four sides."""
    corners = np.array(outline.corners_mm)
    middle = corners.mean(axis=0)
    half = np.array([outline.width_mm, outline.height_mm]) / 2
    shrunk = middle + (corners - middle) * (1 - inset_mm / half.min())
    polygon = np.round(plane_to_pixels(camera, shrunk, z_mm)).astype(np.int32)
    mask = np.zeros((camera.height_px, camera.width_px), np.uint8)
    return np.asarray(cv2.fillConvexPoly(mask, polygon, (1,)), np.uint8).astype(bool)


def sensor(profile: LoadedProfile, dtype: np.dtype[np.uint8] | np.dtype[np.uint16]) -> tuple[Sensor, float]:
    """The sensor in the codes of this stack, and how many of them make one of the profile's.

    A profile of 8 bits holds for 16-bit codes of the same sensor too: codes that span their whole type
    scale with it. Frames whose response was taken out span their whole type as well.

    Raises:
        StationError: `stack_unusable`: 8-bit codes, and a profile for deeper ones.
    """
    camera = profile.profile.camera
    linearised = profile.response is not None
    top = TOP if linearised else full_scale(dtype)
    deep = not linearised and camera.full_scale > full_scale(np.dtype(np.uint8))
    if deep and top < camera.full_scale:
        raise unusable(f"the profile is for codes up to {camera.full_scale:.0f}, these end at {top}")
    unit = 1.0 if deep else top / camera.full_scale
    return (
        Sensor(
            black_level=camera.black_level * unit,
            full_scale=camera.full_scale * unit,
            noise_a=camera.noise_a * unit,
            noise_b=camera.noise_b * unit**2,
        ),
        unit,
    )


@dataclass(frozen=True, slots=True)
class Face:
    """The large shape of what is lit, at the nodes of a window.

    Attributes:
        z_mm: (rows, columns), height over the mat.
        slope: (rows, columns, 2), dz/dx and dz/dy.
        coat: (lobes,), reflectance of each lobe of the coat; zeros: matte.
    """

    z_mm: Array
    slope: Array
    coat: Array

    @classmethod
    def level(cls, window: Window, z_mm: float) -> "Face":
        """A flat matte face."""
        shape = window.nodes.shape
        return cls(np.full(shape, z_mm), np.zeros((*shape, 2)), np.zeros(len(ROUGHNESS)))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the light field of a window is made from.

    Attributes:
        profile: scaled to the picture the window was cut from.
        lights: indices of the stack's lights in the profile.
        codes: (lights,), code of the stack per code of the profile, times the time for which the light was
            seen over the flat field's exposure.
    """

    profile: LoadedProfile
    lights: Sequence[int]
    codes: Array

    @property
    def lights_mm(self) -> Array:
        """Positions (lights, 3), mat frame."""
        return np.array([self.profile.profile.lights[index].position_mm for index in self.lights])

    @property
    def eye_mm(self) -> Array:
        """The camera's centre (3,), mat frame."""
        camera = self.profile.profile.camera
        turn = np.asarray(cv2.Rodrigues(np.array(camera.rotation))[0], np.float64)
        return np.asarray(-turn.T @ np.array(camera.translation_mm), np.float64)

    def field(self, window: Window, face: Face) -> LightField:
        """The light over a face."""
        flat_field = self.profile.profile.flat_field
        nodes, shape = window.nodes, window.nodes.shape
        whole = nodes.pixels + np.array([window.columns.start, window.rows.start])
        codes = (self.codes / flat_field.reflectance)[:, None, None]
        white = self.profile.flat_at(whole)[list(self.lights)] * codes
        on_card = nodes.at(face.z_mm.ravel())
        on_target = nodes.at(np.full(len(nodes.pixels), flat_field.plane_z_mm))
        lights = [self.profile.profile.lights[index] for index in self.lights]
        field = near_field(lights, on_card, white, on_target)
        through = transmission(on_card, self.lights_mm, coated_share(face.coat)).astype(np.float32)
        matte = LightField(
            flat=(field.flat * through[..., None]).reshape(-1, *shape, 3),
            tangent=field.tangent.reshape(-1, *shape, 2),
        )
        if not face.coat.any():
            return matte
        points = on_card.reshape(*shape, 3)
        return matte.coated(coat_over(points, self.lights_mm, self.eye_mm, face.coat, normals_of(face.slope)))


def normals_of(slope: Array) -> Array:
    """Unit normals (..., 3) of slopes (..., 2)."""
    normals = np.concatenate([-slope, np.ones_like(slope[..., :1])], axis=-1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True), np.float64)
