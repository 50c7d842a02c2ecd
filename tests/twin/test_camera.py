"""The simulated camera: it saw what the light log says, and its driver is as tiresome as a real one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.camera.interface import Camera, CameraMode, CapturedFrame
from station.documents.fault import StationError
from station.twin.camera import TwinCamera
from station.twin.lightlog import LightLogWriter
from station.twin.scene import Scene
from station.twin.sensor import BANDS
from station.twin.spec import CardSpec, Unkind

pytestmark = pytest.mark.usefixtures("compiled")
Log = tuple[Path, LightLogWriter]
PATIENCE_S = 20.0


@contextmanager
def _opened(log: Log, thing: CardSpec | None = None, **how: Any) -> Iterator[tuple[TwinCamera, Scene]]:
    scene = Scene(dpi=50)
    scene.place(thing)
    camera = TwinCamera(scene, log[0], **how)
    camera.open()
    try:
        yield camera, scene
    finally:
        camera.close()


def _until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.005)


def _after(frames: Iterator[CapturedFrame], when_s: float) -> CapturedFrame:
    """The first frame that was wholly exposed after a moment."""
    return next(frame for frame in islice(frames, 1000) if frame.timestamp_s > when_s + 0.1)


def _on(frame: CapturedFrame) -> np.ndarray:
    return np.array(frame.on)  # type: ignore[attr-defined]


def test_it_is_a_camera_and_says_that_it_is_simulated(light_log: Log) -> None:
    camera: Camera = TwinCamera(Scene(dpi=50), light_log[0], bit_depth=16)
    info = camera.open()
    camera.close()
    assert (info.source, info.bit_depth, info.simulated) == ("twin", 16, True)


def test_frames_are_numbered_in_order_and_stamped_when_they_arrived(light_log: Log) -> None:
    with _opened(light_log) as (camera, _):
        frames = camera.frames()
        taken = [next(frames) for _ in range(5)]
        now = time.monotonic()
    assert [frame.sequence for frame in taken] == [0, 1, 2, 3, 4]
    gaps = np.diff([frame.timestamp_s for frame in taken])
    assert gaps == pytest.approx(0.033, abs=0.0011)
    assert taken[-1].timestamp_s < now + 0.002


def test_the_light_of_the_log_lights_the_picture(light_log: Log) -> None:
    with _opened(light_log, CardSpec(1)) as (camera, _):
        frames = camera.frames()
        dark = next(frames)
        light_log[1].write(time.monotonic_ns(), 1 << 3)
        lit = _after(frames, time.monotonic())
        light_log[1].write(time.monotonic_ns(), 0)
        dark_again = _after(frames, time.monotonic())
    assert not _on(dark).any()
    np.testing.assert_array_equal(_on(lit), np.tile(np.eye(8)[3], (BANDS, 1)))
    assert not _on(dark_again).any()
    assert lit.pixels().mean() > dark.pixels().mean() + 10
    assert lit.pixels() is lit.pixels()


TOGGLE_NS = 47_000_000


def _burned(start_ns: float, end_ns: float, first_ns: int) -> float:
    """How long a light burned that went on and off in turn every TOGGLE_NS."""
    times = np.linspace(start_ns, end_ns, 1501)[:-1]
    return float(np.mean((times - first_ns) // TOGGLE_NS % 2 == 0))


@pytest.mark.parametrize(("stamps", "before_s"), [("start", 0.0), ("arrival", 0.012 + 0.015 + 0.001)])
def test_every_row_sees_what_burned_in_its_own_exposure(stamps: str, before_s: float, light_log: Log) -> None:
    """The stamp tells when the first row's exposure began; an arrival comes up to a millisecond late."""
    first_ns = time.monotonic_ns()
    for n in range(1000):
        light_log[1].write(first_ns + n * TOGGLE_NS, 1 - n % 2)
    jitter_us = 0 if stamps == "start" else 500
    with _opened(light_log, stamps=stamps, jitter_us=jitter_us) as (camera, _):
        taken = list(islice(camera.frames(), 6))
    for frame in taken:
        errors = []
        for late_s in np.arange(0, 0.00105, 0.00005) if stamps == "arrival" else (0.0,):
            starts = 1e9 * (frame.timestamp_s - before_s - late_s + np.arange(BANDS) / BANDS * 0.012)
            expected = [_burned(start, start + 15e6, first_ns) for start in starts]
            errors.append(np.abs(_on(frame)[:, 0] - expected).max())
        assert min(errors) < 0.006
    assert any(np.ptp(_on(frame)[:, 0]) > 0.1 for frame in taken)


def test_after_a_pause_the_queue_serves_old_frames_then_jumps(light_log: Log) -> None:
    with _opened(light_log, buffers=4) as (camera, _):
        frames = camera.frames()
        next(frames)
        _until(lambda: camera.exposed >= 12)
        light_log[1].write(time.monotonic_ns(), 1)
        old = [next(frames) for _ in range(4)]
        fresh = next(frames)
    assert [frame.sequence for frame in old] == [1, 2, 3, 4]
    assert not any(_on(frame).any() for frame in old)
    assert fresh.sequence >= 12


def test_stale_driver_serves_frames_of_earlier_periods(light_log: Log) -> None:
    with _opened(light_log, stale_frames=3) as (camera, _):
        frames = camera.frames()
        ages = []
        for _ in range(6):
            frame = next(frames)
            ages.append(camera.exposed - 1 - frame.sequence)
        late = time.monotonic() - frame.timestamp_s
    assert min(ages) >= 3
    assert late > 3 * 0.033 - 0.005


def test_handout_stamps_hide_how_old_a_frame_is(light_log: Log) -> None:
    with _opened(light_log, stamps="handout") as (camera, _):
        frames = camera.frames()
        next(frames)
        _until(lambda: camera.exposed >= 10)
        before = time.monotonic()
        assert next(frames).timestamp_s >= before


def test_frame_shows_the_scene_as_it_was_when_exposed(light_log: Log) -> None:
    light_log[1].write(time.monotonic_ns(), 1)
    with _opened(light_log, CardSpec(1)) as (camera, scene):
        frames = camera.frames()
        with_card = _after(frames, time.monotonic())
        scene.remove()
        without = _after(frames, time.monotonic())
        assert with_card.pixels().mean() > without.pixels().mean() + 10


def test_configure_answers_what_holds_and_the_stream_starts_afresh(light_log: Log) -> None:
    with _opened(light_log) as (camera, scene):
        _until(lambda: camera.exposed >= 3)
        mode = camera.configure(CameraMode(4000, 3000, 60_000, 2.0))
        assert (mode.width_px, mode.height_px) == (scene.optics.width_px, scene.optics.height_px)
        assert (mode.exposure_us, mode.gain) == (60_000, 2.0)
        assert mode.period_us > 60_000
        assert mode.readout_us == 12_000
        assert next(camera.frames()).sequence >= 3
        assert camera.configure(CameraMode(0, 0, 10_000_000, 0.5)) == camera.configure(
            CameraMode(0, 0, 500_000, 1.0)
        )


def test_exposure_and_gain_make_the_picture_brighter(light_log: Log) -> None:
    light_log[1].write(time.monotonic_ns(), 1)
    with _opened(light_log, CardSpec(1, unkind=Unkind.kind())) as (camera, _):
        means = []
        for exposure_us, gain in ((4_000, 1.0), (8_000, 1.0), (4_000, 2.0)):
            camera.configure(CameraMode(0, 0, exposure_us, gain))
            means.append(_after(camera.frames(), time.monotonic()).pixels().mean() - 4)
    assert means[1] == pytest.approx(2 * means[0], rel=0.02)
    assert means[2] == pytest.approx(2 * means[0], rel=0.02)


@pytest.mark.parametrize(("exposure_us", "gain"), [(0, 1.0), (-5, 1.0), (1000, 0.0)])
def test_senseless_mode_is_refused(exposure_us: int, gain: float, light_log: Log) -> None:
    with _opened(light_log) as (camera, _), pytest.raises(StationError) as caught:
        camera.configure(CameraMode(0, 0, exposure_us, gain))
    assert caught.value.code == "camera_refused"


def test_silent_camera_is_reported(light_log: Log) -> None:
    with _opened(light_log, silent_after_s=0.3) as (camera, _):
        frames = camera.frames()
        next(frames)
        camera.silence()
        with pytest.raises(StationError) as caught:
            list(frames)
    assert caught.value.code == "camera_silent"


def test_unplugged_camera_is_reported_at_once_and_comes_back(light_log: Log) -> None:
    with _opened(light_log, silent_after_s=PATIENCE_S) as (camera, _):
        frames = camera.frames()
        next(frames)
        camera.unplug()
        with pytest.raises(StationError) as caught:
            next(frames)
        assert caught.value.code == "camera_missing"
        with pytest.raises(StationError) as caught:
            camera.open()
        assert caught.value.code == "camera_missing"
        camera.plug()
        camera.open()
        assert next(camera.frames()).sequence == 0


def test_camera_that_is_not_open_gives_nothing(light_log: Log) -> None:
    camera = TwinCamera(Scene(dpi=50), light_log[0])
    camera.close()
    for call in (lambda: next(camera.frames()), lambda: camera.configure(CameraMode(0, 0, 1000, 1.0))):
        with pytest.raises(StationError) as caught:
            call()
        assert caught.value.code == "camera_missing"


def test_opening_twice_is_opening_once(light_log: Log) -> None:
    with _opened(light_log) as (camera, _):
        camera.open()
        assert next(camera.frames()).sequence == 0


def test_without_a_board_there_is_no_light_log(tmp_path: Path) -> None:
    with pytest.raises(StationError) as caught:
        TwinCamera(Scene(dpi=50), tmp_path / "absent").open()
    assert caught.value.code == "rig_missing"


@pytest.mark.parametrize("content", [b"", b"LIGHTLOG", b"x" * 2_000_000])
def test_a_file_that_is_no_light_log_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "lights"
    path.write_bytes(content)
    with pytest.raises(StationError) as caught:
        TwinCamera(Scene(dpi=50), path).open()
    assert caught.value.code == "rig_missing"
