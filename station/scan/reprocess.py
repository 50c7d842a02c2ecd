"""Stored stacks computed again with another profile: which of them it fits, and their way into the queue."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ..archive.catalogue import Place
from ..archive.folder import read_manifest
from ..archive.results import latest_result
from ..calibrate.profile import LoadedProfile, load_profile
from ..calibrate.store import profile_in_use, profiles_folder, require_own
from ..config import Settings
from ..documents.fault import StationError
from ..documents.requests import LeftOut, Reprocessing, ScanReprocess
from ..documents.scan import ScanManifest
from .journal import Journal
from .processor import Processor
from .recorder import SOFTWARE

SHORTEST = 6
"""Digits of an identity that are enough to name a scan, if no other begins with them."""


class Reprocessor:
    """`scan.reprocess` of a daemon; it belongs to the loop."""

    def __init__(self, settings: Settings, journal: Journal, processor: Processor) -> None:
        self._settings = settings
        self._journal = journal
        self._processor = processor

    async def start(self, request: ScanReprocess) -> Reprocessing:
        """Queue the scans; each ends with `scan.processed` or `scan.reprocess_failed`.

        Raises:
            StationError: see `select` and `named_profile`; nothing is queued then.
        """
        profile = await asyncio.to_thread(named_profile, self._settings, request.profile)
        places = await self._journal.ask(lambda catalogue: catalogue.places())
        root = self._settings.station.data
        found = await asyncio.to_thread(select, root, places, request.scans, profile)
        for scan_id in found.scans:
            self._processor.again(scan_id, profile)
        return found


def named_profile(settings: Settings, name: str) -> LoadedProfile:
    """A profile by name or path; empty: the one in use.

    Raises:
        StationError: `profile_invalid`.
    """
    return load_profile(name, profiles_folder(settings)) if name else profile_in_use(settings)


def select(
    root: Path, places: Mapping[str, Place], wanted: tuple[str, ...] | None, profile: LoadedProfile
) -> Reprocessing:
    """Which scans a profile can compute again, oldest first.

    Args:
        root: folder of all data.
        places: of every scan in the catalogue.
        wanted: identities or their beginnings; None: all, less those that this profile and this release
            computed already.
        profile: to compute them with.

    Raises:
        StationError: of what was named: `not_found`, `scan_unreadable`, or `profile_invalid`, the profile is
            not of the rig that took it.
    """
    fits, left_out = [], []
    for scan_id in places if wanted is None else _named(places, wanted):
        try:
            _require_fit(root, scan_id, places[scan_id], profile)
            why = _needless(root / places[scan_id].folder, profile) if wanted is None else ""
        except StationError as error:
            if wanted is not None:
                raise
            why = str(error)
        if why:
            left_out.append(LeftOut(id=scan_id, why=why))
        else:
            fits.append(scan_id)
    return Reprocessing(
        profile=profile.profile.name,
        profile_sha256=profile.sha256,
        scans=tuple(fits),
        left_out=tuple(left_out),
    )


def _named(places: Mapping[str, Place], wanted: tuple[str, ...]) -> list[str]:
    """The full identities, each once."""
    found = set()
    for name in wanted:
        alike = [scan_id for scan_id in places if scan_id.startswith(name) and len(name) >= SHORTEST]
        if len(alike) != 1:
            raise StationError("not_found", f"{len(alike) or 'no'} scans have an identity like {name}")
        found.add(alike[0])
    return sorted(found)


def _require_fit(root: Path, scan_id: str, place: Place, profile: LoadedProfile) -> None:
    if not place.folder:
        raise StationError("not_found", f"scan {scan_id} has no stored stack")
    if place.unreadable:
        raise StationError("scan_unreadable", place.unreadable)
    manifest = read_manifest(root / place.folder)
    try:
        require_fit(manifest, profile)
    except StationError as error:
        raise StationError(error.code, f"scan {scan_id} was taken by another rig: {error}", _HINT) from error


_HINT = "Name a profile of the rig that took the scan (`station profile list`)."


def require_fit(scan: ScanManifest, profile: LoadedProfile) -> None:
    """Refuse a profile that is not of the rig that took a scan, as far as the two say.

    Raises:
        StationError: `profile_invalid`: another board, other lights, pictures of another shape.
    """
    made = scan.provenance
    require_own(profile.profile, made.board, simulated=made.simulated)
    known, highest = len(profile.profile.lights), max(scan.plan.lights, default=0)
    if highest >= known:
        raise StationError(
            "profile_invalid",
            f"profile {profile.profile.name} knows lights 0 to {known - 1}, not light {highest}",
        )
    if scan.frames:
        height_px, width_px = scan.frames[0].shape[:2]
        profile.scaled(width_px, height_px)


def _needless(folder: Path, profile: LoadedProfile) -> str:
    newest = latest_result(folder)
    if newest is None:
        return ""
    same = newest.manifest.profile_sha256 == profile.sha256 and newest.manifest.software == SOFTWARE
    return f"its result {newest.manifest.number} is by this profile and this release already" if same else ""
