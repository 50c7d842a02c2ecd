"""`intake`: a ROUTER that receives parcels and acknowledges what its store has made durable.

Chunks are written one after the other, in the order in which the socket hands them out: one message of each
connection in turn. Offers and commits, which may have to read or to sync, are worked on beside that, one of
each connection at a time.

What is kept: of each connection at most `intake_queue` messages in the socket, one question in work and
`open_parcels_each` offers; of all together `open_parcels` offers with `open_files` files, and of connections
that keep to their credit `credit_in_all` chunks, or one each.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar, assert_never

import zmq
from pydantic import ValidationError

from ..documents.limits import LIMITS, Limits
from .dispatch import problems
from .fairness import Credit, OpenParcels, Tries
from .keys import KeyRing
from .parcel import (
    Abandon,
    Acknowledged,
    Again,
    Chunk,
    Commit,
    Deferred,
    FromIntake,
    IntakeStore,
    NotNowError,
    Offer,
    ParcelDeferredError,
    ParcelRefusedError,
    Refused,
    ToIntake,
    Took,
    Wants,
    to_intake,
)
from .serving import ServerSocket
from .sockets import IPC

log = logging.getLogger(__name__)
T = TypeVar("T")


class IntakeServer:
    """Receives parcels into a store; what it keeps in mind may be lost at any moment.

    Attributes:
        received_bytes: payload of all chunks taken since `open`.
        shared_files: files taken by a second name since `open`.
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
        self._parcels = OpenParcels(limits)
        self._credit = Credit(limits)
        self._tries = Tries(limits.parcel_tries)
        self._asking: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.received_bytes = 0
        self.shared_files = 0

    async def open(self) -> Self:
        """Bind and receive from now on.

        Raises:
            StationError: `endpoint_invalid`.
        """
        self._socket = await self._server.open()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="intake-disk")
        self._beside = ThreadPoolExecutor(self._limits.commits_at_once, thread_name_prefix="intake-commit")
        self._serving = asyncio.create_task(self._serve(), name=f"intake {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop; what the disk is doing is finished first."""
        tasks = [self._serving, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._disk.shutdown()
        self._beside.shutdown(cancel_futures=True)
        await self._server.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def in_hand(self) -> int:
        """Parcels that were taken up and are neither received nor refused yet. Any thread may ask."""
        return self._parcels.in_hand(self._now()) + len(self._asking)

    async def _serve(self) -> None:
        while True:
            identity, *frames = await self._socket.recv_multipart(copy=False)
            who = identity.bytes
            try:
                message = to_intake.validate_json(frames[0].bytes if frames else b"")
            except ValidationError as error:
                why = f"the intake did not understand a message: {problems(error)}"
                await self._say(who, Deferred(parcel="", why=why))
                continue
            if isinstance(message, Chunk):
                await self._chunk(who, message, frames[1].buffer if len(frames) > 1 else memoryview(b""))
            else:
                await self._question(who, message)

    async def _say(self, who: bytes, *replies: FromIntake) -> None:
        for reply in replies:
            try:
                await self._socket.send_multipart([who, reply.model_dump_json().encode()], flags=zmq.NOBLOCK)
            except zmq.ZMQError as error:
                # its sender is gone or does not read; it will offer the parcel again
                log.debug("an answer of the intake was dropped: %s", error.strerror)

    async def _chunk(self, who: bytes, chunk: Chunk, content: memoryview) -> None:
        offer = self._parcels.get(who, chunk.parcel, self._now())
        if offer is None:
            await self._say(who, Again(parcel=chunk.parcel))
            return
        reply = await self._guarded(who, chunk, lambda: self._write(offer, chunk, content))
        if not isinstance(reply, Took):
            self._credit.done(who)
            await self._say(who, reply)
            return
        await self._say(who, *[reply] * self._credit.answers(who, self._now()))

    async def _write(self, offer: Offer, chunk: Chunk, content: memoryview) -> FromIntake:
        if await self._run(self._disk, lambda: self._store.append(offer, chunk, content)):
            self.received_bytes += len(content)
            return Took(parcel=chunk.parcel)
        needs = await self._run(self._disk, lambda: self._store.needs(offer))
        if all(need.sha256 != chunk.sha256 for need in needs):
            return Took(parcel=chunk.parcel)  # another parcel brought the same file meanwhile
        return Again(parcel=chunk.parcel)

    async def _question(self, who: bytes, message: Offer | Commit | Abandon) -> None:
        """Answer beside the chunks; no connection has two questions in work."""
        if who in self._asking:
            why = "the intake is still busy with the last question of this connection"
            await self._say(who, Deferred(parcel=message.parcel, why=why))
            return
        if len(self._asking) >= self._limits.open_parcels:
            why = f"the intake is busy with {len(self._asking)} other connections"
            await self._say(who, Deferred(parcel=message.parcel, why=why))
            return
        self._asking.add(who)
        task = asyncio.create_task(self._answer(who, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, who: bytes, message: Offer | Commit | Abandon) -> None:
        reply = await self._guarded(who, message, lambda: self._asked(who, message))
        self._asking.discard(who)  # before it hears so: its next question may be faster than this task's end
        await self._say(who, reply)

    async def _guarded(
        self, who: bytes, message: ToIntake, work: Callable[[], Awaitable[FromIntake]]
    ) -> FromIntake:
        """The answer, whatever goes wrong."""
        try:
            return await work()
        except ParcelRefusedError as error:
            self._parcels.take(who, message.parcel)
            log.warning("parcel %s refused: %s", message.parcel, error)
            return Refused(parcel=message.parcel, why=str(error))
        except NotNowError as error:
            log.warning("parcel %s deferred: %s", message.parcel, error)
            scope = "parcel" if isinstance(error, ParcelDeferredError) else "intake"
            return Deferred(parcel=message.parcel, why=str(error), scope=scope)
        except Exception:
            log.exception("parcel %s could not be taken", message.parcel)
            return await self._defect(who, message)

    async def _defect(self, who: bytes, message: ToIntake) -> FromIntake:
        """What this program is not up to is tried again, but not for ever, and nobody waits behind it."""
        why = "the trainer made a mistake, see its log"
        offer = message if isinstance(message, Offer) else self._parcels.get(who, message.parcel, self._now())
        if offer is None or not self._tries.failed(message.parcel):
            return Deferred(parcel=message.parcel, why=why, scope="parcel")
        why = f"given up after {self._limits.parcel_tries} tries: {why}"
        try:
            await self._run(self._beside, lambda: self._store.refuse(offer, why))
        except Exception:
            log.exception("the refusal of parcel %s could not be recorded", message.parcel)
            return Deferred(parcel=message.parcel, why=why, scope="parcel")
        self._parcels.take(who, message.parcel)
        return Refused(parcel=message.parcel, why=why)

    async def _asked(self, who: bytes, message: Offer | Commit | Abandon) -> FromIntake:
        match message:
            case Offer():
                return await self._offer(who, message)
            case Commit():
                return await self._commit(who, message)
            case Abandon():
                self._parcels.take(who, message.parcel)
                await self._run(self._beside, lambda: self._store.abandoned(message))
                return Refused(parcel=message.parcel, why=message.why)
            case _:
                assert_never(message)

    async def _offer(self, who: bytes, offer: Offer) -> FromIntake:
        if await self._run(self._beside, lambda: self._store.holds(offer)):
            return Acknowledged(parcel=offer.parcel)
        if offer.places and self._endpoint.startswith(IPC):
            self.shared_files += await self._run(self._beside, lambda: self._store.share(offer))
        needs = await self._run(self._beside, lambda: self._store.needs(offer))
        self._parcels.put(who, offer, self._now())
        return Wants(parcel=offer.parcel, needs=needs, credit=self._credit.grant(who, self._now()))

    async def _commit(self, who: bytes, commit: Commit) -> FromIntake:
        self._credit.done(who)
        offer = self._parcels.get(who, commit.parcel, self._now())
        if offer is None or not await self._run(self._beside, lambda: self._store.commit(offer)):
            return Again(parcel=commit.parcel)
        self._parcels.take(who, commit.parcel)
        self._tries.succeeded(commit.parcel)
        log.info("parcel %s received, %d files", offer.parcel, len(offer.files))
        return Acknowledged(parcel=offer.parcel)

    @staticmethod
    async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    @staticmethod
    def _now() -> float:
        return time.monotonic()
