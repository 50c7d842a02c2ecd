"""The camera as a scan sees it: every frame that comes teaches the clock of the frames."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..camera.frame_clock import FrameClock, Grid, Stamping
from ..camera.interface import Camera, CameraMode, CapturedFrame
from ..documents.fault import StationError
from .schedule import Schedule

STRAYS = 60
"""Frames looked at beyond those that are expected."""


@dataclass(frozen=True, slots=True)
class Haul:
    """What is collected while a programme runs; filled by the camera's thread.

    Attributes:
        frames: by number of the clock, or, of a triggered camera, by order of arrival.
        ended: set by whoever knows that nothing more will come.
        arrived: called with the number of each frame that is kept.
    """

    arrived: Callable[[int], None]

    frames: dict[int, CapturedFrame] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)


class Watch:
    """Over one camera. All methods belong to the camera's thread; `stop` may be set by anybody."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._mode: CameraMode | None = None
        self.clock: FrameClock | None = None
        self.stop = threading.Event()

    def configure(self, asked: CameraMode) -> CameraMode:
        """Have the camera do this; what it does then. A clock of another mode is forgotten."""
        mode = self._camera.configure(asked)
        if mode != self._mode:
            self.clock = None
        self._mode = mode
        return mode

    def begin(self, stamping: Stamping) -> None:
        """Learn, or go on learning, when frames start."""
        if self.clock is None or self.clock.stamping != stamping:
            self.clock = FrameClock(stamping)

    def frames(self) -> Iterator[CapturedFrame]:
        """Frames as they come.

        Raises:
            StationError: `aborted`; or what the camera says.
        """
        for frame in self._camera.frames():
            if self.stop.is_set():
                raise StationError("aborted", "the scan was given up while it waited for a frame")
            if self.clock is not None:
                self.clock.feed(frame.sequence, frame.timestamp_s)
            yield frame

    def learn(self, count: int, since_s: float) -> int:
        """Look at so many frames; how many of them are no older than a moment."""
        fresh = 0
        for looked_at, frame in enumerate(self.frames(), 1):
            fresh += frame.timestamp_s >= since_s
            if looked_at == count:
                break
        return fresh

    def collect(self, schedule: Schedule, grid: Grid, stamping: Stamping, haul: Haul) -> None:
        """Keep the frames of a programme as they come; the first of two with one number counts."""
        wanted = frozenset(schedule.frames)
        most = max(wanted) - min(wanted) + STRAYS
        for looked_at, frame in enumerate(self.frames(), 1):
            number = grid.frame_at(stamping.start_s(frame.timestamp_s))
            if number in wanted and number not in haul.frames:
                haul.frames[number] = frame
                haul.arrived(number)
            if number >= max(wanted) or looked_at >= most or haul.ended.is_set():
                break

    def collect_triggered(self, count: int, since_s: float, haul: Haul) -> None:
        """Keep what a triggered camera sends, from a moment on, until there are so many."""
        for frame in self.frames():
            if frame.timestamp_s >= since_s:
                haul.arrived(len(haul.frames))
                haul.frames[len(haul.frames)] = frame
            if len(haul.frames) >= count or haul.ended.is_set():
                break
