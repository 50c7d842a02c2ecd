"""Who must still hear of a fault: the listener at once, and the next call if a light was in use."""

import threading

from ..documents.fault import StationError
from .interface import FaultListener


class Trouble:
    """Filled by the link's thread, emptied by the caller's."""

    def __init__(self, on_fault: FaultListener) -> None:
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._pending: StationError | None = None
        self._in_use = False

    def use(self, in_use: bool) -> None:
        """A light burns or a programme runs, as far as was asked for."""
        with self._lock:
            self._in_use = in_use

    def report(self, error: StationError, *, settled: bool = False) -> None:
        """Something went wrong, and the lights are off or soon will be; `settled`: a call has heard it."""
        with self._lock:
            if not settled:
                self._pending = error if self._in_use else self._pending
                self._in_use = False
        self._on_fault(error)

    def settle(self) -> StationError | None:
        """The fault to be raised, once."""
        with self._lock:
            pending, self._pending = self._pending, None
            return pending
