"""Colour charts that ship with the station, or anyone's own."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from ...documents.boards import ChartSpec
from ...documents.fault import StationError
from ...share import shared


def load_chart(name_or_path: str) -> ChartSpec:
    """Read a chart by its name (`colorchecker`, `grey`) or by the path of its TOML.

    Raises:
        StationError: `profile_invalid`, with what is wrong in which file.
    """
    path = _find(name_or_path)
    try:
        chart = ChartSpec.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise StationError("profile_invalid", f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StationError("profile_invalid", f"{path} is not a TOML file: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise StationError(
            "profile_invalid", f"{path} is not a colour chart: {field}: {first['msg']}"
        ) from error
    if len(chart.srgb) != chart.columns * chart.rows:
        raise StationError(
            "profile_invalid",
            f"{path} gives {len(chart.srgb)} colours for {chart.columns} x {chart.rows} patches",
        )
    return chart


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path).expanduser()
    try:
        return shared("calibration", "charts", f"{name_or_path}.toml")
    except FileNotFoundError as error:
        raise StationError("profile_invalid", f"there is no colour chart named {name_or_path}") from error
