"""Settings of a V4L2 camera: what holds is read back, what is refused is named, and nothing is lost by it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.twin.v4l2.device import EXPOSURE_ABSOLUTE, EXPOSURE_AUTO, Control, Offer, usual_controls
from station.twin.v4l2.pace import Timing
from station.twin.v4l2.wire import PixelFormat

DEVICE = "/dev/video42"
GAIN, WHITE_BALANCE, STRETCH, SHARPNESS, GAMMA = 0x00980913, 0x0098090C, 0x009A0903, 0x0098091B, 0x00980910
SMOOTHING = 0x08001001
SMALL = {"YUYV": [(160, 120)], "MJPG": [(160, 120), (320, 240)]}


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


def test_what_holds_can_be_asked_for(rig: Any) -> None:
    """Every control with its value, a maker's own smoothing at its least."""
    _, client = rig(offer=Offer(SMALL))
    client.open()
    assert client.ask("controls") == [{}, []]
    client.ask("configure", 0, 0, 15_000, 1.0)
    values, refused = client.ask("controls")
    assert refused == []
    assert values == {
        "White Balance, Automatic": 0,
        "Gamma": 100,
        "Gain": 16,
        "White Balance Temperature": 4600,
        "Sharpness": 0,
        "Backlight Compensation": 0,
        "3D Noise Reduction": 1,
        "Auto Exposure": 1,
        "Exposure Time, Absolute": 150,
        "Exposure, Dynamic Framerate": 0,
    }


def steep() -> dict[int, Control]:
    controls = usual_controls()
    controls[GAMMA] = Control("Gamma", 120, 500, 1, 220, 220)
    return controls


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        (sticking(SHARPNESS, 3), "sharpness: asked 0, got 3"),
        (refusing(GAMMA), "gamma: asked 100, refused"),
        (steep(), "gamma: offers 120 to 500, and 100 is linear"),
        (refusing(SMOOTHING), "smoothing (3D Noise Reduction): asked 1, refused"),
    ],
)
def test_what_will_not_be_neutral_is_named_and_the_camera_is_used(
    rig: Any, controls: dict[int, Control], said: str
) -> None:
    _, client = rig(offer=Offer(SMALL), controls=controls)
    client.open()
    assert client.ask("configure", 0, 0, 15_000, 1.0)[2] == 15_000
    assert client.ask("controls")[1] == [said]
    assert len(client.ask("frames", 2)) == 2


def test_a_format_that_is_not_offered(rig: Any) -> None:
    _, client = rig(offer=Offer({"YUYV": [(160, 120)]}))
    refused = client.open(fourcc="MJPG")
    assert refused == {"code": "camera_refused", "message": "format: asked MJPG, got YUYV"}


@pytest.mark.parametrize("control", [EXPOSURE_AUTO, EXPOSURE_ABSOLUTE, GAIN, WHITE_BALANCE])
def test_after_a_refusal_the_same_camera_can_be_set_again(rig: Any, control: int) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open()
    server.change(lambda device: setattr(device.controls[control], "refuses", True))
    assert client.ask("configure", 0, 0, 15_000, 1.0)["code"] == "camera_refused"
    server.change(lambda device: setattr(device.controls[control], "refuses", False))
    assert client.ask("configure", 0, 0, 15_000, 1.0)[2] == 15_000
    assert len(client.ask("frames", 2)) == 2


@pytest.mark.parametrize("lag_frames", [0, 2])
def test_no_frame_with_the_old_exposure_comes_after_a_change(rig: Any, lag_frames: int) -> None:
    def counting(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
        return np.full((chosen.height, chosen.width, 3), exposure_us // 100, np.uint8)

    _, client = rig(counting, offer=Offer({"GREY": [(160, 120)]}), timing=Timing(lag_frames=lag_frames))
    client.open(fourcc="GREY")
    for exposure_us in (5_000, 15_000, 3_000):
        client.ask("configure", 0, 0, exposure_us, 1.0)
        for _, _, colour, _, _ in client.ask("frames", 3):
            assert colour == [exposure_us / 100] * 3
