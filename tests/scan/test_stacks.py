"""A stack as the pipeline gets it, from memory or from the disk: the same pictures, the same on-times."""

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from station.archive.folder import read_stack
from station.camera.interface import CameraMode, Pixels
from station.documents.fault import StationError
from station.documents.frame import FrameRecord
from station.documents.scan import ScanManifest
from station.scan.exposure import Decoded
from station.scan.hands import Caught
from station.scan.recorder import in_memory
from station.scan.runner import TakenFrame, TakenStack
from station.scan.schedule import Exposure
from station.scan.stored import from_disk

[FOLDER] = (Path(__file__).parents[1] / "fixtures" / "daemon-v1").iterdir()
MODE = CameraMode(3, 2, 32_000, 1.0, 33_000, 12_000)
ORDER = (None, 0, 1, 1, 2)
BRACKET = 3
"""Place of the second exposure of light 1 in `ORDER`."""
ON_US = (None, 18_000, 18_010, 4_000, 17_990)


@dataclass
class Frame:
    sequence: int
    timestamp_s: float = 0.0

    def pixels(self) -> Pixels:
        return picture(self.sequence)


def picture(code: int) -> Pixels:
    return np.full((2, 3, 3), code, np.uint8)


def taken(place: int) -> TakenFrame:
    decoded: Future[Decoded] = Future()
    decoded.set_result(Decoded(picture(place), np.zeros((16, 12), np.float32)))
    exposure = Exposure(ORDER[place], ON_US[place] if place == BRACKET else None)
    return TakenFrame(Caught(exposure, Frame(place), None, ON_US[place], 1), decoded)


@pytest.fixture
def manifest() -> ScanManifest:
    """Of a stored scan, with other frames."""
    old, _ = read_stack(FOLDER)
    frames = tuple(
        FrameRecord(
            light=light, file=f"{place}.tif", sha256="", shape=(2, 3, 3), dtype="uint8", bytes=1,
            exposure_us=32_000, sequence=place, timestamp_s=0.0, on_us=ON_US[place],
        )
        for place, light in enumerate(ORDER)
    )  # fmt: skip
    return old.replace(plan=old.plan.replace(lights=(0, 1, 2)), frames=frames)


def test_brackets_and_on_times_are_kept(manifest: ScanManifest) -> None:
    remembered = in_memory(TakenStack(tuple(taken(place) for place in range(5)), {}, MODE))
    read = from_disk(manifest, tuple(picture(place) for place in range(5)))
    for stack in (remembered, read):
        assert stack.ambient.max() == 0
        assert [int(pixels.max()) for pixels in stack.lights] == [1, 2, 4]
        assert stack.light_indices == (0, 1, 2)
        assert stack.exposure_us == 32_000
        assert stack.on_us == stack.lit_us == (18_000, 18_010, 17_990)
        [shorter] = stack.brackets
        assert (shorter.light_index, shorter.on_us, int(shorter.picture.max())) == (1, 4_000, 3)


def test_what_the_first_release_stored_was_lit_for_the_whole_exposure() -> None:
    stack = from_disk(*read_stack(FOLDER))
    assert set(stack.lit_us) == {stack.exposure_us}


def test_a_stack_without_ambient_is_refused(manifest: ScanManifest) -> None:
    with pytest.raises(StationError) as caught:
        from_disk(manifest.replace(frames=manifest.frames[1:]), tuple(picture(k) for k in range(1, 5)))
    assert caught.value.code == "stack_unusable"
