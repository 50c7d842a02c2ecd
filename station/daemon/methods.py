"""The methods of `control`, each with what it takes, gives and changes."""

from typing import Any

from ..bus.method import Method
from ..documents.event import Event, Status
from ..documents.requests import Accepted, EventsSince, NoParams, ScanGet, ScanList, ScanStart, ScanStarted
from ..documents.scan import ScanSummary
from ..scan.journal import Journal
from ..scan.service import ScanService

Methods = tuple[Method[Any], ...]

FREE = ("scan.abort", "doctor", "catalogue.copy")
"""What anybody may ask for, whoever has the operator's lock."""


def station_methods(service: ScanService, journal: Journal) -> Methods:
    """What every station serves."""

    async def start(params: ScanStart) -> ScanStarted:
        return ScanStarted(scan_id=await service.start(params))

    async def abort(_: NoParams) -> Accepted:
        service.abort()
        return Accepted()

    async def status(_: NoParams) -> Status:
        return await service.status()

    async def get(params: ScanGet) -> ScanSummary:
        return await service.get(params.id)

    async def newest(params: ScanList) -> list[ScanSummary]:
        return await service.newest(params.limit)

    async def since(params: EventsSince) -> list[Event]:
        return await journal.ask(lambda catalogue: catalogue.events_since(params.seq, params.limit))

    async def accept_clock(_: NoParams) -> Accepted:
        service.admission.clock.accept()
        return Accepted()

    return (
        Method(
            "clock.accept",
            accept_clock,
            NoParams,
            Accepted,
            "The time that this machine's clock says now is right, although it jumped.",
            effect="Cards are accepted again that `clock_jumped` kept out.",
        ),
        Method("status", status, NoParams, Status, "What is going on, in one atomic document."),
        Method(
            "scan.start",
            start,
            ScanStart,
            ScanStarted,
            "Scan the card under the camera.",
            effect="Lights go on and off; a scan is stored.",
            completes="scan.captured, then scan.processed; or scan.failed",
        ),
        Method(
            "scan.abort",
            abort,
            NoParams,
            Accepted,
            "Stop the running scan; pictures that are being stored already are kept.",
            effect="Lights go off.",
            completes="scan.failed",
        ),
        Method("scan.get", get, ScanGet, ScanSummary, "One scan with its newest result and its delivery."),
        Method("scan.list", newest, ScanList, list[ScanSummary], "The newest scans, newest first."),
        Method("events.since", since, EventsSince, list[Event], "Events of the journal after a number."),
    )
