"""`control`: a ROUTER that serves JSON-RPC 2.0. Nothing that a client sends ends it."""

import asyncio
import logging
from types import TracebackType
from typing import Self

import zmq
import zmq.asyncio

from ..documents.limits import LIMITS, Limits
from .dispatch import Dispatcher
from .method import Methods
from .sockets import bind, make

log = logging.getLogger(__name__)


class ControlServer:
    """Serves a table of methods at an endpoint, each request in a task of its own.

    A request is one frame after the envelope that ROUTER knows (identity, and the empty frame of a REQ
    socket); the reply goes back in the same envelope.
    """

    def __init__(self, endpoint: str, methods: Methods, limits: Limits = LIMITS) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._dispatcher = Dispatcher(methods, limits)
        self._slots = asyncio.Semaphore(limits.requests_at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Self:
        """Bind and serve from now on.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._context = zmq.asyncio.Context()
        self._socket = make(
            self._context, zmq.ROUTER, self._limits, self._limits.control_bytes, self._limits.control_queue
        )
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            bind(self._socket, self._endpoint)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._serving = asyncio.create_task(self._serve(), name=f"control {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop serving; requests in work are cancelled."""
        tasks = [self._serving, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._context.destroy(linger=0)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self) -> None:
        while True:
            await self._slots.acquire()
            frames = await self._socket.recv_multipart()
            task = asyncio.create_task(self._reply(frames[:-1], frames[-1]))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("a request could not be served", exc_info=task.exception())

    async def _reply(self, envelope: list[bytes], body: bytes) -> None:
        reply = await self._dispatcher.answer(body)
        if reply is None:
            return
        try:
            await self._socket.send_multipart([*envelope, reply], flags=zmq.NOBLOCK)
        except zmq.Again:
            log.warning("a reply was dropped: its client does not read")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            log.debug("a reply was dropped: its client is gone")
