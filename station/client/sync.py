"""The synchronous client."""

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import zmq

from ..documents.event import Event, Status
from ..documents.limits import LIMITS, Limits
from ..documents.rpc import is_transient, result_of
from . import wire
from .attach import Arrival, Call, Emit, Follower, LivePicture, Receive, live_picture

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings
    from ..documents.key import ClientKey
    from ..documents.plan import Side
    from ..documents.requests import StoredFile
    from ..documents.scan import ScanSummary


class StationClient:
    """Speaks to a daemon. One instance may be used from several threads; they take turns.

    Every method raises `StationError`: the daemon's own, with its code and hint, or `daemon_absent`.

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
        self._turn = threading.Lock()
        self._proven = False
        self._given_up = False

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """A client of the daemon that this configuration describes."""
        named = settings.endpoint
        return cls(named("control"), named("events"), preview=named("preview"))

    def open(self) -> Self:
        """Make the sockets; whether a daemon is there shows with the first call.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._context = zmq.Context()
        try:
            self._line = self._dial(zmq.DEALER, self._control)
        except BaseException:
            self.close()
            raise
        return self

    def _dial(self, kind: int, endpoint: str, queue: int | None = None) -> wire.Line:
        return wire.dial(self._context, kind, endpoint, self._key, self._limits, queue)

    def close(self) -> None:
        """Close everything, iterators included."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(
        self, method: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> Any:  # noqa: ANN401
        """Call any method and return its result as JSON has it."""
        return self.call_with_blob(method, params, idempotency_key)[0]

    def call_with_blob(
        self, method: str, params: dict[str, Any] | None = None, idempotency_key: str | None = None
    ) -> tuple[Any, bytes]:
        """The same, with the bytes that follow some replies."""
        request_id, body = wire.request(method, params or {}, idempotency_key, self._limits, self.operator)
        with self._turn:
            self._await_connection()
            self._line.socket.send(body)
            reply, blob = self._wait(request_id)
        return result_of(reply), blob

    def _await_connection(self) -> None:
        if self._given_up:  # as libzmq has, for good, after some refusals
            self._line.close()
            self._line = self._dial(zmq.DEALER, self._control)
            self._given_up = False
        problem = wire.absent(self._control, f"no connection within {self._limits.connect_s:g} s")
        poller = zmq.Poller()
        poller.register(self._line.socket, zmq.POLLOUT)
        if self._line.monitor is not None:
            poller.register(self._line.monitor, zmq.POLLIN)
        deadline = time.monotonic() + self._limits.connect_s
        while (left_s := deadline - time.monotonic()) > 0:
            ready = dict(poller.poll(round(left_s * 1000)))
            if self._line.socket in ready:
                self._proven = True
                return
            if self._line.monitor in ready:
                why, final = wire.refusal(self._line.monitor.recv_multipart(), self._control)
                problem = wire.better(problem, why, final=final, proven=self._proven)
                if final:
                    break
        self._given_up = True
        raise problem

    def _wait(self, request_id: str) -> wire.Answer:
        deadline = time.monotonic() + self._limits.reply_s
        while time.monotonic() < deadline:
            if self._line.socket.poll(round(wire.POLL_S * 1000), zmq.POLLIN):
                answer = wire.answer_of(self._line.socket.recv_multipart())
                if wire.answers(answer.reply, request_id):
                    return answer
            elif not self._line.socket.poll(0, zmq.POLLOUT):
                raise wire.absent(self._control, "the connection was lost before the answer came")
        raise wire.absent(self._control, f"no answer within {self._limits.reply_s:g} s")

    def status(self) -> Status:
        """What is going on, in one atomic document."""
        return Status.model_validate(self.call("status"))

    def scan_start(
        self,
        side: "Side | str",
        card_id: str | None = None,
        name: str = "",
        *,
        idempotency_key: str | None = None,
    ) -> str:
        """Start a scan; its identity, which is the `cause` of the events that follow and end it."""
        params = {"side": side, "card_id": card_id, "name": name}
        return str(self.call("scan.start", params, idempotency_key)["scan_id"])

    def scan_abort(self) -> None:
        """Ask the running scan to stop and the lights to go off."""
        self.call("scan.abort")

    def scan_get(self, scan_id: str) -> "ScanSummary":
        """One scan with its newest result."""
        from ..documents.scan import ScanSummary  # noqa: PLC0415 - its models are not needed for `status`

        return ScanSummary.model_validate(self.call("scan.get", {"id": scan_id}))

    def scan_list(self, limit: int = 20) -> "list[ScanSummary]":
        """The newest scans, newest first."""
        from ..documents.scan import ScanSummary  # noqa: PLC0415 - as above

        return [ScanSummary.model_validate(item) for item in self.call("scan.list", {"limit": limit})]

    def scan_files(self, scan_id: str) -> "list[StoredFile]":
        """Everything that is stored of a scan."""
        from ..documents.requests import ScanFiles  # noqa: PLC0415 - as above

        return list(ScanFiles.model_validate(self.call("scan.files", {"id": scan_id})).files)

    def scan_file(self, scan_id: str, file: str) -> bytes:
        """One of those files, held against its hash."""
        from .fetching import fetching  # noqa: PLC0415 - as above

        steps, answer = fetching(scan_id, file), None
        while True:
            try:
                ask = next(steps) if answer is None else steps.send(answer)
            except StopIteration as done:
                return bytes(done.value)
            answer = self.call_with_blob(*ask)

    def scan_fetch(self, scan_id: str, folder: "Path", only: str = "") -> "list[Path]":
        """Bring the files whose name begins with `only` into a folder; where they lie."""
        from .fetching import keep  # noqa: PLC0415 - as above

        wanted = [one for one in self.scan_files(scan_id) if one.file.startswith(only)]
        return [keep(folder, one, self.scan_file(scan_id, one.file)) for one in wanted]

    def events_since(self, seq: int, limit: int | None = None) -> list[Event]:
        """Events of the journal with a greater `seq`, oldest first, at most `limit`."""
        params = {"seq": seq, "limit": limit or self._limits.page_events}
        return [Event.model_validate(item) for item in self.call("events.since", params)]

    def events(self, after: int | None = None) -> Iterator[Event]:
        """Every event from now on, or every one after that `seq`; gaps are filled from the journal.

        It waits for ever while the daemon lives, also across a quick restart, and raises
        `daemon_absent` when the daemon falls silent. Previews are left out.
        """
        for item in self.watch(after):
            if isinstance(item, Arrival) and not is_transient(item.event.type):
                yield item.event

    def watch(self, after: int | None = None) -> Iterator[Status | Arrival]:
        """Like `events`, with previews, and with a `Status` first and after each restart of the daemon."""
        line = self._dial(zmq.SUB, self._events)
        try:
            yield from self._drive(line, after)
        finally:
            line.close()

    def previews(self, silence_s: float = 10.0) -> Iterator[LivePicture]:
        """Live pictures, each the newest there is; ends when none came for `silence_s`.

        Raises:
            StationError: `key_refused`; `endpoint_invalid`, no endpoint of the live picture is known.
        """
        line = self._dial(zmq.SUB, self._preview, self._limits.preview_queue)
        poller = zmq.Poller()
        for one in filter(None, line):
            poller.register(one, zmq.POLLIN)
        heard = False
        try:
            while ready := dict(poller.poll(round(silence_s * 1000))):
                if line.socket in ready:
                    heard = True
                    yield live_picture(_newest(line.socket))
                else:
                    why, final = wire.refusal(line.monitor.recv_multipart(), self._preview)
                    if final or not heard:
                        raise why
        finally:
            line.close()

    def _drive(self, line: wire.Line, after: int | None) -> Iterator[Status | Arrival]:
        steps = Follower(self._limits, after).following()
        answer: Any = None
        heard = False
        while True:
            step = steps.send(answer)
            answer = None
            match step:
                case Receive(timeout_s):
                    answer = (
                        line.socket.recv_multipart() if line.socket.poll(round(timeout_s * 1000)) else None
                    )
                    heard = heard or answer is not None
                    if not heard and line.monitor is not None and line.monitor.poll(0):
                        raise wire.refusal(line.monitor.recv_multipart(), self._events)[0]
                case Call(method, params):
                    answer = self.call(method, params)
                case Emit(item):
                    yield item


def _newest(socket: Any) -> list[bytes]:  # noqa: ANN401 - as pyzmq types it
    """The last of the messages that wait; what a slow reader left in buffers takes a moment to come."""
    for _ in range(wire.DRAINED):
        frames: list[bytes] = socket.recv_multipart()
        if not socket.poll(wire.SETTLE_MS):
            break
    return frames
