"""`events`: an XPUB that tells everybody what happened."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import zmq

from ..documents.event import Event
from ..documents.limits import LIMITS, Limits
from ..documents.rpc import HEARTBEAT, WELCOME, is_transient
from .keys import KeyRing
from .serving import ServerSocket
from .sockets import send_or_drop


class EventPublisher:
    """Publishes events as frames `type | json | blob?`, greets each subscriber and beats once a second.

    A subscriber that is too slow loses events, never holds the station up; it sees the gap by `seq` and
    asks the journal (`events.since`). The heartbeat carries the head's `seq`, so that the loss of the last
    event is seen too.

    Args:
        endpoint: where to bind.
        boot: identity of the daemon's run.
        head_seq: the journal's last `seq` so far.
        limits: of the socket.
        keys: who may come in over TCP.
    """

    def __init__(
        self,
        endpoint: str,
        boot: str,
        head_seq: int = 0,
        limits: Limits = LIMITS,
        keys: KeyRing | None = None,
    ) -> None:
        self._server = ServerSocket(
            zmq.XPUB,
            endpoint,
            limits,
            limits.request_bytes,
            limits.events_queue,
            keys,
            {zmq.XPUB_WELCOME_MSG: WELCOME},
        )
        self._boot = boot
        self._head = head_seq
        self._limits = limits

    async def open(self) -> Self:
        """Bind and beat from now on.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._socket = await self._server.open()
        self._tasks = [asyncio.create_task(self._greet()), asyncio.create_task(self._beat())]
        return self

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def publish(self, event: Event, blob: bytes | None = None) -> None:
        """Send to whoever listens; never waits.

        To be called in the loop's thread, after the event is in the journal.
        """
        if not is_transient(event.type):
            self._head = max(self._head, event.seq)
        frames = [event.type.encode(), event.model_dump_json().encode()]
        if blob is not None:
            frames.append(blob)
        send_or_drop(self._socket, frames)

    async def _greet(self) -> None:
        """Keep a receive pending: without one, libzmq sends no welcome while the loop is idle."""
        while True:
            await self._socket.recv_multipart()

    async def _beat(self) -> None:
        while True:
            now = datetime.now(UTC).isoformat()
            self.publish(
                Event(boot=self._boot, seq=self._head, time=now, mono_s=time.monotonic(), type=HEARTBEAT)
            )
            await asyncio.sleep(self._limits.event_heartbeat_s)


class EventPublishers:
    """Several publishers of one journal as one, such as the local and the remote one."""

    def __init__(self, publishers: Iterable[EventPublisher]) -> None:
        self._publishers = tuple(publishers)

    def publish(self, event: Event, blob: bytes | None = None) -> None:
        """Send to whoever listens; never waits."""
        for one in self._publishers:
            one.publish(event, blob)
