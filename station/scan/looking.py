"""The selftest's eyes: each light alone for a moment, a picture of it, and one in the dark after it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..calibrate.profile import LoadedProfile
from ..camera.interface import Camera, CameraMode, Pixels, full_scale
from ..camera.matcher import coarse, coarse_flat, exposed_within
from ..config import Settings
from ..documents.fault import StationError
from ..documents.rig import SelftestReport
from ..rig.interface import Rig, Switched
from .exposure import linear_coarse
from .selftest import Looks, Scale, judge

Floats = NDArray[np.float32]
T = TypeVar("T")

MAX_ON_MS = 2_000
FRAMES_PER_LOOK = 60
"""Frames looked at for one that was wholly exposed in the light; a long queue needs half of it."""


class Threads(Protocol):
    """Where calls of the devices run."""

    async def on_rig(self, work: Callable[[], T]) -> T:
        """On the rig's own thread."""
        ...

    async def on_camera(self, work: Callable[[], T]) -> T:
        """On the camera's own thread."""
        ...


@dataclass(frozen=True, slots=True)
class Eyes:
    """What a selftest needs: open devices, and what is known of them."""

    rig: Rig
    camera: Camera
    profile: LoadedProfile
    settings: Settings
    simulated: bool

    @property
    def flat(self) -> Floats:
        """Coarse flat field in codes of the exposure that is used."""
        scan = self.settings.scan
        times = scan.exposure_us * scan.gain / self.profile.profile.flat_field.exposure_us
        return np.asarray(coarse_flat(self.profile.flat) * times, np.float32)

    def configured(self) -> CameraMode:
        """Set the camera as a scan does; call it on the camera's thread."""
        scan, camera = self.settings.scan, self.settings.camera
        wanted = CameraMode(
            camera.width_px,
            camera.height_px,
            scan.exposure_us,
            scan.gain,
            readout_us=self.profile.profile.camera.readout_us,
        )
        return self.camera.configure(wanted)

    def picture(self, mode: CameraMode, lit: Switched) -> Floats:
        """A coarse picture wholly exposed since the switching, in codes of the profile; camera's thread.

        Raises:
            StationError: see `frame`.
        """
        return self.seen(self.frame(mode, lit))

    def frame(self, mode: CameraMode, lit: Switched) -> Pixels:
        """A frame wholly exposed since the switching, as the camera gave it; camera's thread.

        Raises:
            StationError: `frames_mismatched`, there is none; or what the camera says.
        """
        late_us = self.profile.profile.camera.stamp_late_us
        off_s = None if lit.light is None else lit.requested_s + MAX_ON_MS / 1_000
        for looked_at, frame in enumerate(self.camera.frames(), 1):
            if exposed_within(frame.timestamp_s, mode, late_us, lit.acknowledged_s, off_s):
                return frame.pixels()
            if looked_at >= FRAMES_PER_LOOK:
                break
        raise StationError(
            "frames_mismatched", f"none of {FRAMES_PER_LOOK} frames was exposed while the lights stood still"
        )

    def seen(self, pixels: Pixels) -> Floats:
        """The coarse picture of a frame, in codes of the profile."""
        if self.profile.response is not None:
            return linear_coarse(pixels, self.profile)
        scale = self.profile.profile.camera.full_scale / full_scale(pixels.dtype)
        return np.asarray(coarse(pixels) * scale, np.float32)


async def selftest(eyes: Eyes, threads: Threads) -> SelftestReport:
    """Look at every light of the profile; the lights are off afterwards, whatever happens.

    Raises:
        StationError: what rig or camera say; `camera_refused`, the camera does not run freely.
    """
    require_free_running(eyes, "selftest")
    mode = await threads.on_camera(eyes.configured)
    try:
        looks = await _looks(lambda light: _look(eyes, threads, mode, light), len(eyes.profile.flat))
    finally:
        await threads.on_rig(lambda: eyes.rig.switch(None, MAX_ON_MS))
    camera = eyes.profile.profile.camera
    report = judge(looks, eyes.flat, Scale(camera.black_level, camera.full_scale))
    return report.replace(simulated=eyes.simulated, profile=eyes.profile.profile.name)


def require_free_running(eyes: Eyes, who: str) -> None:
    """Refuse a camera that waits for its trigger.

    Raises:
        StationError: `camera_refused`.
    """
    if eyes.settings.camera.trigger != "none":
        raise StationError(
            "camera_refused",
            f"the {who} needs a camera that runs freely, and `camera.trigger` says that this one waits",
            f'Set `camera.trigger = "none"` and the camera to run freely for the {who}.',
        )


async def _looks(look: Callable[[int | None], Awaitable[Floats]], lights: int) -> Looks:
    before = await look(None)
    pairs = [(await look(light), await look(None)) for light in range(lights)]
    return Looks(before, tuple(lit for lit, _ in pairs), tuple(after for _, after in pairs))


async def _look(eyes: Eyes, threads: Threads, mode: CameraMode, light: int | None) -> Floats:
    lit = await threads.on_rig(lambda: eyes.rig.switch(light, MAX_ON_MS))
    return await threads.on_camera(lambda: eyes.picture(mode, lit))
