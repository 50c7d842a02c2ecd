"""The watchdog's conscience: it is only told that all is well where that was just seen.

A service names its organs, each with a question that only a working one answers. All are asked at once, again
and again; an organ that does not answer in time is named, and the service manager hears nothing until all do.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from .notify import notify, watchdog_s

log = logging.getLogger(__name__)
EVERY_S = 5.0
PATIENCE_S = 10.0
LATE_S = 1.0
"""A loop that wakes so much later than it was to is not healthy."""

Question = Callable[[], Awaitable[object]]


class Alive:
    """Asks the organs while it is open.

    Attributes:
        sick: what did not answer the last time, and how; empty: all is well.
        latency_s: by how much the loop woke too late the last time.
        asked: rounds that were completed.
    """

    def __init__(
        self, organs: Mapping[str, Question], *, every_s: float = EVERY_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._organs = organs
        watched_s = watchdog_s()
        self._every_s = every_s if watched_s is None else min(every_s, watched_s / 3)
        self._patience_s = patience_s
        self._task: asyncio.Task[None] | None = None
        self.sick: dict[str, str] = {}
        self.latency_s = 0.0
        self.asked = 0

    async def __aenter__(self) -> "Alive":
        """Begin, and tell the service manager that the service is ready."""
        self._task = asyncio.create_task(self._watch(), name="watchdog")
        notify("READY=1")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell that the service stops, and end."""
        notify("STOPPING=1")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            due_s = time.monotonic() + self._every_s
            await asyncio.sleep(self._every_s)
            self.latency_s = max(0.0, time.monotonic() - due_s)
            answers = await asyncio.gather(*(self._ask(one) for one in self._organs.values()))
            sick = {name: why for name, why in zip(self._organs, answers, strict=True) if why}
            if self.latency_s > LATE_S:
                sick["loop"] = f"woke {self.latency_s:.1f} s late"
            self._tell(sick)
            self.asked += 1

    async def _ask(self, question: Question) -> str:
        try:
            async with asyncio.timeout(self._patience_s):
                await question()
        except TimeoutError:
            return f"no answer within {self._patience_s:g} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, the organ is not well, and that is told
            return str(error) or type(error).__name__
        return ""

    def _tell(self, sick: dict[str, str]) -> None:
        for name in sick.keys() - self.sick.keys():
            log.error("not well: %s: %s", name, sick[name])
        for name in self.sick.keys() - sick.keys():
            log.info("well again: %s", name)
        self.sick = sick
        if sick:
            notify("STATUS=not well: " + "; ".join(f"{name}: {why}" for name, why in sick.items()))
        else:
            notify("WATCHDOG=1", "STATUS=all is well")
