"""Parts of the software board: numbered events, kept faults. Pure; times in ns."""

from collections import deque

from ..wire.frame import Frame
from ..wire.messages import (
    ERRORS_KEPT,
    EVENT_QUEUE,
    EVENT_REPEAT_MS,
    EVENT_RESERVE,
    PANEL_RESERVE,
    ErrorEntry,
    ErrorsReply,
    Event,
    Fault,
)

MS = 1_000_000
US = 1_000
_LAST_EVENT_NUMBER = 255
_U16 = 0xFFFF


class EventQueue:
    """Events in order; the oldest is repeated until its number is acknowledged."""

    def __init__(self) -> None:
        self._waiting: deque[Frame] = deque()
        self._next_number = 1
        self._repeat_ns: int | None = None
        self.repeated = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether a step may begin: its report finds room, and buttons and card still do, too."""
        return len(self._waiting) < EVENT_QUEUE - EVENT_RESERVE - PANEL_RESERVE

    def restart(self) -> None:
        """A new session: forget everything, number from 1 again."""
        self._waiting.clear()
        self._next_number = 1
        self._repeat_ns = None

    def push(self, event: Event, *, reserved: bool = False) -> None:
        """Take an event; what has no room is counted as lost."""
        if len(self._waiting) >= EVENT_QUEUE - (0 if reserved else EVENT_RESERVE):
            self.lost = min(self.lost + 1, _U16)
            return
        self._waiting.append(Frame(self._next_number, event.ID, event.pack()))
        self._next_number = self._next_number % _LAST_EVENT_NUMBER + 1

    def acknowledge(self, number: int) -> None:
        """The oldest event has arrived, if this is its number and it was sent at all."""
        if self._waiting and self._repeat_ns is not None and self._waiting[0].seq == number:
            self._waiting.popleft()
            self._repeat_ns = None

    def due(self, now_ns: int) -> bytes | None:
        """The oldest event, if it is to be sent now."""
        if not self._waiting or (self._repeat_ns is not None and now_ns < self._repeat_ns):
            return None
        if self._repeat_ns is not None:
            self.repeated = min(self.repeated + 1, _U16)
        self._repeat_ns = now_ns + EVENT_REPEAT_MS * MS
        return self._waiting[0].encode()

    @property
    def wake_ns(self) -> int | None:
        """When the oldest event is due again; 0: at once."""
        if not self._waiting:
            return None
        return self._repeat_ns if self._repeat_ns is not None else 0


class FaultMemory:
    """The latched fault, and the last ones for `Errors`."""

    def __init__(self) -> None:
        self.latched = Fault.NONE
        self._total = 0
        self._newest_first: deque[ErrorEntry] = deque(maxlen=ERRORS_KEPT)

    def latch(self, fault: Fault, step: int, ticks: int) -> None:
        """Remember a fault."""
        self.latched = fault
        self._total = min(self._total + 1, _U16)
        self._newest_first.appendleft(ErrorEntry(fault, step, ticks))

    def clear(self) -> None:
        """Unlatch; the memory stays."""
        self.latched = Fault.NONE

    def report(self) -> ErrorsReply:
        """The answer to `Errors`."""
        return ErrorsReply(self._total, tuple(self._newest_first))
