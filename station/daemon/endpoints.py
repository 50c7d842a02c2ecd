"""The sockets of the daemon: each local endpoint, and the remote one beside it where one is configured."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from ..bus.control import ControlServer
from ..bus.dispatch import Dispatcher
from ..bus.events import EventPublisher, EventPublishers
from ..bus.keys import KeyRing
from ..bus.lock import OperatorLock
from ..bus.lock_methods import lock_methods
from ..bus.method import Method, operating, table
from ..bus.preview import PreviewPublisher, Previews
from ..config import Settings
from .methods import FREE

T = TypeVar("T")
Tell = Callable[[str, dict[str, Any], str], Awaitable[None]]


class Enter(Protocol):
    """Opens something that is closed with the daemon."""

    async def __call__(self, resource: AbstractAsyncContextManager[T]) -> T:
        """The opened resource."""
        ...


class Endpoints:
    """Opens the sockets of one daemon. Keys decide who comes in over TCP; the lock is one for all."""

    def __init__(self, settings: Settings, enter: Enter) -> None:
        self._settings = settings
        self._enter = enter
        self._keys = KeyRing(settings.station.data / "keys")
        self.lock = OperatorLock()

    async def events(self, boot: str, head: int) -> EventPublishers:
        """Publish from now on; `head` is the journal's last `seq`."""
        local = EventPublisher(self._settings.endpoint("events"), boot, head)
        opened = [await self._enter(local)]
        if remote := self._settings.bus.remote_events:
            opened.append(await self._enter(EventPublisher(remote, boot, head, keys=self._keys)))
        return EventPublishers(opened)

    async def previews(self) -> Previews:
        """Where live pictures go."""
        opened = [await self._enter(PreviewPublisher(self._settings.endpoint("preview")))]
        if remote := self._settings.bus.remote_preview:
            opened.append(await self._enter(PreviewPublisher(remote, keys=self._keys)))
        return Previews(tuple(opened))

    async def serve(self, methods: tuple[Method[Any], ...], tell: Tell) -> None:
        """One dispatcher for all endpoints: a repeat over another one is still a repeat."""
        every = table(*operating(methods, free=FREE), *lock_methods(self.lock, tell))
        dispatcher = Dispatcher(every, lock=self.lock)
        await self._enter(ControlServer(self._settings.endpoint("control"), dispatcher))
        if remote := self._settings.bus.remote_control:
            await self._enter(ControlServer(remote, dispatcher, keys=self._keys))
