"""The virtual camera's light: what the log says burned is what pixels and truth show, row by row."""

import time
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from station.twin.lightlog import LightLogWriter
from station.twin.v4l2.device import Offer
from station.twin.v4l2.lit import TRIGGER, Shutter, shares
from station.twin.v4l2.pace import FreeRunning, Shots, Timing, Triggered
from station.twin.v4l2.pattern import LIGHTS, World
from station.twin.v4l2.sensor import BANDS, Lamps, LitSensor
from station.twin.v4l2.truth import TruthWriter, read_truth

MS = 1_000_000
SHUTTER = Shutter(1_000 * MS, exposure_us=15_000, readout_us=12_000)


def test_a_light_that_burned_throughout() -> None:
    found = shares([(900 * MS, 0b100)], SHUTTER, 4, 8)
    assert found[:, 2].tolist() == [1.0] * 4
    assert found.sum() == 4


def test_a_switch_in_mid_frame() -> None:
    """Rows begin at 0, 4, 8 and 12 ms and are exposed for 15; light 0 gives way to light 1 at 12 ms."""
    edges = [(1_012 * MS, 0b10), (990 * MS, 0b01)]
    found = shares(edges, SHUTTER, 4, 2)
    assert found[:, 0] == pytest.approx([12 / 15, 8 / 15, 4 / 15, 0])
    assert found.sum(axis=1) == pytest.approx([1.0] * 4)


def test_edges_outside_and_the_trigger_line_give_no_light() -> None:
    edges = [(1_030 * MS, 0xFF), (1_005 * MS, 0), (1_000 * MS, TRIGGER), (999 * MS, 0), (990 * MS, 0xFF)]
    assert not shares(edges, SHUTTER, 8, 8).any()
    assert not shares([], SHUTTER, 8, 8).any()


@pytest.mark.parametrize("bands", [1, 2, 7, 32])
def test_shares_are_what_a_fine_sum_says(bands: int) -> None:
    chance = np.random.default_rng(bands)
    times = np.sort(chance.integers(980 * MS, 1_040 * MS, 20))
    edges = [(int(when), int(mask)) for when, mask in zip(times, chance.integers(0, 256, 20), strict=True)]
    found = shares(reversed(edges), SHUTTER, bands, 8)
    for band, begin in enumerate(SHUTTER.begins_ns(bands)):
        moments = begin + (np.arange(3_000) + 0.5) * 5_000
        newest = np.searchsorted(times, moments, side="right") - 1
        masks = np.where(newest < 0, 0, np.array([mask for _, mask in edges])[newest])
        fine = [(masks >> light & 1).mean() for light in range(8)]
        assert found[band] == pytest.approx(fine, abs=0.01)


def test_frames_come_at_the_pace_and_stamps_jitter() -> None:
    timing = Timing(readout_us=12_000, transfer_us=2_000, jitter_us=1_000, lag_frames=2)
    shots = Shots(FreeRunning(), timing)
    shots.begin(0)
    shots.advance(100 * MS, 15_000, 33_333)
    shots.advance(400 * MS, 5_000, 33_333)
    came = list(shots.arrived(400 * MS, 400 * MS))
    assert [one.sequence for one in came] == list(range(1, len(came) + 1))
    assert {b.start_ns - a.start_ns for a, b in pairwise(came)} == {33_333_000}
    assert [one.exposure_us for one in came[:7]] == [15_000] * 6 + [5_000], "two frames after it was set"
    late_us = [(shots.stamp_ns(one) - one.start_ns) / 1_000 for one in came * 20]
    assert -1_000 <= min(late_us) < -900
    assert 900 < max(late_us) <= 1_000


def test_no_frame_comes_before_it_is_known_what_burned() -> None:
    shots = Shots(FreeRunning(), Timing(readout_us=12_000, transfer_us=2_000))
    shots.begin(0)
    shots.advance(20 * MS, 15_000, 33_333)
    assert list(shots.arrived(500 * MS, 26 * MS)) == []
    assert [one.sequence for one in shots.arrived(500 * MS, 27 * MS)] == [1]


class Tail:
    def __init__(self) -> None:
        self.edges: list[tuple[int, int]] = []

    def news(self) -> list[tuple[int, int]]:
        edges, self.edges = self.edges, []
        return edges


def test_the_trigger_makes_frames_unless_the_sensor_is_busy() -> None:
    tail = Tail()
    pace = Triggered(tail, Timing(readout_us=12_000, trigger_delay_us=20))
    tail.edges = [(1 * MS, TRIGGER)]
    pace.begin(2 * MS)
    rises = [5, 6, 12, 40]  # the second while it is high already, the third while it is exposing
    masks = [TRIGGER | 1, TRIGGER | 3, 0, TRIGGER]
    tail.edges = [(3 * MS, 0), *((at * MS, mask) for at, mask in zip(rises, masks, strict=True))]
    tail.edges[4:4] = [(14 * MS, TRIGGER), (15 * MS, 0)]
    assert list(pace.begun(50 * MS, 15_000, 33_333)) == [5 * MS + 20_000, 40 * MS + 20_000]
    assert pace.refused == 1


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LightLogWriter]:
    writer = LightLogWriter(tmp_path / "lights").open()
    yield writer
    writer.close()


@pytest.mark.parametrize(("fourcc", "within"), [("GREY", 0.2), ("YUYV", 0.8), ("MJPG", 0.8), ("Y16", 0.2)])
def test_every_format_shows_the_light(
    rig: Any, log: LightLogWriter, tmp_path: Path, fourcc: str, within: float
) -> None:
    log.write(time.monotonic_ns(), 1 << 5)
    lamps, truth = Lamps(tmp_path / "lights"), TruthWriter(tmp_path / "truth")
    truth.open()
    sensor = LitSensor(lamps, readout_us=5_000, truth=truth)
    _, client = rig(sensor.expose, offer=Offer({fourcc: [(160, 120)]}), note=sensor.note)
    client.open(fourcc=fourcc)
    client.ask("configure", 0, 0, 15_000, 1.0)
    by_light = np.zeros((BANDS, LIGHTS))
    by_light[:, 5] = 1
    expected = World.of(160, 120).picture(by_light, 15_000)
    scale = 256 if fourcc == "Y16" else 1
    for quarters in client.ask("rows", 3):
        for quarter, rows in zip(quarters, np.split(expected, 4), strict=True):
            assert quarter / scale == pytest.approx(rows.mean(), abs=within)
    [[_, stamp_s, *_]] = client.ask("frames", 1)
    client.ask("close")
    known = {one.stamp_us: one for one in read_truth(tmp_path / "truth")}
    assert known[round(stamp_s * 1e6)].pure(5)
    truth.close()
    lamps.close()


def test_lamps_follow_a_board_that_came_later_or_again(tmp_path: Path) -> None:
    lamps = Lamps(tmp_path / "lights")
    assert list(lamps.edges_back()) == []
    assert lamps.news() == []
    for mask in (1, 2):
        writer = LightLogWriter(tmp_path / "lights").open()
        writer.write(100, mask)
        assert lamps.news() == [(100, mask)]
        assert list(islice(lamps.edges_back(), 1)) == [(100, mask)]
        writer.close()
    assert lamps.known_until_ns() <= time.monotonic_ns()
    lamps.close()
