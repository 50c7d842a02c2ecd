"""One connection to the intake: questions out, answers in, an error at once when the connection is gone."""

import asyncio
from types import TracebackType
from typing import Self

import zmq
import zmq.asyncio
from pydantic import ValidationError

from ..documents.limits import Limits
from .parcel import Deferred, FromIntake, NotNowError, ToIntake, from_intake
from .sockets import make


class LostError(NotNowError):
    """The intake does not answer, or no longer."""


class Courier:
    """A DEALER that does not outlive its connection: after a `LostError` a new one is needed."""

    def __init__(self, endpoint: str, limits: Limits) -> None:
        self._endpoint = endpoint
        self._limits = limits

    async def open(self) -> Self:
        """Connect.

        Raises:
            LostError: no intake is there.
        """
        self._context = zmq.asyncio.Context()
        limits = self._limits
        self._socket = make(self._context, zmq.DEALER, limits, limits.intake_bytes, limits.intake_queue)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
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
        poller = zmq.asyncio.Poller()
        poller.register(self._socket, zmq.POLLOUT)
        if not await poller.poll(round(self._limits.connect_s * 1000)):
            raise LostError(f"no intake answers at {self._endpoint}")

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
        """Send a message, with the bytes that belong to it."""
        frames = [message.model_dump_json().encode()]
        await self._socket.send_multipart(frames if content is None else [*frames, content])

    async def receive(self, parcel_id: str) -> FromIntake:
        """The next answer about this parcel; those about others are stale.

        Raises:
            LostError: none came in time, or the connection is gone.
            NotNowError: the intake cannot take it now.
        """
        deadline = asyncio.get_running_loop().time() + self._limits.delivery_reply_s
        while (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            if not await self._arrived(left_s):
                continue
            answer = _parse(await self._socket.recv_multipart())
            if isinstance(answer, Deferred) and answer.parcel in ("", parcel_id):
                raise NotNowError(answer.why)
            if answer.parcel == parcel_id:
                return answer
        raise LostError(f"the intake at {self._endpoint} was silent for {self._limits.delivery_reply_s:g} s")

    async def _arrived(self, timeout_s: float) -> bool:
        poller = zmq.asyncio.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        ready = dict(await poller.poll(round(timeout_s * 1000)))
        if self._monitor in ready and self._socket not in ready:
            raise LostError(f"the connection to the intake at {self._endpoint} was lost")
        return self._socket in ready


def _parse(frames: list[bytes]) -> FromIntake:
    try:
        return from_intake.validate_json(frames[-1])
    except ValidationError as error:
        raise LostError("whoever serves the intake's endpoint does not speak its language") from error
