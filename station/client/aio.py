"""The client for asyncio programs."""

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import zmq
import zmq.asyncio

from ..documents.event import Event, Status
from ..documents.fault import StationError
from ..documents.limits import LIMITS, Limits
from ..documents.rpc import Reply, result_of
from ..documents.scan import ScanSummary
from . import wire
from .attach import Arrival, Call, Emit, Follower, Receive

if TYPE_CHECKING:
    from ..config import Settings
    from ..documents.plan import Side


class AsyncStationClient:
    """Speaks to a daemon. Calls may run side by side; the methods are those of `StationClient`.

    Args:
        control: endpoint of the requests.
        events: endpoint of the events.
        limits: patience and sizes.
    """

    def __init__(self, control: str, events: str, limits: Limits = LIMITS) -> None:
        self._control = control
        self._events = events
        self._limits = limits
        self._waiting: dict[str, asyncio.Future[Reply]] = {}

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """A client of the daemon that this configuration describes."""
        return cls(settings.endpoint("control"), settings.endpoint("events"))

    async def open(self) -> Self:
        """Make the sockets; whether a daemon is there shows with the first call.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        wire.set_limits(self._socket, self._limits, self._limits.reply_bytes, self._limits.control_queue)
        try:
            wire.connect(self._socket, self._control)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._reading = asyncio.create_task(self._read(), name=f"replies of {self._control}")
        return self

    async def close(self) -> None:
        """Close everything; calls under way are cancelled."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        for future in self._waiting.values():
            future.cancel()
        self._context.destroy(linger=0)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self) -> None:
        while True:
            frames = await self._socket.recv_multipart()
            try:
                reply = wire.reply_of(frames)
            except StationError as error:
                self._fail(error)
                continue
            future = self._waiting.get(str(reply.id))
            if future is not None and not future.done():
                future.set_result(reply)

    def _fail(self, error: StationError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    async def call(
        self, method: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> Any:  # noqa: ANN401
        """Call any method and return its result as JSON has it."""
        request_id, body = wire.request(method, params or {}, idempotency_key, self._limits)
        if not await self._writable(self._limits.connect_s):
            raise wire.absent(self._control, f"no connection within {self._limits.connect_s:g} s")
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            await self._socket.send(body)
            return result_of(await self._wait(future))
        finally:
            del self._waiting[request_id]

    async def _wait(self, future: "asyncio.Future[Reply]") -> Reply:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.reply_s
        while loop.time() < deadline:
            done, _ = await asyncio.wait({future}, timeout=wire.POLL_S)
            if done:
                return future.result()
            if not await self._writable(0):
                raise wire.absent(self._control, "the connection was lost before the answer came")
        raise wire.absent(self._control, f"no answer within {self._limits.reply_s:g} s")

    async def _writable(self, timeout_s: float) -> bool:
        poller = zmq.asyncio.Poller()
        poller.register(self._socket, zmq.POLLOUT)
        return bool(await poller.poll(round(timeout_s * 1000)))

    async def status(self) -> Status:
        """What is going on, in one atomic document."""
        return Status.model_validate(await self.call("status"))

    async def scan_start(
        self,
        side: "Side | str",
        card_id: str | None = None,
        name: str = "",
        *,
        idempotency_key: str | None = None,
    ) -> str:
        """Start a scan; its identity, which is the `cause` of the events that follow and end it."""
        params = {"side": side, "card_id": card_id, "name": name}
        return str((await self.call("scan.start", params, idempotency_key))["scan_id"])

    async def scan_abort(self) -> None:
        """Ask the running scan to stop and the lights to go off."""
        await self.call("scan.abort")

    async def scan_get(self, scan_id: str) -> ScanSummary:
        """One scan with its newest result."""
        return ScanSummary.model_validate(await self.call("scan.get", {"id": scan_id}))

    async def scan_list(self, limit: int = 20) -> list[ScanSummary]:
        """The newest scans, newest first."""
        return [ScanSummary.model_validate(item) for item in await self.call("scan.list", {"limit": limit})]

    async def events_since(self, seq: int, limit: int | None = None) -> list[Event]:
        """Events of the journal with a greater `seq`, oldest first, at most `limit`."""
        params = {"seq": seq, "limit": limit or self._limits.page_events}
        return [Event.model_validate(item) for item in await self.call("events.since", params)]

    async def events(self, after: int | None = None) -> AsyncGenerator[Event, None]:
        """Every event from now on, or every one after that `seq`; see `StationClient.events`.

        To be closed with `contextlib.aclosing`.
        """
        watching = self.watch(after)
        try:
            async for item in watching:
                if isinstance(item, Arrival) and item.blob is None:
                    yield item.event
        finally:
            await watching.aclose()

    async def watch(self, after: int | None = None) -> AsyncGenerator[Status | Arrival, None]:
        """Like `events`, with previews, and with a `Status` first and after each restart of the daemon."""
        socket = self._context.socket(zmq.SUB)
        wire.set_limits(socket, self._limits, self._limits.event_bytes, self._limits.events_queue)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        try:
            wire.connect(socket, self._events)
            steps = Follower(self._limits, after).following()
            answer: Any = None
            while True:
                step = steps.send(answer)
                answer = None
                match step:
                    case Receive(timeout_s):
                        answer = (
                            await socket.recv_multipart()
                            if await socket.poll(round(timeout_s * 1000))
                            else None
                        )
                    case Call(method, params):
                        answer = await self.call(method, params)
                    case Emit(item):
                        yield item
        finally:
            socket.close(linger=0)
