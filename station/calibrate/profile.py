"""A rig profile as the computation uses it: the document, its flat field, and a hash that names both."""

import hashlib
import io
import tomllib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.ndimage import map_coordinates

from ..documents.fault import StationError
from ..documents.profile import CameraProfile, RigProfile
from ..share import shared
from .codes import Pixels, linear_codes
from .mat.texture import scaled_places

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
        response: float32 (3, codes): linear code of each code of the camera; None: they are linear.
        mat: float32 (places, lights + 1, rows, columns): how the mat looks beside the card, see `mat`; None:
            the profile does not say.
        mat_px: float64 (places, 2): the pixels x, y of the places' middles.
        mat_scale: size of `mat` over that in the file.
    """

    profile: RigProfile
    flat: NDArray[np.float32]
    sha256: str
    path: Path
    response: NDArray[np.float32] | None = None
    mat: NDArray[np.float32] | None = None
    mat_px: NDArray[np.float64] | None = None
    mat_scale: float = 1.0

    def linear(self, pixels: Pixels) -> Pixels:
        """A frame (H, W, 3) of this camera in linear codes: itself, or its response taken out.

        What was not linear is uint16 afterwards, and the profile's full scale is the highest code of that.

        Raises:
            StationError: `stack_unusable`: 8-bit codes, and a profile for deeper ones.
        """
        if self.response is None:
            return pixels
        return linear_codes(self.response, self.profile.camera.full_scale, pixels)

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
        again = replace(self, profile=self.profile.replace(camera=scaled))
        if self.mat is None or self.mat_px is None:
            return again
        factors = np.array([across, down])
        return replace(
            again,
            mat=scaled_places(self.mat, across, down),
            mat_px=(self.mat_px + 0.5) * factors - 0.5,
            mat_scale=self.mat_scale * float(np.sqrt(across * down)),
        )

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


def load_profile(name_or_path: str, folder: Path | None = None) -> LoadedProfile:
    """Read a profile by its name or by the path of its TOML.

    Args:
        name_or_path: a name is looked for in `folder`, then among the profiles that ship with the station.
        folder: of the user's own profiles, see `store`.

    Raises:
        StationError: `profile_invalid`, with what is wrong in which file.
    """
    path = find_profile(name_or_path, folder)
    text = _read(path)
    array_path = path.with_name(_parse(text, path).flat_field.file)
    return read_profile(text, _read(array_path), path, array_path)


def read_profile(text: bytes, array: bytes, path: Path, array_path: Path) -> LoadedProfile:
    """Check the content of a profile's two files; the paths are for what is said of them.

    Raises:
        StationError: `profile_invalid`, with what is wrong in which file.
    """
    profile = _parse(text, path)
    if hashlib.sha256(array).hexdigest() != profile.flat_field.sha256:
        raise StationError(
            "profile_invalid", f"{array_path} is not the flat field that {path.name} was made with"
        )
    flat = _flat(array, array_path, len(profile.lights))
    response = _response(array, array_path, profile.camera) if profile.camera.response == "table" else None
    digest = hashlib.sha256(text + array).hexdigest()
    mat, mat_px = _mat(array, array_path, len(profile.lights)) if profile.mat else (None, None)
    return LoadedProfile(profile, flat, digest, path, response, mat, mat_px)


def find_profile(name_or_path: str, folder: Path | None = None) -> Path:
    """Where the TOML of a profile lies, see `load_profile`.

    Raises:
        StationError: `profile_invalid`, there is no profile of this name.
    """
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path).expanduser()
    if folder is not None and (own := folder / f"{name_or_path}.toml").is_file():
        return own
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


def _array(array: bytes, path: Path, name: str) -> NDArray[Any]:
    try:
        with np.load(io.BytesIO(array), allow_pickle=False) as file:
            return np.asarray(file[name])
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise StationError("profile_invalid", f"{path} holds no readable array named {name}") from error


def _response(array: bytes, path: Path, camera: CameraProfile) -> NDArray[np.float32]:
    table, codes = _array(array, path, "response"), 2**camera.bit_depth
    if table.dtype != np.float32 or table.shape != (3, codes):
        raise StationError(
            "profile_invalid",
            f"{path} holds {table.dtype} {table.shape}, not a response float32 (3, {codes})",
        )
    if not np.isfinite(table).all() or table.min() < 0 or table.max() > camera.full_scale * (1 + 1e-6):
        raise StationError(
            "profile_invalid", f"{path} holds a response with codes beyond 0 to {camera.full_scale:g}"
        )
    if (np.diff(table, axis=1) < 0).any() or (table[:, -1] <= table[:, 0]).any():
        raise StationError("profile_invalid", f"{path} holds a response that does not rise with the codes")
    return table


def _mat(array: bytes, path: Path, lights: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    mat, mat_px = _array(array, path, "mat"), _array(array, path, "mat_px")
    fits = mat.ndim == 4 and mat.shape[1] == lights + 1 and mat_px.shape == (len(mat), 2)
    if mat.dtype != np.float32 or mat_px.dtype != np.float64 or not fits or min(mat.shape) < 1:
        raise StationError(
            "profile_invalid",
            f"{path} holds {mat.dtype} {mat.shape} at {mat_px.dtype} {mat_px.shape}, not pictures of the mat "
            f"float32 (places, {lights + 1}, rows, columns) at float64 (places, 2)",
        )
    if not (np.isfinite(mat).all() and np.isfinite(mat_px).all()):
        raise StationError("profile_invalid", f"{path} holds pictures of the mat that are not numbers")
    return mat, mat_px


def _flat(array: bytes, path: Path, lights: int) -> NDArray[np.float32]:
    flat = _array(array, path, "flat")
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
