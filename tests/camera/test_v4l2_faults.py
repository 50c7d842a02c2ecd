"""A V4L2 camera that is pulled out, silent, damaged or somebody else's: one sentence, and then it goes on."""

from typing import Any

import numpy as np

from station.twin.v4l2.device import Offer

DEVICE = "/dev/video42"
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
    assert "gave no frame" in client.ask("frames", 200)["message"]
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
