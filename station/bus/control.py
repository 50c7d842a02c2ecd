"""`control`: a ROUTER that serves JSON-RPC 2.0. Nothing that a client sends ends it."""

import asyncio
import logging
import time
from functools import partial
from types import TracebackType
from typing import Self

import zmq

from ..documents.fault import StationError
from ..documents.limits import LIMITS, Limits
from .dispatch import Dispatcher, refused_unread
from .keys import KeyRing
from .method import Methods
from .serving import ServerSocket
from .turns import Turns

log = logging.getLogger(__name__)
DROPPING_S = 0.001
"""Pause after a request that is not served, so that dropping them is no work."""
TOO_MANY = StationError("busy", "too many requests of this client wait to be served; read the answers first")


class ControlServer:
    """Serves a table of methods at an endpoint, each request in a task of its own.

    A request is one frame after the envelope that ROUTER knows (identity, and the empty frame of a REQ
    socket); the reply goes back in the same envelope.

    Args:
        endpoint: where to bind.
        methods: to be served; or the dispatcher of another endpoint, which then remembers for both.
        limits: of the socket.
        keys: who may come in over TCP.
    """

    def __init__(
        self,
        endpoint: str,
        methods: Methods | Dispatcher,
        limits: Limits = LIMITS,
        keys: KeyRing | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._server = ServerSocket(
            zmq.ROUTER,
            endpoint,
            limits,
            limits.control_bytes,
            limits.control_queue,
            keys,
            {zmq.ROUTER_MANDATORY: 1, zmq.SNDHWM: min(limits.replies_queue, limits.control_queue)},
        )
        self._dispatcher = methods if isinstance(methods, Dispatcher) else Dispatcher(methods, limits)
        self._turns: Turns[list[zmq.Frame]] = Turns(
            limits.requests_at_once, limits.requests_of_one, limits.control_queue
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._deaf: dict[bytes, float] = {}

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
            await asyncio.sleep(0)  # a peer that never stops asking must not keep those at work from going on
            frames = await self._socket.recv_multipart(copy=False)
            peer = frames[0].bytes
            if peer in self._deaf and not self._tried_again(peer):
                await asyncio.sleep(DROPPING_S)
                continue  # it could not be told what came of it
            if not self._turns.offer(peer, frames):
                await self._send(peer, [*frames[:-1], refused_unread(TOO_MANY)])
            self._begin()

    def _begin(self) -> None:
        while (turn := self._turns.next()) is not None:
            peer, frames = turn
            task = asyncio.create_task(self._reply(peer, frames))
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, peer))

    def _done(self, peer: bytes, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turns.done(peer)
        if not task.cancelled():
            if task.exception() is not None:
                log.error("a request could not be served", exc_info=task.exception())
            self._begin()

    async def _reply(self, peer: bytes, frames: list[zmq.Frame]) -> None:
        reply = await self._dispatcher.answer(frames[-1].bytes, _client(frames[-1]))
        if reply is not None:
            await self._send(peer, [*frames[:-1], *reply])

    async def _send(self, peer: bytes, frames: list[zmq.Frame | bytes]) -> None:
        try:
            await self._socket.send_multipart(frames, flags=zmq.NOBLOCK)
            self._deaf.pop(peer, None)
        except zmq.Again:
            self._is_deaf(peer)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._deaf.pop(peer, None)
            log.debug("a reply was dropped: its client is gone")

    def _is_deaf(self, peer: bytes) -> None:
        now_s = time.monotonic()
        if peer not in self._deaf:
            log.warning(
                "a client does not read its replies: they are dropped, and it is not served meanwhile"
            )
            self._deaf = {one: until for one, until in self._deaf.items() if until > now_s}
        self._deaf[peer] = now_s + self._limits.deaf_s
        self._turns.forget(peer)

    def _tried_again(self, peer: bytes) -> bool:
        """Whether one more request of it is served, to see whether it reads by now."""
        now_s = time.monotonic()
        if self._deaf[peer] > now_s:
            return False
        self._deaf[peer] = now_s + self._limits.deaf_s
        return True


def _client(frame: zmq.Frame) -> str:
    """The name of the key that this came in with, empty on `ipc://`."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return ""
