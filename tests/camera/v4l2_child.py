"""`OpenCvCamera` in a process of its own: commands and answers as lines of JSON on its standard streams."""

import json
import sys
import threading
import time
from itertools import islice
from typing import Any

import cv2

from station.camera.interface import CameraMode
from station.camera.opencv_camera import OpenCvCamera
from station.documents.fault import StationError


class Child:
    def __init__(self) -> None:
        self.camera: OpenCvCamera | None = None
        self.occupied: cv2.VideoCapture | None = None

    @property
    def made(self) -> OpenCvCamera:
        assert self.camera is not None
        return self.camera

    def make(self, source: str, settings: dict[str, Any]) -> None:
        if self.camera is not None:
            self.camera.close()
        self.camera = OpenCvCamera(source, **settings)

    def open(self) -> list[object]:
        info = self.made.open()
        return [info.source, info.name, info.bit_depth, info.simulated]

    def configure(self, *mode: Any) -> list[object]:
        got = self.made.configure(CameraMode(*mode))
        return [got.width_px, got.height_px, got.exposure_us, got.gain, got.period_us, got.readout_us]

    def controls(self) -> list[object]:
        held = self.made.controls()
        return [held.values, list(held.refused)]

    def frames(self, count: int) -> list[list[object]]:
        told: list[list[object]] = []
        for frame in islice(self.made.frames(), count):
            pixels = frame.pixels()
            mean = pixels.reshape(-1, 3).mean(axis=0).tolist()
            shape = list(pixels.shape)
            told.append([frame.sequence, frame.timestamp_s, mean, shape, str(pixels.dtype)])
        return told

    def rows(self, count: int) -> list[list[float]]:
        """Mean of each quarter of some frames, from the top."""
        quarters = []
        for frame in islice(self.made.frames(), count):
            pixels = frame.pixels()
            step = len(pixels) // 4
            quarters.append([float(pixels[k * step : (k + 1) * step].mean()) for k in range(4)])
        return quarters

    def close(self) -> list[str]:
        self.made.close()
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("camera ")]

    def occupy(self, path: str) -> bool:
        """Another program that has the device."""
        self.occupied = cv2.VideoCapture(path, cv2.CAP_V4L2)
        return self.occupied.isOpened() and self.occupied.grab()

    def free(self) -> None:
        if self.occupied is not None:
            self.occupied.release()

    def clear(self) -> list[str]:
        """Let go of everything; the camera's threads that still run."""
        self.free()
        return self.close() if self.camera is not None else []

    def stale(self, path: str, idle_s: float) -> int:
        """Frames from the first half of a pause that OpenCV alone, without our pump, gives out after it."""
        capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
        for _ in range(10):
            capture.grab()
        time.sleep(idle_s)
        after_s = time.monotonic() - idle_s / 2
        count = 0
        while capture.grab() and capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3 < after_s:
            count += 1
        capture.release()
        return count


def main() -> None:
    child = Child()
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = getattr(child, name)(*arguments)
        except StationError as error:
            answer = {"code": error.code, "message": str(error)}
        print(json.dumps(answer), flush=True)
    if child.camera is not None:
        child.camera.close()


if __name__ == "__main__":
    main()
