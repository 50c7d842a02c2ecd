"""Scans, as the daemon does, and tells as JSON which frames it took for which lights.

Run with the preloaded library, so that `OpenCvCamera` finds the virtual device. Its argument: settings, JSON.
"""

import asyncio
import json
import logging
import sys
from dataclasses import dataclass, field
from typing import Any

from station.calibrate.profile import load_profile
from station.camera.opencv_camera import OpenCvCamera
from station.config import CameraSettings
from station.documents.plan import ScanPlan
from station.rig.serial_rig import SerialRig
from station.scan import machine
from station.scan.exposure import LightCheck
from station.scan.runner import ScanRunner, TakenFrame, TakenStack


@dataclass
class Witness:
    """A recorder that keeps what it is given."""

    news: list[machine.Tell] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    timing: dict[str, Any] = field(default_factory=dict)

    async def tell(self, _: str, news: machine.Tell) -> None:
        self.news.append(news)

    async def store(self, _: str, plan: ScanPlan, stack: TakenStack) -> None:
        self.timing = {} if plan.timing is None else plan.timing.model_dump(mode="json")
        self.taken = [_told(frame) for frame in stack.frames]

    def told(self) -> dict[str, Any]:
        """Of one scan; `failed` says why, empty: it did not."""
        failed = [f"{one.code}: {one.message}" for one in self.news if one.type == "scan.failed"]
        retakes = [f"{one.step}: {one.message}" for one in self.news if one.type == "scan.retake"]
        return {
            "timing": self.timing,
            "taken": self.taken,
            "failed": failed[0] if failed else "",
            "retakes": retakes,
        }


def _told(taken: TakenFrame) -> dict[str, Any]:
    frame = taken.frame
    return {
        "light": taken.light,
        "on_us": taken.caught.on_us,
        "number": frame.sequence,
        "stamp_us": round(frame.timestamp_s * 1e6),
        "looked_at": taken.caught.looked_at,
    }


def smooth(told: list[dict[str, Any]], kind: str) -> int:
    """Scans timed in this way, in which nothing had to be taken again."""
    return sum(one["timing"].get("kind") == kind and not one["retakes"] for one in told)


async def scans(settings: dict[str, Any]) -> dict[str, Any]:
    faults: list[str] = []
    wire = settings.get("trigger", "none")
    camera_settings = CameraSettings(source=settings["device"], fourcc="GREY", trigger=wire)
    rig = SerialRig(settings["port"], 250_000, 5_000, 20.0, on_fault=lambda fault: faults.append(str(fault)))
    camera = OpenCvCamera(settings["device"], fourcc="GREY", silent_after_s=60.0, triggered=wire == "wire")
    check = LightCheck(load_profile(settings["profile"]), camera_settings)
    runner = ScanRunner(rig, camera, check, witness := Witness())
    plan = ScanPlan(exposure_us=settings["exposure_us"], attempts_per_light=10)
    told = []
    try:
        await runner.on_rig(rig.open)
        await runner.on_camera(camera.open)
        while len(told) < settings["most_scans"] and smooth(told, settings["kind"]) < settings["scans"]:
            witness.news, witness.taken, witness.timing = [], [], {}
            await runner.run(f"scan {len(told)}", plan)
            told.append(witness.told())
    finally:
        rig.close()
        camera.close()
        runner.close()
    return {"scans": told, "faults": faults}


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    print(json.dumps(asyncio.run(scans(json.loads(sys.argv[1])))))
