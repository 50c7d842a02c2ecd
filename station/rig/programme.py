"""Exposure programmes between the words of the house and those of the wire. Pure."""

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ..wire import messages as m
from ..wire.frame import CRC_SEED, checksum
from .clock import WRAP, BoardClock
from .interface import ExposureStep, StepReport

RELOAD_SLACK_US = 20
"""A loaded programme is used again while none of its moments is off by more than this."""


@dataclass(frozen=True, slots=True)
class Programme:
    """The steps as asked for, and as the board gets them; `exact`: not a microsecond may be changed."""

    asked: tuple[ExposureStep, ...]
    steps: tuple[m.ProgrammeStep, ...]
    exact: bool = True

    @classmethod
    def of(cls, steps: tuple[ExposureStep, ...]) -> "Programme":
        """Durations are the board's microseconds."""
        return cls(steps, tuple(_to_wire(index, step) for index, step in enumerate(steps)))

    @classmethod
    def timed(cls, steps: tuple[ExposureStep, ...], clock: BoardClock, at_s: float) -> "Programme":
        """Durations are this machine's microseconds, from a moment of `time.monotonic()` on.

        Every moment is rounded, not every duration, so that nothing adds up.
        """
        first_ticks = clock.ticks_at(at_s)
        moments_us = [0]
        for us in accumulate(us for step in steps for us in _durations(step)):
            ticks = (clock.ticks_at(at_s + us / 1e6) - first_ticks) % WRAP
            moments_us.append(round(ticks * 1e6 / clock.nominal_hz))
        lasting = [after - before for before, after in pairwise(moments_us)]
        return cls(steps, tuple(_stretched(step, lasting) for step in cls.of(steps).steps), exact=False)

    def serves(self, wanted: "Programme") -> bool:
        """Whether this programme, loaded already, is as good as the one wanted now."""
        if wanted.exact or self.asked != wanted.asked:
            return self.steps == wanted.steps
        moments = zip(_moments_us(self.steps), _moments_us(wanted.steps), strict=True)
        return all(abs(mine - theirs) <= RELOAD_SLACK_US for mine, theirs in moments)

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


def _durations(step: ExposureStep | m.ProgrammeStep) -> tuple[int, int, int]:
    return step.settle_us, step.expose_us, step.gap_us


def _moments_us(steps: tuple[m.ProgrammeStep, ...]) -> tuple[int, ...]:
    return tuple(accumulate(us for step in steps for us in _durations(step)))


def _stretched(step: m.ProgrammeStep, lasting_us: list[int]) -> m.ProgrammeStep:
    """Never below a limit that was kept: a microsecond too few would be refused."""
    settle_us, expose_us, gap_us = lasting_us[3 * step.index : 3 * step.index + 3]
    return replace(
        step,
        settle_us=settle_us,
        expose_us=max(expose_us, min(step.expose_us, m.EXPOSURE_MIN_US)),
        gap_us=max(gap_us, min(step.gap_us, m.GAP_MIN_US)),
    )


def report_of(done: m.StepDone, clock: BoardClock) -> StepReport:
    """A step's report on this machine's clock."""
    return StepReport(
        index=done.index,
        light=done.mask.bit_length() - 1 if done.mask else None,
        on_s=clock.monotonic_s(done.on_ticks),
        exposed_from_s=clock.monotonic_s(done.trigger_ticks),
        off_s=clock.monotonic_s(done.off_ticks),
        uncertainty_s=max(clock.error_at_s(ticks) for ticks in (done.on_ticks, done.off_ticks)),
    )
