"""Many stations in one process, each with files of its own, for one intake; and the trainer as a process."""

import asyncio
import hashlib
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from station.bus.delivery import Deliverer
from station.bus.parcel import Parcel, SourceFile
from station.documents.limits import LIMITS, Limits

TRAINER = """
import sys
from station.config import Settings
from station.trainer import run
run(Settings.model_validate_json(sys.argv[1]))
"""


@dataclass
class Sender:
    """A station with a queue of parcels in memory. It is a `DeliverySource`."""

    name: str
    parcels: list[Parcel]
    delivered_ids: list[str] = field(default_factory=list)
    refused_ids: dict[str, str] = field(default_factory=dict)
    requeued_whys: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, but: Collection[str] = ()) -> Parcel | None:
        return next((one for one in self.parcels if one.id not in but), None)

    async def sending(self, parcel_id: str) -> None:
        pass

    async def delivered(self, parcel_id: str) -> None:
        self.delivered_ids.append(parcel_id)
        self._remove(parcel_id)

    async def refused(self, parcel_id: str, why: str) -> None:
        self.refused_ids[parcel_id] = why
        self._remove(parcel_id)

    async def requeued(self, parcel_id: str, why: str) -> None:
        self.requeued_whys.append(f"{parcel_id}: {why}")

    def _remove(self, parcel_id: str) -> None:
        self.parcels = [one for one in self.parcels if one.id != parcel_id]
        if not self.parcels:
            self.done.set()


def parcel(folder: Path, parcel_id: str, contents: dict[str, bytes]) -> Parcel:
    """Files written to a folder of their own, and the parcel that they make."""
    place = folder / parcel_id
    place.mkdir(parents=True)
    files = []
    for name, content in contents.items():
        (place / name).write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(SourceFile(name, place / name, sha256, len(content)))
    return Parcel(id=parcel_id, scan_id=f"scan-{parcel_id}", files=tuple(files))


def senders(folder: Path, stations: int, parcels: int, files: int, file_bytes: int) -> list[Sender]:
    """Stations whose content repeats nowhere."""
    chance = random.Random(6)
    made = []
    for station in range(stations):
        queue = [
            parcel(
                folder,
                f"s{station}p{number}",
                {f"light-{file}.tif": chance.randbytes(file_bytes) for file in range(files)},
            )
            for number in range(parcels)
        ]
        made.append(Sender(f"station-{station}", queue))
    return made


async def deliver(
    endpoint: str, fleet: list[Sender], root: Path | None = None, limits: Limits = LIMITS
) -> list[int]:
    """Deliver everything; how much each had sent when the first of them was done."""
    async with AsyncExitStack() as stack:
        deliverers = [
            await stack.enter_async_context(Deliverer(endpoint, one, one.name, limits, root=root))
            for one in fleet
        ]
        waiting = [asyncio.create_task(one.done.wait()) for one in fleet]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        sent = [one.sent_bytes for one in deliverers]
        await asyncio.gather(*waiting)
    return sent


def settings(folder: Path, run: Path, **station: Any) -> dict[str, Any]:
    """What a trainer in `folder` is configured with; `run` is where its sockets lie."""
    return {
        "station": {"data": str(folder), **station},
        "bus": {"folder": str(run)},
        "trainer": {"data": str(folder / "trainer")},
    }


@asynccontextmanager
async def trainer_process(settings: dict[str, Any], *under: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real trainer, ready; if need be under another program."""
    process = await asyncio.create_subprocess_exec(
        *under, sys.executable, "-c", TRAINER, json.dumps(settings), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert (await process.stdout.readline()).startswith(b"trainer ready")
        yield process
    finally:
        if process.returncode is None:
            os.kill(_child_of(process.pid) if under else process.pid, signal.SIGTERM)
        await process.communicate()


def _child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
