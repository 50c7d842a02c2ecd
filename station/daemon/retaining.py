"""The retention policy carried out while the station has nothing else to do."""

import asyncio
import logging
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from ..archive.catalogue import Catalogue
from ..archive.hold import folders_held
from ..archive.removal import delete, hide
from ..archive.retention import in_words
from ..config import Settings
from ..documents.event import Event
from ..documents.fault import StationError
from ..documents.ids import new_id
from ..documents.retention import DueSide, RetentionBegun, RetentionPlan
from ..scan.journal import Journal
from ..scan.retention import planned, rows_and_places

log = logging.getLogger(__name__)
EVERY_S = 3600.0
REST_S = 60.0
DELIVERED = "delivery.delivered"


class Retaining:
    """Removes one side after the other, and stops between two of them when there is work. Of the loop.

    Args:
        settings: of the station.
        journal: of the daemon.
        idle: whether nothing is scanned or computed.
        busy: sides that are computed or wait for it.
        open_batch: the hands-free batch that runs; empty: none.
        every_s: how often it looks by itself.
        rest_s: how long it rests after a look, whatever is delivered meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        idle: Callable[[], bool],
        busy: Callable[[], AbstractSet[str]],
        open_batch: Callable[[], str | None] = lambda: None,
        every_s: float = EVERY_S,
        rest_s: float = REST_S,
    ) -> None:
        self._root = settings.station.data
        self._policy = settings.retention
        self._journal = journal
        self._idle = idle
        self._busy = busy
        self._open_batch = open_batch
        self._every_s = every_s
        self._rest_s = rest_s
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._asked: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to look: now, every hour, and when something was delivered."""
        self._journal.listen(self._on_event)
        if in_words(self._policy):
            self._task = asyncio.create_task(self._work(), name="retention")

    async def close(self) -> None:
        """Stop after the side in hand."""
        self._stopped.set()
        self._wake.set()
        tasks = [*self._asked, *([self._task] if self._task is not None else [])]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_event(self, event: Event) -> None:
        if event.type == DELIVERED:
            self._wake.set()

    async def plan(self) -> RetentionPlan:
        """What would go now.

        Raises:
            StationError: the data root is not there, or what the catalogue refuses.
        """
        rows, places = await self._journal.ask(rows_and_places)
        return await asyncio.to_thread(
            planned,
            self._root,
            rows,
            places,
            self._policy,
            open_batch=self._open_batch(),
            busy=frozenset(self._busy()),
        )

    async def apply(self) -> RetentionBegun:
        """Begin to remove what the plan says; `retention.applied` ends it.

        Raises:
            StationError: see `plan`.
        """
        plan, run_id = await self.plan(), new_id()
        task = asyncio.create_task(self._apply(plan, run_id), name=f"retention {run_id}")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return RetentionBegun(run_id=run_id, plan=plan)

    async def _apply(self, plan: RetentionPlan, cause: str) -> None:
        done = await self._remove(plan, lambda: True)
        told = {"removed": [side.id for side in done.remove], "failed": list(done.failed)}
        try:
            await self._journal.tell("retention.applied", told, cause)
        except StationError as error:  # what was removed is in the catalogue
            log.warning("the end of a removal could not be written to the journal: %s", error)

    async def _work(self) -> None:
        while not self._stopped.is_set():
            if idle := self._idle():
                self._wake.clear()
                try:
                    await self._remove(await self.plan(), self._idle)
                except StationError as error:
                    log.warning("the retention policy was not carried out: %s", error)
                except Exception:
                    log.exception("the retention policy was not carried out")
            await _heard(self._stopped, self._rest_s)
            if idle:
                await _heard(self._wake, self._every_s)

    async def _remove(self, plan: RetentionPlan, go_on: Callable[[], bool]) -> RetentionPlan:
        """Carry a plan out; what was removed, and what could not be."""
        removed: list[DueSide] = []
        failed: list[str] = []
        async with self._turn:
            for side in plan.remove:
                if self._stopped.is_set() or not go_on():
                    break
                try:
                    gone = await self._one(side)
                except StationError as error:
                    log.warning("scan %s was not removed: %s", side.id, error)
                    failed.append(f"scan {side.id}: {error}")
                else:
                    removed += [side] if gone else []
        return plan.replace(remove=tuple(removed), failed=tuple(failed))

    async def _one(self, side: DueSide) -> bool:
        """Remove one side; False where it must stay by now, or somebody copies the folders."""
        if side.id in self._busy():
            return False
        hidden: list[Path] = []

        def remove(catalogue: Catalogue) -> Event | None:
            try:
                event, gone = hide(self._root, catalogue, side.id, side.due)
            except ValueError as error:
                log.info("scan %s stays: %s", side.id, error)
                return None
            hidden.append(gone)
            return event

        with folders_held(self._root) as held:
            if not held:
                return False
            await self._journal.write(remove)
            for gone in hidden:
                await asyncio.to_thread(delete, gone)
        return bool(hidden)


async def _heard(event: asyncio.Event, patience_s: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), patience_s)
