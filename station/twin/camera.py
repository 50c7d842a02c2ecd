"""The simulated camera: a rolling shutter over the scene, lit by what the light log says burned."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from station.camera.interface import CameraInfo, CameraMode, CapturedFrame, HeldControls
from station.documents.fault import StationError

from .driver import DriverQueue
from .lit_frame import LitRows, TwinFrame
from .scene import Scene
from .sensor import NOMINAL_EXPOSURE_US, PERIOD_US, READOUT_US, STAMP_JITTER_US
from .shutter import FreeRunning, Shutter, Stamps, Triggered

SHORTEST_US, LONGEST_US = 50, 500_000
HIGHEST_GAIN = 16.0


class TwinCamera:
    """A `station.camera.interface.Camera` over a `Scene`.

    Row band b of a frame that starts at t is exposed over [t + b * readout / bands, + exposure]. A thread
    keeps that clock between `open` and `close`; should it run late, frames only arrive late: what they saw is
    taken from the log, when somebody looks.

    Args:
        scene: what it looks at; it also sets the resolution.
        light_log: file in which the board notes which lights burn, and its trigger.
        bit_depth: 8 or 16.
        stale_frames: how many periods behind the driver serves.
        buffers: of the driver's queue.
        stamps: what the driver stamps: arrival of the last row, start of the first row's exposure, or, as
            poor drivers do, the moment a frame is handed out.
        jitter_us: by how much a stamp may lie before or after its usual place.
        period_us, readout_us: of the sensor; a longer exposure lengthens the period.
        clock_ppm: by how much its clock is slow against this machine's: the period is longer than it says.
        triggered: it exposes when the board's trigger rises, instead of by itself.
        silent_after_s: how long `frames` waits for a frame.
        seed: of the jitter of the stamps.
    """

    def __init__(
        self, scene: Scene, light_log: Path, *, bit_depth: int = 8, stale_frames: int = 0, buffers: int = 4,
        stamps: Stamps = "arrival", jitter_us: int = STAMP_JITTER_US, period_us: int = PERIOD_US,
        readout_us: int = READOUT_US, clock_ppm: float = 0.0, triggered: bool = False,
        silent_after_s: float = 10.0, seed: int = 1,
    ) -> None:  # fmt: skip
        self._scene = scene
        self._bit_depth = bit_depth
        self._handout = stamps == "handout"
        self._silent_after_s = silent_after_s
        self._period_us, self._readout_us, self._triggered = period_us, readout_us, triggered
        self._queue: DriverQueue[TwinFrame] = DriverQueue(buffers, stale_frames)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._mode = self._offered(CameraMode(0, 0, NOMINAL_EXPOSURE_US, 1.0))
        self._rows = LitRows(light_log)
        self._shutter: Shutter = (
            Triggered(self._rows, stamps, jitter_us, seed)
            if triggered
            else FreeRunning(stamps, jitter_us, seed, clock_ppm)
        )
        self._sequence = 0
        self._running = False
        self._silent = False
        self._plugged = True
        self._lost = False

    def open(self) -> CameraInfo:
        """Start the sensor.

        Raises:
            StationError: `rig_missing`, there is no light log; `camera_missing`, the camera was unplugged.
        """
        if not self._plugged:
            raise StationError("camera_missing", "the simulated camera is unplugged")
        if self._lost:
            self.close()
        if self._thread is None:
            self._rows.open()
            with self._changed:
                self._sequence, self._running, self._lost = 0, True, False
                self._restart()
            self._thread = threading.Thread(target=self._run, name="twin camera")
            self._thread.start()
        return CameraInfo(
            "twin", f"simulated camera at {self._scene.dpi:g} dpi", self._bit_depth, simulated=True
        )

    def configure(self, mode: CameraMode) -> CameraMode:
        """Set exposure and gain as far as they are offered; the size is fixed.

        The stream starts afresh if that changes anything.

        Raises:
            StationError: `camera_refused`, an exposure or gain that is not positive; `camera_missing`, not
            open.
        """
        self._must_be_open()
        if mode.exposure_us <= 0 or mode.gain <= 0:
            raise StationError(
                "camera_refused", f"exposure {mode.exposure_us} µs, gain {mode.gain:g}: both must be positive"
            )
        with self._changed:
            offered = self._offered(mode)
            if offered != self._mode:
                self._mode = offered
                self._restart()
            return offered

    def controls(self) -> HeldControls:
        """It has none."""
        return HeldControls()

    def frames(self) -> Iterator[CapturedFrame]:
        """Frames in order, endless.

        Raises:
            StationError: `camera_silent`, none came in time; `camera_missing`, unplugged or closed.
        """
        while True:
            yield self._next()

    def close(self) -> None:
        """Stop the sensor. Never raises."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with self._changed:
                self._running = False
                self._changed.notify_all()
            thread.join()

    @property
    def exposed(self) -> int:
        """Frames exposed since the camera was opened, whoever took them."""
        with self._changed:
            return self._sequence

    def silence(self) -> None:
        """Fault: from now on no frame arrives."""
        self._silent = True

    def unplug(self) -> None:
        """Fault: the cable is pulled."""
        with self._changed:
            self._plugged, self._lost = False, True
            self._changed.notify_all()

    def stumble(self) -> None:
        """Fault: the stream breaks off and begins anew at once, at another phase; numbers go on."""
        with self._changed:
            self._restart()

    def plug(self) -> None:
        """Mend both faults; after an unplugging the camera must be opened again."""
        self._plugged, self._silent = True, False

    def _offered(self, mode: CameraMode) -> CameraMode:
        exposure = min(LONGEST_US, max(SHORTEST_US, mode.exposure_us))
        optics = self._scene.optics
        return CameraMode(
            optics.width_px, optics.height_px, exposure, min(HIGHEST_GAIN, max(1.0, mode.gain)),
            period_us=max(self._period_us, exposure + 1_000 + self._readout_us * self._triggered),
            readout_us=self._readout_us,
        )  # fmt: skip

    def _must_be_open(self) -> None:
        if self._thread is None:
            raise StationError("camera_missing", "the simulated camera is not open")
        if self._lost:
            raise StationError("camera_missing", "the simulated camera was unplugged")

    def _next(self) -> TwinFrame:
        deadline = time.monotonic() + self._silent_after_s
        with self._changed:
            while True:
                self._must_be_open()
                frame = self._queue.take()
                if frame is not None:
                    break
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise StationError("camera_silent", f"no frame within {self._silent_after_s:g} s")
        if self._handout:
            frame.timestamp_s = time.monotonic()
        return frame

    def _restart(self) -> None:
        self._queue.clear()
        self._shutter.begin(self._mode, time.monotonic_ns())
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            with self._changed:
                while self._running:
                    wait_ns = self._shutter.due_ns(time.monotonic_ns()) - time.monotonic_ns()
                    if wait_ns > 0:
                        self._changed.wait(wait_ns / 1e9)
                        continue
                    frame = self._expose()
                    if frame is not None and not (self._silent or self._lost):
                        self._queue.put(frame)
                        self._changed.notify_all()
        finally:
            self._rows.close()

    def _expose(self) -> TwinFrame | None:
        self._rows.follow()
        shot = self._shutter.take()
        if shot is None:
            return None
        frame = TwinFrame(self._sequence, shot, self._scene, self._mode, self._bit_depth, self._rows)
        self._sequence += 1
        return frame
