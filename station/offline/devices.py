"""Rig and camera without a daemon: opened for one command, on the twin where there is no hardware."""

import logging
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..camera.interface import Camera
from ..camera.opencv_camera import OpenCvCamera
from ..config import Settings
from ..documents.fault import StationError
from ..rig.serial_rig import SerialRig

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

log = logging.getLogger(__name__)


class OwnDevices:
    """Entering opens the board, leaving puts its lights off. Every call raises `StationError`.

    Args:
        settings: of the station.
        port: where the board is; None: what the settings say.

    Attributes:
        rig: open between entering and leaving.
        bench: the twin; None where the board is real.
    """

    rig: SerialRig
    bench: "TwinBench | None"

    def __init__(self, settings: Settings, port: str | None = None) -> None:
        self._settings = settings
        self._port = port or settings.rig.port
        self._stack = ExitStack()
        self.bench = None

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def simulated(self) -> bool:
        """Whether any device is the twin's."""
        return self._settings.simulated or self.bench is not None

    def _open(self) -> None:
        port = self._port
        if port == "twin":
            self.bench = self._twin()
            port = str(self.bench.port)
        rig = self._settings.rig
        self.rig = SerialRig(
            port, rig.baud, rig.lease_ms, rig.open_timeout_s, on_fault=lambda error: log.debug("%s", error)
        )
        self._stack.callback(self.rig.close)
        self.rig.open()

    def _twin(self) -> "TwinBench":
        from ..twin.bench import TwinBench  # noqa: PLC0415 - the twin only where there is no hardware

        folder = Path(tempfile.mkdtemp(prefix="station-"))
        self._stack.callback(shutil.rmtree, folder)
        bench = TwinBench(
            folder, self._settings.twin, self._settings.rig.lease_ms, triggered=self._settings.camera.wired
        )
        self._stack.callback(bench.close)
        bench.open()
        return bench

    def camera(self) -> Camera:
        """The camera, not opened yet.

        Raises:
            StationError: `camera_missing`, the simulated camera beside a real board.
        """
        camera = self._settings.camera
        if camera.source != "twin":
            return OpenCvCamera.of(camera)
        if self.bench is None:
            raise StationError(
                "camera_missing", "the simulated camera sees the simulated board only; name a real camera"
            )
        return self.bench.camera
