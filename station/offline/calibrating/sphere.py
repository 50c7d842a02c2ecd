"""`station calibrate sphere`: a folder of pictures of a chrome sphere becomes a list of lights."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...calibrate.naming import explain
from ...calibrate.spheres.composites import Bools, Picture
from ...calibrate.spheres.highlight import Highlight
from ...calibrate.spheres.sphere import FEWEST_LIGHTS, SphereLights, sphere_lights
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from ...documents.light_lists import SphereLight, SphereReport
from ...exchange.codes import linear_codes
from ...exchange.files import unreadable
from ...exchange.lp import Vector, read_lp_lights, write_lp
from ...exchange.pictures import read_picture

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class SphereRequest:
    """What was asked for.

    Attributes:
        folder: of the pictures, one for each light.
        out: the list to write.
        mask: picture, bright where the sphere is; None: one of the folder whose name says so, else none.
        check: another list of the same lights.
        pictures: folder of an object's pictures under the same lights in the same order, which the list is to
            name instead.
    """

    folder: Path
    out: Path
    mask: Path | None = None
    check: Path | None = None
    pictures: Path | None = None


class Folder:
    """Pictures that are read as they are asked for, and held against the first."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Picture:
        found = read_picture(self.paths[number])
        codes = linear_codes(found.codes) if found.kind == "jpeg" else found.codes
        if self._shape is None:
            self._shape = codes.shape
        if codes.shape[:2] != self._shape[:2]:
            raise unreadable(
                f"{self.paths[number]} is {_size(codes.shape)} pixels large, and {self.paths[0].name} is "
                f"{_size(self._shape)}"
            )
        return codes


def run(request: SphereRequest) -> SphereReport:
    """Read, measure, write.

    Raises:
        StationError: `source_unreadable`: no pictures, too few, of different sizes, a mask that does not fit;
            `calibration_failed`: no sphere, a light without a reflection; `option_invalid`: lists of
            different lengths; `output_unwritable`.
    """
    paths, beside = pictures_in(request.folder)
    if len(paths) < FEWEST_LIGHTS:
        raise unreadable(
            f"{request.folder} holds {len(paths)} pictures of a sphere: at least {FEWEST_LIGHTS} lights are "
            "needed, each with its picture"
        )
    named = _named(request, paths)
    mask = request.mask or beside
    pictures = Folder(paths)
    found = sphere_lights(pictures, None if mask is None else _mask(mask, pictures))
    _whole(found, paths)
    differences = () if request.check is None else _differences(request.check, paths, found.directions)
    write_lp(request.out, list(zip(named, _rows(found.directions), strict=True)))
    return _report(request, paths, mask, found, differences)


def pictures_in(folder: Path) -> tuple[tuple[Path, ...], Path | None]:
    """The pictures of a folder, 10 after 9, and the one whose name says that it is a mask.

    Raises:
        StationError: `source_unreadable`, no such folder, no pictures, or several masks.
    """
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise unreadable(f"{folder} cannot be read: {error.strerror}") from error
    if not files:
        raise unreadable(f"{folder} holds no pictures: PNG, TIFF or JPEG of a sphere under each light")
    masks = [path for path in files if "mask" in path.stem.lower()]
    if len(masks) > 1:
        raise unreadable(
            f"{folder} holds {len(masks)} pictures named mask: say with --mask which one is meant"
        )
    lit = sorted((path for path in files if path not in masks), key=_by_number)
    return tuple(lit), masks[0] if masks else None


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Names in the order in which people count."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _named(request: SphereRequest, paths: tuple[Path, ...]) -> list[str]:
    """The names that the list gives to the pictures, seen from where it lies."""
    if request.pictures is not None:
        others, _ = pictures_in(request.pictures)
        if len(others) != len(paths):
            raise StationError(
                "option_invalid",
                f"{request.pictures} holds {len(others)} pictures, and {request.folder} {len(paths)}",
            )
        paths = others
    start = request.out.resolve().parent
    return [Path(os.path.relpath(path.resolve(), start)).as_posix() for path in paths]


def _mask(path: Path, pictures: Folder) -> Bools:
    codes = read_picture(path).codes
    shape = pictures[0].shape[:2]
    if codes.shape[:2] != shape:
        raise unreadable(f"{path} is {_size(codes.shape)} pixels large, and the pictures are {_size(shape)}")
    level = codes.reshape(*shape, -1).max(axis=2)
    return np.asarray(level > np.iinfo(level.dtype).max // 2)


def _whole(found: SphereLights, paths: tuple[Path, ...]) -> None:
    """A list without one of its lights would be taken for another list."""
    missing = [paths[number].name for number, spot in enumerate(found.highlights) if spot is None]
    if missing:
        raise StationError(
            "calibration_failed",
            f"the sphere mirrors no light in {', '.join(missing)}",
            "Take these pictures again, or leave them out, together with the object's under the same light.",
        )


def _differences(
    check: Path, paths: tuple[Path, ...], directions: NDArray[np.float64]
) -> tuple[CalibrationFinding, ...]:
    """What makes another list differ; its lights are matched by the pictures' names, else by order."""
    listed = read_lp_lights(check)
    if len(listed) != len(paths):
        raise StationError(
            "option_invalid", f"{check} lists {len(listed)} lights, and there are {len(paths)} pictures"
        )
    names = [Path(name.replace("\\", "/")).name for name, _ in listed]
    wanted = [path.name for path in paths]
    order = [names.index(name) for name in wanted] if set(names) == set(wanted) else list(range(len(names)))
    return explain(np.array([listed[place][1] for place in order]), directions)


def _report(
    request: SphereRequest,
    paths: tuple[Path, ...],
    mask: Path | None,
    found: SphereLights,
    differences: tuple[CalibrationFinding, ...],
) -> SphereReport:
    rows = zip(paths, _rows(found.directions), found.sigma_deg.tolist(), found.highlights, strict=True)
    return SphereReport(
        source=str(request.folder),
        hint=None if mask is None else str(mask),
        centre_px=found.centre_px,
        radius_px=found.radius_px,
        outline_sigma_px=found.outline_sigma_px,
        coverage_percent=100 * found.outline.coverage,
        lights=tuple(_light(path, row, sigma, spot) for path, row, sigma, spot in rows if spot),
        shared_sigma_deg=found.shared_sigma_deg,
        findings=found.findings,
        checked=None if request.check is None else str(request.check),
        differences=differences,
        written=str(request.out),
    )


def _light(path: Path, direction: Vector, sigma_deg: float, spot: Highlight) -> SphereLight:
    return SphereLight(
        picture=path.name,
        direction=direction,
        sigma_deg=sigma_deg,
        spot_px=(spot.x_px, spot.y_px),
        spot_sigma_px=spot.sigma_px,
        clipped=spot.clipped_px > 0,
    )


def _rows(directions: NDArray[np.float64]) -> list[Vector]:
    return [(x, y, z) for x, y, z in directions.tolist()]


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
