"""Exposure programmes between the words of the house and those of the wire. Pure."""

from dataclasses import dataclass, replace

from ..wire import messages as m
from ..wire.frame import CRC_SEED, checksum
from .clock import BoardClock
from .interface import ExposureStep, StepReport


@dataclass(frozen=True, slots=True)
class Programme:
    """The steps as the board gets them."""

    steps: tuple[m.ProgrammeStep, ...]

    @classmethod
    def of(cls, steps: tuple[ExposureStep, ...]) -> "Programme":
        """Translate."""
        return cls(tuple(_to_wire(index, step) for index, step in enumerate(steps)))

    def stretched(self, rate: float) -> "Programme":
        """With every duration multiplied by `rate`: the board's microseconds for each of this machine's."""
        return Programme(
            tuple(
                replace(
                    step,
                    settle_us=round(step.settle_us * rate),
                    expose_us=round(step.expose_us * rate),
                    gap_us=round(step.gap_us * rate),
                )
                for step in self.steps
            )
        )

    @property
    def checksum(self) -> int:
        """As `ProgrammeBegin` announces it."""
        value = CRC_SEED
        for step in self.steps:
            value = checksum(step.pack(), value)
        return value

    @property
    def duration_s(self) -> float:
        """From the first light on to the last light off, and a gap."""
        return sum(step.settle_us + step.expose_us + step.gap_us for step in self.steps) / 1e6

    def upload(self) -> tuple[m.Command, ...]:
        """The commands that load it."""
        return (m.ProgrammeBegin(len(self.steps), self.checksum), *self.steps, m.ProgrammeEnd())


def _to_wire(index: int, step: ExposureStep) -> m.ProgrammeStep:
    return m.ProgrammeStep(
        index=index,
        mask=0 if step.light is None else 1 << step.light,
        flags=m.StepFlag.TRIGGER if step.trigger else 0,
        settle_us=step.settle_us,
        expose_us=step.expose_us,
        gap_us=step.gap_us,
    )


def report_of(done: m.StepDone, clock: BoardClock) -> StepReport:
    """A step's report on this machine's clock."""
    return StepReport(
        index=done.index,
        light=done.mask.bit_length() - 1 if done.mask else None,
        on_s=clock.monotonic_s(done.on_ticks),
        exposed_from_s=clock.monotonic_s(done.trigger_ticks),
        off_s=clock.monotonic_s(done.off_ticks),
        uncertainty_s=clock.uncertainty_s,
    )
