"""Lost devices are brought back in the background, and a camera that is lost in silence is noticed.

The rig is watched by its own keep-alive. A camera says nothing when it goes: while nothing else is done, a
frame is taken from it now and then.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from ..documents.fault import StationError

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
LOOK_EVERY_S = 2.0

DeviceName = Literal["rig", "camera"]
Reopen = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Watch:
    """How a camera is looked after. `idle` says whether it may be disturbed; `lost` is told if it is gone."""

    look: Callable[[], Awaitable[object]]
    idle: Callable[[], bool]
    lost: Callable[[StationError], Awaitable[None]]


class Keeper:
    """Tries again with longer and longer pauses; `back` is called on the loop when a device has come back."""

    def __init__(
        self,
        reopen: dict[DeviceName, Reopen],
        back: Callable[[DeviceName], Awaitable[None]],
        watch: Watch | None,
    ) -> None:
        self._reopen = reopen
        self._back = back
        self._watch = watch
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def open(self) -> None:
        """Begin to watch."""
        if self._watch is not None:
            self._tasks["watch"] = asyncio.create_task(self._look_on(self._watch), name="watch the camera")

    def lost(self, device: DeviceName) -> None:
        """Bring it back, unless that is being tried already."""
        running = self._tasks.get(device)
        self._again.add(device)
        if running is None or running.done():
            self._tasks[device] = asyncio.create_task(self._bring_back(device), name=f"bring back {device}")

    async def _bring_back(self, device: DeviceName) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self._reopen[device]()
            except StationError:  # remembered as the evidence of its status
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            self._again.discard(device)
            await self._back(device)
            if device not in self._again:  # else it was lost anew while that was told
                return
            pause_s = FIRST_PAUSE_S

    async def _look_on(self, watch: Watch) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not watch.idle():
                continue
            try:
                await watch.look()
            except StationError as error:
                if watch.idle():
                    await watch.lost(error)

    async def close(self) -> None:
        """Give up; waits for a try that is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
