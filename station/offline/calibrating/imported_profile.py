"""A rig profile in which only the lights are known, and those by hearsay."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from ...calibrate.profile import LoadedProfile
from ...card.geometry import pixels_to_plane
from ...documents.profile import CameraProfile, FlatFieldProfile, LightProfile, RigProfile, Vector
from ...photometric.lights import irradiance

Array = NDArray[np.float64]

GRID = (41, 33)
BRIGHTEST = 0.7
"""Of full scale, in the computed flat field: its scale is arbitrary, as nothing was exposed."""
DARKEST = 1e-3
"""Of the brightest: beyond a lamp that stands very low there is nothing by the formula, and a flat field is
never nothing."""
EXPOSURE_US = 10_000
CAMERA_ABOVE_MM = 400.0
ACROSS_MM = 80.0
"""A card and some mat around it."""
SIZE_PX = (1920, 2460)


@dataclass(frozen=True, slots=True)
class ListedLights:
    """The lights of a list.

    Attributes:
        positions_mm: (K, 3), mat frame.
        powers: (K, 3).
        across_mm: what the picture covers; 0: not known.
        placed: whether the list told the places, or only directions.
    """

    positions_mm: Array
    powers: Array
    across_mm: float
    placed: bool


def imported_profile(
    name: str, note: str, created: str, lights: ListedLights, like: LoadedProfile | None
) -> tuple[RigProfile, NDArray[np.float32]]:
    """The profile, and its flat field as it follows from the lights alone.

    File and hash of the flat field are filled in where it is stored. Camera and plane are those of `like`;
    without it the camera is a nominal one.
    """
    lamps = tuple(
        _lamp(place, power) for place, power in zip(lights.positions_mm, lights.powers.tolist(), strict=True)
    )
    camera = like.profile.camera if like else nominal_camera(lights.across_mm or ACROSS_MM)
    old = like.profile.flat_field if like else None
    plane = FlatFieldProfile(
        file="",
        sha256="",
        reflectance=old.reflectance if old else 1.0,
        exposure_us=old.exposure_us if old else EXPOSURE_US,
        plane_z_mm=old.plane_z_mm if old else 0.0,
    )
    document = RigProfile(
        name=name,
        created=created,
        simulated=bool(like and like.profile.simulated),
        measured=False,
        board_id=like.profile.board_id if like else "",
        note=note,
        lights=lamps,
        camera=camera,
        flat_field=plane,
    )
    return document, _flat_field(lamps, camera, plane.plane_z_mm)


def nominal_camera(across_mm: float) -> CameraProfile:
    """Straight above the card, linear and without distortion; the picture is as wide as was asked for.

    The noise is a code's, which is more than rounding and less than a bad camera's: it was not measured.
    """
    width, height = SIZE_PX
    focal = CAMERA_ABOVE_MM * width / across_mm
    return CameraProfile(
        width_px=width,
        height_px=height,
        matrix=(focal, focal, (width - 1) / 2, (height - 1) / 2),
        distortion=(0.0, 0.0, 0.0, 0.0, 0.0),
        rotation=(pi, 0.0, 0.0),
        translation_mm=(0.0, 0.0, CAMERA_ABOVE_MM),
        bit_depth=8,
        black_level=0.0,
        full_scale=255.0,
        noise_a=0.0,
        noise_b=1.0,
        readout_us=0,
    )


def _lamp(position_mm: Array, power: list[float]) -> LightProfile:
    x, y, z = position_mm.tolist()
    axis = -position_mm / np.linalg.norm(position_mm)
    red, green, blue = power
    return LightProfile(position_mm=(x, y, z), power=(red, green, blue), axis=_vector(axis), lobe=1.0)


def _vector(values: Array) -> Vector:
    x, y, z = values.tolist()
    return x, y, z


def _flat_field(
    lamps: tuple[LightProfile, ...], camera: CameraProfile, plane_z_mm: float
) -> NDArray[np.float32]:
    rows, columns = GRID
    v, u = np.meshgrid(
        np.linspace(0, camera.height_px - 1, rows),
        np.linspace(0, camera.width_px - 1, columns),
        indexing="ij",
    )
    pixels = np.stack([u.ravel(), v.ravel()], axis=1)
    ground = pixels_to_plane(camera, pixels, plane_z_mm)
    points = np.column_stack([ground, np.full(len(ground), plane_z_mm)]).reshape(rows, columns, 3)
    flat = np.stack([irradiance(lamp, points)[..., None] * np.array(lamp.power) for lamp in lamps])
    share = np.maximum(flat / flat.max(), DARKEST)
    return np.asarray(share * (BRIGHTEST * camera.full_scale), np.float32)
