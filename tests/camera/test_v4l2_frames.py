"""OpenCV's V4L2 code and ours against a virtual device: what frames say, and when they were exposed."""

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.camera.interface import CameraMode
from station.camera.matcher import exposed_within
from station.twin.v4l2.device import Offer
from station.twin.v4l2.pace import Timing
from station.twin.v4l2.wire import PixelFormat

DEVICE = "/dev/video42"
COLOUR = (180, 100, 60)
SMALL = {"YUYV": [(160, 120)], "MJPG": [(160, 120), (320, 240)], "GREY": [(160, 120)], "Y16": [(160, 120)]}


def plain(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(COLOUR, np.uint8), (chosen.height, chosen.width, 3)).copy()


@pytest.mark.parametrize(
    ("fourcc", "expected", "within"),
    [("", COLOUR, 4), ("YUYV", COLOUR, 4), ("MJPG", COLOUR, 4), ("GREY", (113, 113, 113), 0.5)],
)
def test_frames_of_every_format(rig: Any, fourcc: str, expected: tuple[int, ...], within: float) -> None:
    _, client = rig(offer=Offer(SMALL))
    assert client.open(fourcc=fourcc, width_px=160, height_px=120) == [DEVICE, "Virtual camera", 8, False]
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
    assert client.open(fourcc="Y16")[2] == 16
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


def test_the_drivers_queue_keeps_old_frames(rig: Any) -> None:
    """OpenCV asks for four buffers and holds one of them; what the next test shows is our doing."""
    server, client = rig(offer=Offer(SMALL, period_us=20_000))
    assert client.ask("stale", DEVICE, 1.0) == 3
    assert server.counts["dropped"] > 10


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
        lit, offer=Offer({"GREY": [(64, 48)]}), timing=Timing(readout_us=readout_us, stamps=stamps)
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
