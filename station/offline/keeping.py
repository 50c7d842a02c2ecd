"""Withdrawals, marks and the retention policy without a daemon."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..archive.catalogue import Catalogue
from ..archive.hold import folders_held
from ..archive.recovery import recover
from ..archive.removal import delete, hide
from ..config import Settings
from ..documents.fault import StationError
from ..documents.retention import DueSide, RetentionPlan
from ..documents.scan import ScanSummary
from ..scan.retention import planned, rows_and_places


@contextmanager
def _catalogue(settings: Settings) -> Iterator[Catalogue]:
    root = settings.station.data
    with Catalogue(root, station=settings.station.name) as catalogue:
        recover(root, catalogue)  # closing notes an orderly stop, so what the last stop left is mended first
        yield catalogue


def withdraw(settings: Settings, scan_id: str, why: str) -> ScanSummary:
    """Take a stored scan back; the next delivery tells the receiver.

    Raises:
        StationError: `data_busy` while a daemon runs, and what `Catalogue.withdraw` raises.
    """
    with _catalogue(settings) as catalogue:
        catalogue.withdraw(scan_id, why)
        return catalogue.scan(scan_id)


def keep(settings: Settings, scan_id: str, keep: bool) -> ScanSummary:
    """Keep a stored scan from the retention policy, or leave it to that again.

    Raises:
        StationError: `data_busy` while a daemon runs, and what `Catalogue.keep` raises.
    """
    with _catalogue(settings) as catalogue:
        catalogue.keep(scan_id, keep)
        return catalogue.scan(scan_id)


def retention(settings: Settings, *, apply: bool) -> RetentionPlan:
    """What the policy would remove, or what it did.

    Raises:
        StationError: `data_busy` while a daemon runs, or what disk and catalogue refuse.
    """
    root = settings.station.data
    with _catalogue(settings) as catalogue:
        plan = planned(root, *rows_and_places(catalogue), settings.retention)
        return _applied(catalogue, plan) if apply else plan


def _applied(catalogue: Catalogue, plan: RetentionPlan) -> RetentionPlan:
    removed: list[DueSide] = []
    failed: list[str] = []
    with folders_held(catalogue.root) as held:
        if not held:
            raise StationError(
                "busy", "a backup is copying the folders", "Wait until the backup has ended, then try again."
            )
        for side in plan.remove:
            try:
                delete(hide(catalogue.root, catalogue, side.id, side.due)[1])
            except StationError as error:
                failed.append(f"scan {side.id}: {error}")
            else:
                removed.append(side)
    return plan.replace(remove=tuple(removed), failed=tuple(failed))
