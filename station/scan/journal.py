"""The database thread: all questions to the catalogue; events go out only after their commit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from ..archive.catalogue import Catalogue
from ..documents.event import Event

T = TypeVar("T")


class Publisher(Protocol):
    """Where committed events go."""

    def publish(self, event: Event, blob: bytes | None = None) -> None:
        """Send to whoever listens; never waits."""
        ...


class Journal:
    """The catalogue seen from the loop. `head` is the `seq` of the newest event that was published."""

    def __init__(self, catalogue: Catalogue, publisher: Publisher, head: int) -> None:
        self._catalogue = catalogue
        self._publisher = publisher
        self._thread = ThreadPoolExecutor(1, "catalogue")
        self._listeners: list[Callable[[Event], None]] = []
        self.head = head

    async def ask(self, question: Callable[[Catalogue], T]) -> T:
        """Ask something that changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._catalogue)

    async def write(self, change: Callable[[Catalogue], Event | None]) -> None:
        """Make a change; its event, if it makes one, is published once it is durable."""
        event = await self.ask(change)
        if event is not None:
            self._announce(event)

    async def tell(self, kind: str, data: dict[str, Any], cause: str) -> None:
        """Write and publish an event that changes nothing in the catalogue."""
        await self.write(lambda catalogue: catalogue.append_event(kind, data, cause))

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call this, on the loop, with every event from now on."""
        self._listeners.append(listener)

    def _announce(self, event: Event) -> None:
        self.head = max(self.head, event.seq)
        self._publisher.publish(event)
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        """Finish what was begun and give the thread back; the catalogue stays open."""
        self._thread.shutdown(wait=True)
