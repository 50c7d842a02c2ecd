"""The rig without a daemon: opened for one command, on the twin where there is no hardware."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

from ..calibrate.store import profile_in_use, require_own
from ..documents.calibration_check import CalibrationCheck
from ..documents.rig import RigAnswer, RigOrder, RigReport, RigTraffic, SelftestReport
from ..rig.diagnosis import carry_out, measured_rate_hz, report
from ..scan.checking import check
from ..scan.looking import Eyes, Threads, selftest
from .devices import OwnDevices

T = TypeVar("T")
COMPARE_CLOCKS_S = 3.0
"""The rate of the board's clock is known after a second or two of comparing."""


class OfflineRig(OwnDevices):
    """Its board is open between entering and leaving. Every call raises `StationError`."""

    def info(self) -> RigReport:
        """Who the board is and how it is; takes the time to measure the rate of its clock."""
        rig = self.rig
        until_s = time.monotonic() + COMPARE_CLOCKS_S
        while measured_rate_hz(rig.clock) is None and time.monotonic() < until_s:
            time.sleep(0.05)  # the keep-alive compares them
        return report(rig)

    def ask(self, order: RigOrder) -> RigAnswer:
        """Carry out what a person says."""
        return carry_out(self.rig, order)

    def traffic(self, number: int) -> list[RigTraffic]:
        """What was said on the line since the entry of this number."""
        return list(self.rig.traffic.since(number))

    def selftest(self) -> SelftestReport:
        """Look at each light; opens the camera for it."""
        return self._with_eyes(selftest)

    def check(self) -> CalibrationCheck:
        """Hold the rig against its profile; opens the camera for it."""
        return self._with_eyes(check)

    def _with_eyes(self, look: Callable[[Eyes, Threads], Coroutine[None, None, T]]) -> T:
        settings = self._settings
        camera = self.camera()
        simulated = self.simulated
        profile = profile_in_use(settings)
        require_own(profile.profile, self.rig.info.board, simulated=simulated)
        eyes = Eyes(self.rig, camera, profile, settings, simulated)
        try:
            camera.open()
            return asyncio.run(look(eyes, _Here()))
        finally:
            camera.close()


class _Here:
    """One thread for both devices: there is nothing else to do meanwhile."""

    async def on_rig(self, work: Callable[[], T]) -> T:
        return work()

    async def on_camera(self, work: Callable[[], T]) -> T:
        return work()
