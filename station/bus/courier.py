"""One connection to the intake: questions out, answers in, an error at once when the connection is gone."""

import asyncio
import struct
from types import TracebackType
from typing import Any, Self

import zmq
import zmq.asyncio
from pydantic import ValidationError

from ..documents.key import ClientKey
from ..documents.limits import Limits
from .parcel import Deferred, FromIntake, NotNowError, ParcelDeferredError, ToIntake, from_intake
from .sockets import IPC, make

REFUSED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class LostError(NotNowError):
    """The intake does not answer, or no longer."""


class Courier:
    """A DEALER that does not outlive its connection: after a `LostError` a new one is needed."""

    def __init__(self, endpoint: str, limits: Limits, key: ClientKey | None = None) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._key = key

    async def open(self) -> Self:
        """Connect.

        Raises:
            LostError: no intake is there.
        """
        self._context = zmq.asyncio.Context()
        limits = self._limits
        self._socket = make(self._context, zmq.DEALER, limits, limits.intake_bytes, limits.intake_queue)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | REFUSED)
        try:
            self._guard()
            await self._connect()
        except BaseException:
            self.close()
            raise
        return self

    async def _connect(self) -> None:
        try:
            self._socket.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise LostError(f"{self._endpoint} cannot be reached: {error.strerror}") from error
        problem = f"no intake answers at {self._endpoint}"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.connect_s
        while (left_s := deadline - loop.time()) > 0:
            ready = await self._ready(zmq.POLLOUT, left_s)
            if self._socket in ready:
                return
            if self._monitor in ready:
                problem = _refusal(await self._monitor.recv_multipart(), self._endpoint) or problem
        raise LostError(problem)

    def _guard(self) -> None:
        if self._endpoint.startswith(IPC):
            return
        if self._key is None:
            raise LostError(f"{self._endpoint} is reached over TCP, and no key is given")
        self._socket.curve_publickey = self._key.public.encode()
        self._socket.curve_secretkey = self._key.secret.encode()
        self._socket.curve_serverkey = self._key.server.encode()

    async def _ready(self, events: int, timeout_s: float) -> dict[Any, int]:
        poller = zmq.asyncio.Poller()
        poller.register(self._socket, events)
        poller.register(self._monitor, zmq.POLLIN)
        return dict(await poller.poll(round(timeout_s * 1000)))

    def close(self) -> None:
        """Disconnect."""
        self._context.destroy(linger=0)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def ask(self, message: ToIntake) -> FromIntake:
        """Send and wait for the next answer about the same parcel.

        Raises:
            LostError: none came.
        """
        await self.send(message)
        return await self.receive(message.parcel)

    async def send(self, message: ToIntake, content: bytes | None = None) -> None:
        """Send a message, with the bytes that belong to it.

        Raises:
            LostError: the connection is gone, or takes nothing any more. Waiting in the socket itself would
                notice neither.
        """
        frames = [message.model_dump_json().encode(), *([] if content is None else [content])]
        deadline = asyncio.get_running_loop().time() + self._limits.delivery_reply_s
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            ready = await self._ready(zmq.POLLOUT, left_s)
            if self._monitor in ready:
                raise LostError(f"the connection to the intake at {self._endpoint} was lost")
            if self._socket not in ready:
                continue
            try:
                await self._socket.send_multipart(frames, flags=zmq.NOBLOCK)
            except zmq.Again:
                continue
            return
        raise LostError(
            f"the intake at {self._endpoint} took nothing for {self._limits.delivery_reply_s:g} s"
        )

    async def receive(self, parcel_id: str) -> FromIntake:
        """The next answer about this parcel; those about others are stale.

        Raises:
            LostError: none came in time, or the connection is gone.
            NotNowError: the intake cannot take it now; `ParcelDeferredError`: it, but maybe others.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.delivery_reply_s
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            if not await self._arrived(left_s):
                continue
            try:
                answer = _parse(await self._socket.recv_multipart(flags=zmq.NOBLOCK))
            except zmq.Again:  # a peer that is killed takes back what it had begun to say
                continue
            if isinstance(answer, Deferred) and answer.parcel in ("", parcel_id):
                own = answer.scope == "parcel" and answer.parcel
                raise ParcelDeferredError(answer.why) if own else NotNowError(answer.why)
            if answer.parcel == parcel_id:
                return answer
        raise LostError(f"the intake at {self._endpoint} was silent for {self._limits.delivery_reply_s:g} s")

    async def _arrived(self, timeout_s: float) -> bool:
        ready = await self._ready(zmq.POLLIN, timeout_s)
        if self._monitor in ready and self._socket not in ready:
            raise LostError(f"the connection to the intake at {self._endpoint} was lost")
        return self._socket in ready


def _refusal(frames: list[bytes], endpoint: str) -> str:
    """Why the handshake failed, from a message of the monitor."""
    event, _ = struct.unpack("=hi", frames[0])
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return f"the intake at {endpoint} does not let this station's key in"
    return f"the server at {endpoint} has not the key that the key file names" if event & REFUSED else ""


def _parse(frames: list[bytes]) -> FromIntake:
    try:
        return from_intake.validate_json(frames[-1])
    except ValidationError as error:
        raise LostError("whoever serves the intake's endpoint does not speak its language") from error
