"""When a service that ended is started again, and when it is given up. Pure: times are handed in."""

from collections import deque
from dataclasses import dataclass, field

ENDS = 5
WINDOW_S = 60.0
FIRST_PAUSE_S = 0.5
SILENT_S = 60.0
"""A service that has been ready and says nothing for so long hangs."""


@dataclass
class Upkeep:
    """One service as its keeper sees it.

    Attributes:
        ready: it has said so since it was started.
        heard_s: when it last said that it is well.
    """

    ready: bool = False
    heard_s: float = 0.0
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=ENDS))

    def started(self, now_s: float) -> None:
        """It runs from now on."""
        self.ready, self.heard_s = False, now_s

    def said(self, words: str, now_s: float) -> None:
        """It sent a notice."""
        lines = words.splitlines()
        self.ready = self.ready or "READY=1" in lines
        if "WATCHDOG=1" in lines or "READY=1" in lines:
            self.heard_s = now_s

    def hangs(self, now_s: float) -> bool:
        """Whether it should be ended."""
        return self.ready and now_s - self.heard_s > SILENT_S

    def ended(self, now_s: float) -> float | None:
        """For how long to wait before it is started again; None: it ended too often, give up."""
        self._ends.append(now_s)
        if len(self._ends) == ENDS and now_s - self._ends[0] < WINDOW_S:
            return None
        lately = sum(now_s - end < WINDOW_S for end in self._ends)
        return float(FIRST_PAUSE_S * 2 ** (lately - 1))
