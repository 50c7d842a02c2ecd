"""The live eye on a simulated bench: a real board process, a real port, frames of the twin."""

import asyncio
import sys
import time
from typing import Any

import cv2
import numpy as np

from station.camera.interface import CameraMode
from station.scan.live.eye import RETRY_S
from station.scan.live.picture import PREVIEW_PX

HALVES = {0b01010101, 0b10101010}


async def test_a_card_is_seen_to_come_and_to_go(watch: Any) -> None:
    async with watch() as eye:
        await eye.until("empty")
        eye.bench.place(7, "front")
        await eye.until("moving")
        still = await eye.until("still")
        assert (still.pieces, still.whole) == (1, True)
        assert 55 < still.covered_percent < 75
        eye.bench.place(7, "back")
        await eye.until("moving")
        await eye.until("still")
        eye.bench.remove()
        assert (await eye.until("empty")).pieces == 0
        assert [one.sequence for one in eye.seen] == list(range(1, len(eye.seen) + 1))
        assert eye.troubles == []


async def test_the_halves_of_the_lights_take_turns(watch: Any) -> None:
    """Beside each other they would burn for ever."""
    async with watch(look_light_percent=100) as eye:
        await eye.wait_for(lambda: {mask for _, mask in eye.edges()} >= HALVES, "both halves had burned")
        masks = [mask for _, mask in eye.edges()]
        assert set(masks) == HALVES | {0} or set(masks) == HALVES
        assert eye.troubles == []


async def test_pausing_lends_rig_and_camera(watch: Any) -> None:
    async with watch() as eye:
        await eye.until("empty")
        await eye.eye.pause()
        looked, edges = len(eye.seen), eye.edges()
        assert eye.eye.paused
        assert edges[-1][1] == 0
        assert await stamps_off_pace_s(eye) < 0.002
        await eye.hands.on_rig(lambda: eye.rig.switch(3, 2_000))
        await eye.hands.on_rig(lambda: eye.rig.switch(None, 2_000))
        assert [mask for _, mask in eye.edges()[len(edges) :]] == [1 << 3, 0]
        assert len(eye.seen) == looked
        eye.bench.place(7, "front")
        eye.eye.resume()
        await eye.until("moving")
        await eye.until("still")
        await eye.eye.pause()
        await eye.eye.pause()
        eye.eye.resume()
        await eye.looks(1)
        assert eye.seen[-1].kind == "still"  # the card lies where it lay


async def stamps_off_pace_s(eye: Any) -> float:
    """By how much a scan that configures the camera breaks its pace: not at all if nothing changes."""
    scan = CameraMode(0, 0, 15_000, 1.0, readout_us=12_000)

    def look() -> float:
        camera = eye.bench.camera
        frames = camera.frames()
        before = next(frames).timestamp_s
        period_s = camera.configure(scan).period_us / 1e6
        passed = (next(frames).timestamp_s - before) / period_s
        return float(abs(passed - round(passed)) * period_s)

    return float(await eye.hands.on_camera(look))


async def test_previews_are_made_for_those_who_want_them(watch: Any) -> None:
    async with watch() as eye:
        await eye.looks(2)
        assert eye.previews == []
        eye.wants = True
        await eye.wait_for(lambda: eye.previews, "there was a preview")
        data, facts = eye.previews[0]
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        height, width = eye.bench.scene.optics.height_px, eye.bench.scene.optics.width_px
        assert picture.shape == (height, width, 3)
        assert width <= PREVIEW_PX
        assert facts["seen"]["sequence"] >= 3
        assert facts["lights"] in ([0, 2, 4, 6], [1, 3, 5, 7])


async def test_a_camera_that_waits_for_its_trigger_sees_too(watch: Any) -> None:
    async with watch(wire=True) as eye:
        await eye.until("empty")
        eye.bench.place(7, "front")
        await eye.until("still")
        await eye.eye.pause()
        assert eye.edges()[-1][1] == 0
        lit = {mask for _, mask in eye.edges()} - {0}
        assert lit <= {1 << 0, 1 << 1}
        assert eye.troubles == []


async def test_trouble_is_told_once_and_outlived(watch: Any) -> None:
    async with watch() as eye:
        await eye.looks(1)
        eye.bench.camera.unplug()
        await eye.wait_for(lambda: eye.troubles, "the camera was missed")
        await eye.hands.on_rig(eye.rig.close)
        await asyncio.sleep(1.5 * RETRY_S)  # it tries again meanwhile
        assert [trouble.code for trouble in eye.troubles] == ["camera_missing"]
        eye.bench.camera.plug()
        await eye.hands.on_camera(eye.bench.camera.open)
        await eye.hands.on_rig(eye.rig.open)
        await eye.looks(1)
        await eye.hands.on_rig(eye.rig.close)
        await eye.wait_for(lambda: len(eye.troubles) == 2, "the rig was missed")
        assert eye.troubles[-1].code == "rig_missing"


async def test_a_closed_eye_leaves_no_light(watch: Any) -> None:
    async with watch() as eye:
        await eye.looks(1)
        await eye.eye.close()
        assert eye.edges()[-1][1] == 0
        await eye.eye.pause()  # of no effect, and returns


async def test_an_eye_whose_task_is_cancelled_leaves_no_light(watch: Any) -> None:
    async with watch() as eye:
        await eye.looks(1)
        [task] = [task for task in asyncio.all_tasks() if task.get_name() == "live eye"]
        task.cancel()
        await asyncio.wait([task])
        assert eye.edges()[-1][1] == 0


async def test_a_killed_process_leaves_no_light(watch: Any) -> None:
    """The board does that: its lease ends, and what was lit for looking was lit for a time."""
    async with watch(paused=True) as eye:
        await eye.hands.on_rig(eye.rig.close)
        program = LOOK_ON.format(port=str(eye.bench.port))
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        assert await child.stdout.readline() == b"lit\n"
        child.kill()
        await child.wait()
        assert any(mask for _, mask in eye.edges())
        await eye.wait_for(lambda: dark_for_s(eye) > 0.1, "the lights were off")


LOOK_ON = """
import time
from station.rig.serial_rig import SerialRig
rig = SerialRig("{port}", 250_000, 1_500, 2.5, on_fault=lambda _: None)
rig.open()
rig.look_on((0, 2, 4, 6), 25, 1_500)
print("lit", flush=True)
time.sleep(60)
"""


def dark_for_s(eye: Any) -> float:
    """For how long no edge has come after a dark one; the dimmer darkens for 3 ms."""
    when_ns, mask = eye.edges()[-1]
    return 0.0 if mask else time.monotonic() - when_ns / 1e9
