"""The user's own rig profiles: kept in a folder, never overwritten, one of them in use.

A profile is two files, NAME.npz and NAME.toml. The array file comes first: whoever creates it has the name,
and a profile is there when its TOML is. What a power cut leaves before that is a name that stays taken.
"""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..config import Settings
from ..documents.fault import StationError
from ..documents.profile import RigProfile
from ..documents.profile_entry import ProfileEntry
from ..documents.toml import as_toml
from ..share import shared
from ..share.durable import make_folders, replace_file, storing
from .profile import LoadedProfile, find_profile, load_profile, read_profile

AUTO = "auto"
"""The value of `scan.profile` that leaves the choice to `profile_in_use`."""
TWIN = "twin"
STARTING_POINT, TWO_RINGS = "ring-8", "rings-4-4"
_ADOPTED = "adopted"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def profiles_folder(settings: Settings) -> Path:
    """Where the user's profiles lie."""
    return settings.station.data / "profiles"


def save(folder: Path, document: RigProfile, arrays: dict[str, NDArray[Any]]) -> Path:
    """Store a new profile durably, under its name or the next free one of NAME-2, NAME-3 and so on.

    Args:
        folder: is made where it is missing.
        document: `name`, and file and hash of its flat field, are filled in here.
        arrays: what the array file holds, see `FlatFieldProfile`.

    Returns:
        The path of the TOML; its stem is the name.

    Raises:
        StationError: `profile_invalid`, the name cannot be a file's or the arrays do not fit the document;
            `disk_full`, `data_unwritable`. Then there is no profile of the new name.
    """
    if not _NAME.fullmatch(document.name) or document.name in (AUTO, _ADOPTED):
        raise StationError("profile_invalid", f"a profile cannot be named {document.name!r}")
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    array = packed.getvalue()
    with storing(folder):
        make_folders(folder)
        for name in _names(document.name):
            path, text = _described(folder, document, name, array)
            read_profile(text, array, path, path.with_suffix(".npz"))  # refuses what could not be used
            if _claimed(path):
                _fill(path, text, array)
                return path
    raise AssertionError("there is always a next name")


def _names(wanted: str) -> Iterator[str]:
    """The name, then the numbered ones; a shipped profile keeps its name for itself."""
    numbered = (f"{wanted}-{number}" for number in count(2))
    yield from (name for name in chain((wanted,), numbered) if not _ships(name))


def _ships(name: str) -> bool:
    try:
        shared("calibration", f"{name}.toml")
    except FileNotFoundError:
        return False
    return True


def _described(folder: Path, document: RigProfile, name: str, array: bytes) -> tuple[Path, bytes]:
    """Where the TOML will lie, and its content."""
    digest = hashlib.sha256(array).hexdigest()
    flat_field = document.flat_field.replace(file=f"{name}.npz", sha256=digest)
    named = document.replace(name=name, flat_field=flat_field, schema_version=2)
    return folder / f"{name}.toml", as_toml(named.model_dump(mode="json")).encode()


def _claimed(path: Path) -> bool:
    """Take a name by creating its array file, which only one process can."""
    array = path.with_suffix(".npz")
    try:
        with array.open("xb"):
            pass
    except FileExistsError:
        return False
    if path.exists():  # brought here by hand, without its arrays
        array.unlink()
        return False
    return True


def _fill(path: Path, text: bytes, array: bytes) -> None:
    try:
        replace_file(path.with_suffix(".npz"), array)
        replace_file(path, text)
    except BaseException:
        with suppress(OSError):  # renamed, but not surely durable: it must not be there half promised
            path.unlink(missing_ok=True)
            path.with_suffix(".npz").unlink(missing_ok=True)
        raise


def adopt(folder: Path, name: str) -> LoadedProfile:
    """From now on scans are taken with this profile, one of the user's own or a shipped one.

    Raises:
        StationError: `profile_invalid`, it cannot be used; `disk_full`, `data_unwritable`. Then the former
            profile stays in use.
    """
    if not _NAME.fullmatch(name) or name.endswith(".toml"):
        raise StationError("profile_invalid", f"{name!r} is not the name of a profile")
    loaded = load_profile(name, folder)
    with storing(folder):
        make_folders(folder)
        replace_file(folder / _ADOPTED, f"{name}\n".encode())
    return loaded


def adopted(folder: Path) -> str | None:
    """Which profile is in use by `adopt`; None where none ever was.

    Raises:
        StationError: `profile_invalid`, the note of it cannot be read.
    """
    path = folder / _ADOPTED
    try:
        name = path.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StationError("profile_invalid", f"{path} cannot be read: {error}") from error
    if not _NAME.fullmatch(name):
        raise StationError("profile_invalid", f"{path} names no profile: {name!r}")
    return name


def chosen_name(settings: Settings) -> str:
    """Name or path of the profile that scans are taken with.

    It is what `scan.profile` says; where that is `auto`, the adopted one, then the twin's on a simulated rig,
    then the starting point.

    Raises:
        StationError: `profile_invalid`, see `adopted`.
    """
    if settings.scan.profile != AUTO:
        return settings.scan.profile
    return adopted(profiles_folder(settings)) or _of_nobody(settings)


def _of_nobody(settings: Settings) -> str:
    """What there is before a calibration: the standard twin's rig is known, no other is."""
    twin = settings.twin
    if settings.simulated and twin.rig_seed is None:
        return TWIN
    return TWO_RINGS if settings.simulated and twin.layout == "two_rings" else STARTING_POINT


def profile_in_use(settings: Settings) -> LoadedProfile:
    """The profile that scans are taken with, see `chosen_name`.

    Raises:
        StationError: `profile_invalid`, it cannot be used.
    """
    return load_profile(chosen_name(settings), profiles_folder(settings))


def listing(settings: Settings) -> list[ProfileEntry]:
    """The user's own profiles by name, then the shipped ones. What is damaged is listed with the reason."""
    folder = profiles_folder(settings)
    own = sorted(folder.glob("*.toml"))
    shipped = sorted(shared("calibration").glob("*.toml"))
    used = find_profile(chosen_name(settings), folder) if _findable(settings) else None
    return [_entry(path, path in shipped, path == used) for path in (*own, *shipped)]


def _findable(settings: Settings) -> bool:
    with suppress(StationError):
        find_profile(chosen_name(settings), profiles_folder(settings))
        return True
    return False


def _entry(path: Path, shipped: bool, in_use: bool) -> ProfileEntry:
    entry = ProfileEntry(name=path.stem, path=str(path), shipped=shipped, in_use=in_use)
    try:
        profile = load_profile(str(path)).profile
    except StationError as error:
        return entry.replace(fault=str(error))
    return entry.replace(
        created=profile.created,
        simulated=profile.simulated,
        measured=profile.measured,
        board_id=profile.board_id,
        verdict=profile.calibration.verdict,
    )


def board_id(board: str, *, simulated: bool) -> str:
    """How a profile names the board that it belongs to: a simulated one is the twin's, whatever it runs."""
    return TWIN if simulated else board


def require_own(profile: RigProfile, board: str, *, simulated: bool) -> None:
    """Refuse a profile that was made on another board; one that names none goes with any.

    Args:
        profile: to be used.
        board: what the board says it is.
        simulated: whether any device of the rig is.

    Raises:
        StationError: `profile_invalid`.
    """
    here = board_id(board, simulated=simulated)
    if profile.board_id in ("", here):
        return
    raise StationError(
        "profile_invalid",
        f"profile {profile.name} was made on the board {profile.board_id}, and this rig's is {here}",
        "Choose a profile of this rig (`station profile list`, `station profile use NAME`), or calibrate it.",
    )
