"""Lights that are not where they should be: exchanged, mirrored or turned; and how findings are worded."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...documents.calibration import CalibrationFinding, CalibrationFindingKind
from .first_guess import apart, order

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

TURNED_DEG = 15.0
FITS_MM = 40.0
"""Rms by which a turned or mirrored start may miss the lights, to be believed."""


def finding(
    kind: CalibrationFindingKind,
    lights: Indices | list[int],
    message: str,
    next_step: str,
    severe: bool = True,
) -> CalibrationFinding:
    """About these lights; none: about all or about something else."""
    numbers = tuple(int(light) for light in lights)
    return CalibrationFinding(kind=kind, lights=numbers, message=message, next_step=next_step, severe=severe)


def named(lights: Indices | list[int]) -> str:
    """Of lights: `light 3`, or `lights 1, 2 and 5`."""
    words = [str(int(light)) for light in lights]
    if len(words) == 1:
        return f"light {words[0]}"
    return f"lights {', '.join(words[:-1])} and {words[-1]}"


def misplaced(found: Array, believed: Array, seen: Indices) -> Iterator[CalibrationFinding]:
    """What the places (K, 3) of the lights `seen` say against those that were believed.

    Each light belongs to the believed place that is the cheapest for all together (Kuhn 1955).
    """
    where = order(apart(found, believed))
    moved = np.flatnonzero(where != np.arange(len(where)))
    if not len(moved):
        return
    whole = _as_a_whole(found, believed, seen) if len(moved) > len(seen) / 2 else None
    if whole is not None:
        yield whole
        return
    pairs = ", ".join(f"{seen[n]} in that of {seen[where[n]]}" for n in moved)
    yield finding(
        "swapped", seen[moved], f"{named(seen[moved])} burn in each other's places: {pairs}",
        "Exchange their cables, or number them anew.",
    )  # fmt: skip


def _as_a_whole(found: Array, believed: Array, seen: Indices) -> CalibrationFinding | None:
    """The ring mirrored or turned against the start, by the orthogonal fit (Schoenemann 1966)."""
    left, _, right = np.linalg.svd(believed[:, :2].T @ found[:, :2])
    sign = float(np.linalg.det(left @ right))
    fits = {}
    for handed in (1.0, -1.0):
        turn = left @ np.diag([1.0, handed * sign]) @ right
        missed = float(np.sqrt(np.mean(np.sum((believed[:, :2] @ turn - found[:, :2]) ** 2, axis=1))))
        fits[handed] = (missed, turn)
    handed = min(fits, key=lambda one: fits[one][0])
    missed, turn = fits[handed]
    if missed > FITS_MM:
        return None
    if handed < 0:
        return finding(
            "mirrored", seen, "the lights lie mirrored against where they should be",
            "Look whether the camera's picture is mirrored, or the lights are numbered the other way round.",
        )  # fmt: skip
    degrees = float(np.degrees(np.arctan2(turn[0, 1], turn[0, 0])))
    if abs(degrees) < TURNED_DEG:
        return None
    return finding(
        "rotated", seen, f"the lights lie turned by {degrees:.0f} degrees against where they should be",
        "Look whether the camera or the mat is turned, or the lights are numbered from another one.",
    )  # fmt: skip
