"""The synchronous client."""

import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import zmq

from ..documents.event import Event, Status
from ..documents.limits import LIMITS, Limits
from ..documents.rpc import Reply, result_of
from . import wire
from .attach import Arrival, Call, Emit, Follower, Receive

if TYPE_CHECKING:
    from ..config import Settings
    from ..documents.plan import Side
    from ..documents.scan import ScanSummary


class StationClient:
    """Speaks to a daemon. One instance may be used from several threads; they take turns.

    Every method raises `StationError`: the daemon's own, with its code and hint, or `daemon_absent`.

    Args:
        control: endpoint of the requests.
        events: endpoint of the events.
        limits: patience and sizes.
    """

    def __init__(self, control: str, events: str, limits: Limits = LIMITS) -> None:
        self._control = control
        self._events = events
        self._limits = limits
        self._turn = threading.Lock()

    @classmethod
    def from_settings(cls, settings: "Settings") -> Self:
        """A client of the daemon that this configuration describes."""
        return cls(settings.endpoint("control"), settings.endpoint("events"))

    def open(self) -> Self:
        """Make the sockets; whether a daemon is there shows with the first call.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        wire.set_limits(self._socket, self._limits, self._limits.reply_bytes, self._limits.control_queue)
        try:
            wire.connect(self._socket, self._control)
        except BaseException:
            self.close()
            raise
        return self

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
        request_id, body = wire.request(method, params or {}, idempotency_key, self._limits)
        with self._turn:
            if not self._socket.poll(round(self._limits.connect_s * 1000), zmq.POLLOUT):
                raise wire.absent(self._control, f"no connection within {self._limits.connect_s:g} s")
            self._socket.send(body)
            return result_of(self._wait(request_id))

    def _wait(self, request_id: str) -> Reply:
        deadline = time.monotonic() + self._limits.reply_s
        while time.monotonic() < deadline:
            if self._socket.poll(round(wire.POLL_S * 1000), zmq.POLLIN):
                reply = wire.reply_of(self._socket.recv_multipart())
                if wire.answers(reply, request_id):
                    return reply
            elif not self._socket.poll(0, zmq.POLLOUT):
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
            if isinstance(item, Arrival) and item.blob is None:
                yield item.event

    def watch(self, after: int | None = None) -> Iterator[Status | Arrival]:
        """Like `events`, with previews, and with a `Status` first and after each restart of the daemon."""
        socket = self._context.socket(zmq.SUB)
        wire.set_limits(socket, self._limits, self._limits.event_bytes, self._limits.events_queue)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        try:
            wire.connect(socket, self._events)
            yield from self._drive(socket, after)
        finally:
            socket.close(linger=0)

    def _drive(self, socket: "zmq.Socket[bytes]", after: int | None) -> Iterator[Status | Arrival]:
        steps = Follower(self._limits, after).following()
        answer: Any = None
        while True:
            step = steps.send(answer)
            answer = None
            match step:
                case Receive(timeout_s):
                    answer = socket.recv_multipart() if socket.poll(round(timeout_s * 1000)) else None
                case Call(method, params):
                    answer = self.call(method, params)
                case Emit(item):
                    yield item
