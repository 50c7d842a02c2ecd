"""`control`: a ROUTER that serves JSON-RPC 2.0. Nothing that a client sends ends it."""

import asyncio
import logging
from types import TracebackType
from typing import Self

import zmq

from ..documents.limits import LIMITS, Limits
from .dispatch import Dispatcher
from .keys import KeyRing
from .method import Methods
from .serving import ServerSocket

log = logging.getLogger(__name__)


class ControlServer:
    """Serves a table of methods at an endpoint, each request in a task of its own.

    A request is one frame after the envelope that ROUTER knows (identity, and the empty frame of a REQ
    socket); the reply goes back in the same envelope.
    """

    def __init__(
        self, endpoint: str, methods: Methods, limits: Limits = LIMITS, keys: KeyRing | None = None
    ) -> None:
        self._endpoint = endpoint
        self._server = ServerSocket(
            zmq.ROUTER,
            endpoint,
            limits,
            limits.control_bytes,
            limits.control_queue,
            keys,
            {zmq.ROUTER_MANDATORY: 1},
        )
        self._dispatcher = Dispatcher(methods, limits)
        self._slots = asyncio.Semaphore(limits.requests_at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Self:
        """Bind and serve from now on.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._socket = await self._server.open()
        self._serving = asyncio.create_task(self._serve(), name=f"control {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop serving; requests in work are cancelled."""
        tasks = [self._serving, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self) -> None:
        while True:
            await self._slots.acquire()
            frames = await self._socket.recv_multipart(copy=False)
            task = asyncio.create_task(self._reply(frames))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("a request could not be served", exc_info=task.exception())

    async def _reply(self, frames: list[zmq.Frame]) -> None:
        reply = await self._dispatcher.answer(frames[-1].bytes, _client(frames[-1]))
        if reply is None:
            return
        try:
            await self._socket.send_multipart([*frames[:-1], reply], flags=zmq.NOBLOCK)
        except zmq.Again:
            log.warning("a reply was dropped: its client does not read")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            log.debug("a reply was dropped: its client is gone")


def _client(frame: zmq.Frame) -> str:
    """The name of the key that this came in with, empty on `ipc://`."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""
