"""The rig without a daemon: opened for one command, on the twin where there is no hardware."""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..calibrate.profile import load_profile
from ..camera.interface import Camera
from ..camera.opencv_camera import OpenCvCamera
from ..config import Settings
from ..documents.fault import StationError
from ..documents.rig import RigAnswer, RigOrder, RigReport, RigTraffic, SelftestReport
from ..rig.diagnosis import carry_out, measured_rate_hz, report
from ..rig.serial_rig import SerialRig
from ..scan.looking import Eyes, selftest

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

log = logging.getLogger(__name__)
T = TypeVar("T")
COMPARE_CLOCKS_S = 3.0
"""The rate of the board's clock is known after a second or two of comparing."""


class OfflineRig:
    """Entering opens the board, leaving puts its lights off. Every call raises `StationError`.

    Args:
        settings: of the station.
        port: where the board is; None: what the settings say.
    """

    def __init__(self, settings: Settings, port: str | None = None) -> None:
        self._settings = settings
        self._port = port or settings.rig.port
        self._stack = ExitStack()
        self._bench: TwinBench | None = None

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

    def _open(self) -> None:
        port = self._port
        if port == "twin":
            self._bench = self._twin()
            port = str(self._bench.port)
        rig = self._settings.rig
        self._rig = SerialRig(
            port, rig.baud, rig.lease_ms, rig.open_timeout_s, on_fault=lambda error: log.debug("%s", error)
        )
        self._stack.callback(self._rig.close)
        self._rig.open()

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

    def info(self) -> RigReport:
        """Who the board is and how it is; takes the time to measure the rate of its clock."""
        until_s = time.monotonic() + COMPARE_CLOCKS_S
        while measured_rate_hz(self._rig.clock) is None and time.monotonic() < until_s:
            time.sleep(0.05)  # the keep-alive compares them
        return report(self._rig)

    def ask(self, order: RigOrder) -> RigAnswer:
        """Carry out what a person says."""
        return carry_out(self._rig, order)

    def traffic(self, number: int) -> list[RigTraffic]:
        """What was said on the line since the entry of this number."""
        return list(self._rig.traffic.since(number))

    def selftest(self) -> SelftestReport:
        """Look at each light; opens the camera for it."""
        settings = self._settings
        camera = self._camera()
        profile = load_profile(settings.scan.profile)
        eyes = Eyes(self._rig, camera, profile, settings, settings.simulated or self._bench is not None)
        try:
            camera.open()
            return asyncio.run(selftest(eyes, _Here()))
        finally:
            camera.close()

    def _camera(self) -> Camera:
        camera = self._settings.camera
        if camera.source != "twin":
            return OpenCvCamera(
                camera.source,
                width_px=camera.width_px,
                height_px=camera.height_px,
                fourcc=camera.fourcc,
                silent_after_s=camera.silent_after_s,
                triggered=camera.wired,
            )
        if self._bench is None:
            raise StationError(
                "camera_missing", "the simulated camera sees the simulated board only; name a real camera"
            )
        return self._bench.camera


class _Here:
    """One thread for both devices: there is nothing else to do meanwhile."""

    async def on_rig(self, work: Callable[[], T]) -> T:
        return work()

    async def on_camera(self, work: Callable[[], T]) -> T:
        return work()
