"""A V4L2 camera that is pulled out, silent, damaged or somebody else's: one sentence, and then it goes on."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from station.twin.v4l2.device import EXPOSURE_ABSOLUTE, EXPOSURE_AUTO, Offer
from station.twin.v4l2.pace import Timing
from station.twin.v4l2.wire import PixelFormat

DEVICE, OTHER_DEVICE = "/dev/video42", "/dev/video43"
COLOUR = (180, 100, 60)
SMALL = {"YUYV": [(160, 120)], "MJPG": [(160, 120), (320, 240)], "GREY": [(160, 120)]}


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
    assert "gave no whole frame for 1 s, but" in client.ask("frames", 200)["message"]
    server.truncate(None)
    for _, _, colour, shape, _ in client.ask("frames", 5):
        assert shape == [120, 160, 3]
        assert np.abs(np.array(colour) - COLOUR).max() <= 4


def test_nothing_at_the_path_and_two_at_once(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.ask("make", "/dev/video43", {})
    assert client.ask("open")["code"] == "camera_missing"
    client.open()
    assert server.device.owner is not None
    assert client.ask("close") == []
    assert client.open()[0] == DEVICE


def noisy(level: Any) -> Any:
    """Expose: `level(sequence)` everywhere, with a sensor's noise."""
    chance = np.random.default_rng(1)

    def expose(sequence: int, start_ns: int, exposure_us: int, chosen: PixelFormat) -> NDArray[np.uint8]:
        noise = chance.normal(0.0, 3.0, (chosen.height, chosen.width, 1))
        seen = np.clip(level(sequence) + noise, 0, 255)
        return np.broadcast_to(seen, (chosen.height, chosen.width, 3)).astype(np.uint8)

    return expose


@pytest.mark.parametrize("fourcc", ["GREY", "YUYV", "Y16"])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_short_raw_frames_that_the_driver_hands_out(rig: Any, fourcc: str, share: float) -> None:
    """Their ends are an older frame's, and OpenCV does not say so."""
    alike = 512 if fourcc == "Y16" else 2
    server, client = rig(
        noisy(lambda sequence: 20 + 5 * (sequence % 40)), offer=Offer({fourcc: [(160, 120)]})
    )
    client.open(fourcc=fourcc, silent_after_s=1.0)
    assert len(client.ask("rows", 6)) == 6
    server.truncate(share, keeps_short=True)
    for _ in range(10):
        told = client.ask("rows", 1)
        if isinstance(told, dict):
            break
        assert max(told[0]) - min(told[0]) < alike
    assert told["code"] == "camera_silent"
    assert "no whole frame for 1 s, but" in told["message"]
    server.truncate(None)
    for quarters in client.ask("rows", 6):
        assert max(quarters) - min(quarters) < alike


def test_a_device_that_is_no_camera(rig: Any) -> None:
    _, client = rig()
    missing = client.open("/dev/null")
    assert missing == {"code": "camera_missing", "message": "/dev/null is no camera"}


def test_a_device_that_gives_no_pictures(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    server.change(lambda device: setattr(device.offer, "captures", False))
    missing = client.open()
    assert missing["code"] == "camera_missing"
    assert missing["message"].startswith(f"{DEVICE} gives no pictures")
    server.change(lambda device: setattr(device.offer, "captures", True))
    assert client.ask("open")[0] == DEVICE


def test_a_device_that_another_program_uses(rig: Any) -> None:
    _, client = rig(offer=Offer(SMALL))
    assert client.ask("occupy", DEVICE)
    busy = client.open()
    assert busy == {"code": "camera_missing", "message": f"{DEVICE}: another program is using it"}
    client.ask("free")
    assert client.ask("open")[0] == DEVICE
    assert len(client.ask("frames", 2)) == 2


def test_a_format_that_opencv_does_not_read(rig: Any) -> None:
    _, client = rig(offer=Offer({"XYZW": [(160, 120)]}))
    missing = client.open()
    assert missing["code"] == "camera_missing"
    assert "no format that OpenCV reads" in missing["message"]


def test_back_under_another_number(rig: Any) -> None:
    """The link by which udev names the camera then leads elsewhere."""
    name = "usb-Maker_Eye_1234-video-index0"
    link, source = rig.by_id / name, f"/dev/v4l/by-id/{name}"
    first = rig.device(noisy(lambda _: 50), offer=Offer({"GREY": [(160, 120)]}))
    link.symlink_to(DEVICE)
    client = rig.client
    assert client.open(source, fourcc="GREY")[0] == source
    client.ask("configure", 0, 0, 15_000, 1.0)
    first.unplug()
    link.unlink()
    assert client.ask("frames", 100)["code"] == "camera_missing"
    assert client.ask("open") == {"code": "camera_missing", "message": f"{source}: there is no such device"}
    second = rig.device(noisy(lambda _: 150), OTHER_DEVICE, offer=Offer({"GREY": [(160, 120)]}))
    link.symlink_to(OTHER_DEVICE)
    assert client.ask("open")[0] == source
    assert client.ask("frames", 1)[0][2] == pytest.approx([150] * 3, abs=2)
    assert second.device.exposure_us == 15_000


def test_settings_are_put_back_and_the_first_frames_thrown_away(rig: Any) -> None:
    """A camera that was unplugged comes back with its own settings, and begins with frames of no use."""
    server, client = rig(
        noisy(lambda _: 60), offer=Offer({"GREY": [(160, 120)]}), timing=Timing(warm_up=5, lag_frames=2)
    )
    client.open(fourcc="GREY")
    assert client.ask("frames", 1)[0][2] == pytest.approx([60] * 3, abs=2)
    client.ask("configure", 0, 0, 7_000, 1.0)
    held = {number: control.value for number, control in server.device.controls.items()}
    server.unplug()
    assert client.ask("frames", 100)["code"] == "camera_missing"
    server.plug()
    assert server.device.controls[EXPOSURE_AUTO].value == 3
    client.ask("open")
    assert client.ask("frames", 1)[0][2] == pytest.approx([60] * 3, abs=2)
    assert {number: control.value for number, control in server.device.controls.items()} == held


def test_another_camera_that_cannot_do_it_comes_back(rig: Any) -> None:
    server, client = rig(offer=Offer(SMALL))
    client.open()
    client.ask("configure", 0, 0, 15_000, 1.0)
    server.unplug()
    assert client.ask("frames", 100)["code"] == "camera_missing"
    server.plug()
    server.change(lambda device: setattr(device.controls[EXPOSURE_ABSOLUTE], "sticks_at", 40))
    refused = client.ask("open")
    assert refused["code"] == "camera_refused"
    assert "exposure: asked 15000 µs, got 4000 µs" in refused["message"]
    server.change(lambda device: setattr(device.controls[EXPOSURE_ABSOLUTE], "sticks_at", None))
    assert client.ask("open")[0] == DEVICE
    assert len(client.ask("frames", 2)) == 2
