"""The rig profiles of a station: listed, looked at, taken into use; none of it needs the daemon."""

from ..calibrate.profile import LoadedProfile, load_profile
from ..calibrate.store import AUTO, adopt, listing, profile_in_use, profiles_folder
from ..config import Settings
from ..documents.profile import RigProfile
from ..documents.profile_entry import ProfileEntry


def profiles(settings: Settings) -> list[ProfileEntry]:
    """The user's own and the shipped ones.

    Raises:
        StationError: `profile_invalid`, it cannot be told which is in use.
    """
    return listing(settings)


def profile(settings: Settings, name: str | None) -> tuple[RigProfile, str]:
    """One profile and its hash; without a name the one in use.

    Raises:
        StationError: `profile_invalid`, with what is wrong in which file.
    """
    found = _loaded(settings, name)
    return found.profile, found.sha256


def _loaded(settings: Settings, name: str | None) -> LoadedProfile:
    return profile_in_use(settings) if name is None else load_profile(name, profiles_folder(settings))


def use(settings: Settings, name: str) -> str:
    """Take a profile into use; what holds now, in one sentence.

    Raises:
        StationError: `profile_invalid`, it cannot be used; `disk_full`, `data_unwritable`.
    """
    taken = adopt(profiles_folder(settings), name)
    held = settings.scan.profile
    if held != AUTO:
        return (
            f"profile {taken.profile.name} is noted, but station.toml says scan.profile = {held}, and that "
            f"holds; with scan.profile = {AUTO} the noted one does"
        )
    return f"profile {taken.profile.name} is in use"
