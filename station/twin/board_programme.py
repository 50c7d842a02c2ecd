"""The exposure programme of the software board: its store and its run. Pure; times in ns."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from ..wire.frame import CRC_SEED, checksum
from ..wire.messages import (
    EXPOSURE_MIN_US,
    GAP_MAX_US,
    GAP_MIN_US,
    MAX_ON_MAX_MS,
    PWM_LEVELS,
    STEPS_MAX,
    BoardState,
    ProgrammeBegin,
    ProgrammeStep,
    Refusal,
    StepDone,
    StepFlag,
)
from .board_heat import Burn
from .board_lamps import Lamps
from .board_parts import US


class RefusedError(Exception):
    """A command is not carried out."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.says)
        self.reason = reason


class ProgrammeStore:
    """Steps as they come in, checked as a whole at the end and against the limits when armed."""

    def __init__(self, lights: int) -> None:
        self._all_lights = (1 << lights) - 1
        self._expected = ProgrammeBegin(0, 0)
        self.steps: list[ProgrammeStep] = []
        self.state = BoardState.IDLE

    def begin(self, begin: ProgrammeBegin) -> None:
        """Forget what was there and expect `count` steps."""
        if not 1 <= begin.count <= STEPS_MAX:
            raise RefusedError(Refusal.BAD_STEP)
        self._expected, self.steps, self.state = begin, [], BoardState.LOADING

    def add(self, step: ProgrammeStep) -> None:
        """Take the next step."""
        in_turn = self.state is BoardState.LOADING and step.index == len(self.steps) < self._expected.count
        if not in_turn:
            raise RefusedError(Refusal.BAD_STEP)
        self.steps.append(step)

    def end(self) -> None:
        """Check count and checksum."""
        if self.state is not BoardState.LOADING or len(self.steps) != self._expected.count:
            raise RefusedError(Refusal.BAD_STEP)
        if programme_checksum(self.steps) != self._expected.checksum:
            raise RefusedError(Refusal.BAD_CHECKSUM)
        self.state = BoardState.LOADED

    def arm(self, lamps: Lamps, now_ns: int) -> None:
        """Check the limits of every step, and the duty cycle of all."""
        if self.state not in (BoardState.LOADED, BoardState.ARMED):
            raise RefusedError(Refusal.NO_PROGRAMME)
        for step in self.steps:
            if step.mask & ~self._all_lights:
                raise RefusedError(Refusal.BAD_LIGHT)
            if not _durations_allowed(step):
                raise RefusedError(Refusal.BAD_DURATION)
        if not lamps.bear([_burn(step) for step in self.steps], now_ns):
            raise RefusedError(Refusal.TOO_HOT)
        self.state = BoardState.ARMED

    def disarm(self) -> None:
        """Back to loaded, if it was armed."""
        if self.state is BoardState.ARMED:
            self.state = BoardState.LOADED


def programme_checksum(steps: list[ProgrammeStep]) -> int:
    """CRC over all step payloads, as `ProgrammeBegin` announces it."""
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    return value


def _durations_allowed(step: ProgrammeStep) -> bool:
    return (
        step.expose_us >= EXPOSURE_MIN_US
        and step.settle_us + step.expose_us <= MAX_ON_MAX_MS * 1_000
        and GAP_MIN_US <= step.gap_us <= GAP_MAX_US
    )


def _burn(step: ProgrammeStep) -> Burn:
    return Burn(step.mask, PWM_LEVELS, (step.settle_us + step.expose_us) * US, step.gap_us * US)


class _Phase(Enum):
    WAITING = auto()  # for its turn, or for room to report the step
    SETTLING = auto()
    EXPOSING = auto()


@dataclass(slots=True)
class _Stamps:
    on_ticks: int = 0
    trigger_ticks: int = 0
    late: bool = False


class ProgrammeRun:
    """One run. A step that waited for room to report begins late, and all that follows moves with it.

    So a light is never on for shorter than asked, and the reports say what really was.
    """

    def __init__(
        self, steps: list[ProgrammeStep], lamps: Lamps, ticks: Callable[[int], int], start_ns: int
    ) -> None:
        self._steps = steps
        self._lamps = lamps
        self._ticks = ticks
        self._phase = _Phase.WAITING
        self._stamps = _Stamps()
        self._next_ns = start_ns
        self.begun = False
        self.index = 0

    def wake_ns(self, *, may_report: bool) -> int | None:
        """When the next stage is due; None while it waits for room to report."""
        blocked = self._phase is _Phase.WAITING and self._stamps.late and not may_report
        return None if blocked else self._next_ns

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.index == len(self._steps)

    def advance(self, now_ns: int, *, may_report: bool) -> StepDone | None:
        """Perform what is due at `now_ns`; returns the report of a step that ended."""
        while not self.finished and now_ns >= self._next_ns:
            self.begun = True
            if self._phase is _Phase.WAITING:
                if not may_report:
                    self._stamps.late = True
                    return None
                self._lights_on(now_ns)
            elif self._phase is _Phase.SETTLING:
                self._expose(now_ns)
            else:
                return self._lights_off(now_ns)
        return None

    def _lights_on(self, now_ns: int) -> None:
        step = self._steps[self.index]
        self._lamps.set(step.mask, now_ns)
        self._stamps.on_ticks = self._ticks(now_ns)
        self._phase = _Phase.SETTLING
        self._next_ns = now_ns + step.settle_us * US

    def _expose(self, now_ns: int) -> None:
        step = self._steps[self.index]
        if step.flags & StepFlag.TRIGGER:
            self._lamps.trigger(now_ns)
        self._stamps.trigger_ticks = self._ticks(now_ns)
        self._phase = _Phase.EXPOSING
        self._next_ns = now_ns + step.expose_us * US

    def _lights_off(self, now_ns: int) -> StepDone:
        step, stamps = self._steps[self.index], self._stamps
        self._lamps.set(0, now_ns)
        flags = (step.flags & StepFlag.TRIGGER) | (StepFlag.LATE if stamps.late else 0)
        report = StepDone(
            step.index, step.mask, flags, stamps.on_ticks, stamps.trigger_ticks, self._ticks(now_ns)
        )
        self._stamps = _Stamps()
        self._phase = _Phase.WAITING
        self._next_ns = now_ns + step.gap_us * US
        self.index += 1
        return report
