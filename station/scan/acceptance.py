"""Which frames saw what they were meant to see, by the board's reports and the clock of the frames. Pure.

Every bound is taken at its worst. What a frame looks like is judged elsewhere, and counts as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..camera.frame_clock import Grid, Moment, Stamping
from ..camera.interface import CameraMode
from ..camera.timing import LATENCY_US
from ..documents.plan import Timing
from ..rig.interface import StepReport
from .schedule import Exposure, Schedule, Shot, triggered_us


@dataclass(frozen=True, slots=True)
class Rows:
    """When the rows of a frame were exposed, each moment at its earliest or latest.

    Attributes:
        first_s, last_s: any row, from the earliest to the latest.
        together_from_s, together_to_s: all rows, at the least.
    """

    first_s: float
    last_s: float
    together_from_s: float
    together_to_s: float

    @classmethod
    def of(cls, start: Moment, mode: CameraMode) -> "Rows":
        """Of a frame that starts then."""
        exposure_s, readout_s, error_s = mode.exposure_us / 1e6, mode.readout_us / 1e6, start.error_s
        return cls(
            first_s=start.at_s - error_s,
            last_s=start.at_s + readout_s + exposure_s + error_s,
            together_from_s=start.at_s + readout_s + error_s,
            together_to_s=start.at_s + exposure_s - error_s,
        )


def judge_locked(
    schedule: Schedule, reports: Sequence[StepReport], grid: Grid, timing: Timing, mode: CameraMode
) -> tuple[str, ...]:
    """Why the frame of each shot cannot count, empty where it can; whether it came is not looked at.

    Args:
        schedule: what was to be done.
        reports: one for each step.
        grid: of the same epoch as the schedule's, now with the frames of the programme itself.
        timing: see `schedule.locked`.
        mode: what the camera does.
    """
    rows = [Rows.of(grid.start(frame), mode) for frame in schedule.frames]
    return tuple(
        _fault(shot, index, reports, seen, timing)
        for index, (shot, seen) in enumerate(zip(schedule.shots, rows, strict=True))
    )


def _fault(shot: Shot, index: int, reports: Sequence[StepReport], rows: Rows, timing: Timing) -> str:
    for other, report in enumerate(reports):
        if other != index and report.light is not None and _touches(report, rows):
            return f"light {report.light} may have burned during its frame"
    if shot.exposure.light is None:
        return ""
    report = reports[index]
    if report.light != shot.exposure.light:
        return f"the board reports light {report.light} in its step"
    if timing.kind == "strobe" or shot.exposure.on_us is not None:
        inside = (
            report.on_s - report.uncertainty_s >= rows.together_from_s
            and report.off_s + report.uncertainty_s <= rows.together_to_s
        )
        return (
            ""
            if inside
            else _by(rows.together_from_s - report.on_s, report.off_s - rows.together_to_s, report)
        )
    covers = (
        report.on_s + report.uncertainty_s <= rows.first_s
        and report.off_s - report.uncertainty_s >= rows.last_s
    )
    return "" if covers else _by(report.on_s - rows.first_s, rows.last_s - report.off_s, report)


def _touches(report: StepReport, rows: Rows) -> bool:
    return (
        report.on_s - report.uncertainty_s < rows.last_s
        and report.off_s + report.uncertainty_s > rows.first_s
    )


def _by(first_s: float, last_s: float, report: StepReport) -> str:
    """By how much the light was switched out of place, the worse of its two ends."""
    worst_ms = 1e3 * (max(first_s, last_s) + report.uncertainty_s)
    return f"its light was switched {worst_ms:.2f} ms out of place"


@dataclass(frozen=True, slots=True)
class StampGate:
    """What the stamps of a triggered camera say: where it is known, and by how much they are late."""

    stamping: Stamping | None
    late_us: int

    def belongs(self, timestamp_s: float, report: StepReport, mode: CameraMode) -> bool:
        """Whether a frame may be the one that this step triggered."""
        if self.stamping is not None:
            after_s = self.stamping.start_s(timestamp_s) - report.exposed_from_s
            doubt_s = report.uncertainty_s + self.stamping.jitter_s
            return -doubt_s <= after_s <= LATENCY_US / 1e6 + doubt_s
        spent_s = (LATENCY_US + mode.exposure_us + mode.readout_us + self.late_us) / 1e6
        after_s = timestamp_s - report.exposed_from_s
        return -report.uncertainty_s <= after_s <= spent_s + report.uncertainty_s


def judge_triggered(schedule: Schedule, reports: Sequence[StepReport], mode: CameraMode) -> tuple[str, ...]:
    """Whether each step's light, and no other, burned from its trigger until the last row was done."""
    span_s = triggered_us(mode) / 1e6
    return tuple(
        _trigger_fault(shot.exposure, index, reports, span_s) for index, shot in enumerate(schedule.shots)
    )


def _trigger_fault(exposure: Exposure, index: int, reports: Sequence[StepReport], span_s: float) -> str:
    report = reports[index]
    if report.light != exposure.light:
        return (
            f"the board reports {'no light' if report.light is None else f'light {report.light}'} in its step"
        )
    burned_s, done_s = report.off_s - report.exposed_from_s, report.exposed_from_s + span_s
    if burned_s < span_s:
        return f"its light burned {1e3 * burned_s:.2f} ms from the trigger, {1e3 * span_s:.2f} ms are needed"
    others = (other for k, other in enumerate(reports) if k != index and other.light is not None)
    if any(other.on_s < done_s and other.off_s > report.exposed_from_s for other in others):
        return "another light burned before its last row was done"
    return ""
