"""What `station normals` was asked for; what can be checked before anything is read, is."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ...documents.fault import StationError
from ...documents.normals import EstimatorName, Gamma
from ...exchange.relief import MOST_TRIANGLES

Export = Literal["lp", "dome", "ptm", "tiff", "ply", "stl"]
Tell = Callable[[str], None]
FEWEST_TRIANGLES = 1000


def invalid(sentence: str) -> StationError:
    """The error of options that do not fit."""
    return StationError("option_invalid", sentence)


@dataclass(frozen=True, slots=True)
class Request:
    """The options of one run; None stands for what the source or the rules say.

    Attributes:
        source: a file, a folder, or the identity of a stored scan.
        out: folder for the results.
        estimator: how the lights of a pixel are weighed.
        lights: 0-based numbers of the lights to use, ascending.
        ambient: picture with all lights off.
        black: code of no light, or that it is to be estimated.
        mask: picture, bright where there is something.
        pixel_mm: distance of neighbouring pixels on the object.
        near: the vectors of the light list are places in mm.
        gamma: how the codes are to be taken.
        full_scale: highest code of the camera.
        profile: of the rig, for a stored scan.
        exports: further files.
        most_triangles: of a relief.
        force: write into a folder that holds something.
    """

    source: str
    out: Path
    estimator: EstimatorName = "robust"
    lights: tuple[int, ...] | None = None
    ambient: Path | None = None
    black: float | Literal["estimate"] | None = None
    mask: Path | None = None
    pixel_mm: float | None = None
    near: bool = False
    gamma: Gamma | None = None
    full_scale: float | None = None
    profile: str | None = None
    exports: frozenset[Export] = frozenset()
    most_triangles: int = MOST_TRIANGLES
    force: bool = False

    def __post_init__(self) -> None:
        """Raises StationError: `option_invalid`, a number is out of its range."""
        if self.pixel_mm is not None and not 1e-6 <= self.pixel_mm <= 1e6:
            raise invalid(f"--pixel-mm {self.pixel_mm:g} is not the size of a pixel")
        if self.most_triangles < FEWEST_TRIANGLES:
            raise invalid(f"--most-triangles {self.most_triangles} is fewer than {FEWEST_TRIANGLES}")
        if self.ambient is not None and self.black is not None:
            raise invalid("--ambient says what there is without light, so --black has nothing to say")
        if self.near and self.pixel_mm is None:
            raise invalid("--light-positions needs --pixel-mm, the size of a pixel on the object")

    def only_for_photographs(self) -> list[str]:
        """Options that were given and mean nothing for a stored scan."""
        given = {
            "--ambient": self.ambient,
            "--black": self.black,
            "--mask": self.mask,
            "--pixel-mm": self.pixel_mm,
            "--light-positions": self.near or None,
            "--gamma": self.gamma,
            "--full-scale": self.full_scale,
        }
        return [name for name, value in given.items() if value is not None]


def lights_of(words: str) -> tuple[int, ...]:
    """The numbers in words such as `0,2,4-7`, ascending.

    Raises:
        StationError: `option_invalid`.
    """
    found: set[int] = set()
    for part in words.split(","):
        span = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part, re.ASCII)
        first, last = (int(span[1]), int(span[2] or span[1])) if span else (1, 0)
        if first > last:
            raise invalid(f"--lights {words!r} is not a list of lights such as 0,2,4-7")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def chosen(lights: tuple[int, ...] | None, known: int) -> list[int]:
    """The numbers of the lights to use, of a source that has so many.

    Raises:
        StationError: `option_invalid`.
    """
    if lights is None:
        return list(range(known))
    beyond = [light for light in lights if light >= known]
    if beyond:
        raise invalid(f"--lights names light {beyond[0]}, and the source has the lights 0 to {known - 1}")
    return list(lights)


def black_of(words: str | None) -> float | Literal["estimate"] | None:
    """The black level that was asked for.

    Raises:
        StationError: `option_invalid`.
    """
    if words is None:
        return None
    if words == "estimate":
        return "estimate"
    try:
        level = float(words)
    except ValueError as error:
        raise invalid(f"--black {words!r} is neither a number nor the word estimate") from error
    if not -65535 <= level <= 65535:
        raise invalid(f"--black {words} is not a code of a picture")
    return level


def exports_of(words: str | None) -> frozenset[Export]:
    """The kinds of file in words such as `lp,ptm`.

    Raises:
        StationError: `option_invalid`.
    """
    names = [word.strip() for word in (words or "").split(",") if word.strip()]
    for name in names:
        if name not in get_args(Export):
            raise invalid(f"--export does not know {name!r}, only {', '.join(get_args(Export))}")
    return frozenset(name for name in get_args(Export) if name in names)
