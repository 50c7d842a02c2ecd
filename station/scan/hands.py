"""Rig and camera at work, each on a thread of its own, for whoever lives on the loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

from ..camera.interface import Camera, CapturedFrame
from ..rig.interface import ProgrammableRig, Rig
from .machine import Exposed, Suspect
from .schedule import Exposure
from .watch import Watch

T = TypeVar("T")


class Hands:
    """Both devices and their threads. `reached` is called, on any thread, with each exposure in turn."""

    def __init__(self, rig: Rig, camera: Camera, reached: Callable[[Exposure], None]) -> None:
        self.rig = rig
        self.reached = reached
        self.watch = Watch(camera)
        self._rig_thread = ThreadPoolExecutor(1, "rig")
        self._camera_thread = ThreadPoolExecutor(1, "camera")

    async def on_rig(self, work: Callable[[], T]) -> T:
        """Run something on the rig's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._rig_thread, work)

    async def on_camera(self, work: Callable[[], T]) -> T:
        """Run something on the camera's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._camera_thread, work)

    def close(self) -> None:
        """Give the threads back."""
        self.watch.stop.set()
        for pool in (self._rig_thread, self._camera_thread):
            pool.shutdown(wait=True, cancel_futures=True)


def programmable(rig: Rig) -> TypeGuard[ProgrammableRig]:
    """Whether its board times exposures by itself."""
    return all(callable(getattr(rig, name, None)) for name in ("run", "clock_error_s"))


@dataclass(frozen=True, slots=True)
class Caught:
    """A frame that counts.

    Attributes:
        exposure: what it saw.
        frame: as it came.
        lit_s: when its light was on, by the board's word; None: ambient.
        on_us: time for which each row saw the light; None: the whole exposure.
        looked_at: frames looked at for it this time.
    """

    exposure: Exposure
    frame: CapturedFrame
    lit_s: float | None
    on_us: int | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a batch: the frames, and what was missed."""

    caught: tuple[Caught, ...]
    missed: tuple[Suspect, ...] = ()

    @property
    def exposed(self) -> Exposed:
        """For the machine."""
        return Exposed(tuple(one.exposure for one in self.caught), self.missed)

    @classmethod
    def nothing(cls, batch: tuple[Exposure, ...], why: str) -> "Tried":
        """All of it missed for one reason."""
        return cls((), tuple(Suspect(exposure, why) for exposure in batch))
