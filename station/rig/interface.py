"""What the rest of the house knows of a rig."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ..documents.fault import StationError


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """What the board said of itself.

    Attributes:
        boot_nonce: changes with every restart of the board.
        left_fault: the fault that was latched when it was opened, in words; empty: none.
    """

    port: str
    board: str
    firmware: str
    light_count: int
    boot_nonce: int
    reset_cause: str
    max_on_ms: int
    ticks_hz: int
    simulated: bool
    left_fault: str = ""


@dataclass(frozen=True, slots=True)
class Switched:
    """The board's acknowledgement of a light.

    The port was written before the board acknowledged, so at `acknowledged_s` (monotonic clock of this
    machine) the light had its new state already.

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

    A keep-alive holds the board's host lease while the rig is open; whatever dies, the lights go off by
    themselves.
    Every call raises `StationError` with `rig_missing`, `rig_silent`, `rig_protocol` or `rig_fault`.
    """

    def open(self) -> BoardInfo:
        """Open the port, agree on the protocol, clear old faults, lights off."""
        ...

    def switch(self, light: int | None, max_on_ms: int) -> Switched:
        """Light exactly this light (None: none) and wait for the acknowledgement.

        It goes off by itself after `max_on_ms`; that is a fault.
        """
        ...

    def beep(self, milliseconds: int) -> None:
        """Sound the buzzer."""
        ...

    def close(self) -> None:
        """Lights off, port released. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class ExposureStep:
    """One step of an exposure programme: light on, settle, trigger, expose, light off, gap."""

    light: int | None
    settle_us: int
    expose_us: int
    gap_us: int
    trigger: bool = True


@dataclass(frozen=True, slots=True)
class StepReport:
    """When a step really happened, on the monotonic clock of this machine.

    Attributes:
        index: step of the programme.
        light: 0-based; None: the step was dark.
        on_s: light on.
        exposed_from_s: exposure begins; the trigger rises, if the step has one.
        off_s: exposure ends, light off.
        uncertainty_s: how far the three may be off together.
    """

    index: int
    light: int | None
    on_s: float
    exposed_from_s: float
    off_s: float
    uncertainty_s: float


class ProgrammableRig(Rig, Protocol):
    """A rig whose board times exposures by itself."""

    def run(self, steps: tuple[ExposureStep, ...], at_s: float | None = None) -> tuple[StepReport, ...]:
        """Load the programme if it is not the one loaded, run it, wait for its end.

        Args:
            steps: what to do, in microseconds of the board's clock, or, with `at_s`, of this machine's.
            at_s: monotonic time of this machine at which the first step's light goes on; None: at once.

        Raises:
            StationError: as every call; `rig_fault` too when `at_s` has passed by the time the board hears of
                it.
        """
        ...

    def clock_error_s(self, ahead_s: float) -> float:
        """How wrong a moment may be met that lies `ahead_s` after the last comparison of the clocks."""
        ...


IndicatorColour = Literal["off", "green", "amber", "red"]
IndicatorPattern = Literal["on", "slow", "fast"]


class SignallingRig(Rig, Protocol):
    """A rig that speaks to its operator, and lights the mat for looking on."""

    def look_on(self, lights: tuple[int, ...], percent: float, max_on_ms: int) -> Switched:
        """Light exactly these lights, dimmed to `percent`, for looking on and never for measuring.

        They go off by themselves after `max_on_ms`, and that is no fault. A board has few levels and takes
        the next higher one. `Switched.light` is the lowest of them.
        """
        ...

    def tone(self, frequency_hz: int, milliseconds: int) -> None:
        """Begin to sound the buzzer; returns at once."""
        ...

    def indicate(self, colour: IndicatorColour, pattern: IndicatorPattern = "on") -> None:
        """Set the two-coloured indicator beside the mat; amber is both of its colours."""
        ...


@dataclass(frozen=True, slots=True)
class ButtonMoved:
    """A button of the rig; `when_s` on the monotonic clock."""

    button: int
    pressed: bool
    when_s: float


@dataclass(frozen=True, slots=True)
class CardMoved:
    """The card sensor; `when_s` on the monotonic clock."""

    present: bool
    when_s: float


PanelEvent = ButtonMoved | CardMoved
PanelListener = Callable[[PanelEvent], None]
"""Called from the rig's own thread; it must not call the rig back from there."""

FaultListener = Callable[[StationError], None]
"""Called from the rig's own thread when the board reports a fault or is lost."""
