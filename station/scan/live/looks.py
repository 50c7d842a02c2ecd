"""One look at the mat: a half of the lights burns, and a frame is taken that was exposed meanwhile."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from ...camera.frame_clock import Stamping
from ...camera.interface import Camera, CameraMode, CapturedFrame
from ...camera.matcher import exposed_within
from ...documents.fault import StationError
from ...documents.profile import CameraProfile
from ...rig.interface import ProgrammableRig, SignallingRig, StepReport, Switched
from ..acceptance import StampGate
from ..looking import FRAMES_PER_LOOK, Threads
from ..schedule import Exposure, triggered
from .halves import Halves

MAX_ON_MS = 1_500
"""If nobody renews it the light goes off by itself, whatever became of this process."""
RENEW_S = 0.5
FLUSHES = 3
"""Further triggers for a frame that does not come."""
PATIENCE_S = 0.25


class Looker(Protocol):
    """Takes a frame under a half of the lights."""

    async def frame(self, half: int, mode: CameraMode) -> CapturedFrame:
        """The newest frame that saw this half of the lights and no other.

        Raises:
            StationError: what rig and camera say; `frames_mismatched`.
        """
        ...

    async def dark(self) -> None:
        """Lights off.

        Raises:
            StationError: what the rig says.
        """
        ...


@dataclass
class SteadyLooker:
    """The camera runs freely and the lights burn on, dimmed."""

    rig: SignallingRig
    camera: Camera
    threads: Threads
    halves: Halves
    percent: float
    late_us: int
    _lit: Switched | None = None
    _half: int = 0
    _since_s: float = 0.0

    async def frame(self, half: int, mode: CameraMode) -> CapturedFrame:
        """See `Looker`."""
        asked_s = time.monotonic()
        lit = await self._light(half)
        return await self.threads.on_camera(lambda: self._newest(lit, mode, asked_s))

    async def _light(self, half: int) -> Switched:
        """See that this half burns, and goes on burning for long enough."""
        lit, now_s = self._lit, time.monotonic()
        if lit is not None and half == self._half and now_s < lit.requested_s + RENEW_S:
            return lit
        lights = self.halves.lights[half]
        again = await self.threads.on_rig(lambda: self.rig.look_on(lights, self.percent, MAX_ON_MS))
        burned_on = (
            lit is not None
            and half == self._half
            and again.acknowledged_s < lit.requested_s + MAX_ON_MS / 1_000
        )
        if not burned_on:
            self._since_s = again.acknowledged_s
        self._lit, self._half = again, half
        self.halves.lit(half, again.requested_s)
        return again

    def _newest(self, lit: Switched, mode: CameraMode, asked_s: float) -> CapturedFrame:
        """Older frames wait in the driver's queue; they are passed over without being decoded."""
        off_s, fresh_s = lit.requested_s + MAX_ON_MS / 1_000, asked_s - mode.period_us / 1e6
        for looked_at, frame in enumerate(self.camera.frames(), 1):
            stamp_s = frame.timestamp_s
            if stamp_s >= fresh_s and exposed_within(stamp_s, mode, self.late_us, self._since_s, off_s):
                return frame
            if looked_at >= FRAMES_PER_LOOK:
                break
        raise StationError(
            "frames_mismatched", f"none of {FRAMES_PER_LOOK} frames was exposed while the mat was lit"
        )

    async def dark(self) -> None:
        """See `Looker`."""
        self._lit = None
        await self.threads.on_rig(lambda: self.rig.switch(None, MAX_ON_MS))
        self.halves.dark(time.monotonic())


@dataclass
class TriggeredLooker:
    """The board makes the camera expose: a programme of one step a look, under one light of the half."""

    rig: ProgrammableRig
    camera: Camera
    threads: Threads
    halves: Halves
    profile: CameraProfile

    async def frame(self, half: int, mode: CameraMode) -> CapturedFrame:
        """See `Looker`."""
        late_us = self.profile.stamp_late_us
        steps = triggered((Exposure(self.halves.lights[half][0]),), mode, late_us).steps
        gate = StampGate(Stamping.of(self.profile, mode), late_us)
        self.halves.lit(half, time.monotonic())  # reckoned as if it burned on
        catch = _Catch(self.camera, gate, mode)
        catch.reports += await self.threads.on_rig(lambda: self.rig.run(steps))
        catching = asyncio.ensure_future(self.threads.on_camera(catch.take))
        patience_s = (mode.period_us + mode.exposure_us + mode.readout_us + late_us) / 1e6 + PATIENCE_S
        try:
            for _ in range(FLUSHES):
                if (await asyncio.wait([catching], timeout=patience_s))[0]:
                    break
                catch.reports += await self.threads.on_rig(lambda: self.rig.run(steps))
        except BaseException:
            catch.ended = True
            await asyncio.wait([catching])  # the camera's thread belongs to somebody else afterwards
            catching.exception()
            raise
        return await catching

    async def dark(self) -> None:
        """See `Looker`."""
        await self.threads.on_rig(lambda: self.rig.switch(None, MAX_ON_MS))
        self.halves.dark(time.monotonic())


@dataclass
class _Catch:
    """Waits on the camera's thread for a frame that one of these steps has triggered."""

    camera: Camera
    gate: StampGate
    mode: CameraMode
    reports: tuple[StepReport, ...] = field(default=())
    ended: bool = False

    def take(self) -> CapturedFrame:
        for looked_at, frame in enumerate(self.camera.frames(), 1):
            if any(self.gate.belongs(frame.timestamp_s, report, self.mode) for report in self.reports):
                return frame
            if self.ended or looked_at >= FRAMES_PER_LOOK:
                break
        raise StationError("frames_mismatched", "the frame that the board triggered did not come")
