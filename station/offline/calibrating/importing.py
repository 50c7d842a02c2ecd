"""`station calibrate import`: another program's list of lights becomes a rig profile, a starting point."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...calibrate.naming import angles_deg, explain_positions, towards
from ...calibrate.profile import LoadedProfile, load_profile
from ...calibrate.spheres.sphere import FEWEST_LIGHTS, poor_spread
from ...calibrate.store import profiles_folder, save
from ...config import Settings
from ...documents.calibration import CalibrationFinding, CalibrationFindingKind, CalibrationQuality
from ...documents.fault import StationError
from ...documents.light_lists import ImportReport
from ...exchange.dome import read_dome
from ...exchange.files import unreadable
from ...exchange.lp import read_lp_lights
from .imported_profile import ListedLights, imported_profile

Array = NDArray[np.float64]

DISTANCE_MM = 250.0
"""Where lights are put of which only directions are known: about that of a ring around one card."""
SAME_DEG = 1.0
AGREE_DEG = 5.0
"""Lights put up by hand stand so far from the plan, 20 mm of 250; swapped or mirrored ones farther."""
NEAREST_MM = 60.0
"""Nearer than the half diagonal of a card is no place for a lamp, but the usual sign of centimetres."""
FARTHEST_MM = 3000.0


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What was asked for.

    Attributes:
        file: a `.lp` or a `.dome`.
        name: of the profile.
        distance_mm: where to put lights of which only the directions are known; None: as far as those of
            `like`, else 250 mm.
        like: name or path of a profile whose camera is to be used.
        positions: whether a `.lp` holds places in mm rather than directions.
    """

    file: Path
    name: str
    distance_mm: float | None = None
    like: str | None = None
    positions: bool = False


def run(request: ImportRequest, settings: Settings) -> ImportReport:
    """Read the list, judge it, write the profile among the user's own.

    Raises:
        StationError: `source_unreadable`: no such list, fewer than three lights, one below the card;
            `option_invalid`: a distance that is none; `profile_invalid`, `disk_full`, `data_unwritable`.
    """
    folder = profiles_folder(settings)
    like = None if request.like is None else load_profile(request.like, folder)
    distance = _distance(request, like)
    lights = _read(request, distance)
    _usable(request.file, lights.positions_mm)
    findings = _findings(lights, distance, like)
    note = f"Imported from {request.file.name}: a starting point; nothing was measured on a rig."
    now = datetime.now(UTC).isoformat(timespec="seconds")
    document, flat = imported_profile(request.name, note, now, lights, like)
    quality = CalibrationQuality(reason="imported from a list of lights, not measured", findings=findings)
    written = save(folder, document.replace(calibration=quality), {"flat": flat})
    return ImportReport(
        source=str(request.file),
        name=written.stem,
        written=str(written),
        positions_mm=tuple(light.position_mm for light in document.lights),
        like=request.like,
        findings=findings,
    )


def _distance(request: ImportRequest, like: LoadedProfile | None) -> float:
    if request.distance_mm is not None:
        if not NEAREST_MM <= request.distance_mm <= FARTHEST_MM:
            raise StationError(
                "option_invalid",
                f"--distance-mm {request.distance_mm:g} is not between {NEAREST_MM:g} and {FARTHEST_MM:g}",
                "Measure from the middle of the card to a lamp, in millimetres.",
            )
        return request.distance_mm
    if like is None:
        return DISTANCE_MM
    return float(np.mean([np.linalg.norm(light.position_mm) for light in like.profile.lights]))


def _read(request: ImportRequest, distance_mm: float) -> ListedLights:
    suffix = request.file.suffix.lower()
    if suffix not in (".lp", ".dome"):
        raise unreadable(f"{request.file} is neither a light list .lp nor a .dome")
    if suffix == ".lp":
        vectors = np.array([vector for _, vector in read_lp_lights(request.file)]).reshape(-1, 3)
        placed = vectors if request.positions else distance_mm * towards(vectors)
        return ListedLights(placed, np.ones_like(vectors), 0.0, request.positions)
    dome = read_dome(request.file)
    known = dome.positions_mm is not None
    places = distance_mm * towards(dome.directions) if dome.positions_mm is None else dome.positions_mm
    powers = np.ones_like(places) if dome.led_adjust is None else 1.0 / np.maximum(dome.led_adjust, 1e-3)
    return ListedLights(places, powers, dome.image_width_mm, known)


def _usable(file: Path, positions_mm: Array) -> None:
    if len(positions_mm) < FEWEST_LIGHTS:
        raise unreadable(f"{file} lists {len(positions_mm)} lights: at least {FEWEST_LIGHTS} are needed")
    below = np.flatnonzero(positions_mm[:, 2] <= 0)
    if len(below):
        numbers = ", ".join(map(str, below.tolist()))
        raise unreadable(f"{file}: light {numbers} lies at or below the card; z is to point to the camera")


def _findings(
    lights: ListedLights, distance_mm: float, like: LoadedProfile | None
) -> tuple[CalibrationFinding, ...]:
    places = lights.positions_mm
    found = [*poor_spread(towards(places)), *_same_place(places)]
    if not lights.placed:
        found.append(
            _finding(
                "poor_scale",
                f"the list holds directions only, and all lights were put {distance_mm:.0f} mm from the card",
                "Say how far they are with --distance-mm, or calibrate the rig with balls.",
            )
        )
    reach = np.linalg.norm(places, axis=1)
    if lights.placed and (reach.min() < NEAREST_MM or reach.max() > FARTHEST_MM):
        found.append(
            _finding(
                "poor_scale",
                f"the lights are {reach.min():.0f} to {reach.max():.0f} mm from the card",
                "See whether the file means centimetres or metres.",
            )
        )
    if like is None:
        found.append(
            _finding(
                "not_covered",
                "the list knows nothing of a camera, and the profile got a nominal one, straight above",
                "Name a profile with your camera by --like, or calibrate the camera.",
            )
        )
    elif len(like.profile.lights) != len(places):
        found.append(
            _finding(
                "disagree",
                f"the list has {len(places)} lights, and {like.profile.name} has {len(like.profile.lights)}",
                "See whether the list belongs to this rig.",
            )
        )
    else:
        nominal = np.array([light.position_mm for light in like.profile.lights])
        found += explain_positions(places, nominal, agree_deg=AGREE_DEG)
    return tuple(found)


def _same_place(positions_mm: Array) -> list[CalibrationFinding]:
    """Two lights of one direction: a line was copied, or two lamps stand side by side."""
    ways = towards(positions_mm)
    one, other = np.triu_indices(len(ways), 1)
    close = angles_deg(ways[one], ways[other]) < SAME_DEG
    return [
        _finding(
            "disagree",
            f"lights {first} and {second} lie in the same direction",
            "See whether a line was copied.",
            (first, second),
        )
        for first, second in zip(one[close].tolist(), other[close].tolist(), strict=True)
    ]


def _finding(
    kind: CalibrationFindingKind, message: str, next_step: str, lights: tuple[int, ...] = ()
) -> CalibrationFinding:
    return CalibrationFinding(kind=kind, lights=lights, message=message, next_step=next_step, severe=False)
