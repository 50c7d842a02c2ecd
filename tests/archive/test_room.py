"""Room: asked before a card is accepted, from what was measured."""

import shutil
from pathlib import Path

import pytest

from station.archive.room import Room, measure
from station.documents.fault import StationError


def test_the_disk_is_measured(tmp_path: Path) -> None:
    room = measure(tmp_path, 0, 1_000_000)
    # Others write to the same disk while we look.
    assert room.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, abs=2e9)
    assert room.sides == room.free_bytes // 1_000_000


@pytest.mark.parametrize(
    ("free", "reserve", "per_side", "sides", "admitted"),
    [
        (1_000, 0, 100, 10, True),
        (1_000, 900, 100, 1, True),
        (999, 900, 100, 0, False),
        (500, 900, 100, 0, False),
        (900, 900, None, None, True),
        (899, 900, None, None, False),
        (0, 0, None, None, True),
    ],
)
def test_a_side_is_admitted_only_above_the_reserve(
    free: int, reserve: int, per_side: int | None, sides: int | None, admitted: bool
) -> None:
    room = Room(free, reserve, per_side)
    assert room.sides == sides
    if admitted:
        room.admit()
        return
    with pytest.raises(StationError, match="MB are free") as caught:
        room.admit()
    assert caught.value.code == "disk_full"


def test_a_reserve_above_the_disk_refuses_on_the_real_disk(tmp_path: Path) -> None:
    with pytest.raises(StationError, match="one more side"):
        measure(tmp_path, 10**12, None).admit()


def test_a_data_root_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StationError, match="nowhere") as caught:
        measure(tmp_path / "nowhere", 0, None)
    assert caught.value.code == "data_unwritable"
