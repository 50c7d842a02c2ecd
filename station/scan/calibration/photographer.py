"""Pictures for a calibration: a light held, frames taken under it, nothing assumed of the camera's stamps."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...camera.interface import Camera, CameraMode, CapturedFrame, Pixels
from ...camera.matcher import exposed_within
from ...config import CameraSettings
from ...documents.fault import StationError
from ...rig.interface import ExposureStep, ProgrammableRig, Rig, StepReport
from ..hands import programmable
from ..looking import Threads

Floats = NDArray[np.float32]
Use = Callable[[Pixels, float], None]
"""Called with the pixels of each frame and its stamp, on the camera's thread."""
Round = tuple[list[CapturedFrame], tuple[StepReport, ...]]

MAX_ON_MS = 2_000
FRAMES_LOOKED_AT = 60
"""For one that counts; a long queue needs half of it."""
LATE_US = 20_000
"""By how much a driver is taken to stamp late while nothing is known of it."""
SLOWEST_READOUT_US = 40_000
"""Of a camera that does not tell its period."""
FLASHES = 32
FLASH_GAPS_US = 53_170
"""Between flashes: longer than any frame takes, so that each sees one at most, and no multiple of a usual
frame period, so that the flashes wander over the rows."""
ROUNDS = 2
ROUND_FRAMES = 64
"""Kept undecoded while a programme runs; more would be gigabytes with a large sensor."""
PROFILE_ROWS = 256


@dataclass(frozen=True, slots=True)
class Flashed:
    """Frames over which a light flashed.

    Attributes:
        stamps_s: (N,), of the frames.
        rows: float32 (N, rows), mean code of every row, thinned.
        reports: what the board says of each flash.
    """

    stamps_s: NDArray[np.float64]
    rows: Floats
    reports: tuple[StepReport, ...]


class Photographer(Protocol):
    """Whoever takes the pictures. Every call raises `StationError`: what rig and camera say."""

    @property
    def lights(self) -> int:
        """How many there are."""
        ...

    async def shoot(self, light: int | None, exposure_us: int, count: int, use: Use) -> CameraMode:
        """Hand over `count` frames that were exposed wholly under one light (None: all are off).

        The light is off afterwards. Returns what the camera did.
        """
        ...

    async def flashes(self, light: int, flash_us: int, exposure_us: int) -> Flashed | None:
        """Frames while a light flashes briefly, at no fixed phase; None: the board cannot do that."""
        ...


@dataclass(frozen=True, slots=True)
class DevicePhotographer:
    """The rig and the camera themselves."""

    rig: Rig
    camera: Camera
    settings: CameraSettings
    threads: Threads
    lights: int = 8

    async def shoot(self, light: int | None, exposure_us: int, count: int, use: Use) -> CameraMode:
        """See `Photographer`."""
        mode = await self.threads.on_camera(lambda: self._configured(exposure_us))
        left = count
        try:
            while left:
                before = left
                left -= await self._some(light, mode, left, use)
                if left == before:
                    name = "with all lights off" if light is None else f"under light {light}"
                    raise StationError("frames_mismatched", f"no frame was exposed wholly {name}")
        finally:
            await self.threads.on_rig(lambda: self.rig.switch(None, MAX_ON_MS))
        return mode

    async def _some(self, light: int | None, mode: CameraMode, count: int, use: Use) -> int:
        lit = await self.threads.on_rig(lambda: self.rig.switch(light, MAX_ON_MS))
        off_s = None if light is None else lit.requested_s + MAX_ON_MS / 1000

        def take() -> int:
            taken = 0
            for looked_at, frame in enumerate(self.camera.frames(), 1):
                if exposed_within(frame.timestamp_s, mode, LATE_US, lit.acknowledged_s, off_s):
                    use(frame.pixels(), frame.timestamp_s)
                    taken += 1
                over = off_s is not None and time.monotonic() > off_s
                if taken == count or over or looked_at - taken >= FRAMES_LOOKED_AT:
                    break
            return taken

        return await self.threads.on_camera(take)

    def _configured(self, exposure_us: int) -> CameraMode:
        asked = CameraMode(self.settings.width_px, self.settings.height_px, exposure_us, 1.0)
        mode = self.camera.configure(asked)
        readout_us = mode.readout_us or mode.period_us or SLOWEST_READOUT_US
        return CameraMode(
            mode.width_px, mode.height_px, mode.exposure_us, mode.gain, mode.period_us, readout_us
        )

    async def flashes(self, light: int, flash_us: int, exposure_us: int) -> Flashed | None:
        """See `Photographer`."""
        rig = self.rig
        if not programmable(rig):
            return None
        await self.threads.on_camera(lambda: self._configured(exposure_us))
        step = ExposureStep(light, 0, flash_us, FLASH_GAPS_US, trigger=False)
        rounds = [await self._round(rig, step) for _ in range(ROUNDS)]
        frames = [frame for some, _ in rounds for frame in some]
        rows = await self.threads.on_camera(lambda: [row_means(frame.pixels()) for frame in frames])
        return Flashed(
            np.array([frame.timestamp_s for frame in frames]),
            np.array(rows, np.float32),
            tuple(report for _, reports in rounds for report in reports),
        )

    async def _round(self, rig: ProgrammableRig, step: ExposureStep) -> Round:
        """One programme of flashes and the frames that came meanwhile; they are decoded later."""
        ended = threading.Event()
        frames: list[CapturedFrame] = []

        def collect() -> None:
            begun_s = time.monotonic()
            for frame in self.camera.frames():
                if frame.timestamp_s > begun_s:
                    frames.append(frame)
                if ended.is_set() or len(frames) >= ROUND_FRAMES:
                    break

        def run() -> tuple[StepReport, ...]:
            try:
                return rig.run((step,) * FLASHES)
            finally:
                ended.set()

        reports, _ = await asyncio.gather(self.threads.on_rig(run), self.threads.on_camera(collect))
        return frames, reports


def row_means(pixels: Pixels) -> Floats:
    """Mean code of the rows of a picture, joined to at most `PROFILE_ROWS` groups of equal height."""
    group = max(1, pixels.shape[0] // PROFILE_ROWS)
    rows = pixels.shape[0] // group
    some = np.atleast_3d(pixels[: rows * group, ::8]).reshape(rows, -1)
    return np.asarray(some.mean(axis=1, dtype=np.float32), np.float32)
