"""The guided calibration on devices that are opened for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ...calibrate.colours.charts import load_chart
from ...config import Settings
from ...documents.calibrating import (
    CalibrationBegin,
    CalibrationFinish,
    CalibrationOutcome,
    CalibrationSkip,
    CalibrationState,
    CalibrationTake,
    Take,
)
from ...documents.fault import StationError
from ...scan.calibration.bench import bench_of
from ...scan.calibration.desk import Calibrating, Place
from ...scan.calibration.photographer import DevicePhotographer
from ...scan.calibration.taking import Bench
from ...scan.hands import Hands
from ...scan.recorder import SOFTWARE
from ..devices import OwnDevices

T = TypeVar("T")


class OfflineCalibrator(OwnDevices):
    """Entering prepares, the first step opens board and camera, leaving puts the lights off."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._loop = asyncio.Runner()

    def _open(self) -> None:
        super()._open()
        settings, camera = self._settings, self.camera()
        self._stack.callback(camera.close)
        eye = camera.open()
        hands = Hands(self.rig, camera, lambda _: None)
        self._stack.callback(hands.close)
        self._stack.enter_context(self._loop)
        photographer = DevicePhotographer(self.rig, camera, settings.camera, hands)

        def bench() -> Bench:
            return bench_of(settings, self.rig.info, eye, camera)

        place = Place(settings.station.data, SOFTWARE, settings.scan.exposure_us, bench)
        self._calibrating = Calibrating(place, photographer, simulated=self.simulated)

    def begin(self, request: CalibrationBegin) -> CalibrationState:
        """Go on with the unfinished calibration, or begin one."""
        return self._calibrating.begin(request)

    def state(self) -> CalibrationState:
        """Where it stands."""
        return self._calibrating.session.state()

    def lay(self, request: CalibrationTake) -> None:
        """On the twin: put the target of a step down.

        Raises:
            StationError: `bad_request`, the rig is a real one.
        """
        if self.bench is None:
            raise StationError("bad_request", "only the digital twin lays targets down by itself")
        options = self._calibrating.session.options
        chart = load_chart(options.chart) if options.chart and request.step == "colour" else None
        self.bench.lay(request.step, request.place, options, chart)

    def take(self, request: CalibrationTake) -> Take:
        """Take the pictures of a step."""
        return self._run(self._calibrating.take(request))

    def skip(self, request: CalibrationSkip) -> CalibrationState:
        """Leave an optional step out."""
        return self._calibrating.skip(request)

    def finish(self, request: CalibrationFinish) -> CalibrationOutcome:
        """Make the profile."""
        return self._calibrating.finish(request)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)
