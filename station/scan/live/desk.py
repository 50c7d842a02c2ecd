"""Who may have rig and camera: the eye while somebody wants to see, and before it whoever works with them."""

import asyncio
from collections.abc import Callable

from .eye import LiveEye

TEND_S = 0.2


class LiveDesk:
    """Opens the eye while `wanted` says so. All methods belong to the loop."""

    def __init__(self, eye: LiveEye, wanted: Callable[[], bool]) -> None:
        self._eye = eye
        self._wanted = wanted
        self._open = False
        self._needed = 0
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._tend(), name="live desk")

    async def clear(self) -> None:
        """Rig and camera are needed; returns when the eye rests and the lights are off. `free` follows."""
        self._needed += 1
        await self._eye.pause()

    def free(self) -> None:
        """They are not needed any more."""
        self._needed -= 1
        if self._needed == 0:
            self._eye.resume()

    async def close(self) -> None:
        """Close the eye; the lights are off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._eye.close()

    async def _tend(self) -> None:
        while True:
            wanted = self._wanted()
            if wanted and not self._open:
                await self._eye.open()
            elif self._open and not wanted:
                await self._eye.close()
            self._open = wanted
            await asyncio.sleep(TEND_S)
