"""When the simulated sensor exposes: at any pace, by its own clock, or when the board's trigger rises."""

import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from station.camera.interface import CameraMode
from station.twin.camera import TwinCamera
from station.twin.lightlog import LightLogReader, LightLogWriter
from station.twin.lit_frame import TRIGGER, LitRows
from station.twin.scene import Scene
from station.twin.sensor import BANDS
from station.twin.shutter import FreeRunning, Triggered

pytestmark = pytest.mark.usefixtures("compiled")
Log = tuple[Path, LightLogWriter]
MODE = CameraMode(0, 0, 10_000, 1.0, 40_000, 20_000)
MS = 1_000_000


@pytest.fixture
def opened(light_log: Log) -> Iterator[Callable[..., TwinCamera]]:
    cameras: list[TwinCamera] = []

    def make(**how: object) -> TwinCamera:
        cameras.append(TwinCamera(Scene(dpi=50), light_log[0], **how))  # type: ignore[arg-type]
        cameras[-1].open()
        return cameras[-1]

    yield make
    for camera in cameras:
        camera.close()


@pytest.mark.parametrize("ppm", [0.0, 5_000.0, -5_000.0])
def test_a_clock_of_its_own(ppm: float) -> None:
    shutter = FreeRunning("start", 0, 1, ppm)
    shutter.begin(MODE, 1_000)
    starts = [shutter.take().first_ns for _ in range(5)]
    assert np.diff(starts) == pytest.approx(40 * MS * (1 + ppm / 1e6), abs=1)


@pytest.mark.parametrize(("stamps", "usual_ns"), [("start", 0), ("arrival", 31_500_000)])
def test_stamps_jitter_evenly_to_either_side(stamps: str, usual_ns: int) -> None:
    shutter = FreeRunning(stamps, 1_000, 1, 0.0)  # type: ignore[arg-type]
    shutter.begin(MODE, 0)
    shots = [shutter.take() for _ in range(2_000)]
    off_ns = np.array([shot.stamp_ns - shot.first_ns - usual_ns for shot in shots])
    assert off_ns.min() >= -MS
    assert off_ns.max() <= MS
    assert off_ns.mean() == pytest.approx(0, abs=60_000)
    assert off_ns.std() == pytest.approx(MS / 3**0.5, rel=0.05)
    assert all(shot.arrived_ns >= max(shot.stamp_ns, shot.first_ns + 30 * MS) for shot in shots)


class Edges:
    """Triggers that a test makes up."""

    def __init__(self) -> None:
        self.waiting: list[int] = []

    def triggers_ns(self) -> list[int]:
        found, self.waiting = self.waiting, []
        return found


def test_triggers_in_mid_exposure_are_not_noticed() -> None:
    edges = Edges()
    shutter = Triggered(edges, "start", 0, 1)
    edges.waiting = [5 * MS]
    shutter.begin(MODE, 10 * MS)
    edges.waiting = [20 * MS, 40 * MS, 51 * MS]
    assert shutter.due_ns(60 * MS) > 50 * MS
    taken = [shutter.take() for _ in range(3)]
    assert [shot.first_ns if shot else None for shot in taken] == [20_100_000, 51_000_000 + 100_000, None]
    assert shutter.due_ns(60 * MS) > 60 * MS, "it looks again later"


def test_a_triggered_camera_exposes_when_the_trigger_rises(
    light_log: Log, opened: Callable[..., TwinCamera]
) -> None:
    camera = opened(triggered=True, jitter_us=0, stamps="start")
    mode = camera.configure(CameraMode(0, 0, 10_000, 1.0))
    assert mode.period_us >= mode.exposure_us + mode.readout_us
    begun_ns = time.monotonic_ns()
    for place in range(3):
        at_ns = begun_ns + place * 60 * MS
        light_log[1].write(at_ns, 1 << place)
        light_log[1].write(at_ns + MS, 1 << place | TRIGGER)
        light_log[1].write(at_ns + 30 * MS, 0)
    frames = list(islice(camera.frames(), 3))
    assert camera.exposed == 3
    for place, frame in enumerate(frames):
        assert frame.timestamp_s == pytest.approx((begun_ns + place * 60 * MS + 1.1 * MS) / 1e9, abs=1e-6)
        np.testing.assert_allclose(frame.on, np.tile(np.eye(8)[place], (BANDS, 1)))  # type: ignore[attr-defined]


def test_period_and_readout_are_what_was_asked_for(opened: Callable[..., TwinCamera]) -> None:
    camera = opened(period_us=50_000, readout_us=28_000)
    mode = camera.configure(CameraMode(0, 0, 20_000, 1.0))
    assert (mode.period_us, mode.readout_us) == (50_000, 28_000)
    assert camera.configure(CameraMode(0, 0, 60_000, 1.0)).period_us == 61_000


def test_asking_for_what_holds_does_not_break_the_stream(opened: Callable[..., TwinCamera]) -> None:
    """Frames go on at their pace, so what was learned of it stays true."""
    camera = opened(jitter_us=0, stamps="start")
    mode = camera.configure(CameraMode(0, 0, 10_000, 1.0))
    first = next(camera.frames())
    assert camera.configure(mode) == mode
    later = [*islice(camera.frames(), 3)][-1]
    periods = (later.timestamp_s - first.timestamp_s) / 0.033
    assert periods == pytest.approx(later.sequence - first.sequence, abs=1e-4)
    camera.stumble()
    fresh = [*islice(camera.frames(), 3)][-1]
    assert fresh.sequence > later.sequence


def test_edges_that_are_noted_late_are_seen_all_the_same(
    light_log: Log, opened: Callable[..., TwinCamera]
) -> None:
    """A simulated board that had to wait notes what it did at the times at which it was done."""
    camera = opened(jitter_us=0, stamps="start")
    frame = next(camera.frames())
    first_ns = round(frame.timestamp_s * 1e9)
    light_log[1].write(first_ns - MS, 1 << 4)
    light_log[1].write(first_ns + 40 * MS, 0)
    np.testing.assert_array_equal(frame.on, np.tile(np.eye(8)[4], (BANDS, 1)))  # type: ignore[attr-defined]


def test_a_board_that_came_later_has_a_log_of_its_own(
    light_log: Log, opened: Callable[..., TwinCamera]
) -> None:
    """A frame from before saw the old board's lights, one from after the new one's."""
    path, writer = light_log
    camera = opened(jitter_us=0, stamps="start")
    writer.write(time.monotonic_ns(), 1)
    frames = camera.frames()
    begun = time.monotonic()
    before = next(frame for frame in frames if frame.timestamp_s > begun)
    newer = LightLogWriter(path).open()
    newer.write(time.monotonic_ns(), 1 << 5)
    after_s = time.monotonic()
    after = next(frame for frame in islice(frames, 1_000) if frame.timestamp_s > after_s + 0.1)
    newer.close()
    assert before.on[0][0] == 1.0  # type: ignore[attr-defined]
    assert after.on[0] == [0.0] * 5 + [1.0] + [0.0] * 2  # type: ignore[attr-defined]


def test_triggers_are_found_once(light_log: Log) -> None:
    path, writer = light_log
    rows = LitRows(path)
    writer.write(1, TRIGGER)
    rows.open()
    assert rows.triggers_ns() == [], "from before it was opened"
    for when, mask in ((2, 0), (3, TRIGGER | 1), (4, TRIGGER), (5, 0), (6, TRIGGER)):
        writer.write(when, mask)
    assert rows.triggers_ns() == [3, 6]
    assert rows.triggers_ns() == []
    writer.write(7, 0)
    writer.write(8, TRIGGER)
    assert rows.triggers_ns() == [8]
    rows.close()


def test_many_windows_read_at_once_are_those_read_one_by_one(light_log: Log) -> None:
    chance = np.random.default_rng(5)
    for when in np.sort(chance.integers(0, 40 * MS, 300)):
        light_log[1].write(int(when), int(chance.integers(0, 512)))
    log = LightLogReader(light_log[0]).open()
    starts = chance.integers(-5 * MS, 42 * MS, 64)
    windows = [(int(start), int(start) + 10 * MS) for start in starts]
    together = log.on_times_of_ns(windows)
    for (start, end), found in zip(windows, together, strict=True):
        assert log.on_times_ns(start, end) == found
        edges = [(0, start), *((mask, when) for when, mask in reversed(list(log.edges_back())))]
        wanted = [0] * 8
        for (mask, when), (_, until) in zip(edges, [*edges[1:], (0, end)], strict=True):
            burned = min(until, end) - max(when, start)
            for light in range(8):
                wanted[light] += max(0, burned) * (mask >> light & 1)
        assert found == wanted
    log.close()
