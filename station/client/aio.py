"""The client for asyncio programs."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import zmq
import zmq.asyncio

from ..documents.event import Event, Status
from ..documents.fault import StationError
from ..documents.limits import LIMITS, Limits
from ..documents.requests import ScanFiles, StoredFile
from ..documents.rpc import is_transient, result_of
from ..documents.scan import ScanSummary
from . import wire
from .attach import Arrival, Call, Emit, Follower, LivePicture, Receive, live_picture
from .fetching import fetching, keep

if TYPE_CHECKING:
    from ..config import Settings
    from ..documents.key import ClientKey
    from ..documents.plan import Side


class AsyncStationClient:
    """Speaks to a daemon. Calls may run side by side; the methods are those of `StationClient`.

    Args:
        control: endpoint of the requests.
        events: endpoint of the events.
        limits: patience and sizes.
        key: opens TCP endpoints; not needed for `ipc://`.
        preview: endpoint of the live picture; empty: it is not looked at.
        operator: the token of `lock.take`, which goes with every request; None: nobody's.

    Attributes:
        operator: the same; to be set once the lock is taken.
    """

    def __init__(
        self,
        control: str,
        events: str,
        limits: Limits = LIMITS,
        key: "ClientKey | None" = None,
        preview: str = "",
        operator: str | None = None,
    ) -> None:
        self._key = key
        self._control = control
        self._events = events
        self._preview = preview
        self.operator = operator
        self._limits = limits
        self._proven = False
        self._given_up = False
        self._waiting: dict[str, asyncio.Future[wire.Answer]] = {}

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """A client of the daemon that this configuration describes."""
        named = settings.endpoint
        return cls(named("control"), named("events"), preview=named("preview"))

    async def open(self) -> Self:
        """Make the sockets; whether a daemon is there shows with the first call.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._context = zmq.asyncio.Context()
        try:
            self._dial_control()
        except BaseException:
            self._context.destroy(linger=0)
            raise
        return self

    def _dial_control(self) -> None:
        self._line = wire.dial(self._context, zmq.DEALER, self._control, self._key, self._limits)
        self._reading = asyncio.create_task(self._read(self._line.socket), name=f"replies of {self._control}")

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

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            frames = await socket.recv_multipart()
            try:
                answer = wire.answer_of(frames)
            except StationError as error:
                self._fail(error)
                continue
            future = self._waiting.get(str(answer.reply.id))
            if future is not None and not future.done():
                future.set_result(answer)

    def _fail(self, error: StationError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    async def call(
        self, method: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> Any:  # noqa: ANN401
        """Call any method and return its result as JSON has it."""
        return (await self.call_with_blob(method, params, idempotency_key))[0]

    async def call_with_blob(
        self, method: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> tuple[Any, bytes]:
        """The same, with the bytes that follow some replies."""
        request_id, body = wire.request(method, params or {}, idempotency_key, self._limits, self.operator)
        line = await self._await_connection()
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            await line.socket.send(body)
            reply, blob = await self._wait(future, line)
            return result_of(reply), blob
        finally:
            del self._waiting[request_id]

    async def _wait(self, future: "asyncio.Future[wire.Answer]", line: wire.Line) -> wire.Answer:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.reply_s
        while loop.time() < deadline:
            done, _ = await asyncio.wait({future}, timeout=wire.POLL_S)
            if done:
                return future.result()
            if line is not self._line or line.socket not in await _ready(line, 0):
                raise wire.absent(self._control, "the connection was lost before the answer came")
        raise wire.absent(self._control, f"no answer within {self._limits.reply_s:g} s")

    async def _await_connection(self) -> wire.Line:
        await self._redial()
        problem = wire.absent(self._control, f"no connection within {self._limits.connect_s:g} s")
        line = self._line
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.connect_s
        while (left_s := deadline - loop.time()) > 0:
            ready = await _ready(line, left_s)
            if line.socket in ready:
                self._proven = True
                return line
            if line.monitor in ready:
                why, final = wire.refusal(await line.monitor.recv_multipart(), self._control)
                problem = wire.better(problem, why, final=final, proven=self._proven)
                if final:
                    break
        self._given_up = self._given_up or line is self._line
        raise problem

    async def _redial(self) -> None:
        """Connect anew where libzmq has given up, as it does for good after some refusals."""
        if self._given_up:
            self._given_up = False
            stopped = self._reading
            stopped.cancel()
            self._line.close()
            self._dial_control()
            await asyncio.gather(stopped, return_exceptions=True)

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

    async def scan_files(self, scan_id: str) -> list[StoredFile]:
        """Everything that is stored of a scan."""
        return list(ScanFiles.model_validate(await self.call("scan.files", {"id": scan_id})).files)

    async def scan_file(self, scan_id: str, file: str) -> bytes:
        """One of those files, held against its hash."""
        steps, answer = fetching(scan_id, file), None
        while True:
            try:
                ask = next(steps) if answer is None else steps.send(answer)
            except StopIteration as done:
                return bytes(done.value)
            answer = await self.call_with_blob(*ask)

    async def scan_fetch(self, scan_id: str, folder: Path, only: str = "") -> list[Path]:
        """Bring the files whose name begins with `only` into a folder; where they lie."""
        wanted = [one for one in await self.scan_files(scan_id) if one.file.startswith(only)]
        return [keep(folder, one, await self.scan_file(scan_id, one.file)) for one in wanted]

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
                if isinstance(item, Arrival) and not is_transient(item.event.type):
                    yield item.event
        finally:
            await watching.aclose()

    async def watch(self, after: int | None = None) -> AsyncGenerator[Status | Arrival, None]:
        """Like `events`, with previews, and with a `Status` first and after each restart of the daemon."""
        line = wire.dial(self._context, zmq.SUB, self._events, self._key, self._limits)
        steps = Follower(self._limits, after).following()
        answer: Any = None
        heard = False
        try:
            while True:
                step = steps.send(answer)
                answer = None
                match step:
                    case Receive(timeout_s):
                        answer = await _receive(line, timeout_s)
                        heard = heard or answer is not None
                        if not heard and line.monitor is not None and await line.monitor.poll(0):
                            raise wire.refusal(await line.monitor.recv_multipart(), self._events)[0]
                    case Call(method, params):
                        answer = await self.call(method, params)
                    case Emit(item):
                        yield item
        finally:
            line.close()

    async def previews(self, silence_s: float = 10.0) -> AsyncGenerator[LivePicture, None]:
        """Live pictures, each the newest there is; see `StationClient.previews`.

        To be closed with `contextlib.aclosing`.
        """
        queue = self._limits.preview_queue
        line = wire.dial(self._context, zmq.SUB, self._preview, self._key, self._limits, queue)
        heard = False
        try:
            while ready := await _ready(line, silence_s, zmq.POLLIN):
                if line.socket in ready:
                    heard = True
                    yield live_picture(await _newest(line.socket))
                else:
                    why, final = wire.refusal(await line.monitor.recv_multipart(), self._preview)
                    if final or not heard:
                        raise why
        finally:
            line.close()


async def _ready(line: wire.Line, timeout_s: float, what: int = zmq.POLLOUT) -> dict[Any, int]:
    """Which of the socket (can send, or `what`) and its monitor (has a message) are ready."""
    poller = zmq.asyncio.Poller()
    poller.register(line.socket, what)
    if line.monitor is not None:
        poller.register(line.monitor, zmq.POLLIN)
    return dict(await poller.poll(round(timeout_s * 1000)))


async def _receive(line: wire.Line, timeout_s: float) -> list[bytes] | None:
    if not await line.socket.poll(round(timeout_s * 1000)):
        return None
    frames: list[bytes] = await line.socket.recv_multipart()
    return frames


async def _newest(socket: Any) -> list[bytes]:  # noqa: ANN401 - as pyzmq types it
    """The last of the messages that wait; what a slow reader left in buffers takes a moment to come."""
    for _ in range(wire.DRAINED):
        frames: list[bytes] = await socket.recv_multipart()
        if not await socket.poll(wire.SETTLE_MS):
            break
    return frames
