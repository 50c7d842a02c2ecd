"""What the rest of the house knows of a rig."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """What the board said of itself. `boot_nonce` changes with every restart of the board."""

    port: str
    board: str
    firmware: str
    light_count: int
    boot_nonce: int
    reset_cause: str
    max_on_ms: int
    ticks_hz: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class Switched:
    """The board's acknowledgement of a light.

    The port was written before the board acknowledged, so at `acknowledged_s` (monotonic clock of this machine) the
    light had its new state already.

    Attributes:
        light: 0-based; None: all off.
        requested_s: just before the command was written.
        acknowledged_s: when the reply had arrived.
    """

    light: int | None
    requested_s: float
    acknowledged_s: float


class Rig(Protocol):
    """The lights. All calls block and belong to one thread; the constructor touches nothing.

    A keep-alive holds the board's host lease while the rig is open; whatever dies, the lights go off by themselves.
    Every call raises `StationError` with `rig_missing`, `rig_silent`, `rig_protocol` or `rig_fault`.
    """

    def open(self) -> BoardInfo:
        """Open the port, agree on the protocol, clear old faults, lights off."""
        ...

    def switch(self, light: int | None, max_on_ms: int) -> Switched:
        """Light exactly this light (None: none) and wait for the acknowledgement; off by itself after `max_on_ms`."""
        ...

    def beep(self, milliseconds: int) -> None:
        """Sound the buzzer."""
        ...

    def close(self) -> None:
        """Lights off, port released. Never raises."""
        ...


FaultListener = Callable[[str], None]
"""Called from the rig's own thread with one sentence when the board reports a fault or is lost."""
