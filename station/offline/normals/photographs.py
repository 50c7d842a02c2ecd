"""A light list or a folder like DiLiGenT's, read into pictures that fit each other and their lights."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...documents.normals import Gamma, InputRecord, LightRecord
from ...exchange.codes import linear_codes
from ...exchange.diligent import is_diligent, read_diligent, read_truth
from ...exchange.files import content_of, sha256_of, unreadable
from ...exchange.lp import read_lp
from ...exchange.pictures import Picture, read_picture
from ...photometric.stack import FEWEST_LIGHTS
from .request import Request, Tell, chosen, invalid
from .surface import Array, Bools, Floats

Codes = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sources:
    """What the lists of a source name.

    Attributes:
        paths: of the pictures.
        vectors: (K, 3), towards the lights, or their places in mm.
        intensities: (K, 3), or (K, 1) where they do not depend on the colour.
        mask, truth: files.
    """

    kind: Literal["light list", "DiLiGenT folder"]
    paths: tuple[Path, ...]
    vectors: Array
    intensities: Array
    mask: Path | None = None
    truth: Path | None = None


@dataclass(frozen=True, slots=True)
class Photographs:
    """Pictures of one size and type, linear.

    Attributes:
        lit: (H, W, C), C is 1 or 3, uint8 or uint16.
        ambient: the same, None: there is none.
        vectors, intensities: of the lights used, (K, 3) and (K, C).
        mask: bool (H, W), None: all of the picture.
        truth: float32 (H, W, 3), None: not known.
        full_scale: highest code.
        paths: of the lit pictures.
        record: what was read, for the report.
    """

    lit: tuple[Codes, ...]
    ambient: Codes | None
    vectors: Array
    intensities: Array
    mask: Bools | None
    truth: Floats | None
    full_scale: float
    paths: tuple[Path, ...]
    record: InputRecord


@dataclass(slots=True)
class _Reader:
    """Reads pictures and holds them against the first."""

    first: tuple[Path, Picture] | None = None

    def __call__(self, path: Path) -> Picture:
        found = read_picture(path)
        if self.first is None:
            self.first = path, found
        name, like = self.first
        if found.codes.shape != like.codes.shape or found.codes.dtype != like.codes.dtype:
            raise unreadable(f"{path} is {_words(found.codes)}, and {name} is {_words(like.codes)}")
        return found


def sources_of(path: Path) -> Sources:
    """The lists of a file or folder.

    Raises:
        StationError: `source_unreadable`.
    """
    if path.is_dir() and is_diligent(path):
        told = read_diligent(path)
        return Sources(
            "DiLiGenT folder", told.pictures, told.directions, told.intensities, told.mask, told.truth
        )
    listed = read_lp(_light_list(path))
    vectors = np.array([picture.vector for picture in listed]).reshape(-1, 3)
    return Sources("light list", tuple(one.path for one in listed), vectors, np.ones((len(listed), 1)))


def read_photographs(request: Request, note: Tell) -> Photographs:
    """Read and check all of a source.

    Raises:
        StationError: `source_unreadable` or `option_invalid`, naming what is wrong.
    """
    path = Path(request.source)
    told = sources_of(path)
    numbers = chosen(request.lights, len(told.paths))
    if len(numbers) < FEWEST_LIGHTS:
        raise unreadable(f"{path}: {len(numbers)} lights are too few, normals need at least {FEWEST_LIGHTS}")
    _above_the_surface(path, told, numbers)
    reader = _Reader()
    lit = [reader(told.paths[number]) for number in numbers]
    dark = reader(request.ambient) if request.ambient else None
    gamma = _gamma(request, lit, note)
    shape = lit[0].codes.shape[0], lit[0].codes.shape[1]
    mask_path = request.mask or told.mask
    mask = None if mask_path is None else _mask(mask_path, shape)
    truth = None if told.truth is None else read_truth(told.truth, shape)
    taken = Photographs(
        lit=tuple(_linear(one, gamma) for one in lit),
        ambient=None if dark is None else _linear(dark, gamma),
        vectors=told.vectors[numbers],
        intensities=_of_channels(told.intensities[numbers], lit[0].codes),
        mask=mask,
        truth=truth,
        full_scale=_full_scale(request, gamma, lit[0]),
        paths=tuple(told.paths[number] for number in numbers),
        record=InputRecord(kind=told.kind, source=str(path), lights=(), gamma=gamma, full_scale=0.0),
    )
    further = [one for one in (request.ambient, mask_path, told.truth) if one is not None]
    return replace(taken, record=_record(taken, numbers, lit, further, request, mask_path))


def _record(
    taken: Photographs,
    numbers: list[int],
    lit: list[Picture],
    further: list[Path],
    request: Request,
    mask: Path | None,
) -> InputRecord:
    lights = [
        LightRecord(
            number=number,
            picture=str(path),
            sha256=one.sha256,
            vector=tuple(vector),
            near=request.near,
            intensity=tuple(row),
        )
        for number, path, one, vector, row in zip(
            numbers, taken.paths, lit, taken.vectors.tolist(), taken.intensities.tolist(), strict=True
        )
    ]
    return taken.record.replace(
        lights=tuple(lights),
        ambient=str(request.ambient) if request.ambient else None,
        mask=str(mask) if mask else None,
        files_sha256={str(path): sha256_of(content_of(path)) for path in further},
        full_scale=taken.full_scale,
    )


def _light_list(path: Path) -> Path:
    if not path.is_dir():
        return path
    lists = sorted(path.glob("*.lp"))
    if len(lists) == 1:
        return lists[0]
    if lists:
        raise unreadable(f"{path} holds {len(lists)} light lists: name the one that is meant")
    raise unreadable(f"{path} holds no light list .lp, no filenames.txt and no scan's manifest.json")


def _above_the_surface(path: Path, told: Sources, numbers: list[int]) -> None:
    for number in numbers:
        if told.vectors[number, 2] <= 0:
            name = told.paths[number].name
            raise unreadable(
                f"{path}: light {number}, of {name}, lies at or below the surface; leave it out with --lights"
            )


def _gamma(request: Request, lit: list[Picture], note: Tell) -> Gamma:
    """The rule: JPEG is sRGB, everything else is linear, unless it is said."""
    if request.gamma is not None:
        return request.gamma
    kinds = {picture.kind for picture in lit}
    if "jpeg" not in kinds:
        return "linear"
    if len(kinds) > 1:
        raise invalid("some pictures are JPEG and some are not: say --gamma linear or --gamma srgb")
    note("JPEG pictures are taken for sRGB and made linear; if they are linear, say --gamma linear")
    return "srgb"


def _linear(picture: Picture, gamma: Gamma) -> Codes:
    codes = linear_codes(picture.codes) if gamma == "srgb" else picture.codes
    return codes.reshape(*codes.shape[:2], -1)


def _full_scale(request: Request, gamma: Gamma, first: Picture) -> float:
    highest = 65535 if gamma == "srgb" else int(np.iinfo(first.codes.dtype).max)
    if request.full_scale is None:
        return float(highest)
    if gamma == "srgb" or not 0 < request.full_scale <= highest:
        raise invalid(
            f"--full-scale {request.full_scale:g} is for linear pictures, above 0 and up to {highest}"
        )
    return request.full_scale


def _of_channels(intensities: Array, codes: Codes) -> Array:
    """The lights' intensities (K, C) as pictures of this kind see them."""
    if codes.ndim == 2:
        return np.asarray(intensities.mean(axis=1, keepdims=True))
    return np.array(np.broadcast_to(intensities, (len(intensities), 3)))


def _mask(path: Path, shape: tuple[int, int]) -> Bools:
    picture = read_picture(path)
    if picture.codes.shape[:2] != shape:
        raise unreadable(f"{path} is {_words(picture.codes)}, the pictures are {shape[1]} x {shape[0]}")
    level = picture.codes.reshape(*shape, -1).max(axis=2)
    mask = np.asarray(level > np.iinfo(level.dtype).max // 2)
    if not mask.any():
        raise unreadable(f"{path} is dark everywhere: a mask is bright where there is something")
    return mask


def _words(codes: Codes) -> str:
    colour = "colour" if codes.ndim == 3 else "grey"
    return f"{codes.shape[1]} x {codes.shape[0]} {colour} of {codes.dtype.itemsize * 8} bits"
