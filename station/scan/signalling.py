"""Signals shown and played on the rig, without anybody waiting for them."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from ..documents.batch import SignalKind
from ..documents.fault import StationError
from ..rig.interface import SignallingRig
from .looking import Threads
from .signals import SIGNALS, Signal, Tone

log = logging.getLogger(__name__)


class Signaller:
    """Tells the operator. All methods belong to the loop, none waits for the rig but `close`.

    A newer light replaces an older one, a newer tune an older one; a signal without a tune lets the older
    one end. A rig that is lost is told of in the log, once, and not told anything: `refresh` when it is back.

    Attributes:
        sound: whether tunes are played.
    """

    def __init__(self, rig: SignallingRig, threads: Threads, *, sound: bool = True) -> None:
        self.sound = sound
        self._rig = rig
        self._threads = threads
        self._shown: SignalKind | None = None
        self._light: asyncio.Task[bool] | None = None
        self._tune: asyncio.Task[None] | None = None
        self._deaf = False

    @property
    def shown(self) -> SignalKind | None:
        """The last signal; None: there was none yet."""
        return self._shown

    def show(self, kind: SignalKind) -> None:
        """From now on this."""
        self._shown = kind
        signal = SIGNALS[kind]
        self._shine(signal)
        if signal.tune and self.sound:
            _cancel(self._tune)
            self._tune = asyncio.create_task(self._play(signal.tune), name=f"tune {kind}")

    def refresh(self) -> None:
        """The rig is new, or was away: show it the last signal again, without its tune."""
        if self._shown is not None:
            self._shine(SIGNALS[self._shown])

    def mute(self, *, muted: bool = True) -> None:
        """No tunes from now on, or tunes again."""
        self.sound = not muted
        if muted:
            _cancel(self._tune)

    async def close(self) -> None:
        """End what is played and put the indicator out, if the rig is there."""
        tasks = [task for task in (self._light, self._tune) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._shown is not None:
            await self._tell(partial(self._rig.indicate, "off"))

    def _shine(self, signal: Signal) -> None:
        _cancel(self._light)
        work = self._tell(partial(self._rig.indicate, signal.colour, signal.pattern))
        self._light = asyncio.create_task(work, name="indicator")

    async def _play(self, tune: tuple[Tone, ...]) -> None:
        for tone in tune:
            if not await self._tell(partial(self._rig.tone, tone.frequency_hz, tone.milliseconds)):
                return
            await asyncio.sleep((tone.milliseconds + tone.pause_ms) / 1_000)

    async def _tell(self, work: Callable[[], None]) -> bool:
        try:
            await self._threads.on_rig(work)
        except StationError as error:
            if not self._deaf:
                log.warning("the operator is not told, the rig does not hear: %s", error)
            self._deaf = True
        else:
            self._deaf = False
        return not self._deaf


def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
