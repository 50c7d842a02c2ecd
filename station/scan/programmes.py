"""A batch of exposures in one programme of the board: run it, collect the frames meanwhile, judge them."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..camera.frame_clock import FrameClock, Grid, Stamping
from ..camera.interface import CameraMode, CapturedFrame
from ..documents.fault import StationError
from ..documents.plan import Timing
from ..rig.interface import ProgrammableRig, StepReport
from ..wire.messages import Refusal
from .acceptance import StampGate, judge_locked, judge_triggered
from .hands import Caught, Hands, Tried
from .learning import Learning
from .locking import Lead, has_room
from .machine import Suspect
from .schedule import Exposure, Schedule, Shot, flush, locked, triggered
from .watch import Haul

log = logging.getLogger(__name__)
Reports = tuple[StepReport, ...]

STARTS = 4
"""Times a programme is begun because the board had heard of it too late."""
FLUSHES = 3
"""Dark frames sent after a triggered programme whose frames do not all come."""
PATIENCE_S = 0.25
"""For the last frame of a triggered programme, beyond what the camera needs for it."""


@dataclass(frozen=True, slots=True)
class Programmes:
    """Over one rig and one camera in one mode.

    Attributes:
        hands: at the devices.
        rig: the same rig, known to run programmes.
        mode: what the camera does.
        lead: how far ahead programmes are begun.
    """

    hands: Hands
    rig: ProgrammableRig
    mode: CameraMode
    lead: Lead

    async def locked(self, batch: tuple[Exposure, ...], timing: Timing, clock: FrameClock) -> Tried:
        """Take a batch from a free-running camera.

        Raises:
            StationError: what rig and camera say; `aborted`.
        """
        learning = Learning(self.hands, self.rig, self.mode, self.lead)
        for _ in range(STARTS):
            await learning.until(lambda now: has_room(timing, now), len(batch))
            grid = clock.grid
            if grid is None:
                return Tried.nothing(batch, "the stamps of the camera's frames contradict each other")
            begin_s = time.monotonic() + self.lead.ahead_s(len(batch))
            schedule = locked(batch, timing, self.mode, grid, begin_s)
            haul = self._haul(dict(zip(schedule.frames, batch, strict=True)))
            reports = await self._run_locked(schedule, grid, clock.stamping, haul)
            if reports is not None:
                self.lead.met()
                return self._judged(schedule, reports, haul, timing, grid.epoch, clock)
            self.lead.late()
            log.warning("the board heard too late of its programme; it is begun again with more time")
        return Tried.nothing(batch, f"the board heard too late of its programme, {STARTS} times")

    def _haul(self, expected: dict[int, Exposure]) -> Haul:
        """Tells of each exposure as its frame comes; there may be more frames than are expected."""

        def arrived(number: int) -> None:
            if number in expected:
                self.hands.reached(expected[number])

        return Haul(arrived)

    async def _run_locked(
        self, schedule: Schedule, grid: Grid, stamping: Stamping, haul: Haul
    ) -> Reports | None:
        """The board's reports, once the frames are in too; None: it heard of the programme too late."""
        watch = self.hands.watch

        def run() -> Reports:
            try:
                return self.rig.run(schedule.steps, schedule.at_s)
            except BaseException:
                haul.ended.set()
                raise

        reports, collected = await asyncio.gather(
            self.hands.on_rig(run),
            self.hands.on_camera(lambda: watch.collect(schedule, grid, stamping, haul)),
            return_exceptions=True,
        )
        if isinstance(collected, BaseException):
            raise collected
        if isinstance(reports, StationError) and Refusal.BAD_TIME.says in str(reports):
            return None
        if isinstance(reports, BaseException):
            raise reports
        return reports

    def _judged(
        self, schedule: Schedule, reports: Reports, haul: Haul, timing: Timing, epoch: int, clock: FrameClock
    ) -> Tried:
        grid = clock.grid
        if grid is None or grid.epoch != epoch:
            batch = tuple(shot.exposure for shot in schedule.shots)
            return Tried.nothing(batch, "the camera's clock jumped while the programme ran")
        faults = judge_locked(schedule, reports, grid, timing, self.mode)
        frames = [haul.frames.get(number) for number in schedule.frames]
        whys = [
            fault or _stamp_fault(shot, frame, grid, clock)
            for shot, frame, fault in zip(schedule.shots, frames, faults, strict=True)
        ]
        return _sorted_out(schedule, reports, frames, whys, strobed=timing.kind == "strobe")

    async def triggered(self, batch: tuple[Exposure, ...], gate: StampGate) -> Tried:
        """Take a batch from a camera that exposes when the board's trigger says so.

        Raises:
            StationError: what rig and camera say; `aborted`.
        """
        schedule = triggered(batch, self.mode, gate.late_us)
        haul = self._haul(dict(enumerate(batch)))
        reports = await self._run_triggered(schedule, gate.late_us, haul)
        faults = judge_triggered(schedule, reports, self.mode)
        frames = [_only(haul, report, gate, self.mode) for report in reports]
        whys = [
            fault or ("" if frame else "the frame of its trigger did not come")
            for frame, fault in zip(frames, faults, strict=True)
        ]
        return _sorted_out(schedule, reports, frames, whys, strobed=False)

    async def _run_triggered(self, schedule: Schedule, late_us: int, haul: Haul) -> Reports:
        """The board's reports, once the frames are in too, or it is certain that one will not come."""
        count, since_s, watch = len(schedule.steps), time.monotonic(), self.hands.watch
        collecting = asyncio.ensure_future(
            self.hands.on_camera(lambda: watch.collect_triggered(count, since_s, haul))
        )
        try:
            reports = await self.hands.on_rig(lambda: self.rig.run(schedule.steps))
            dark, mode = flush(self.mode, late_us).steps, self.mode
            patience_s = (mode.period_us + mode.exposure_us + mode.readout_us + late_us) / 1e6 + PATIENCE_S
            for _ in range(FLUSHES):
                if (await asyncio.wait([collecting], timeout=patience_s))[0]:
                    break
                await self.hands.on_rig(lambda: self.rig.run(dark))
        except BaseException:
            haul.ended.set()
            collecting.add_done_callback(_heard)
            raise
        await collecting
        return reports


def _heard(future: "asyncio.Future[None]") -> None:
    """Its outcome no longer matters: the rig has failed."""
    if not future.cancelled():
        future.exception()


def _stamp_fault(shot: Shot, frame: CapturedFrame | None, grid: Grid, clock: FrameClock) -> str:
    if frame is None:
        return "its frame did not come"
    number = grid.frame_at(clock.stamping.start_s(frame.timestamp_s))
    if number != shot.frame or not clock.lies_on(grid, frame.timestamp_s):
        return "its frame was stamped off the camera's clock"
    return ""


def _only(haul: Haul, report: StepReport, gate: StampGate, mode: CameraMode) -> CapturedFrame | None:
    """The one frame that this step triggered; None where there is none or more than one."""
    found = [frame for frame in haul.frames.values() if gate.belongs(frame.timestamp_s, report, mode)]
    return found[0] if len(found) == 1 else None


def _sorted_out(
    schedule: Schedule,
    reports: Reports,
    frames: Sequence[CapturedFrame | None],
    whys: Sequence[str],
    *,
    strobed: bool,
) -> Tried:
    caught, missed = [], []
    for shot, report, frame, why in zip(schedule.shots, reports, frames, whys, strict=True):
        if frame is None or why:
            missed.append(Suspect(shot.exposure, why))
        else:
            caught.append(_caught(shot.exposure, report, frame, strobed=strobed))
    return Tried(tuple(caught), tuple(missed))


def _caught(exposure: Exposure, report: StepReport, frame: CapturedFrame, *, strobed: bool) -> Caught:
    if exposure.light is None:
        return Caught(exposure, frame, None, None, 1)
    partly = strobed or exposure.on_us is not None
    on_us = round(1e6 * (report.off_s - report.on_s)) if partly else None
    return Caught(exposure, frame, report.on_s, on_us, 1)
