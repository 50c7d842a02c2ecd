"""Stored stacks computed again without a daemon."""

from collections.abc import Callable

from ..archive.catalogue import Catalogue
from ..archive.recovery import recover
from ..calibrate.profile import LoadedProfile
from ..config import Settings
from ..documents.fault import StationError
from ..documents.requests import Reprocessing, ScanReprocess
from ..photometric.cuda import best_solver
from ..scan.reprocess import named_profile, select
from ..scan.stored import compute_stored, enter

Told = Callable[[str, int | None, str], None]
"""Scan, number of its new result, or None and why there is none."""


def reprocess(
    settings: Settings, request: ScanReprocess, chosen: Callable[[Reprocessing], None], told: Told
) -> None:
    """Compute them one after another.

    Args:
        settings: of the station.
        request: which scans, and with what.
        chosen: told once what is going to be computed.
        told: called after each scan.

    Raises:
        StationError: `data_busy` while a daemon runs; see `scan.reprocess.select`; what the disk refuses.
    """
    root = settings.station.data
    profile = named_profile(settings, request.profile)
    with Catalogue(root, station=settings.station.name) as catalogue:
        recover(root, catalogue)  # closing notes an orderly stop, so what the last stop left is mended first
        found = select(root, catalogue.places(), request.scans, profile)
        chosen(found)
        for scan_id in found.scans:
            told(scan_id, *_one(catalogue, scan_id, profile))


def _one(catalogue: Catalogue, scan_id: str, profile: LoadedProfile) -> tuple[int | None, str]:
    folder = catalogue.root / catalogue.scan(scan_id).folder
    try:
        result = compute_stored(folder, profile, solver=best_solver())
    except StationError as error:
        if error.code in ("disk_full", "data_unwritable"):
            raise
        return None, str(error)
    enter(catalogue, result)
    return result.number, ""
