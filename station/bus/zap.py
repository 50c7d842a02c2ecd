"""ZAP (RFC 27): libzmq asks here, for each connection over TCP, whether its key may come in, and as whom."""

import asyncio
import logging
from collections.abc import Callable

import zmq
import zmq.asyncio
from zmq.utils import z85

ENDPOINT = "inproc://zeromq.zap.01"
VERSION = b"1.0"
log = logging.getLogger(__name__)


class Gatekeeper:
    """Answers for all sockets of one context. To be opened before one of them is bound."""

    def __init__(self, context: zmq.asyncio.Context, name_of: Callable[[str], str | None]) -> None:
        self._context = context
        self._name_of = name_of

    def open(self) -> None:
        """Answer from now on."""
        self._socket = self._context.socket(zmq.REP)
        self._socket.bind(ENDPOINT)
        self._task = asyncio.create_task(self._serve(), name="zap")

    async def close(self) -> None:
        """Stop; closing the context closes the socket."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self) -> None:
        while True:
            question = await self._socket.recv_multipart()
            await self._socket.send_multipart(self._answer(question))

    def _answer(self, question: list[bytes]) -> list[bytes]:
        """Version, request id, domain, address, identity, mechanism, credentials: in or out."""
        if len(question) != 7 or question[0] != VERSION or question[5] != b"CURVE":
            return [
                VERSION,
                question[1] if len(question) > 1 else b"",
                b"400",
                b"only CURVE keys are let in",
                b"",
                b"",
            ]
        name = self._name_of(z85.encode(question[6]).decode())
        if name is None:
            log.warning("a connection from %s was refused: its key is not on the list", question[3].decode())
            return [VERSION, question[1], b"400", b"this key is not on the list", b"", b""]
        return [VERSION, question[1], b"200", b"", name.encode(), b""]
