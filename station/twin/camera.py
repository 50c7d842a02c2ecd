"""The simulated camera: a free-running sensor over the scene, lit by what the light log says burned."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from station.camera.interface import CameraInfo, CameraMode, CapturedFrame
from station.documents.fault import StationError

from .chance import stream
from .driver import DriverQueue
from .lightlog import MAGIC, SIZE, LightLogReader
from .lights import LIGHTS
from .scene import Scene
from .sensor import BANDS, NOMINAL_EXPOSURE_US, PERIOD_US, READOUT_US, Pixels
from .world import World

Stamps = Literal["arrival", "start", "handout"]
SHORTEST_US, LONGEST_US = 50, 500_000
HIGHEST_GAIN = 16.0
TRANSFER_NS = 1_000_000
"""From the end of the last row to the frame's arrival; longer than a board takes to note an edge."""
JITTER_NS = 1_000_000


class TwinFrame:
    """A frame that was exposed; its pixels are rendered when they are asked for, then kept."""

    def __init__(
        self,
        sequence: int,
        timestamp_s: float,
        scene: Scene,
        world: World,
        on: list[list[float]],
        mode: CameraMode,
        bit_depth: int,
    ) -> None:
        self.sequence = sequence
        self.timestamp_s = timestamp_s
        self.on = on
        """(bands, lights): share of the exposure that each light burned."""
        self._scene, self._world, self._mode, self._bit_depth = scene, world, mode, bit_depth
        self._lock = threading.Lock()
        self._pixels: Pixels | None = None

    def pixels(self) -> Pixels:
        """Linear codes, RGB, (H, W, 3), of the scene as it was when the frame was exposed."""
        with self._lock:
            if self._pixels is None:
                self._pixels = self._scene.render(
                    self.on,
                    exposure_us=self._mode.exposure_us,
                    gain=self._mode.gain,
                    bit_depth=self._bit_depth,
                    sequence=self.sequence,
                    world=self._world,
                )
            return self._pixels


class TwinCamera:
    """A `station.camera.interface.Camera` over a `Scene`.

    Row band b of frame n is exposed over [t0 + n * period + b * readout / bands, + exposure]. A thread keeps
    that clock between `open` and `close`; should it run late, frames only arrive late: what they saw is taken
    from the log.

    Args:
        scene: what it looks at; it also sets the resolution.
        light_log: file in which the board notes which lights burn.
        bit_depth: 8 or 16.
        stale_frames: how many periods behind the driver serves.
        buffers: of the driver's queue.
        stamps: what the driver stamps: arrival of the last row, start of the first row's exposure, or, as
        poor
            drivers do, the moment a frame is handed out.
        silent_after_s: how long `frames` waits for a frame.
        seed: of the jitter of the stamps.
    """

    def __init__(
        self, scene: Scene, light_log: Path, *, bit_depth: int = 8, stale_frames: int = 0, buffers: int = 4,
        stamps: Stamps = "arrival", silent_after_s: float = 10.0, seed: int = 1,
    ) -> None:  # fmt: skip
        self._scene = scene
        self._light_log = light_log
        self._bit_depth = bit_depth
        self._stamps = stamps
        self._silent_after_s = silent_after_s
        self._jitter = stream(seed, "camera jitter")
        self._queue: DriverQueue[TwinFrame] = DriverQueue(buffers, stale_frames)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._mode = self._offered(CameraMode(0, 0, NOMINAL_EXPOSURE_US, 1.0))
        self._start_ns = 0
        self._exposed = 0
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
            reader = _open_log(self._light_log)
            with self._changed:
                self._sequence, self._running, self._lost = 0, True, False
                self._restart()
            self._thread = threading.Thread(target=self._run, args=(reader,), name="twin camera")
            self._thread.start()
        return CameraInfo(
            "twin", f"simulated camera at {self._scene.dpi:g} dpi", self._bit_depth, simulated=True
        )

    def configure(self, mode: CameraMode) -> CameraMode:
        """Set exposure and gain as far as they are offered; the size is fixed. The stream starts afresh.

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
            self._mode = self._offered(mode)
            self._restart()
            return self._mode

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

    def plug(self) -> None:
        """Mend both faults; after an unplugging the camera must be opened again."""
        self._plugged, self._silent = True, False

    def _offered(self, mode: CameraMode) -> CameraMode:
        exposure = min(LONGEST_US, max(SHORTEST_US, mode.exposure_us))
        optics = self._scene.optics
        return CameraMode(
            optics.width_px, optics.height_px, exposure, min(HIGHEST_GAIN, max(1.0, mode.gain)),
            period_us=max(PERIOD_US, exposure + 1_000), readout_us=READOUT_US,
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
        if self._stamps == "handout":
            frame.timestamp_s = time.monotonic()
        return frame

    def _restart(self) -> None:
        self._queue.clear()
        self._start_ns, self._exposed = time.monotonic_ns(), 0
        self._changed.notify_all()

    def _run(self, reader: LightLogReader) -> None:
        try:
            with self._changed:
                while self._running:
                    wait_ns = self._due_ns() - time.monotonic_ns()
                    if wait_ns > 0:
                        self._changed.wait(wait_ns / 1e9)
                        continue
                    frame = self._expose(reader)
                    if not (self._silent or self._lost):
                        self._queue.put(frame)
                        self._changed.notify_all()
        finally:
            reader.close()

    def _first_row_ns(self) -> int:
        return self._start_ns + self._exposed * self._mode.period_us * 1_000

    def _due_ns(self) -> int:
        return self._first_row_ns() + (self._mode.readout_us + self._mode.exposure_us) * 1_000 + TRANSFER_NS

    def _expose(self, reader: LightLogReader) -> TwinFrame:
        reader.follow()
        mode, first = self._mode, self._first_row_ns()
        exposure_ns = mode.exposure_us * 1_000
        on = []
        for band in range(BANDS):
            start = first + mode.readout_us * 1_000 * band // BANDS
            burned = reader.on_times_ns(start, start + exposure_ns, LIGHTS)
            on.append([light_ns / exposure_ns for light_ns in burned])
        stamp = first if self._stamps == "start" else self._due_ns() + int(self._jitter.integers(JITTER_NS))
        frame = TwinFrame(
            self._sequence, stamp / 1e9, self._scene, self._scene.world, on, mode, self._bit_depth
        )
        self._sequence += 1
        self._exposed += 1
        return frame


def _open_log(path: Path) -> LightLogReader:
    try:
        with path.open("rb") as file:
            whole = file.read(len(MAGIC)) == MAGIC and path.stat().st_size == SIZE
        if whole:
            return LightLogReader(path).open()
    except FileNotFoundError as error:
        raise StationError("rig_missing", f"{path}: no simulated board has noted its lights there") from error
    raise StationError("rig_missing", f"{path} is not a light log")
