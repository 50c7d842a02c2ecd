"""Fifty stations at one trainer: bounded memory, a fair share for each, nothing lost."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from station.documents.limits import LIMITS, MIB
from tests.fleet import deliver, peak_bytes, senders, settings, trainer_process

STATIONS, PARCELS, FILES, FILE_BYTES = 50, 4, 2, 1 * MIB
BESIDE_BYTES = 96 * MIB  # buffers of the transport, threads, and what the allocator does not give back


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_fifty_stations_deliver_to_one_trainer(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    fleet = senders(tmp_path / "scans", STATIONS, PARCELS, FILES, FILE_BYTES)
    expected = {one.id: {file.sha256 for file in one.files} for each in fleet for one in each.parcels}

    async def run() -> tuple[list[int], int, int]:
        async with trainer_process(settings(tmp_path / "data", tmp_path / "run")) as process:
            idle = peak_bytes(process.pid)
            sent = await deliver(f"ipc://{tmp_path}/run/intake", fleet)
            return sent, idle, peak_bytes(process.pid)

    sent, idle, peak = asyncio.run(run())
    slowest_over_mean = min(sent) / (sum(sent) / len(sent))
    record_property("peak_memory", [peak / 1e6, "MB"])
    record_property("idle_memory", [idle / 1e6, "MB"])
    record_property("slowest_over_mean", [slowest_over_mean, "ratio"])
    with closing(sqlite3.connect(tmp_path / "data" / "trainer" / "intake.sqlite")) as found:
        received = [one for (one,) in found.execute("SELECT id FROM parcel")]
    blobs = {path.name for path in (tmp_path / "data" / "trainer" / "blobs").glob("*/*")}
    lost = set(expected) - set(received)
    record_property("lost", [len(lost), "parcels"])
    assert not lost
    assert len(received) == len(set(received)) == STATIONS * PARCELS
    assert blobs == set().union(*expected.values())
    assert slowest_over_mean >= 0.5
    assert peak <= idle + LIMITS.credit_in_all * LIMITS.chunk_bytes + BESIDE_BYTES
