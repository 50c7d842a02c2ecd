"""What every kind of source comes to: maps with their figures, and pictures that can be lit anew."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...documents.fault import StationError
from ...documents.normals import BlackFrom, InputRecord, Unit
from ...photometric.integrate import Bend, Slopes, bend, curl, curl_rms, height_um, slopes
from ...photometric.weighted import weighted_height_um

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Array = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solver found.

    Attributes:
        normals: float32 (H, W, 3), unit.
        albedo: float32 (H, W, C).
        sigma_deg: float32 (H, W), None where the estimator tells none.
        valid: bool (H, W), where there is something and it was measured.
        there: bool (H, W), where there is something: what shares are counted over.
        clipped: bool (H, W), in any light.
        dark: the same; None: not looked for.
        chi2_median: None: not known.
        black_level, black_from: code of no light, and how it is known; None: the ambient picture tells.
        noise_codes: None: not estimated.
    """

    normals: Floats
    albedo: Floats
    sigma_deg: Floats | None
    valid: Bools
    there: Bools
    clipped: Bools
    dark: Bools | None
    chi2_median: float | None
    black_level: float | None
    black_from: BlackFrom
    noise_codes: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What was integrated from the normals, in the unit of the pitch.

    Attributes:
        height: float32 (H, W), mean zero over the valid pixels.
        curl: float32 (H, W), per unit of length; NaN where it is not known.
        curl_rms: None where no four neighbouring pixels are valid.
        bend: None where too few pixels are valid.
        pitch, unit: distance of neighbouring pixels.
    """

    height: Floats
    curl: Floats
    curl_rms: float | None
    bend: Bend | None
    pitch: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Relighting:
    """The pictures as a white surface would be 1 in them, and their lights.

    Attributes:
        picture: gives that of each light, float32 (H, W, 3), linear.
        directions: (K, 3), unit, from the middle of the picture.
        positions_mm: (K, 3), from there too; None where the lights are far away.
        files: names of the pictures relative to the folder of the results; None: there are none that show
            what the maps show, and they have to be written.
    """

    picture: Callable[[int], Floats]
    directions: Array
    positions_mm: Array | None
    files: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """All of it."""

    solved: Solved
    shape: Shape
    relighting: Relighting
    read: InputRecord
    truth: Floats | None = None


def integrated(normals: Floats, valid: Bools, pitch: float, unit: Unit) -> Shape:
    """Height, curl, bow and twist of a field of normals; what is not valid neither bends nor holds the rest.

    Raises:
        StationError: `stack_unusable`, nothing is valid.
    """
    surface = slopes(normals, valid, pitch)
    height = height_um(surface) if valid.all() else weighted_height_um(surface, valid.astype(np.float32))
    height /= np.float32(1000)
    return shape_of(height, surface, valid, unit)


def shape_of(height: Floats, surface: Slopes, valid: Bools, unit: Unit) -> Shape:
    """The figures of a height map that is known already."""
    micro = height * np.float32(1000)
    return Shape(
        height=height,
        curl=curl(surface, valid),
        curl_rms=_or_none(lambda: curl_rms(surface, valid)),
        bend=_or_none(lambda: bend(micro, valid, surface.pitch_mm)),
        pitch=surface.pitch_mm,
        unit=unit,
    )


def _or_none(figure: Callable[[], T]) -> T | None:
    """A figure, or None where there are too few pixels for it."""
    try:
        return figure()
    except StationError:
        return None
