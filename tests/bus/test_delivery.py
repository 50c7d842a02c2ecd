"""Delivery with real sockets, real files and real processes, which are killed at the worst moments."""

import asyncio
import hashlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from station.bus.delivery import Deliverer
from station.bus.intake import IntakeServer
from station.bus.parcel import Commit, Need, NotNowError, Offer, ParcelFile
from station.documents.limits import KIB, MIB, Limits
from station.training.intake_store import FileIntakeStore

SENDER = Path(__file__).parent / "sender.py"
_spec = importlib.util.spec_from_file_location("sender", SENDER)
assert _spec is not None
assert _spec.loader is not None
sender = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sender)

CHUNK = 64 * KIB
LIMITS = Limits(chunk_bytes=CHUNK, delivery_backoff_s=0.02, connect_s=0.5)
BIG = 24 * MIB
TRAINER = """
import sys
from station.config import Settings
from station.trainer import run
run(Settings.model_validate_json(sys.argv[1]))
"""
Endpoint = Callable[[str], str]


class Station:
    """A sending station: files on disk and an outbox that names them."""

    def __init__(self, root: Path) -> None:
        self.files = root / "scans"
        self.outbox = root / "outbox"
        self.files.mkdir()
        self.outbox.mkdir()
        self.contents: dict[str, bytes] = {}

    def put(self, parcel: str, contents: dict[str, bytes], **wrong: Any) -> None:
        listed = []
        for name, content in contents.items():
            path = self.files / f"{parcel}-{name}"
            path.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            self.contents[sha256] = content
            listed.append({"name": name, "path": str(path), "sha256": sha256, "bytes": len(content)} | wrong)
        (self.outbox / f"{parcel}.json").write_text(json.dumps(listed))

    def state(self, parcel: str) -> str:
        return next(path.suffix for path in self.outbox.glob(f"{parcel}.*"))


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileIntakeStore]:
    with FileIntakeStore(tmp_path / "store") as opened:
        yield opened


async def until(done: Callable[[], bool], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not done():  # noqa: ASYNC110 - a file on disk or another process raises no event
            await asyncio.sleep(0.001)


def assert_all_arrived(station: Station, store: FileIntakeStore, parcels: int) -> None:
    """Every parcel once, every file with its bytes, and no file twice."""
    received = store.parcels()
    assert len(received) == len({parcel.id for parcel in received}) == parcels
    assert {file.sha256 for parcel in received for file in parcel.files} == set(station.contents)
    for sha256, content in station.contents.items():
        assert store.path(sha256).read_bytes() == content


def photo(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


async def test_parcels_arrive_once_and_whole(
    endpoint: Endpoint, station: Station, store: FileIntakeStore
) -> None:
    for number in range(3):
        station.put(
            f"p{number}", {"a.tif": photo(300_000, number), "shared": b"the same in each", "empty": b""}
        )
    outbox = sender.FolderOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), store, LIMITS) as intake,
        Deliverer(endpoint("intake"), outbox, "bench", LIMITS) as deliverer,
    ):
        await outbox.empty.wait()
        assert_all_arrived(station, store, 3)
        assert intake.received_bytes == deliverer.sent_bytes == 3 * 300_000 + len(b"the same in each")
    assert outbox.log == [f"{what} p{number}" for number in range(3) for what in ("sending", "delivered")]
    assert {parcel.station for parcel in store.parcels()} == {"bench"}


async def test_what_comes_later_is_delivered_when_woken(
    endpoint: Endpoint, station: Station, store: FileIntakeStore
) -> None:
    limits = Limits(delivery_idle_s=3600.0)
    outbox = sender.FolderOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), store, limits),
        Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer,
    ):
        await outbox.empty.wait()
        station.put("late", {"a": b"1"})
        deliverer.wake()
        await until(lambda: station.state("late") == ".delivered")


async def test_nothing_is_sent_again_for_a_parcel_that_was_acknowledged(
    endpoint: Endpoint, station: Station, store: FileIntakeStore
) -> None:
    """The sender died between the acknowledgement and its own note of it."""
    station.put("p", {"a": photo(500_000)})
    async with IntakeServer(endpoint("intake"), store, LIMITS) as intake:
        for _ in range(2):
            outbox = sender.FolderOutbox(station.outbox)
            async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS):
                await outbox.empty.wait()
            (station.outbox / "p.delivered").rename(station.outbox / "p.json")
        assert intake.received_bytes == 500_000
    assert_all_arrived(station, store, 1)


async def test_an_absent_intake_is_waited_for_and_the_entry_stays_queued(
    endpoint: Endpoint, station: Station, store: FileIntakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(connect_s=0.02, delivery_backoff_s=0.01, delivery_backoff_most_s=0.02)
    station.put("p", {"a": b"1"})
    outbox = sender.FolderOutbox(station.outbox)
    async with Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer:
        await until(lambda: "no intake answers" in deliverer.trouble)
        assert outbox.log == []
        async with IntakeServer(endpoint("intake"), store, limits):
            await until(lambda: station.state("p") == ".delivered")
            await until(lambda: deliverer.trouble == "")
    assert len([record for record in caplog.records if "no intake" in record.getMessage()]) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"sha256": "0" * 64}, "a.tif: the SHA-256 of its bytes is"),
        ({"bytes": 1_000_001}, "a.tif: the file ends after 1000000 of 1000001 bytes"),
        ({"path": "/nonexistent/a.tif"}, "a.tif: the file /nonexistent/a.tif is missing"),
        ({"name": "../a.tif"}, "'../a.tif' is not a plain relative name"),
        ({"sha256": "short"}, "a.tif: sha256"),
    ],
    ids=["hash", "length", "missing", "name", "no-hash"],
)
async def test_a_bad_parcel_is_refused_once_by_name_and_the_next_one_goes(
    endpoint: Endpoint, station: Station, store: FileIntakeStore, wrong: dict[str, Any], why: str
) -> None:
    station.put("bad", {"a.tif": photo(1_000_000)}, **wrong)
    station.contents.clear()
    station.put("good", {"a": b"1"})
    outbox = sender.FolderOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), store, LIMITS),
        Deliverer(endpoint("intake"), outbox, "bench", LIMITS),
    ):
        await outbox.empty.wait()
    (refusal,) = [line for line in outbox.log if line.startswith("refused")]
    assert why in refusal
    assert station.state("bad") == ".refused"
    assert_all_arrived(station, store, 1)


async def test_at_most_the_credit_is_under_way(endpoint: Endpoint, station: Station, peer: Any) -> None:
    """An intake that takes its time is never sent more chunks than it allowed."""
    station.put("p", {"a": photo(20 * CHUNK)})
    router = peer(zmq.ROUTER, endpoint("unused"))
    (Path(endpoint("intake").removeprefix("ipc://")).parent).mkdir(mode=0o700)
    router.bind(endpoint("intake"))
    outbox = sender.FolderOutbox(station.outbox)
    async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS) as deliverer:
        who, offer = await router.recv_multipart()
        sha256 = json.loads(offer)["files"][0]["sha256"]
        needs = [{"sha256": sha256, "offset": 0}]
        await router.send_multipart(
            [who, json.dumps({"type": "wants", "parcel": "p", "needs": needs, "credit": 3}).encode()]
        )
        for _ in range(3):
            await router.recv_multipart()
        assert not await router.poll(100)
        assert deliverer.sent_bytes == 3 * CHUNK
        await router.send_multipart([who, b'{"type":"took","parcel":"p"}'])
        await router.recv_multipart()
        assert deliverer.sent_bytes == 4 * CHUNK


async def test_a_stranger_at_the_intakes_address_is_not_believed(
    endpoint: Endpoint, station: Station, peer: Any
) -> None:
    station.put("p", {"a": b"1"})
    router = peer(zmq.ROUTER, endpoint("unused"))
    (Path(endpoint("intake").removeprefix("ipc://")).parent).mkdir(mode=0o700)
    router.bind(endpoint("intake"))
    outbox = sender.FolderOutbox(station.outbox)
    async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS) as deliverer:
        for answer in (b"", b"OK", b'{"type":"acknowledged","parcel":"other"}\xff', b'{"type":"delivered"}'):
            who, _ = await router.recv_multipart()
            await router.send_multipart([who, answer])
            await until(lambda: "does not speak" in deliverer.trouble)
    assert station.state("p") == ".json"


class BrokenStore:
    """Refuses everything for a while, then works: a disk that was full."""

    def __init__(self, store: FileIntakeStore, commits_to_fail: int) -> None:
        self._store = store
        self._left = commits_to_fail
        self.holds, self.needs, self.append = store.holds, store.needs, store.append

    def commit(self, offer: Offer) -> bool:
        if self._left:
            self._left -= 1
            raise NotNowError("the trainer's disk refused: No space left on device")
        return self._store.commit(offer)


async def test_a_full_trainer_defers_and_the_bytes_are_not_sent_twice(
    endpoint: Endpoint, station: Station, store: FileIntakeStore
) -> None:
    station.put("p", {"a": photo(500_000)})
    outbox = sender.FolderOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), BrokenStore(store, 2), LIMITS) as intake,
        Deliverer(endpoint("intake"), outbox, "bench", LIMITS),
    ):
        await outbox.empty.wait()
        assert intake.received_bytes == 500_000
    why = "requeued p: the trainer's disk refused: No space left on device"
    assert outbox.log == ["sending p", why, "sending p", why, "sending p", "delivered p"]


class DefectStore(BrokenStore):
    def commit(self, offer: Offer) -> bool:
        if self._left:
            self._left -= 1
            raise ZeroDivisionError
        return self._store.commit(offer)


async def test_a_defect_of_the_intake_is_logged_and_survived(
    endpoint: Endpoint, station: Station, store: FileIntakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    station.put("p", {"a": b"1"})
    outbox = sender.FolderOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), DefectStore(store, 1), LIMITS),
        Deliverer(endpoint("intake"), outbox, "bench", LIMITS),
    ):
        await outbox.empty.wait()
    assert station.state("p") == ".delivered"
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


class DefectOutbox(sender.FolderOutbox):  # type: ignore[misc, name-defined]
    failures = 1

    async def sending(self, parcel_id: str) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the catalogue is gone")
        await super().sending(parcel_id)


async def test_a_defect_of_the_outbox_is_logged_and_survived(
    endpoint: Endpoint, station: Station, store: FileIntakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    station.put("p", {"a": b"1"})
    outbox = DefectOutbox(station.outbox)
    async with (
        IntakeServer(endpoint("intake"), store, LIMITS),
        Deliverer(endpoint("intake"), outbox, "bench", LIMITS),
    ):
        await outbox.empty.wait()
    assert station.state("p") == ".delivered"
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [OSError]


@pytest.mark.parametrize(
    "frames",
    [[], [b""], [b"\xff"], [b"[]"], [b'{"type":"chunk"}'], [b'{"type":"nonsense"}', b"x"], [b"{" * 10_000]],
    ids=["none", "empty", "binary", "list", "half", "unknown", "deep"],
)
async def test_garbage_is_answered_and_survived(
    endpoint: Endpoint, store: FileIntakeStore, peer: Any, frames: list[bytes]
) -> None:
    async with IntakeServer(endpoint("intake"), store, LIMITS):
        socket = peer(zmq.DEALER, endpoint("intake"))
        await socket.send_multipart(frames or [b"", b""])
        answer = json.loads((await socket.recv_multipart())[0])
        assert answer["type"] == "deferred"
        assert "did not understand" in answer["why"]


async def test_chunks_and_commits_of_unknown_parcels_ask_for_the_offer(
    endpoint: Endpoint, store: FileIntakeStore, peer: Any
) -> None:
    async with IntakeServer(endpoint("intake"), store, LIMITS):
        socket = peer(zmq.DEALER, endpoint("intake"))
        chunk = {"type": "chunk", "parcel": "p", "sha256": "0" * 64, "offset": 0}
        for frames in ([json.dumps(chunk).encode(), b"x"], [Commit(parcel="p").model_dump_json().encode()]):
            await socket.send_multipart(frames)
            assert json.loads((await socket.recv_multipart())[0]) == {"type": "again", "parcel": "p"}


async def test_offers_beyond_what_is_kept_in_mind_are_asked_for_again(
    endpoint: Endpoint, store: FileIntakeStore, peer: Any
) -> None:
    async with IntakeServer(endpoint("intake"), store, Limits(open_parcels=2)):
        socket = peer(zmq.DEALER, endpoint("intake"))

        async def ask(message: Any) -> str:
            await socket.send(message.model_dump_json().encode())
            return str(json.loads((await socket.recv_multipart())[0])["type"])

        file = ParcelFile(name="a", sha256="0" * 64, bytes=1)
        for parcel in ("p1", "p2", "p3"):
            assert await ask(Offer(parcel=parcel, scan_id="s", files=(file,))) == "wants"
        assert await ask(Commit(parcel="p1")) == "again"
    assert store.needs(Offer(parcel="p1", scan_id="s", files=(file,))) == (Need(sha256="0" * 64, offset=0),)


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


def part_bytes(tmp_path: Path, station: Station) -> int:
    """How much of the one file is at the receiver."""
    (sha256,) = station.contents
    part = tmp_path / "store" / "parts" / sha256
    return part.stat().st_size if part.exists() else 0


async def ready(running: asyncio.subprocess.Process) -> None:
    assert running.stdout is not None
    assert (await running.stdout.readline()).startswith(b"trainer ready")


async def test_the_trainer_is_killed_in_the_middle_of_a_file(
    endpoint: Endpoint, station: Station, tmp_path: Path
) -> None:
    station.put("p", {"stack.tif": photo(BIG)})
    outbox = sender.FolderOutbox(station.outbox)
    async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS) as deliverer:
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
        assert deliverer.sent_bytes - sent <= BIG - kept + LIMITS.credit_chunks * CHUNK
        assert deliverer.sent_bytes <= BIG + LIMITS.credit_chunks * CHUNK
    assert outbox.log.count("delivered p") == 1
    with FileIntakeStore(tmp_path / "store") as store:
        assert_all_arrived(station, store, 1)


async def test_the_station_is_killed_in_the_middle_of_a_file(
    endpoint: Endpoint, station: Station, store: FileIntakeStore, tmp_path: Path
) -> None:
    station.put("p", {"stack.tif": photo(BIG)})
    arguments = (sys.executable, str(SENDER), endpoint("intake"), str(station.outbox), str(CHUNK))
    async with IntakeServer(endpoint("intake"), store, LIMITS) as intake:
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
    assert_all_arrived(station, store, 1)


async def killing_loop(endpoint: Endpoint, station: Station, tmp_path: Path, parcels: int, size: int) -> int:
    """Kill the trainer at random places until all is delivered; how often that was."""
    chance = random.Random(7)
    for number in range(parcels):
        station.put(f"p{number}", {f"f{part}": photo(size, 10 * number + part) for part in range(2)})
    outbox = sender.FolderOutbox(station.outbox)
    kills = 0
    async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS) as deliverer:
        while not outbox.empty.is_set():
            goal = deliverer.sent_bytes + chance.randrange(1, 3 * size)
            async with trainer(tmp_path):
                await until(lambda goal=goal: outbox.empty.is_set() or deliverer.sent_bytes > goal)
                kills += not outbox.empty.is_set()
        total = parcels * 2 * size
        assert total <= deliverer.sent_bytes <= total + kills * LIMITS.credit_chunks * CHUNK
    delivered = sorted(line for line in outbox.log if line.startswith("delivered"))
    assert delivered == sorted(f"delivered p{number}" for number in range(parcels))
    with FileIntakeStore(tmp_path / "store") as store:
        assert_all_arrived(station, store, parcels)
    return kills


async def test_a_trainer_killed_again_and_again_loses_and_doubles_nothing(
    endpoint: Endpoint, station: Station, tmp_path: Path
) -> None:
    assert await killing_loop(endpoint, station, tmp_path, 4, 2 * MIB) >= 2


@pytest.mark.soak
@pytest.mark.timeout(1_800)
async def test_a_trainer_killed_a_hundred_times(endpoint: Endpoint, station: Station, tmp_path: Path) -> None:
    assert await killing_loop(endpoint, station, tmp_path, 100, 1 * MIB) >= 50


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def test_nothing_is_acknowledged_before_it_is_on_the_disk(
    endpoint: Endpoint, station: Station, tmp_path: Path, program: Callable[[str], str]
) -> None:
    """The order of the system calls: the file's bytes, its name, the table's row, then the answer."""
    station.put("p", {"a.tif": photo(300_000)})
    (sha256,) = station.contents
    trace = tmp_path / "trace"
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write"
    options = ("-f", "-y", "-s", "200", "-e", calls, "-o", str(trace))
    outbox = sender.FolderOutbox(station.outbox)
    async with trainer(tmp_path, program("strace"), *options) as running:
        await ready(running)
        async with Deliverer(endpoint("intake"), outbox, "bench", LIMITS):
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
