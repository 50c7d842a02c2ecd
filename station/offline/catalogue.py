"""The catalogue mended without a daemon."""

from ..archive.recovery import rebuild
from ..archive.schema import upgrade
from ..config import Settings


def upgrade_catalogue(settings: Settings) -> str:
    """Bring the catalogue to this release; what was done, in one sentence.

    Raises:
        StationError: `data_busy` while a daemon runs, or what the database refuses.
    """
    before, after = upgrade(settings.station.data, station=settings.station.name)
    change = "was up to date already" if before == after else f"was brought from {before} to {after}"
    return f"the catalogue in {settings.station.data} {change}"


def rebuild_catalogue(settings: Settings) -> str:
    """Make the catalogue anew from the scan folders; what was found, in one sentence.

    Raises:
        StationError: `data_busy` while a daemon runs, or what the disk refuses.
    """
    found = rebuild(settings.station.data, station=settings.station.name)
    damaged = len(found.unreadable)
    unread = f"; {damaged} folders cannot be read: {found.unreadable}" if damaged else ""
    return (
        f"{len(found.adopted)} scans and {len(found.adopted_results)} results are in the new catalogue, "
        f"{len(found.pending)} wait to be computed at the next start{unread}"
    )
