"""A rig profile as the computation uses it: the document, its flat field, and a hash that names both."""

import hashlib
import io
import tomllib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.ndimage import map_coordinates

from ..documents.fault import StationError
from ..documents.profile import CameraProfile, RigProfile
from ..share import shared

ASPECT_TOLERANCE = 0.005
"""A picture whose aspect ratio differs by more was cropped, and of that the profile says nothing."""


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile whose files were read and checked.

    Attributes:
        profile: the document.
        flat: float32 (lights, rows, columns, 3): linear codes of the matte target, grid as in
            `FlatFieldProfile`.
        sha256: over the bytes of the TOML and of the array file.
        path: of the TOML.
    """

    profile: RigProfile
    flat: NDArray[np.float32]
    sha256: str
    path: Path

    def scaled(self, width_px: int, height_px: int) -> "LoadedProfile":
        """The same optics at another picture size, such as a binned mode of the camera.

        The flat field covers the picture whatever its size and stays. So do the sensor's codes and noise:
        a mode that averages pixels is less noisy than this says.

        Raises:
            StationError: `profile_invalid`, the aspect ratio is another one.
        """
        camera = self.profile.camera
        if (width_px, height_px) == (camera.width_px, camera.height_px):
            return self
        across, down = width_px / camera.width_px, height_px / camera.height_px
        if not (across > 0 and abs(down / across - 1.0) <= ASPECT_TOLERANCE):
            raise StationError(
                "profile_invalid",
                f"profile {self.profile.name} is for pictures of {camera.width_px} x {camera.height_px} "
                f"pixels, not {width_px} x {height_px}",
            )
        scaled = scaled_camera(camera, width_px, height_px)
        return replace(self, profile=self.profile.replace(camera=scaled))

    def flat_at(self, uv: NDArray[np.floating]) -> NDArray[np.float32]:
        """The flat field at pixels (N, 2) of the full picture, bilinear: (lights, N, 3).

        Beyond the picture's border the border's value holds.
        """
        camera = self.profile.camera
        _, rows, columns, _ = self.flat.shape
        at_row = uv[:, 1] * (rows - 1) / max(camera.height_px - 1, 1)
        at_column = uv[:, 0] * (columns - 1) / max(camera.width_px - 1, 1)
        where = np.stack([at_row, at_column])
        planes = np.moveaxis(self.flat, 3, 1).reshape(-1, rows, columns)
        sampled = [map_coordinates(plane, where, order=1, mode="nearest") for plane in planes]
        return np.moveaxis(np.stack(sampled).reshape(len(self.flat), 3, -1), 1, 2).astype(np.float32)


def scaled_camera(camera: CameraProfile, width_px: int, height_px: int) -> CameraProfile:
    """The camera with its picture resampled; pixel (0, 0) stays the centre of the first pixel."""
    fx, fy, cx, cy = camera.matrix
    across, down = width_px / camera.width_px, height_px / camera.height_px
    matrix = (fx * across, fy * down, (cx + 0.5) * across - 0.5, (cy + 0.5) * down - 0.5)
    return camera.replace(width_px=width_px, height_px=height_px, matrix=matrix)


def load_profile(name_or_path: str) -> LoadedProfile:
    """Read a profile that ships with the station (by name) or lies anywhere (by the path of its TOML).

    Raises:
        StationError: `profile_invalid`, with what is wrong in which file.
    """
    path = _find(name_or_path)
    text = _read(path)
    profile = _parse(text, path)
    array_path = path.with_name(profile.flat_field.file)
    array = _read(array_path)
    if hashlib.sha256(array).hexdigest() != profile.flat_field.sha256:
        raise StationError(
            "profile_invalid", f"{array_path} is not the flat field that {path.name} was made with"
        )
    flat = _flat(array, array_path, len(profile.lights))
    return LoadedProfile(profile, flat, hashlib.sha256(text + array).hexdigest(), path)


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path).expanduser()
    try:
        return shared("calibration", f"{name_or_path}.toml")
    except FileNotFoundError as error:
        raise StationError("profile_invalid", f"there is no rig profile named {name_or_path}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StationError("profile_invalid", f"{path} cannot be read: {error.strerror}") from error


def _parse(text: bytes, path: Path) -> RigProfile:
    try:
        return RigProfile.model_validate(tomllib.loads(text.decode("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StationError("profile_invalid", f"{path} is not a TOML file: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise StationError(
            "profile_invalid", f"{path} is not a rig profile: {field}: {first['msg']}"
        ) from error


def _flat(array: bytes, path: Path, lights: int) -> NDArray[np.float32]:
    try:
        with np.load(io.BytesIO(array), allow_pickle=False) as file:
            flat = np.asarray(file["flat"])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise StationError("profile_invalid", f"{path} holds no readable array named flat") from error
    if flat.dtype != np.float32 or flat.ndim != 4 or flat.shape[0] != lights or flat.shape[3] != 3:
        raise StationError(
            "profile_invalid",
            f"{path} holds {flat.dtype} {flat.shape}, not a flat field float32 ({lights}, rows, columns, 3)",
        )
    if min(flat.shape[1:3]) < 2 or not (np.isfinite(flat).all() and (flat > 0).all()):
        raise StationError(
            "profile_invalid", f"{path} holds a flat field with values that are not positive numbers"
        )
    return flat
