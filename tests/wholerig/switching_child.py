"""Switches lights and takes a frame under each, as a scan does; tells what it took as JSON.

Run with the preloaded library, so that `OpenCvCamera` finds the virtual device. Its argument: settings, JSON.
"""

import json
import logging
import sys
import time
from typing import Any

import numpy as np

from station.camera.interface import CameraMode, CapturedFrame
from station.camera.opencv_camera import OpenCvCamera
from station.documents.fault import StationError
from station.documents.plan import ScanPlan
from station.rig.interface import Switched
from station.rig.serial_rig import SerialRig
from station.scan.exposure import Gate, await_exposure
from station.twin.v4l2.pattern import LIGHTS, World

MAX_ON_MS = 2_000
BANDS = 8
DARK = np.zeros((BANDS, LIGHTS))


def light_of(turn: int) -> int | None:
    """Every ninth is ambient; else each light is as often before as after each other one."""
    light = (turn * 5) % 9
    return None if light == 8 else light


def strangeness(frame: CapturedFrame, light: int | None, exposure_us: int) -> float:
    """By how many codes a frame differs from its light's alone: the mean of its worst band of rows."""
    pixels = frame.pixels().astype(np.float32)
    height, width = pixels.shape[:2]
    shares = DARK.copy()
    if light is not None:
        shares[:, light] = 1.0
    expected = World.of(width, height).picture(shares, exposure_us).mean(axis=2)  # the device gives grey
    differences = np.abs((pixels[..., 0] - expected).reshape(BANDS, -1).mean(axis=1))
    return float(differences.max())


class Switcher:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._rig = SerialRig(settings["port"], 250_000, 5_000, 20.0, on_fault=self._on_fault)
        self._camera = OpenCvCamera(settings["device"], fourcc="GREY", silent_after_s=60.0)
        self.faults: list[str] = []

    def _on_fault(self, fault: object) -> None:
        self.faults.append(str(fault))

    def run(self) -> dict[str, Any]:
        """Everything that was taken."""
        self._rig.open()
        try:
            self._camera.open()
            runs = [self._at(exposure_us) for exposure_us in self._settings["exposures_us"]]
            return {"taken": [one for run in runs for one in run], "faults": self.faults}
        finally:
            self._rig.close()
            self._camera.close()

    def _at(self, exposure_us: int) -> list[dict[str, Any]]:
        mode = self._camera.configure(
            CameraMode(0, 0, exposure_us, 1.0, readout_us=self._settings["readout_us"])
        )
        plan = ScanPlan(exposure_us=exposure_us, max_on_ms=MAX_ON_MS)
        count = self._settings["switches"] // len(self._settings["exposures_us"])
        return [self._turn(turn, mode, plan, count) for turn in range(count)]

    def _turn(self, turn: int, mode: CameraMode, plan: ScanPlan, count: int) -> dict[str, Any]:
        idle = turn >= count // 2
        if idle:
            time.sleep(self._settings["idle_s"])
        else:
            time.sleep(turn % 7 * 0.005)  # so that switches fall everywhere within a frame's time
        light = light_of(turn)
        for attempt in range(plan.attempts_per_light):
            lit = self._rig.switch(light, MAX_ON_MS)
            try:
                frame, looked_at = self._frame(lit, mode, plan)
            except StationError as error:
                if error.code != "frames_mismatched" or attempt == plan.attempts_per_light - 1:
                    raise
            else:
                break
        return {
            "light": light,
            "idle": idle,
            "exposure_us": mode.exposure_us,
            "number": frame.sequence,
            "stamp_us": round(frame.timestamp_s * 1e6),
            "requested_s": lit.requested_s,
            "acknowledged_s": lit.acknowledged_s,
            "looked_at": looked_at,
            "retakes": attempt,
            "strangeness": strangeness(frame, light, mode.exposure_us),
        }

    def _frame(self, lit: Switched, mode: CameraMode, plan: ScanPlan) -> tuple[CapturedFrame, int]:
        if not self._settings["gate"]:
            return next(self._camera.frames()), 1
        gate = Gate(mode, self._settings["late_us"])
        return await_exposure(self._camera.frames(), lit, gate, plan)


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    print(json.dumps(Switcher(json.loads(sys.argv[1])).run()))
