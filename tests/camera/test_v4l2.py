"""OpenCV's V4L2 code and ours against a virtual device with a driver's queue, in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.interface import CameraMode
from station.camera.matcher import exposed_within
from station.twin.v4l2.device import EXPOSURE_ABSOLUTE, EXPOSURE_AUTO, Control, Offer, usual_controls
from station.twin.v4l2.preload import build, environment
from station.twin.v4l2.wire import PixelFormat
from station.twin.v4l2_server import V4l2Server

DEVICE = "/dev/video42"
GAIN, WHITE_BALANCE, STRETCH, SHARPNESS, GAMMA = 0x00980913, 0x0098090C, 0x009A0903, 0x0098091B, 0x00980910
COLOUR = (180, 100, 60)

CLIENT = """
import json, sys, threading, time
from itertools import islice
from station.camera.interface import CameraMode
from station.camera.opencv_camera import OpenCvCamera
from station.documents.fault import StationError

camera = None

def make(source, settings):
    global camera
    camera = OpenCvCamera(source, **settings)

def opened():
    info = camera.open()
    return [info.source, info.bit_depth, info.simulated]

def configured(*mode):
    got = camera.configure(CameraMode(*mode))
    return [got.width_px, got.height_px, got.exposure_us, got.gain, got.period_us, got.readout_us]

def frames(count):
    told = []
    for frame in islice(camera.frames(), count):
        pixels = frame.pixels()
        told.append([frame.sequence, frame.timestamp_s, pixels.reshape(-1, 3).mean(axis=0).tolist(),
                     list(pixels.shape), str(pixels.dtype)])
    return told

def closed():
    camera.close()
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("camera ")]

COMMANDS = {"make": make, "open": opened, "configure": configured, "frames": frames, "close": closed}
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = COMMANDS[name](*arguments)
    except StationError as error:
        answer = {"code": error.code, "message": str(error)}
    print(json.dumps(answer), flush=True)
"""


class Client:
    """`OpenCvCamera` in a process that sees the virtual device."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **variables},
            cwd=Path(__file__).parents[2],
            text=True,
        )

    def ask(self, *command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the client died"
        return json.loads(answer)

    def open(self, **settings: object) -> Any:
        self.ask("make", DEVICE, {"silent_after_s": 20.0, **settings})
        return self.ask("open")

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=60)
        finally:
            self._process.kill()


def plain(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(COLOUR, np.uint8), (chosen.height, chosen.width, 3)).copy()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    program("cc")
    return build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def rig(library: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[V4l2Server, Client]]]:
    """A virtual device and a client of it: `rig(expose, offer=..., controls=...)`."""
    running = ExitStack()

    def start(expose: Any = plain, **settings: Any) -> tuple[V4l2Server, Client]:
        server = V4l2Server(tmp_path / "camera.sock", expose, **settings)
        server.open()
        running.callback(server.close)
        client = Client(environment(library, DEVICE, tmp_path / "camera.sock"))
        running.callback(client.end)
        return server, client

    with running:
        yield start


SMALL = {"YUYV": [(160, 120)], "MJPG": [(160, 120), (320, 240)], "GREY": [(160, 120)], "Y16": [(160, 120)]}


@pytest.mark.parametrize(
    ("fourcc", "expected", "within"),
    [("", COLOUR, 4), ("YUYV", COLOUR, 4), ("MJPG", COLOUR, 4), ("GREY", (113, 113, 113), 0.5)],
)
def test_frames_of_every_format(rig: Any, fourcc: str, expected: tuple[int, ...], within: float) -> None:
    _, client = rig(offer=Offer(SMALL))
    assert client.open(fourcc=fourcc, width_px=160, height_px=120) == [DEVICE, 8, False]
    told = client.ask("frames", 4)
    for _, _, colour, shape, dtype in told:
        assert (shape, dtype) == ([120, 160, 3], "uint8")
        assert np.abs(np.array(colour) - expected).max() <= within
    assert [one[0] for one in told] == sorted({one[0] for one in told})
    assert client.ask("close") == []


def test_sixteen_bits(rig: Any) -> None:
    def deep(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint16]:
        return np.full((chosen.height, chosen.width, 3), 40_003, np.uint16)

    _, client = rig(deep, offer=Offer(SMALL))
    assert client.open(fourcc="Y16")[1] == 16
    assert [one[2:] for one in client.ask("frames", 2)] == [[[40_003.0] * 3, [120, 160, 3], "uint16"]] * 2


def test_the_drivers_stamps_are_used(rig: Any) -> None:
    starts: list[float] = []

    def noted(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
        starts.append(start_ns / 1e9)
        return plain(sequence, start_ns, exposure_us, chosen)

    _, client = rig(noted, offer=Offer(SMALL))
    client.open()
    stamps = [one[1] for one in client.ask("frames", 5)]
    assert stamps == sorted(set(stamps))
    assert all(min(abs(stamp - start) for start in starts) < 2e-6 for stamp in stamps)


def test_everything_automatic_goes_off_and_what_holds_is_read_back(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open(fourcc="MJPG", width_px=320, height_px=240)
    assert client.ask("configure", 0, 0, 15_000, 1.0) == [320, 240, 15_000, 1.0, 33_333, 33_333]
    now = {name: server.device.controls[name].value for name in server.device.controls}
    assert (now[EXPOSURE_AUTO], now[EXPOSURE_ABSOLUTE]) == (1, 150)
    assert (now[GAIN], now[WHITE_BALANCE], now[STRETCH], now[SHARPNESS], now[GAMMA]) == (16, 0, 0, 0, 100)
    assert client.ask("configure", 160, 120, 7_040, 1.0, 0, 4_000) == [160, 120, 7_000, 1.0, 33_333, 4_000]
    assert all(one[3] == [120, 160, 3] for one in client.ask("frames", 3))


def sticking(control: int, value: int) -> dict[int, Control]:
    controls = usual_controls()
    controls[control].sticks_at = value
    return controls


def refusing(control: int) -> dict[int, Control]:
    controls = usual_controls()
    controls[control].refuses = True
    return controls


@pytest.mark.parametrize(
    ("controls", "mode", "said"),
    [
        (sticking(EXPOSURE_ABSOLUTE, 312), (0, 0, 15_000, 1.0), "exposure: asked 15000 µs, got 31200 µs"),
        (usual_controls(), (0, 0, 900_000, 1.0), "asked 9000, refused"),
        (refusing(EXPOSURE_AUTO), (0, 0, 15_000, 1.0), "manual exposure: asked 1, refused"),
        (sticking(WHITE_BALANCE, 1), (0, 0, 15_000, 1.0), "manual white balance: asked 0, got 1"),
        (sticking(GAIN, 99), (0, 0, 15_000, 1.0), "gain: asked 16, got 99"),
        (usual_controls(), (0, 0, 15_000, 2.0), "gain: asked 2"),
        (usual_controls(), (800, 600, 15_000, 1.0), "size: asked 800 x 600, got 160 x 120"),
        (
            {k: v for k, v in usual_controls().items() if k != EXPOSURE_ABSOLUTE},
            (0, 0, 15_000, 1.0),
            "exposure: asked 15000 µs, but it cannot be set",
        ),
    ],
)
def test_a_refused_setting_is_named(rig: Any, controls: Any, mode: tuple[float, ...], said: str) -> None:
    _, client = rig(offer=Offer(SMALL), controls=controls)
    client.open()
    refused = client.ask("configure", *mode)
    assert refused["code"] == "camera_refused"
    assert said in refused["message"]
    assert len(client.ask("frames", 2)) == 2


def test_a_format_that_is_not_offered(rig: Any) -> None:
    _, client = rig(offer=Offer({"YUYV": [(160, 120)]}))
    refused = client.open(fourcc="MJPG")
    assert refused == {"code": "camera_refused", "message": "format: asked MJPG, got YUYV"}


def test_unplugged_and_plugged_in_again(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open()
    client.ask("frames", 2)
    server.unplug()
    assert client.ask("frames", 100)["code"] == "camera_missing"
    assert client.ask("configure", 0, 0, 15_000, 1.0)["code"] == "camera_missing"
    gone = client.ask("open")
    assert gone == {"code": "camera_missing", "message": f"{DEVICE}: there is no such device"}
    server.plug()
    assert client.ask("open")[0] == DEVICE
    assert len(client.ask("frames", 2)) == 2


def test_silence_and_speech_again(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open(silent_after_s=0.5)
    server.silence()
    silent = client.ask("frames", 200)
    assert silent == {"code": "camera_silent", "message": f"{DEVICE} gave no frame for 0.5 s"}
    server.silence(False)
    assert len(client.ask("frames", 3)) == 3
    server.silence()
    assert client.ask("close") == []


def test_a_camera_that_never_gave_a_frame(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    server.silence()
    assert client.open(silent_after_s=0.5)["code"] == "camera_silent"
    server.silence(False)
    assert client.ask("open")[0] == DEVICE


def test_truncated_frames_are_never_handed_out(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open(fourcc="MJPG", width_px=160, height_px=120, silent_after_s=1.0)
    client.ask("frames", 1)
    server.truncate(0.6)
    assert "gave no frame" in client.ask("frames", 200)["message"]
    server.truncate(None)
    for _, _, colour, shape, _ in client.ask("frames", 5):
        assert shape == [120, 160, 3]
        assert np.abs(np.array(colour) - COLOUR).max() <= 4


def test_the_driver_is_drained_while_nobody_looks(rig: Any) -> None:
    """A driver whose few buffers are full drops the new frames and serves the old ones; ours must not."""
    exposed: list[int] = []

    def noted(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
        exposed.append(start_ns)
        return plain(sequence, start_ns, exposure_us, chosen)

    _, client = rig(noted, offer=Offer(SMALL, period_us=20_000))
    client.open()
    seen = len(exposed)
    deadline = time.monotonic() + 60
    while len(exposed) < seen + 40:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    told = client.ask("frames", 1)[0]
    assert told[1] >= exposed[seen + 20] / 1e9


@pytest.mark.parametrize(("stamps", "late_us"), [("start", 0), ("arrival", 2_000)])
def test_the_gate_lets_no_half_switched_frame_through(rig: Any, stamps: str, late_us: int) -> None:
    """Each frame shows, row by row, for what share of its exposure the new light burned."""
    switches: list[tuple[int, int]] = [(0, 0)]
    readout_us = 8_000

    def lit(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
        picture = np.zeros((chosen.height, chosen.width, 3), np.uint8)
        for band in range(4):
            begin = start_ns + band * readout_us * 250
            end = begin + exposure_us * 1000
            since, value = switches[-1]
            earlier = switches[-2][1] if len(switches) > 1 else value
            share = min(1.0, max(0.0, (end - max(begin, since)) / (end - begin)))
            rows = slice(band * chosen.height // 4, (band + 1) * chosen.height // 4)
            picture[rows] = round(share * value + (1 - share) * earlier)
        return picture

    _, client = rig(
        lit, offer=Offer({"GREY": [(64, 48)]}), readout_us=readout_us, transfer_us=2_000, stamps=stamps
    )
    client.open(fourcc="GREY")
    mode = CameraMode(*client.ask("configure", 0, 0, 15_000, 1.0, 0, readout_us))
    for turn in range(12):
        value = 40 if turn % 2 else 200
        time.sleep(turn * 33.3e-3 / 12)  # so that the switch falls everywhere within a frame's time
        switches.append((time.monotonic_ns(), value))
        acknowledged_s = time.monotonic()
        for _ in range(40):
            (_, stamp_s, colour, _, _) = client.ask("frames", 1)[0]
            if exposed_within(stamp_s, mode, late_us, acknowledged_s, None):
                break
        else:
            pytest.fail("no frame was let through")
        assert colour == pytest.approx([value] * 3, abs=0.5)


def test_nothing_at_the_path_and_two_at_once(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.ask("make", "/dev/video43", {})
    assert client.ask("open")["code"] == "camera_missing"
    client.open()
    assert server.device.owner is not None
    assert client.ask("close") == []
    assert client.open()[0] == DEVICE
