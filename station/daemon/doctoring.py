"""The method `doctor` of `control`: what only the owner of data and port can know."""

import asyncio
from typing import Any

from ..bus.method import Method
from ..config import Settings
from ..documents.doctor import Check, DoctorReport
from ..documents.fault import StationError
from ..documents.requests import NoParams
from ..scan.devices import Devices
from ..scan.doctor.devices import as_seen
from ..scan.doctor.examination import examined
from ..scan.doctor.holdings import Holdings, holdings
from ..scan.journal import Journal
from ..scan.service import ScanService


def doctor_method(
    settings: Settings, journal: Journal, devices: Devices, service: ScanService
) -> Method[Any]:
    """It disturbs no scan; while one runs the catalogue's file is not read through."""

    async def doctor(_: NoParams) -> DoctorReport:
        held: Holdings | StationError
        try:
            idle = service.free
            held = await journal.ask(lambda catalogue: holdings(catalogue, integrity=idle))
        except StationError as error:
            held = error
        checks: tuple[Check, ...] = (
            as_seen("board", devices.rig_status),
            as_seen("camera", devices.camera_status),
        )
        board = devices.board.firmware if devices.board is not None else None
        welcome = _next_card(await service.admission.why_not())
        found = await asyncio.to_thread(examined, settings, checks, held, board)
        return DoctorReport(by="daemon", checks=(welcome, *found))

    return Method(
        "doctor",
        doctor,
        NoParams,
        DoctorReport,
        "Look at devices, disk, clock, catalogue, delivery, profile and versions, and say what to do.",
        effect="A small file in the data folder, for a moment.",
    )


def _next_card(why_not: str) -> Check:
    if not why_not:
        return Check(name="next card", state="ok", said="a card would be accepted now")
    step = "Mend what is named below; a clock that is right is accepted with `station doctor --accept-clock`."
    return Check(name="next card", state="bad", said=why_not, next_step=step)
