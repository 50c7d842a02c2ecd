"""The whole rig, simulated down to its pins.

The real firmware on a simulated chip, a virtual V4L2 camera lit by that chip, and the station's own code for
both in a process that sees them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from station.documents.fault import StationError
from station.share.firmware import BuiltFirmware, built_firmware
from station.twin.lightlog import LightLogReader
from station.twin.running_board import RunningBoard
from station.twin.v4l2.lit import Shutter, shares
from station.twin.v4l2.preload import build, environment
from station.twin.v4l2.sensor import BANDS
from station.twin.v4l2.truth import FrameTruth, by_light, read_truth

DEVICE = "/dev/video42"
CATCH_UP = ("--catch-up-ms", "3000")  # shorter than the lease of the hosts here
CHECKOUT = Path(__file__).parents[2]


class CameraProcess:
    """The virtual camera as a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket, self.truth_file = folder / "camera", folder / "truth"
        command = [sys.executable, "-m", "station.twin.v4l2_server", "--socket", str(self.socket)]
        files = ["--light-log", str(folder / "lights"), "--truth", str(self.truth_file)]
        self._process = subprocess.Popen(
            [*command, *files, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"ready {self.socket}\n"

    def order(self, line: str) -> str:
        """Give a control line, return the answer without its `ok`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer.startswith("ok "), answer
        return answer.removeprefix("ok ")

    def counts(self) -> dict[str, int]:
        """Frames delivered, dropped, missed."""
        pairs = (pair.split("=") for pair in self.order("counts").split())
        return {name: int(value) for name, value in pairs}

    def end(self) -> None:
        """End it in order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        self._process.stdout.close()


@dataclass
class WholeRig:
    """Board and camera on one light log."""

    folder: Path
    library: Path
    running: ExitStack
    firmware: BuiltFirmware
    camera: CameraProcess = field(init=False)

    @property
    def port(self) -> Path:
        """Of the board."""
        return self.folder / "board"

    def start(self, *camera_options: str, board_options: tuple[str, ...] = ()) -> None:
        """Switch both on."""
        board = RunningBoard(self.port, self.folder / "lights")
        board.start(
            [str(self.firmware.simulator), "--hex", str(self.firmware.hex), *CATCH_UP, *board_options]
        )
        self.running.callback(board.close)
        self.camera = CameraProcess(self.folder, *camera_options)
        self.running.callback(self.camera.end)

    def environment(self) -> dict[str, str]:
        """Of a process that sees the camera."""
        patience = {"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "1"}
        return {**os.environ, **environment(self.library, {DEVICE: self.camera.socket}), **patience}

    def run(self, child: str, **settings: Any) -> Any:
        """Run one of the programs beside this file to its end; what it told."""
        settings = {"port": str(self.port), "device": DEVICE, **settings}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(child)), json.dumps(settings)],
            env={**self.environment(), "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=1_500,
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        return json.loads(done.stdout)

    def truth(self) -> dict[int, FrameTruth]:
        """Every frame so far by the stamp it was handed out with, in whole microseconds."""
        return {one.stamp_us: one for one in read_truth(self.camera.truth_file)}

    def assert_log_was_complete(self, frames: list[FrameTruth]) -> None:
        """What the camera took from the log when it rendered a frame is what the log says now.

        A chip whose simulator was let run so little that its clock lost time is none that there is: what it
        did proves nothing.
        """
        log = LightLogReader(self.folder / "lights").open()
        try:
            if lost_ns := log.lost_ns():
                pytest.skip(f"the simulated chip lost {lost_ns / 1e6:.0f} ms: this machine was too busy")
            for one in frames:
                shutter = Shutter(one.start_ns, one.exposure_us, one.readout_us)
                again = by_light(shares(log.edges_back(), shutter, BANDS, 8))
                assert again == one.shares, f"frame {one.sequence}"
        finally:
            log.close()


@pytest.fixture(scope="session")
def firmware(program: Callable[[str], str]) -> BuiltFirmware:
    try:
        return built_firmware()
    except StationError as error:
        if error.code != "toolchain_missing":
            raise
        program(str(error))
        raise


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    program("cc")
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def whole_rig(firmware: BuiltFirmware, library: Path, tmp_path: Path) -> Iterator[WholeRig]:
    with ExitStack() as running:
        yield WholeRig(tmp_path, library, running, firmware)
