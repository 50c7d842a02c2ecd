"""`preview`: the live picture as JPEG. Whoever reads slowly gets the newest one, and holds nobody up."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self

import zmq

from ..documents.limits import LIMITS, Limits
from ..documents.rpc import PREVIEW
from .keys import KeyRing
from .serving import ServerSocket
from .sockets import send_or_drop


class PreviewPublisher:
    """Publishes frames `preview | json | jpeg` with a high-water mark of `limits.preview_queue`.

    Attributes:
        published: pictures sent since `open`.
    """

    def __init__(self, endpoint: str, limits: Limits = LIMITS, keys: KeyRing | None = None) -> None:
        self._endpoint = endpoint
        self._server = ServerSocket(
            zmq.XPUB,
            endpoint,
            limits,
            limits.request_bytes,
            limits.preview_queue,
            keys,
            {zmq.XPUB_VERBOSER: 1},
        )
        self._subscribers = 0
        self.published = 0

    async def open(self) -> Self:
        """Bind.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._socket = await self._server.open()
        self._listening = asyncio.create_task(self._listen(), name=f"preview {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._server.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def wanted(self) -> bool:
        """Whether anybody is subscribed."""
        return self._subscribers > 0

    def publish(self, jpeg: bytes, facts: dict[str, Any]) -> None:
        """Send to whoever listens; never waits."""
        frames = [PREVIEW.encode(), json.dumps(facts).encode(), jpeg]
        send_or_drop(self._socket, frames)
        self.published += 1

    async def _listen(self) -> None:
        """Each subscription begins with 1, each end of one with 0; a peer that is gone ends its own."""
        while True:
            message = await self._socket.recv()
            if message[:1] in (b"\x00", b"\x01"):
                self._subscribers = max(0, self._subscribers + (1 if message[:1] == b"\x01" else -1))


class Previews:
    """Several publishers as one, such as the local and the remote one."""

    def __init__(self, publishers: tuple[PreviewPublisher, ...]) -> None:
        self._publishers = publishers

    @property
    def wanted(self) -> bool:
        """Whether anybody is subscribed to any."""
        return any(one.wanted for one in self._publishers)

    def publish(self, jpeg: bytes, facts: dict[str, Any]) -> None:
        """Send to whoever listens; never waits."""
        for one in self._publishers:
            if one.wanted:
                one.publish(jpeg, facts)
