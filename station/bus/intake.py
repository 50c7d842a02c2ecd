"""`intake`: a ROUTER that receives parcels and acknowledges what its store has made durable."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar, assert_never

import zmq
from pydantic import ValidationError

from ..documents.limits import LIMITS, Limits
from .dispatch import problems
from .keys import KeyRing
from .parcel import (
    Acknowledged,
    Again,
    Chunk,
    Commit,
    Deferred,
    FromIntake,
    IntakeStore,
    NotNowError,
    Offer,
    ParcelRefusedError,
    Refused,
    ToIntake,
    Took,
    Wants,
    to_intake,
)
from .serving import ServerSocket

log = logging.getLogger(__name__)
T = TypeVar("T")


class IntakeServer:
    """Receives parcels into a store, one message at a time; what it keeps in mind may be lost at any moment.

    Attributes:
        received_bytes: payload of all chunks taken since `open`.
    """

    def __init__(
        self, endpoint: str, store: IntakeStore, limits: Limits = LIMITS, keys: KeyRing | None = None
    ) -> None:
        self._endpoint = endpoint
        self._server = ServerSocket(
            zmq.ROUTER,
            endpoint,
            limits,
            limits.intake_bytes,
            limits.intake_queue,
            keys,
            {zmq.ROUTER_MANDATORY: 1},
        )
        self._store = store
        self._limits = limits
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self.received_bytes = 0

    async def open(self) -> Self:
        """Bind and receive from now on.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._socket = await self._server.open()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="intake-disk")
        self._serving = asyncio.create_task(self._serve(), name=f"intake {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop; what the disk is doing is finished first."""
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._disk.shutdown()
        await self._server.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self) -> None:
        while True:
            identity, *frames = await self._socket.recv_multipart()
            reply = await self._answer(frames)
            try:
                await self._socket.send_multipart(
                    [identity, reply.model_dump_json().encode()], flags=zmq.NOBLOCK
                )
            except zmq.ZMQError as error:
                # its sender is gone or does not read; it will offer the parcel again
                log.debug("an answer of the intake was dropped: %s", error.strerror)

    async def _answer(self, frames: list[bytes]) -> FromIntake:
        try:
            message = to_intake.validate_json(frames[0] if frames else b"")
        except ValidationError as error:
            return Deferred(parcel="", why=f"the intake did not understand a message: {problems(error)}")
        try:
            return await self._take(message, frames[1] if len(frames) > 1 else b"")
        except ParcelRefusedError as error:
            self._offers.pop(message.parcel, None)
            log.warning("parcel %s refused: %s", message.parcel, error)
            return Refused(parcel=message.parcel, why=str(error))
        except NotNowError as error:
            log.warning("parcel %s deferred: %s", message.parcel, error)
            return Deferred(parcel=message.parcel, why=str(error))
        except Exception:
            log.exception("parcel %s could not be taken", message.parcel)
            return Deferred(parcel=message.parcel, why="the trainer made a mistake, see its log")

    async def _take(self, message: ToIntake, content: bytes) -> FromIntake:
        match message:
            case Offer():
                return await self._offer(message)
            case Chunk():
                return await self._chunk(message, content)
            case Commit():
                return await self._commit(message)
            case _:
                assert_never(message)

    async def _offer(self, offer: Offer) -> FromIntake:
        if await self._on_disk(lambda: self._store.holds(offer)):
            return Acknowledged(parcel=offer.parcel)
        needs = await self._on_disk(lambda: self._store.needs(offer))
        self._offers[offer.parcel] = offer
        self._offers.move_to_end(offer.parcel)
        while len(self._offers) > self._limits.open_parcels:
            self._offers.popitem(last=False)
        return Wants(parcel=offer.parcel, needs=needs, credit=self._limits.credit_chunks)

    async def _chunk(self, chunk: Chunk, content: bytes) -> FromIntake:
        offer = self._offers.get(chunk.parcel)
        if offer is None or not await self._on_disk(lambda: self._store.append(offer, chunk, content)):
            return Again(parcel=chunk.parcel)
        self.received_bytes += len(content)
        return Took(parcel=chunk.parcel)

    async def _commit(self, commit: Commit) -> FromIntake:
        offer = self._offers.get(commit.parcel)
        if offer is None or not await self._on_disk(lambda: self._store.commit(offer)):
            return Again(parcel=commit.parcel)
        del self._offers[commit.parcel]
        log.info("parcel %s received, %d files", offer.parcel, len(offer.files))
        return Acknowledged(parcel=offer.parcel)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
