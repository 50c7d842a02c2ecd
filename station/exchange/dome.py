"""Domes `.dome` of RelightLab: where the lights of a rig stand, as JSON.

Millimetres (RelightLab's first releases took centimetres), origin at the picture's centre, x to the right, y
up, z to the camera.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .files import content_of, store, unreadable

Array = NDArray[np.float64]
Configuration = Literal["directional", "spherical", "lights3d"]


@dataclass(frozen=True, slots=True)
class Dome:
    """The lights of a rig.

    Attributes:
        directions: (K, 3), unit, from the picture's centre.
        positions_mm: (K, 3), where they stand; None: not known, they are far away.
        image_width_mm: what the picture covers; 0 where that is not known.
        label, notes: for people.
        diameter_mm, vertical_offset_mm: of the sphere on which the lights of a spherical dome stand.
        led_adjust: (K, 3), what pixels are multiplied with to make the lights equal; None: they are.
        configuration: which of it RelightLab is to use.
    """

    directions: Array
    positions_mm: Array | None = None
    image_width_mm: float = 0.0
    label: str = ""
    notes: str = ""
    diameter_mm: float = 0.0
    vertical_offset_mm: float = 0.0
    led_adjust: Array | None = None
    configuration: Configuration = "directional"


def write_dome(path: Path, dome: Dome) -> None:
    """Write it.

    Raises:
        StationError: `output_unwritable`.
    """
    tree = {
        "label": dome.label,
        "notes": dome.notes,
        "imageWidth": dome.image_width_mm,
        "domeDiameter": dome.diameter_mm,
        "verticalOffset": dome.vertical_offset_mm,
        "lightConfiguration": dome.configuration,
        "directions": _listed(dome.directions, "xyz"),
        "positionsSphere": [],
        "positions3d": _listed(dome.positions_mm, "xyz"),
        "ledAdjust": _listed(dome.led_adjust, "rgb"),
    }
    store(path, (json.dumps(tree, indent=2) + "\n").encode())


def read_dome(path: Path) -> Dome:
    """Read one; of a spherical dome the positions on its sphere are taken.

    Raises:
        StationError: `source_unreadable`, naming what is wrong.
    """
    try:
        tree = json.loads(content_of(path))
    except ValueError as error:
        raise unreadable(f"{path} is no dome: it is not JSON") from error
    if not isinstance(tree, dict):
        raise unreadable(f"{path} is no dome: it holds no object")
    configuration = tree.get("lightConfiguration", "directional")
    if configuration not in get_args(Configuration):
        raise unreadable(f"{path} knows the lights as {configuration!r}, which means nothing here")
    directions = _array(path, tree, "directions", "xyz")
    if directions is None:
        raise unreadable(f"{path} holds no light directions")
    places = "positionsSphere" if configuration == "spherical" else "positions3d"
    return Dome(
        directions=directions,
        positions_mm=_array(path, tree, places, "xyz", len(directions)),
        image_width_mm=_number(path, tree, "imageWidth"),
        label=str(tree.get("label", "")),
        notes=str(tree.get("notes", "")),
        diameter_mm=_number(path, tree, "domeDiameter"),
        vertical_offset_mm=_number(path, tree, "verticalOffset"),
        led_adjust=_array(path, tree, "ledAdjust", "rgb", len(directions)),
        configuration=configuration,
    )


def _listed(rows: Array | None, names: str) -> list[dict[str, float]]:
    if rows is None:
        return []
    return [dict(zip(names, map(float, row), strict=True)) for row in rows]


def _number(path: Path, tree: dict[str, Any], key: str) -> float:
    value = tree.get(key, 0.0)
    if not isinstance(value, int | float) or not np.isfinite(value):
        raise unreadable(f"{path}: {key} is not a number")
    return float(value)


def _array(path: Path, tree: dict[str, Any], key: str, names: str, count: int | None = None) -> Array | None:
    """The rows under a key; None where there are none."""
    rows = tree.get(key) or []
    try:
        found = np.array([[float(row[name]) for name in names] for row in rows])
    except (TypeError, KeyError, ValueError) as error:
        raise unreadable(f"{path}: {key} is not a list of {', '.join(names)}") from error
    if not len(found):
        return None
    if not np.isfinite(found).all() or (names == "xyz" and not found.any(axis=1).all()):
        raise unreadable(f"{path}: {key} holds a vector of length zero or something that is not a number")
    if count is not None and len(found) != count:
        raise unreadable(f"{path} holds {count} directions and {len(found)} {key}")
    return found
