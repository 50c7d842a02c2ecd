"""Puts hands-free scanning together: the eye that looks, the batch that decides, the signals."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..bus.preview import Previews
from ..calibrate.profile import LoadedProfile
from ..camera.interface import Camera
from ..config import Settings
from ..documents.batch import BatchState
from ..documents.event import Event
from ..documents.fault import StationError
from ..rig.interface import SignallingRig
from ..scan.batch.memory import BatchMemory
from ..scan.batch.runner import BatchRunner
from ..scan.batch.state import Stored
from ..scan.journal import Journal
from ..scan.live.desk import LiveDesk
from ..scan.live.eye import LiveEye
from ..scan.looking import Threads
from ..scan.service import ScanService
from ..scan.signalling import Signaller

if TYPE_CHECKING:
    from ..twin.bench import TwinBench


class BatchBooks:
    """Journal and catalogue for the batch runner; see `scan.batch.runner.Books`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def tell(self, kind: str, data: dict[str, object], cause: str) -> None:
        """Write an event and publish it."""
        await self._journal.tell(kind, data, cause)

    async def sides(self, batch_id: str) -> tuple[Stored, ...]:
        """What of a batch is stored and counts, oldest first."""
        found = await self._journal.ask(lambda catalogue: catalogue.batch_sides(batch_id))
        return tuple(Stored(one.id, one.card_id, one.side) for one in found)

    async def withdraw(self, scan_id: str, why: str) -> None:
        """Take a side back."""
        await self._journal.write(lambda catalogue: catalogue.withdraw(scan_id, why))


class HandsFree:
    """Everything that is there for hands-free scanning. All methods belong to the loop.

    Args:
        settings: of the station.
        profile: in use.
        rig, camera: of the station; opened and closed by their owner.
        threads: of the two.
        service: scans.
        journal: of the daemon.
        previews: where live pictures go.
        bench: the simulated one, if it is.
    """

    def __init__(
        self,
        settings: Settings,
        profile: LoadedProfile,
        rig: SignallingRig,
        camera: Camera,
        threads: Threads,
        service: ScanService,
        journal: Journal,
        previews: Previews,
        bench: "TwinBench | None",
    ) -> None:
        self._service = service
        self._journal = journal
        self._previews = previews
        self._bench = bench
        self._tasks: set[asyncio.Task[None]] = set()
        self.signaller = Signaller(rig, threads, sound=settings.batch.sound)
        memory = BatchMemory(settings.station.data)
        self.batches = BatchRunner(
            service, BatchBooks(journal), memory, settings.batch.retakes, self.signaller.show
        )
        eye = LiveEye(
            rig, camera, threads, profile, settings,
            on_seen=self.batches.saw,
            on_preview=previews.publish,
            wants_preview=lambda: previews.wanted,
            on_trouble=self._eye_failed,
        )  # fmt: skip
        self._live = LiveDesk(eye, self._wanted)

    def _wanted(self) -> bool:
        """The eye looks for a batch, and for whoever watches while nobody works with the rig."""
        return self._service.looks_allowed and (self.batches.looks or self._previews.wanted)

    async def open(self) -> None:
        """Take up an open batch, and begin to look where that is wanted.

        Raises:
            StationError: the record of the open batch cannot be read.
        """
        self._service.view = self._live
        self._journal.listen(self._happened)
        await self.batches.open()
        await self._live.open()

    async def close(self) -> None:
        """End; an open batch is taken up at the next start."""
        await self.batches.close()
        await self._live.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.signaller.close()

    def _eye_failed(self, error: StationError) -> None:
        """A device that fails while somebody looks is lost like one that fails in a scan."""
        self._later(partial(self._service.device_failed, error))

    def _later(self, work: Callable[[], Any]) -> None:
        task = asyncio.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _happened(self, event: Event) -> None:
        self.batches.happened(event)
        if event.type == "rig.ready":
            self.signaller.refresh()
        if self._bench is None:
            return
        if event.type == "batch.phase":
            state = BatchState.model_validate(event.data)
            self._bench.hear(state.signal, state.trouble.code if state.trouble else "")
        elif event.type == "scan.captured":
            self._bench.noted(event.cause)
