"""Delivery between real processes, which are killed at the worst moments."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from station.bus.delivery import Deliverer
from station.bus.intake import IntakeServer
from station.documents.limits import MIB, Limits
from station.training.intake_store import FileIntakeStore

SENDER = Path(__file__).parent / "sender.py"
BIG = 24 * MIB
TRAINER = """
import sys
from station.config import Settings
from station.trainer import run
run(Settings.model_validate_json(sys.argv[1]))
"""
Endpoint = Callable[[str], str]


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


def trainer(tmp_path: Path, *under: str) -> Any:
    """The real trainer as a process, if need be under another program."""
    settings = {
        "station": {"data": str(tmp_path / "data")},
        "bus": {"folder": str(tmp_path / "run")},
        "trainer": {"data": str(tmp_path / "store")},
    }
    return process(*under, sys.executable, "-c", TRAINER, json.dumps(settings))


def part_bytes(tmp_path: Path, station: Any) -> int:
    """How much of the one file is at the receiver."""
    (sha256,) = station.contents
    part = tmp_path / "store" / "parts" / sha256
    return part.stat().st_size if part.exists() else 0


async def ready(running: asyncio.subprocess.Process) -> None:
    assert running.stdout is not None
    assert (await running.stdout.readline()).startswith(b"trainer ready")


async def test_the_trainer_is_killed_in_the_middle_of_a_file(
    endpoint: Endpoint, station: Any, tmp_path: Path, limits: Limits, until: Any
) -> None:
    station.put("p", {"stack.tif": station.photo(BIG)})
    outbox = station.open_outbox()
    async with Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer:
        async with trainer(tmp_path) as first:
            await ready(first)
            await until(lambda: part_bytes(tmp_path, station) > 2 * MIB)
            first.kill()
            await first.wait()
        kept = part_bytes(tmp_path, station)
        sent = deliverer.sent_bytes
        assert 2 * MIB < kept < BIG
        assert station.state("p") == ".json"
        async with trainer(tmp_path) as second:
            await ready(second)
            await until(lambda: station.state("p") == ".delivered")
        # what had arrived was not sent again; what was under way was
        assert deliverer.sent_bytes - sent <= BIG - kept + limits.credit_chunks * limits.chunk_bytes
        assert deliverer.sent_bytes <= BIG + limits.credit_chunks * limits.chunk_bytes
    assert outbox.log.count("delivered p") == 1
    with FileIntakeStore(tmp_path / "store") as store:
        station.assert_all_arrived(store, 1)


async def test_the_station_is_killed_in_the_middle_of_a_file(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, tmp_path: Path, limits: Limits, until: Any
) -> None:
    station.put("p", {"stack.tif": station.photo(BIG)})
    arguments = (
        sys.executable,
        str(SENDER),
        endpoint("intake"),
        str(station.outbox),
        str(limits.chunk_bytes),
    )
    async with IntakeServer(endpoint("intake"), store, limits) as intake:
        async with process(*arguments) as first:
            await until(lambda: part_bytes(tmp_path, station) > 2 * MIB)
            first.kill()
            await first.wait()
        assert station.state("p") == ".json"
        async with process(*arguments) as second:
            assert second.stdout is not None
            sent = int(await second.stdout.readline())
        assert intake.received_bytes == BIG  # not one byte was taken twice
        assert 0 < sent <= BIG - 2 * MIB
    station.assert_all_arrived(store, 1)


@pytest.fixture
def kills_until_delivered(
    endpoint: Endpoint, station: Any, tmp_path: Path, limits: Limits, until: Any
) -> Callable[[int, int], Awaitable[int]]:
    """Kills the trainer at random places until all parcels are delivered; how often that was."""

    async def kill(parcels: int, size: int) -> int:
        chance = random.Random(7)
        for number in range(parcels):
            station.put(
                f"p{number}", {f"f{part}": station.photo(size, 10 * number + part) for part in range(2)}
            )
        outbox = station.open_outbox()
        kills = 0
        async with Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer:
            while not outbox.empty.is_set():
                goal = deliverer.sent_bytes + chance.randrange(1, 3 * size)
                async with trainer(tmp_path):
                    await until(lambda goal=goal: outbox.empty.is_set() or deliverer.sent_bytes > goal)
                    kills += not outbox.empty.is_set()
            total = parcels * 2 * size
            assert total <= deliverer.sent_bytes <= total + kills * limits.credit_chunks * limits.chunk_bytes
        delivered = sorted(line for line in outbox.log if line.startswith("delivered"))
        assert delivered == sorted(f"delivered p{number}" for number in range(parcels))
        with FileIntakeStore(tmp_path / "store") as store:
            station.assert_all_arrived(store, parcels)
        return kills

    return kill


async def test_a_trainer_killed_again_and_again_loses_and_doubles_nothing(kills_until_delivered: Any) -> None:
    assert await kills_until_delivered(4, 2 * MIB) >= 2


@pytest.mark.soak
@pytest.mark.timeout(1_800)
async def test_a_trainer_killed_a_hundred_times(kills_until_delivered: Any) -> None:
    assert await kills_until_delivered(100, 1 * MIB) >= 50


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def test_nothing_is_acknowledged_before_it_is_on_the_disk(
    endpoint: Endpoint,
    station: Any,
    tmp_path: Path,
    program: Callable[[str], str],
    limits: Limits,
    until: Any,
) -> None:
    """The order of the system calls: the file's bytes, its name, the table's row, then the answer."""
    station.put("p", {"a.tif": station.photo(300_000)})
    (sha256,) = station.contents
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write"
    options = ("-f", "-y", "-s", "200", "-e", calls, "-o", str(trace))
    outbox = station.open_outbox()
    async with trainer(tmp_path, program("strace"), *options) as running:
        await ready(running)
        async with Deliverer(endpoint("intake"), outbox, "bench", limits):
            await until(lambda: station.state("p") == ".delivered")
        os.kill(child_of(running.pid), signal.SIGTERM)
        await running.wait()
    lines = trace.read_text().splitlines()

    def first(*words: str) -> int:
        found = [number for number, line in enumerate(lines) if all(word in line for word in words)]
        assert found, f"no system call with {words}"
        return found[0]

    order = [
        first("fsync(", f"parts/{sha256}"),
        first("rename", f"parts/{sha256}", f"blobs/{sha256[:2]}/{sha256}"),
        first("fsync(", f"blobs/{sha256[:2]}>"),
        first(r"\"type\":\"acknowledged\""),
    ]
    assert order == sorted(order)
    synced = [number for number, line in enumerate(lines) if "sync(" in line and "intake.sqlite-wal" in line]
    assert any(order[2] < number < order[3] for number in synced)
