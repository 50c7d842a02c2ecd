"""From a durable stack to maps, measurements and report, one after another on a thread of their own."""

import asyncio
import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..calibrate.profile import LoadedProfile
from ..documents.ageing import Ageing
from ..documents.fault import StationError
from ..documents.scan import Measurements, Quality
from ..photometric.solve import Solver, solve
from .ageing import MEMORY, ageing, marked
from .journal import Journal
from .pipeline import Stack
from .stored import compute_stored, enter, unmarked

log = logging.getLogger(__name__)
DISK_FAULTS = ("disk_full", "data_unwritable")
LEAST_URGENT = 19
LONGEST_WAIT_S = 10.0
"""For which a stage waits while a card is captured."""
STACKS_IN_MEMORY = 2
"""Stacks kept from the capture; older ones are read from the disk again, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A stack to compute. `again`: with this profile, although there may be a result by another one."""

    scan_id: str
    stack: Stack | None = None
    again: LoadedProfile | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.scan_id, self.again.sha256 if self.again else ""


class Processor:
    """The queue of captured scans, computed when capturing leaves room for it.

    It is rebuilt from the catalogue at every start, so nothing in it can be lost.

    Attributes:
        held: whether nothing new is to be begun at the moment; `wake` when that ends.
    """

    def __init__(self, root: Path, journal: Journal, profile: LoadedProfile, solver: Solver = solve) -> None:
        self._root = root
        self._journal = journal
        self._profile = profile
        self._solver = solver
        self._thread = ThreadPoolExecutor(1, "compute", initializer=_give_way)
        self._waiting: OrderedDict[tuple[str, str], _Job] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._current: str | None = None
        self.held: Callable[[], bool] = lambda: False
        self._room = threading.Event()
        self._room.set()
        self._seen: deque[Quality] = deque(maxlen=MEMORY)
        self._ageing = ageing((), profile.profile)

    @property
    def ageing(self) -> Ageing:
        """What the newest scans say of the profile."""
        return self._ageing

    @property
    def waiting(self) -> tuple[str, ...]:
        """Scans being computed or waiting for it."""
        queued = [job.scan_id for job in self._waiting.values()]
        return tuple(dict.fromkeys([self._current, *queued] if self._current else queued))

    def submit(self, scan_id: str, stack: Stack | None = None) -> None:
        """Queue a captured scan; without a stack it is read from the disk."""
        held = sum(job.stack is not None for job in self._waiting.values())
        self._queue(_Job(scan_id, stack if held < STACKS_IN_MEMORY else None))

    def again(self, scan_id: str, profile: LoadedProfile) -> None:
        """Queue a stored stack for a further result, by this profile. A stop of the daemon forgets it."""
        self._queue(_Job(scan_id, again=profile))

    def _queue(self, job: _Job) -> None:
        self._waiting[job.key] = job
        self._wake.set()

    def give_way(self, *, capturing: bool) -> None:
        """While a card is captured no stage of a computation is begun, for so long as is bearable."""
        (self._room.clear if capturing else self._room.set)()

    def wake(self) -> None:
        """Look again whether there is something to do."""
        self._wake.set()

    def open(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._work(), name="processor")

    async def close(self) -> None:
        """Stop after the computation in hand; what waits is taken up at the next start."""
        self._waiting.clear()
        if self._task is not None:
            self._wake.set()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        await self._remember()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self.held():
                _, job = self._waiting.popitem(last=False)
                self._current = job.scan_id
                try:
                    await self._one(job)
                finally:
                    self._current = None

    async def _remember(self) -> None:
        """What the profile's newest scans were like, so that a restart forgets nothing."""
        try:
            scans = await self._journal.ask(lambda catalogue: catalogue.scans(MEMORY))
        except StationError as error:  # the scans to come say it again
            log.warning("the newest scans could not be looked at: %s", error)
            return
        results = [scan.result for scan in reversed(scans) if scan.result is not None]
        ours = [one for one in results if one.profile_sha256 == self._profile.sha256]
        self._seen.extend(one.measurements.quality for one in ours)
        self._ageing = ageing(tuple(self._seen), self._profile.profile)

    def _marked(self, measured: Measurements) -> Measurements:
        """On the thread that computes."""
        self._seen.append(measured.quality)
        self._ageing = ageing(tuple(self._seen), self._profile.profile)
        return marked(measured, self._ageing)

    async def _tell_ageing(self, before: Ageing, scan_id: str) -> None:
        """What holds already is not told again with every scan."""
        now = self._ageing
        if _outline(now) != _outline(before):
            await self._journal.tell("calibration.ageing", now.model_dump(mode="json"), scan_id)

    async def _one(self, job: _Job) -> None:
        scan_id, profile = job.scan_id, job.again or self._profile
        mark, before = (self._marked, self._ageing) if job.again is None else (unmarked, self._ageing)
        loop = asyncio.get_running_loop()
        scan = await self._journal.ask(lambda catalogue: catalogue.scan(scan_id))

        def progress(stage: str) -> None:
            told = self._journal.tell("scan.computing", {"step": stage}, scan_id)
            asyncio.run_coroutine_threadsafe(told, loop)
            self._room.wait(LONGEST_WAIT_S)

        try:
            result = await loop.run_in_executor(
                self._thread,
                lambda: compute_stored(
                    self._root / scan.folder,
                    profile,
                    job.stack,
                    progress=progress,
                    solver=self._solver,
                    mark=mark,
                ),
            )
        except StationError as error:
            await self._ended(job, error.code, str(error))
        except Exception as error:
            log.exception("scan %s could not be computed", scan_id)
            await self._ended(job, "internal", f"{type(error).__name__}: {error}")
        else:
            await self._journal.write(lambda catalogue: enter(catalogue, result))
            await self._tell_ageing(before, scan_id)

    async def _ended(self, job: _Job, code: str, message: str) -> None:
        if job.again is not None:
            await self._kept(job.scan_id, job.again, code, message)
        else:
            await (self._deferred if code in DISK_FAULTS else self._failed)(job.scan_id, code, message)

    async def _kept(self, scan_id: str, profile: LoadedProfile, code: str, message: str) -> None:
        """There is no further result, and what there was holds."""
        log.warning("scan %s could not be computed again: %s", scan_id, message)
        facts = {"code": code, "message": message, "profile_sha256": profile.sha256}
        await self._journal.tell("scan.reprocess_failed", facts, scan_id)

    async def _deferred(self, scan_id: str, code: str, message: str) -> None:
        """The disk did not take the result: the scan stays captured, and the next start computes it."""
        log.error("scan %s: the result could not be stored: %s", scan_id, message)
        await self._journal.tell("scan.deferred", {"code": code, "message": message}, scan_id)

    async def _failed(self, scan_id: str, code: str, message: str) -> None:
        """The stack stays as it is; the reason is told and kept."""
        facts = {"code": code, "message": message, "stage": "computing"}
        await self._journal.write(
            lambda catalogue: catalogue.failed(scan_id, f"{code}: {message}", facts=facts)
        )


def _give_way() -> None:
    """On the thread that computes, and so on all that it starts: whoever captures goes first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_URGENT)


def _outline(found: Ageing) -> set[tuple[str, str, tuple[int, ...]]]:
    return {(sign.figure, sign.state, sign.lights) for sign in found.signs}
