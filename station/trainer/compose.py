"""Puts the trainer's rooms together in the order in which they depend on each other, and apart again."""

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

from ..bus.control import ControlServer
from ..bus.events import EventPublisher
from ..bus.intake import IntakeServer
from ..bus.keys import KeyRing
from ..bus.method import table
from ..config import Settings
from ..documents.event import Event
from ..documents.ids import new_id
from ..documents.trainer import TrainerStatus
from ..training.intake_store import FileIntakeStore
from .methods import trainer_methods


class Trainer:
    """Everything the trainer process holds. Entering opens it all or nothing, leaving closes it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._boot = new_id()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def look(self) -> TrainerStatus:
        """The status; it reads the database and blocks."""
        return self._store.status(self._intake.in_hand)

    async def _open(self) -> None:
        settings = self._settings
        enter = self._stack.enter_async_context
        self._loop = asyncio.get_running_loop()
        self._publisher: EventPublisher | None = None
        store = FileIntakeStore(
            settings.trainer_data, self._boot, self._tell, shares=(settings.station.data,)
        )
        self._stack.enter_context(store)
        keys = KeyRing(settings.station.data / "keys")
        self._publisher = await enter(
            EventPublisher(settings.endpoint("trainer_events"), self._boot, store.head_seq(), keys=keys)
        )
        intake = IntakeServer(settings.endpoint("intake"), store, keys=keys)
        self._store, self._intake = store, intake
        methods = table(*trainer_methods(store, lambda: intake.in_hand))
        await enter(ControlServer(settings.endpoint("trainer_control"), methods, keys=keys))
        await enter(intake)

    def _tell(self, event: Event) -> None:
        """From a thread of the store to the loop; a loop that is closed has nobody left to tell."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._publish, event)

    def _publish(self, event: Event) -> None:
        if self._publisher is not None:
            self._publisher.publish(event)
