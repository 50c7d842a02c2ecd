"""A small daemon with a real bus and an in-memory journal, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from station.bus.control import ControlServer
from station.bus.events import EventPublisher
from station.bus.keys import KeyRing
from station.bus.method import Method, caller, table
from station.documents.event import DeviceStatus, Event, Status
from station.documents.fault import StationError
from station.documents.limits import Limits
from station.documents.requests import (
    Accepted,
    EventsSince,
    NoParams,
    ScanGet,
    ScanList,
    ScanStart,
    ScanStarted,
)
from station.documents.scan import ScanSummary

T = TypeVar("T")


class Daemon:
    """What a client sees of a daemon. The journal outlives a `stop`, as the real one does."""

    def __init__(self, folder: Path, limits: Limits, keys: KeyRing | None = None) -> None:
        self.keys = keys
        self.control = f"ipc://{folder}/run/control"
        self.events = f"ipc://{folder}/run/events"
        self.limits = limits
        self.journal: list[Event] = []
        self.forgotten = 0
        self.asked: list[str] = []
        self.boots = 0
        self.gate = threading.Event()
        self.gate.set()

    def start(self) -> Self:
        self.boots += 1
        self.boot = f"boot{self.boots}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="daemon")
        self._thread.start()
        self._in_loop(self._open())
        return self

    def stop(self) -> None:
        self._in_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _open(self) -> None:
        head = self.journal[-1].seq if self.journal else 0
        self._publisher = await EventPublisher(self.events, self.boot, head, self.limits, self.keys).open()
        self._server = await ControlServer(self.control, self.methods(), self.limits, self.keys).open()

    async def _close(self) -> None:
        await self._server.close()
        await self._publisher.close()

    def emit(self, count: int = 1, kind: str = "scan.step", **how: Any) -> None:
        """Put events into the journal and (mostly) on the bus."""

        async def work() -> None:
            for _ in range(count):
                self._emit(kind, **how)
                await asyncio.sleep(0)

        self._in_loop(work())

    def _emit(
        self, kind: str, publish: bool = True, blob: bytes | None = None, cause: str = "", padding: int = 0
    ) -> None:
        head = self.journal[-1].seq if self.journal else 0
        seq = head if kind.startswith("preview") else head + 1
        event = Event(
            boot=self.boot,
            seq=seq,
            time="2026-01-01T00:00:00Z",
            mono_s=0.0,
            type=kind,
            cause=cause,
            data={"padding": "x" * padding},
        )
        if not kind.startswith("preview"):
            self.journal.append(event)
        if publish:
            self._publisher.publish(event, blob)

    def methods(self) -> Any:
        return table(
            Method("status", self.status, NoParams, Status, "What is going on."),
            Method("events.since", self.since, EventsSince, list[Event], "The journal."),
            Method(
                "scan.start", self.scan_start, ScanStart, ScanStarted, "Start.", "a scan", "scan.captured"
            ),
            Method("scan.abort", self.scan_abort, NoParams, Accepted, "Abort."),
            Method("scan.get", self.scan_get, ScanGet, ScanSummary, "One scan."),
            Method("scan.list", self.scan_list, ScanList, list[ScanSummary], "The newest."),
            Method("hang", self.hang, NoParams, Accepted, "Answers when the gate is open."),
            Method("long", self.long, NoParams, str, "A long answer."),
        )

    async def status(self, _: NoParams) -> Status:
        self.asked.append("status")
        device = DeviceStatus(state="simulated")
        return Status(
            boot=self.boot,
            seq=self.journal[-1].seq if self.journal else 0,
            version="0",
            pid=1,
            state="idle",
            quiescent=True,
            simulated=True,
            rig=device,
            camera=device,
        )

    async def since(self, params: EventsSince) -> list[Event]:
        self.asked.append("events.since")
        kept = [event for event in self.journal[self.forgotten :] if event.seq > params.seq]
        return kept[: params.limit]

    async def scan_start(self, params: ScanStart) -> ScanStarted:
        if params.name == "busy":
            raise StationError("busy", "card 7 is being scanned", "Have patience.")
        self._emit("scan.captured", cause="scan1")
        return ScanStarted(scan_id="scan1")

    async def scan_abort(self, _: NoParams) -> Accepted:
        self.asked.append(f"abort by {caller().request_id}")
        return Accepted()

    async def scan_get(self, params: ScanGet) -> ScanSummary:
        if params.id != "scan1":
            raise StationError("not_found", f"there is no scan {params.id}")
        return self._summary(params.id)

    async def scan_list(self, params: ScanList) -> list[ScanSummary]:
        return [self._summary(f"scan{number}") for number in range(params.limit)]

    @staticmethod
    def _summary(scan_id: str) -> ScanSummary:
        return ScanSummary(
            id=scan_id,
            card_id="c1",
            side="front",
            name="",
            state="captured",
            created="2026-01-01T00:00:00Z",
            simulated=True,
            folder="scans/x",
            bytes=1,
            delivery="queued",
        )

    async def hang(self, _: NoParams) -> Accepted:
        self.asked.append("hang")
        while not self.gate.is_set():  # noqa: ASYNC110 - opened from another thread
            await asyncio.sleep(0.001)
        return Accepted()

    async def long(self, _: NoParams) -> str:
        return "x" * 3_000_000


@pytest.fixture
def limits() -> Limits:
    """Patience short enough for tests, long enough for a loaded machine."""
    return Limits(connect_s=0.5, reply_s=10.0, event_heartbeat_s=0.1, silence_s=5.0, page_events=20)


@pytest.fixture
def guarded(tmp_path: Path, limits: Limits) -> Iterator[Daemon]:
    """A running daemon on TCP, behind keys."""
    running = Daemon(tmp_path, limits, KeyRing(tmp_path / "keys"))
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        running.control = f"tcp://127.0.0.1:{first.getsockname()[1]}"
        running.events = f"tcp://127.0.0.1:{second.getsockname()[1]}"
    running.start()
    yield running
    running.stop()


@pytest.fixture
def daemon(tmp_path: Path, limits: Limits) -> Iterator[Daemon]:
    """A running daemon."""
    running = Daemon(tmp_path, limits).start()
    yield running
    running.gate.set()
    if running._loop.is_running():
        running.stop()
