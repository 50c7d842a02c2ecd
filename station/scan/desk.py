"""The rig for people while a daemon owns it: questions, orders, the selftest, and its port lent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ..documents.base import Document
from ..documents.fault import StationError
from ..documents.ids import new_id
from ..documents.rig import RigAnswer, RigLent, RigOrder, RigReport, RigTraffic
from ..rig.diagnosis import carry_out, report
from ..rig.serial_rig import SerialRig
from .checking import check
from .devices import Devices
from .journal import Journal
from .looking import Eyes, Threads, selftest
from .service import ScanService

GONE = ("rig_missing", "rig_silent", "rig_fault", "camera_missing", "camera_silent")
Look = Callable[[Eyes, Threads], Awaitable[Document]]
log = logging.getLogger(__name__)


class RigDesk:
    """All methods belong to the loop. Each raises `StationError`: what the rig says, or `busy`."""

    def __init__(
        self, service: ScanService, devices: Devices, eyes: Eyes, rig: SerialRig, baud: int, journal: Journal,
        threads: Threads,
    ) -> None:  # fmt: skip
        self._service = service
        self._devices = devices
        self._eyes = eyes
        self._rig = rig
        self._baud = baud
        self._journal = journal
        self._threads = threads
        self._test: asyncio.Task[None] | None = None
        self._term: asyncio.Task[None] | None = None

    async def info(self) -> RigReport:
        """Who the board is and how it is."""
        self._service.require_free()
        return await self._threads.on_rig(self._report)

    def _report(self) -> RigReport:
        self._devices.open_rig()
        return report(self._rig)

    async def ask(self, order: RigOrder) -> RigAnswer:
        """Carry out what a person says."""
        self._service.require_free()

        def work() -> RigAnswer:
            self._devices.open_rig()
            return carry_out(self._rig, order)

        return await self._threads.on_rig(work)

    def traffic(self, number: int) -> list[RigTraffic]:
        """What was said on the line since the entry of this number."""
        return list(self._rig.traffic.since(number))

    async def start_selftest(self) -> str:
        """Begin to look at the lights; the event `rig.tested` of this cause ends it."""
        return self._start("rig.tested", "the selftest looks at its lights", selftest)

    async def start_check(self) -> str:
        """Begin to hold the rig against its profile; the event `calibrate.checked` of this cause ends it."""
        return self._start("calibrate.checked", "it is held against its calibration", check)

    def _start(self, ends: str, why: str, work: Look) -> str:
        test_id = new_id()
        self._service.take_hold(why)
        self._test = asyncio.create_task(self._look(test_id, ends, work), name=f"{ends} {test_id}")
        return test_id

    async def _look(self, test_id: str, ends: str, work: Look) -> None:
        try:
            await self._service.clear_view()
            await self._threads.on_rig(self._devices.open_rig)
            await self._threads.on_camera(self._devices.open_camera)
            found = (await work(self._eyes, self._threads)).model_dump(mode="json")
        except StationError as error:
            found = {"code": error.code, "message": str(error)}
            if error.code in GONE:
                await self._service.device_failed(error)
        finally:
            self._service.let_go()
        await self._journal.tell(ends, found, test_id)

    async def release(self, for_s: float, why: str) -> RigLent:
        """Let another program open the port, until `retake`, but not longer than `for_s`."""
        self._service.take_hold(f"its port is lent to {why}")
        await self._service.clear_view()
        await self._threads.on_rig(lambda: self._devices.lend_rig(why))
        self._term = asyncio.create_task(self._end_of_term(for_s), name="lent rig")
        return RigLent(port=self._rig.port, baud=self._baud)

    async def _end_of_term(self, for_s: float) -> None:
        await asyncio.sleep(for_s)
        log.warning("rig: the port was not given back within %g s", for_s)
        self._term = None
        with suppress(StationError):  # its status says so, and it is looked for in the background
            await self._take()

    async def retake(self) -> RigReport:
        """Open the port again, if it was lent, and say who is there now."""
        term, self._term = self._term, None
        if term is not None:
            term.cancel()
            await self._take()
        return await self.info()

    async def _take(self) -> None:
        await self._threads.on_rig(self._devices.take_rig_back)
        self._service.let_go()
        try:
            await self._threads.on_rig(self._devices.open_rig)
        except StationError as error:
            await self._service.device_failed(error)
            raise

    async def close(self) -> None:
        """End what runs."""
        tasks = [task for task in (self._test, self._term) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
