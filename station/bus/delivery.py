"""Delivery: takes parcels from the outbox and sends them to the intake until they are acknowledged.

Whatever dies in between, the outbox entry stays; the next attempt asks the intake where to go on.
"""

import asyncio
import logging
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from ..documents.key import ClientKey
from ..documents.limits import LIMITS, Limits
from .courier import Courier
from .dispatch import problems
from .fairness import Tries
from .parcel import (
    Abandon,
    Acknowledged,
    Chunk,
    Commit,
    DeliverySource,
    FromIntake,
    NotNowError,
    Offer,
    Parcel,
    ParcelDeferredError,
    ParcelFile,
    ParcelRefusedError,
    Refused,
    SourceFile,
    Took,
    Wants,
)
from .sockets import IPC

log = logging.getLogger(__name__)


class Deliverer:
    """Delivers one parcel after the other, for ever.

    A parcel that fails for a reason of its own is put off, and those behind it go first; after some tries it
    is refused, and the intake told so.

    Args:
        endpoint: of the intake.
        source: the outbox.
        station: how this station calls itself.
        limits: sizes and patience.
        key: opens TCP endpoints.
        root: the station's data folder; on `ipc://` the intake is offered to take the files below it as they
            lie there. None: it is not.

    Attributes:
        sent_bytes: payload of all chunks sent since `open`.
        trouble: why nothing can be delivered at the moment; empty when nothing is wrong.
    """

    def __init__(
        self,
        endpoint: str,
        source: DeliverySource,
        station: str = "",
        limits: Limits = LIMITS,
        key: ClientKey | None = None,
        root: Path | None = None,
    ) -> None:
        self._key = key
        self._root = root if endpoint.startswith(IPC) else None
        self._tries = Tries(limits.parcel_tries)
        self._put_off: dict[str, float] = {}
        self._endpoint = endpoint
        self._source = source
        self._station = station
        self._limits = limits
        self._courier: Courier | None = None
        self._work = asyncio.Event()
        self.sent_bytes = 0
        self.trouble = ""

    async def open(self) -> Self:
        """Deliver from now on; an intake need not be there yet."""
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="delivery-disk")
        self._running = asyncio.create_task(self._run(), name=f"delivery to {self._endpoint}")
        return self

    async def close(self) -> None:
        """Stop, in the middle of a parcel if need be."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._disk.shutdown()
        self._hang_up()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._work.set()

    async def _run(self) -> None:
        pause_s = self._limits.delivery_backoff_s
        while True:
            sent_before = self.sent_bytes
            try:
                await self._next()
            except NotNowError as error:
                self._in_trouble(str(error))
            except Exception:
                log.exception("delivery failed")
                self._in_trouble("delivery failed, see the log")
            else:
                self._in_trouble("")
                pause_s = self._limits.delivery_backoff_s
                continue
            if self.sent_bytes > sent_before:
                pause_s = self._limits.delivery_backoff_s
            self._hang_up()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._limits.delivery_backoff_most_s)

    def _in_trouble(self, why: str) -> None:
        if why and why != self.trouble:
            log.warning("nothing can be delivered: %s", why)
        elif self.trouble and not why:
            log.info("deliveries go on")
        self.trouble = why

    def _hang_up(self) -> None:
        if self._courier is not None:
            self._courier.close()
            self._courier = None

    async def _next(self) -> None:
        self._work.clear()
        now_s = asyncio.get_running_loop().time()
        self._put_off = {parcel: until_s for parcel, until_s in self._put_off.items() if until_s > now_s}
        parcel = await self._source.next(tuple(self._put_off))
        if parcel is not None:
            await self._deliver(parcel)
            return
        wait_s = min((until_s - now_s for until_s in self._put_off.values()), default=math.inf)
        try:
            await asyncio.wait_for(self._work.wait(), min(wait_s, self._limits.delivery_idle_s))
        except TimeoutError:
            return

    async def _deliver(self, parcel: Parcel) -> None:
        try:
            offer = _offer(parcel, self._station, self._root, self._limits.request_bytes)
        except ParcelRefusedError as error:
            await self._source.refused(parcel.id, str(error))
            return
        if self._courier is None:
            self._courier = await Courier(self._endpoint, self._limits, self._key).open()
        answer = await self._courier.ask(offer)
        await self._source.sending(parcel.id)
        try:
            why = await self._hand_over(self._courier, parcel, answer)
        except ParcelDeferredError as error:
            await self._deferred(self._courier, offer, str(error))
        except Exception as error:
            await self._source.requeued(parcel.id, str(error))
            raise
        else:
            self._tries.succeeded(parcel.id)
            if why:
                await self._source.refused(parcel.id, why)
            else:
                await self._source.delivered(parcel.id)

    async def _deferred(self, courier: Courier, offer: Offer, why: str) -> None:
        """Put the parcel off, or give it up."""
        if not self._tries.failed(offer.parcel):
            log.warning("parcel %s is put off: %s", offer.parcel, why)
            await self._source.requeued(offer.parcel, why)
            until_s = asyncio.get_running_loop().time() + self._limits.delivery_put_off_s
            self._put_off[offer.parcel] = until_s
            return
        why = f"given up after {self._limits.parcel_tries} tries: {why}"
        await self._abandon(courier, offer, why)
        await self._source.refused(offer.parcel, why)

    async def _abandon(self, courier: Courier, offer: Offer, why: str) -> None:
        """Tell the intake, if it is there and understands."""
        about = offer.model_dump(include={"parcel", "scan_id", "station"})
        try:
            await courier.ask(Abandon(**about, why=why[:1_000]))
        except NotNowError as error:
            log.info("the intake was not told that parcel %s is given up: %s", offer.parcel, error)

    async def _hand_over(self, courier: Courier, parcel: Parcel, answer: FromIntake) -> str:
        """Send what is wanted until the parcel is acknowledged (empty) or refused (why)."""
        if isinstance(answer, Wants):
            try:
                answer = await self._send(courier, parcel, answer)
            except ParcelRefusedError as error:
                about = Offer(parcel=parcel.id, scan_id=parcel.scan_id, station=self._station, files=())
                await self._abandon(courier, about, str(error))
                return str(error)
        match answer:
            case Acknowledged():
                return ""
            case Refused(why=why):
                return why
            case _:
                raise NotNowError("the intake has lost its place in the parcel")

    async def _send(self, courier: Courier, parcel: Parcel, wants: Wants) -> FromIntake:
        credit = wants.credit
        for file, offset in self._places(parcel, wants):
            if credit == 0:
                answer = await courier.receive(parcel.id)
                if not isinstance(answer, Took):
                    return answer
                credit += 1
            content = await asyncio.get_running_loop().run_in_executor(self._disk, self._read, file, offset)
            await courier.send(Chunk(parcel=parcel.id, sha256=file.sha256, offset=offset), content)
            self.sent_bytes += len(content)
            credit -= 1
        await courier.send(Commit(parcel=parcel.id))
        while isinstance(answer := await courier.receive(parcel.id), Took):
            pass
        return answer

    def _places(self, parcel: Parcel, wants: Wants) -> Iterator[tuple[SourceFile, int]]:
        """Where each chunk begins."""
        files = {file.sha256: file for file in parcel.files}
        for need in wants.needs:
            file = files.get(need.sha256)
            if file is None:
                raise NotNowError("the intake asks for a file that is not in the parcel")
            for offset in range(need.offset, file.bytes, self._limits.chunk_bytes):
                yield file, offset

    def _read(self, file: SourceFile, offset: int) -> bytes:
        wanted = min(self._limits.chunk_bytes, file.bytes - offset)
        try:
            with file.path.open("rb") as opened:
                opened.seek(offset)
                content = opened.read(wanted)
        except FileNotFoundError as error:
            raise ParcelRefusedError(f"{file.name}: the file {file.path} is missing") from error
        except OSError as error:
            raise ParcelDeferredError(f"{file.path} cannot be read: {error.strerror}") from error
        if len(content) < wanted:
            end = offset + len(content)
            raise ParcelRefusedError(f"{file.name}: the file ends after {end} of {file.bytes} bytes")
        return content


def _offer(parcel: Parcel, station: str, root: Path | None, most_bytes: int) -> Offer:
    files = tuple(_listed(file) for file in parcel.files)
    try:
        offer = Offer(parcel=parcel.id, scan_id=parcel.scan_id, station=station, files=files)
    except ValidationError as error:
        raise ParcelRefusedError(f"the parcel cannot be offered: {problems(error)}") from error
    places = tuple(str(file.path) for file in parcel.files)
    if root is None or sum(map(len, places)) > most_bytes:
        return offer
    return offer.replace(root=str(root), places=places)


def _listed(file: SourceFile) -> ParcelFile:
    try:
        return ParcelFile(name=file.name, sha256=file.sha256, bytes=file.bytes)
    except ValidationError as error:
        raise ParcelRefusedError(f"{file.name}: {problems(error)}") from error
