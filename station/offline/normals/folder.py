"""The folder of the results: its own, and never a mixture of two runs that looks whole."""

import os
from collections.abc import Iterable
from pathlib import Path

from ...documents.fault import StationError

REPORT = "quality.json"
"""Written last: a folder without it was left unfinished."""
_MAPS = ("normals", "albedo", "height", "curl", "sigma_deg", "valid")
_EXPORTS = ("lights.lp", "lights.dome", "relight.ptm", "relief.ply", "relief.stl")
_LIT = "light-*.png"


def make_folder(out: Path, *, force: bool) -> bool:
    """Make it, and see that it can be written, before time is spent on computing; whether it is new.

    Raises:
        StationError: `output_unwritable`, also where it holds something and `force` is not set.
    """
    new = not out.exists()
    try:
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
            raise _unwritable(f"{out} is where the pictures of the source lie")


def clear(out: Path) -> None:
    """Take away what an earlier run left, its report first.

    Raises:
        StationError: `output_unwritable`.
    """
    maps = [out / f"{name}.{kind}" for name in _MAPS for kind in ("png", "npy", "tif")]
    for path in [out / REPORT, *maps, *(out / name for name in _EXPORTS), *out.glob(_LIT)]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(f"{path} cannot be replaced: {error.strerror}") from error


def _unwritable(sentence: str) -> StationError:
    return StationError("output_unwritable", sentence)
