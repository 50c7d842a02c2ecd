"""The methods of `control` about what is kept: withdrawals, marks, and what the retention policy removes."""

from typing import Any

from ..archive.catalogue import Catalogue
from ..archive.database import copies_of_catalogue, new_copy
from ..bus.method import Method, caller
from ..documents.backup import CatalogueCopy
from ..documents.requests import NoParams, ScanKeep, ScanWithdraw
from ..documents.retention import RetentionBegun, RetentionPlan
from ..documents.scan import ScanSummary
from ..scan.journal import Journal
from ..scan.service import ScanService
from .retaining import Retaining

Methods = tuple[Method[Any], ...]


def keeping_methods(service: ScanService, journal: Journal, retaining: Retaining) -> Methods:
    """None of them touches the rig."""
    return (*_marking(service, journal), *_retention(retaining), *_copying(journal))


def _marking(service: ScanService, journal: Journal) -> Methods:
    async def withdraw(params: ScanWithdraw) -> ScanSummary:
        cause = caller().cause
        await journal.write(lambda catalogue: catalogue.withdraw(params.id, params.why, cause=cause))
        return await service.get(params.id)

    async def keep(params: ScanKeep) -> ScanSummary:
        cause = caller().cause
        await journal.write(lambda catalogue: catalogue.keep(params.id, params.keep, cause=cause))
        return await service.get(params.id)

    return (
        Method(
            "scan.withdraw",
            withdraw,
            ScanWithdraw,
            ScanSummary,
            "Take a stored scan back: it does not count. Nothing of it is deleted.",
            effect="A marker beside the scan; the receiver gets it with the next delivery.",
            completes="scan.withdrawn",
        ),
        Method(
            "scan.keep",
            keep,
            ScanKeep,
            ScanSummary,
            "Keep a stored scan from the retention policy, or leave it to that again.",
            effect="A marker beside the scan.",
            completes="scan.kept",
        ),
    )


def _retention(retaining: Retaining) -> Methods:
    async def plan(_: NoParams) -> RetentionPlan:
        return await retaining.plan()

    async def apply(_: NoParams) -> RetentionBegun:
        return await retaining.apply()

    return (
        Method(
            "retention.plan",
            plan,
            NoParams,
            RetentionPlan,
            "What the retention policy would remove now, and what it leaves alone although it is due.",
        ),
        Method(
            "retention.apply",
            apply,
            NoParams,
            RetentionBegun,
            "Remove now what the retention policy says; answers what is going to be removed.",
            effect="Folders of delivered scans are deleted; what was measured stays in the catalogue.",
            completes="scan.removed once for each side, then retention.applied",
        ),
    )


def _copying(journal: Journal) -> Methods:
    async def copy(_: NoParams) -> CatalogueCopy:
        return await journal.ask(_copied)

    return (
        Method(
            "catalogue.copy",
            copy,
            NoParams,
            CatalogueCopy,
            "A consistent copy of the catalogue beside it, for a backup; whoever asked removes it.",
            effect="A file in the data folder, in place of the last such copy.",
        ),
    )


def _copied(catalogue: Catalogue) -> CatalogueCopy:
    for old in copies_of_catalogue(catalogue.root):
        old.unlink(missing_ok=True)
    path = new_copy(catalogue.root)
    return CatalogueCopy(path=str(path) if catalogue.copy_to(path) else "")
