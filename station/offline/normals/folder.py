"""The folder of the results: its own, and never a mixture of two runs that looks whole."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from ...archive.folder import MANIFEST
from ...documents.fault import StationError
from ...documents.normals import NormalsReport

REPORT = "quality.json"
"""Written last: a folder without it was left unfinished."""
_MAPS = ("normals", "albedo", "height", "curl", "sigma_deg", "valid")
_EXPORTS = ("lights.lp", "lights.dome", "relight.ptm", "relief.ply", "relief.stl")
_LIT = re.compile(r"light-\d+\.png")
_SCAN = re.compile(r"[0-9a-f]{32}")


def make_folder(out: Path, *, force: bool) -> bool:
    """Make it, and see that it can be written, before time is spent on computing; whether it is new.

    Raises:
        StationError: `output_unwritable`, also where it holds something and `force` is not set, and inside of
            a stored scan.
    """
    try:
        new = not out.exists()
        if _of_a_scan(out.resolve()):
            raise _unwritable(f"{out} belongs to a stored scan, where nothing is ever overwritten")
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise _unwritable(f"{out} cannot be a folder for results: {error.strerror}") from error
    if occupied and not force:
        raise _unwritable(f"{out} holds something already; --force writes into it all the same")
    if not os.access(out, os.W_OK | os.X_OK):
        raise _unwritable(f"{out} cannot be written: permission denied")
    return new


def keep_apart(out: Path, inputs: Iterable[Path]) -> None:
    """Results never lie among what they were computed from: nothing there is overwritten.

    Raises:
        StationError: `output_unwritable`.
    """
    for path in inputs:
        if path.parent.resolve() == out.resolve():
            raise _unwritable(f"{out} holds {path.name}, which the results are computed from")


def clear(out: Path) -> None:
    """Take away what an earlier run left, its report first.

    Raises:
        StationError: `output_unwritable`.
    """
    maps = [f"{name}.{kind}" for name in _MAPS for kind in ("png", "npy", "tif")]
    for name in [*_lit_before(out), *maps, *_EXPORTS]:
        try:
            (out / REPORT).unlink(missing_ok=True)
            (out / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(f"{out / name} cannot be replaced: {error.strerror}") from error


def _lit_before(out: Path) -> list[str]:
    """Pictures of single lights that an earlier run says are its own; others may be anybody's."""
    try:
        report = NormalsReport.model_validate_json((out / REPORT).read_bytes())
    except (OSError, ValidationError):
        return []
    return [record.file for record in report.files if _LIT.fullmatch(record.file)]


def _of_a_scan(out: Path) -> bool:
    """Whether it is a stored scan or its result, or lies in one."""
    inside = any(_SCAN.fullmatch(one.name) and (one / MANIFEST).is_file() for one in (out, *out.parents))
    return inside or (out / MANIFEST).is_file()


def _unwritable(sentence: str) -> StationError:
    return StationError("output_unwritable", sentence)
