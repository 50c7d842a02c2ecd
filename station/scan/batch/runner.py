"""Performs what the batch machine decides: scans, withdrawals, signals, news, and a record that survives."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from ...documents.batch import BatchBegin, BatchRecord, BatchState, SignalKind
from ...documents.event import Event as StationEvent
from ...documents.fault import StationError
from ...documents.ids import new_id
from ...documents.judgement import Expected
from ...documents.live import Seen
from ...documents.requests import ScanStart
from ...rig.interface import PanelEvent
from . import events as on
from .machine import step
from .memory import BatchMemory
from .naming import Naming, naming
from .news import rejected, resumed, rules_of
from .panel import Panel
from .state import Batch, Stored, restored

log = logging.getLogger(__name__)
ASK_AGAIN_S = 1.0
"""How often a station that was not ready is asked whether it is well again."""


class Scans(Protocol):
    """What a batch needs of the scan service. Every call raises `StationError`."""

    async def start(self, request: ScanStart, expected: Expected = ..., batch: str = ...) -> str:
        """Begin a scan; its identity."""
        ...

    async def ready(self) -> None:
        """Return where a card would be accepted."""
        ...

    def reserve(self, why: str) -> None:
        """Keep everybody else from scanning."""
        ...

    def release(self) -> None:
        """Until now."""
        ...


class Books(Protocol):
    """Journal and catalogue, as a batch sees them. Every call raises `StationError`."""

    async def tell(self, kind: str, data: dict[str, object], cause: str) -> None:
        """Write an event and publish it."""
        ...

    async def sides(self, batch_id: str) -> tuple[Stored, ...]:
        """What of a batch is stored and counts, oldest first."""
        ...

    async def withdraw(self, scan_id: str, why: str) -> None:
        """Take a side back."""
        ...


class BatchRunner:
    """One open batch at a time. All methods belong to the loop; `show` is called with each new signal."""

    def __init__(
        self,
        scans: Scans,
        books: Books,
        memory: BatchMemory,
        retakes: int,
        show: Callable[[SignalKind], None],
    ) -> None:
        self._scans = scans
        self._books = books
        self._memory = memory
        self._retakes = retakes
        self._show = show
        self._turn = asyncio.Lock()
        self._queue: asyncio.Queue[on.Event] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._batch: Batch | None = None
        self._record: BatchRecord | None = None
        self._naming = Naming("")
        self._panel = Panel("front_back")
        self._told: BatchState | None = None

    # --- for clients --------------------------------------------------------------------------------------

    @property
    def current(self) -> BatchState | None:
        """The open batch; None: there is none."""
        return self._told if self.is_open else None

    @property
    def is_open(self) -> bool:
        """Whether a batch is under way, paused ones included."""
        return self._batch is not None and self._batch.phase != "finished"

    @property
    def open_id(self) -> str:
        """Of the open batch; empty: there is none."""
        return self._record.id if self.is_open and self._record is not None else ""

    @property
    def looks(self) -> bool:
        """Whether the live picture is wanted."""
        return self.is_open and self._batch is not None and self._batch.phase != "paused"

    def state(self) -> BatchState:
        """The batch, also after it was finished.

        Raises:
            StationError: `batch_none`.
        """
        if self._told is None:
            raise StationError("batch_none", "no batch was begun since the daemon started")
        return self._told

    async def begin(self, request: BatchBegin) -> BatchState:
        """Begin a batch.

        Raises:
            StationError: `busy`, one is open or the rig is taken; `list_invalid`; what the disk says.
        """
        async with self._turn:
            if self.is_open and self._record is not None:
                raise StationError("busy", f"the batch {self._record.id} is open")
            now = datetime.now(UTC)
            made = naming(request.naming, request.set_list, now.date())
            record = BatchRecord(id=new_id(), begin=request, begun=now.isoformat())
            self._scans.reserve("a hands-free batch is open")
            try:
                await asyncio.to_thread(self._memory.save, record)
            except BaseException:
                self._scans.release()
                raise
            self._take_up(record, made, Batch.fresh(rules_of(record, made, self._retakes)))
            await self._tell()
            return self.state()

    async def ask(self, event: on.Event) -> BatchState:
        """Pause, resume, undo, turn or finish; the state afterwards.

        Raises:
            StationError: `batch_none`; what disk and catalogue say.
        """
        async with self._turn:
            if not self.is_open:
                raise StationError("batch_none", "no batch is open")
            await self._apply(event)
            return self.state()

    # --- for the station ----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take up the batch that was open when the daemon stopped, at the same card.

        Raises:
            StationError: its record cannot be read.
        """
        self._tasks = [
            asyncio.create_task(self._run(), name="batch"),
            asyncio.create_task(self._look_after(), name="batch health"),
        ]
        record = await asyncio.to_thread(self._memory.open_one)
        if record is None:
            return
        made = naming(record.begin.naming, record.begin.set_list, datetime.now(UTC).date())
        sides = await self._books.sides(record.id)
        batch = restored(rules_of(record, made, self._retakes), sides, record.turned_at)
        self._scans.reserve("a hands-free batch is open")
        self._take_up(record, made, resumed(batch, record, sides))
        log.info("the batch %s goes on at card %d", record.id, batch.number)
        await self._tell()
        if not self.is_open:
            await self._end()

    async def close(self) -> None:
        """Stop; an open batch is taken up at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def saw(self, seen: Seen) -> None:
        """What the live picture shows."""
        if self.is_open:
            self._queue.put_nowait(on.Saw(seen.kind, seen.same))

    def moved(self, moved: PanelEvent) -> None:
        """A button or the card sensor."""
        if self._batch is not None and self.is_open:
            event = self._panel.read(moved, paused=self._batch.phase == "paused")
            if event is not None:
                self._queue.put_nowait(event)

    def happened(self, event: StationEvent) -> None:
        """An event of the station's journal."""
        if not self.is_open:
            return
        told = event.data
        if event.type == "scan.captured":
            self._queue.put_nowait(on.Captured(event.cause, str(told.get("card_id", ""))))
        elif event.type == "scan.failed" and told.get("stage") != "computing":
            self._queue.put_nowait(rejected(event))

    # --- inside -------------------------------------------------------------------------------------------

    def _take_up(self, record: BatchRecord, made: Naming, batch: Batch) -> None:
        self._record, self._naming, self._batch = record, made, batch
        self._panel = Panel(record.begin.order)
        self._told = None
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _run(self) -> None:
        while True:
            event = await self._queue.get()
            async with self._turn:
                if not self.is_open:
                    continue
                try:
                    await self._apply(event)
                except StationError as error:
                    log.error("the batch could not go on: %s", error)  # noqa: TRY400 - a sentence, no trace

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(ASK_AGAIN_S)
            batch = self._batch
            if batch is not None and batch.phase == "trouble" and batch.station_ill:
                with suppress(StationError):
                    await self._scans.ready()
                    self._queue.put_nowait(on.Well())

    async def _apply(self, event: on.Event) -> None:
        assert self._batch is not None  # noqa: S101 - callers have looked
        before = self._batch
        self._batch, effects = step(before, event)
        if isinstance(event, on.Turn) and self._batch is not before:
            await self._remember(turned_at=(*self._kept.turned_at, self._batch.fronts))
        if (self._batch.phase == "paused") != self._kept.paused:
            await self._remember(paused=self._batch.phase == "paused")
        await self._tell()
        for effect in effects:
            answer = await self._perform(effect)
            if answer is not None:
                await self._apply(answer)
        if not self.is_open and before.phase != "finished":
            await self._end()

    @property
    def _kept(self) -> BatchRecord:
        assert self._record is not None  # noqa: S101 - there is one wherever there is a batch
        return self._record

    async def _remember(self, **changes: object) -> None:
        record = self._kept.replace(**changes)
        await asyncio.to_thread(self._memory.save, record)
        self._record = record

    async def _perform(self, effect: on.Effect) -> on.Event | None:
        match effect:
            case on.BeginScan():
                return await self._begin_scan(effect)
            case on.Withdraw(scan_id):
                await self._books.withdraw(scan_id, "the operator took it back")
                await self._remember(scanning="")
            case on.Noticed():
                await self._notice(effect)
        return None

    async def _begin_scan(self, effect: on.BeginScan) -> on.Event:
        assert self._batch is not None  # noqa: S101 - there is one whose effect this is
        expected = Expected(
            side=effect.side,
            after=effect.after,
            accept_known=not self._batch.rules.refuse_known,
            upright=True,
            welcome=effect.welcome,
        )
        request = ScanStart(side=effect.side, card_id=effect.card_id or None, name=self._name())
        try:
            scan_id = await self._scans.start(request, expected, self._kept.id)
        except StationError as error:
            return on.Refused(error.code, str(error))
        try:
            await self._remember(scanning=scan_id, noticed=self._batch.noticed, retakes=self._batch.retakes)
        except StationError as error:  # after a restart this card would have to be moved to be scanned again
            log.warning("the batch's record could not be written: %s", error)
        return on.Begun(scan_id)

    async def _notice(self, effect: on.Noticed) -> None:
        assert self._batch is not None  # noqa: S101 - as above
        data: dict[str, object] = {
            "code": effect.code,
            "message": effect.message,
            "scan_id": effect.scan_id,
            "like": effect.like,
            "number": self._batch.number,
        }
        await self._books.tell("batch.noticed", data, self._kept.id)

    def _name(self) -> str:
        return self._naming.name(self._batch.number, datetime.now(UTC).date()) if self._batch else ""

    async def _tell(self) -> None:
        """What changed is told once, and shown."""
        assert self._batch is not None  # noqa: S101 - as above
        told = self._batch.told(self._kept.id, self._name() if self._batch.due else "")
        before, self._told = self._told, told
        if told == before:
            return
        if before is None or before.signal != told.signal:
            self._show(told.signal)
        await self._books.tell("batch.phase", told.model_dump(mode="json"), self._kept.id)

    async def _end(self) -> None:
        assert self._batch is not None  # noqa: S101 - as above
        self._scans.release()
        now = datetime.now(UTC).isoformat()
        await self._remember(finished=now, noticed=self._batch.noticed, retakes=self._batch.retakes)
        told = self.state().model_dump(mode="json")
        await self._books.tell("batch.finished", told, self._kept.id)
