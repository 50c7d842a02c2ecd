"""What a simulated frame saw: which lights burned while each of its rows was exposed.

The light log is read only when somebody looks. A board that the system let wait notes its edges late, but
with their right times; a real light would not have waited for it.
"""

import threading
import weakref
from itertools import islice
from pathlib import Path

from station.camera.interface import CameraMode
from station.documents.fault import StationError

from .lightlog import CAPACITY, MAGIC, SIZE, LightLogReader
from .lights import LIGHTS
from .scene import Scene
from .sensor import BANDS, Pixels
from .shutter import Shot

TRIGGER = 0x100
"""Bit of the log's mask that is the trigger line, not a light."""


class TwinFrame:
    """A frame that was exposed; its pixels are rendered when they are asked for, then kept."""

    def __init__(
        self, sequence: int, shot: Shot, scene: Scene, mode: CameraMode, bit_depth: int, rows: "LitRows"
    ) -> None:
        self.sequence = sequence
        self.timestamp_s = shot.stamp_ns / 1e9
        self._first_ns = shot.first_ns
        self._scene, self._world, self._mode, self._bit_depth = scene, scene.world, mode, bit_depth
        self._rows = rows
        self._lock = threading.RLock()
        self._on: list[list[float]] | None = None
        self._pixels: Pixels | None = None
        rows.watch(self)

    @property
    def on(self) -> list[list[float]]:
        """(bands, lights): share of the exposure that each light burned."""
        return self.look()

    def look(self) -> list[list[float]]:
        """Read the light log, unless that was done; see `on`."""
        with self._lock:
            if self._on is None:
                self._on = self._rows.shares(self._first_ns, self._mode)
            return self._on

    def pixels(self) -> Pixels:
        """Linear codes, RGB, (H, W, 3), of the scene as it was when the frame was exposed."""
        with self._lock:
            if self._pixels is None:
                served = self._scene.served
                if served is not None:
                    self._pixels = served.find(self._world.thing, self.on, self._mode, self._bit_depth)
            if self._pixels is None:
                self._pixels = self._rendered()
            return self._pixels

    def _rendered(self) -> Pixels:
        return self._scene.render(
            self.on,
            exposure_us=self._mode.exposure_us,
            gain=self._mode.gain,
            bit_depth=self._bit_depth,
            sequence=self.sequence,
            world=self._world,
            first_ns=self._first_ns,
            readout_us=self._mode.readout_us,
        )


class LitRows:
    """The light log, for the rows of frames. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._reader: LightLogReader | None = None
        self._file = 0
        self._noticed = 0
        self._frames: weakref.WeakSet[TwinFrame] = weakref.WeakSet()

    def open(self) -> None:
        """Map the log.

        Raises:
            StationError: `rig_missing`, there is none, or it is not one.
        """
        self._turn_to(_open_log(self._path))

    def watch(self, frame: TwinFrame) -> None:
        """This frame may ask later; before the log goes away it is made to."""
        self._frames.add(frame)

    def shares(self, first_ns: int, mode: CameraMode) -> list[list[float]]:
        """(bands, lights): share of a frame's exposure that each light burned."""
        exposure_ns = mode.exposure_us * 1_000
        starts = [first_ns + mode.readout_us * 1_000 * band // BANDS for band in range(BANDS)]
        windows = [(start, start + exposure_ns) for start in starts]
        with self._lock:
            burned = self._opened().on_times_of_ns(windows, LIGHTS)
        return [[light_ns / exposure_ns for light_ns in band] for band in burned]

    def triggers_ns(self) -> list[int]:
        """When the trigger rose since the last call, or since the log was opened."""
        self.follow()
        with self._lock:
            reader = self._opened()
            fresh = min(reader.count() - self._noticed, CAPACITY - 1)
            self._noticed += fresh
            edges = list(islice(reader.edges_back(), fresh + 1))[::-1]
        before = [(0, 0)] * (fresh + 1 - len(edges))
        pairs = zip([*before, *edges], edges[-fresh:] if fresh else [], strict=False)
        return [when for (_, was), (when, mask) in pairs if mask & ~was & TRIGGER]

    def follow(self) -> None:
        """Turn to the log that has the name now, if a board that came later made it anew."""
        try:
            if self._path.stat().st_ino == self._file:
                return
            reader = _open_log(self._path)
        except (FileNotFoundError, StationError):  # not finished yet; the next call will find it
            return
        self._turn_to(reader)

    def close(self) -> None:
        """Unmap, after all frames that are still held have looked."""
        self._turn_to(None)

    def _turn_to(self, reader: LightLogReader | None) -> None:
        for frame in list(self._frames):
            frame.look()
        self._frames.clear()
        with self._lock:
            former, self._reader = self._reader, reader
            if reader is not None:
                self._file, self._noticed = self._path.stat().st_ino, reader.count()
        if former is not None:
            former.close()

    def _opened(self) -> LightLogReader:
        if self._reader is None:
            raise StationError("camera_missing", "the simulated camera is closed")
        return self._reader


def _open_log(path: Path) -> LightLogReader:
    try:
        with path.open("rb") as file:
            whole = file.read(len(MAGIC)) == MAGIC and path.stat().st_size == SIZE
        if whole:
            return LightLogReader(path).open()
    except FileNotFoundError as error:
        raise StationError("rig_missing", f"{path}: no simulated board has noted its lights there") from error
    raise StationError("rig_missing", f"{path} is not a light log")
