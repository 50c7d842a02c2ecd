"""A card is accepted or not before its first light, and the reason is a sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from station.archive.room import Room
from station.documents.event import DeviceStatus
from station.documents.fault import StationError
from station.scan.admission import Clock, Facts, probe, refusal, unwell

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
WELL = Facts(Room(10_000_000_000, 1_000_000_000, 50_000_000), 3, 100, 0.0, NOW - timedelta(minutes=1), NOW)


def test_a_station_that_is_well_accepts_a_card() -> None:
    assert refusal(WELL) is None
    assert refusal(replace(WELL, newest=None)) is None


@pytest.mark.parametrize(
    ("facts", "code", "says"),
    [
        (replace(WELL, room=Room(900_000_000, 1_000_000_000, None)), "disk_full", "900 MB are free"),
        (replace(WELL, undelivered=100), "outbox_full", "100 scans wait to be delivered, 100 may"),
        (replace(WELL, jumped_s=86_400.0 * 2), "clock_jumped", "set forwards by 2 days since the start"),
        (replace(WELL, jumped_s=-7_300.0), "clock_jumped", "set back by 2 hours since the start"),
        (replace(WELL, newest=NOW + timedelta(days=3)), "clock_jumped", "3 days before the newest scan"),
    ],
)
def test_what_is_missing_is_named(facts: Facts, code: str, says: str) -> None:
    problem = refusal(facts)
    assert problem is not None
    assert (problem.code, says in str(problem)) == (code, True), str(problem)


def test_a_clock_that_is_set_by_a_day_is_noticed_and_sleep_is_not() -> None:
    wall, steady = [NOW], [5_000.0]
    clock = Clock(lambda: wall[0], lambda: steady[0])
    wall[0], steady[0] = NOW + timedelta(hours=9), 5_000.0 + 9 * 3_600  # the machine slept
    assert clock.jumped_s == pytest.approx(0)
    wall[0] += timedelta(days=1)
    assert clock.jumped_s == pytest.approx(86_400)
    clock.accept()
    assert clock.jumped_s == pytest.approx(0)


def test_the_disk_is_really_written_to(tmp_path: Path) -> None:
    probe(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StationError, match="is gone") as caught:
        probe(tmp_path / "unmounted")
    assert caught.value.code == "data_unwritable"


def test_a_part_that_is_lost_is_named() -> None:
    well = DeviceStatus(state="ready")
    assert unwell(rig=well, camera=DeviceStatus(state="unknown")) is None
    problem = unwell(rig=well, camera=DeviceStatus(state="lost", evidence="the cable is out"))
    assert problem is not None
    assert (problem.code, str(problem)) == ("not_ready", "the camera is lost: the cable is out")
