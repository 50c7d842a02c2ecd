"""Endpoints and sockets for the tests of the bus; a station that sends and a store that receives."""

import asyncio
import hashlib
import importlib.util
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from station.documents.limits import KIB, Limits
from station.training.intake_store import FileIntakeStore

SENDER = Path(__file__).parent / "sender.py"
_spec = importlib.util.spec_from_file_location("sender", SENDER)
assert _spec is not None
assert _spec.loader is not None
sender = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sender)


@pytest.fixture
def endpoint(tmp_path: Path) -> Callable[[str], str]:
    """`endpoint("control")` is an address in a folder that does not exist yet."""
    return lambda name: f"ipc://{tmp_path}/run/{name}"


@pytest.fixture
def peer() -> Iterator[Callable[..., Any]]:
    """`peer(zmq.DEALER, address)` is a plain asynchronous socket, as any other program would have it."""
    made: list[tuple[zmq.asyncio.Context, zmq.asyncio.Socket]] = []

    def make(kind: int, address: str, **options: int) -> zmq.asyncio.Socket:
        context = zmq.asyncio.Context()
        socket = context.socket(kind)
        made.append((context, socket))
        for name, value in {"LINGER": 0, "RCVTIMEO": 20_000, **options}.items():
            socket.setsockopt(zmq.SocketOption[name], value)
        socket.connect(address)
        return socket

    yield make
    for context, _ in made:
        context.destroy(linger=0)


@pytest.fixture
def limits() -> Limits:
    """Small chunks and little patience, so that a parcel takes many and an absent intake no time."""
    return Limits(chunk_bytes=64 * KIB, delivery_backoff_s=0.02, connect_s=0.5)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits, within bounds, for a condition."""

    async def wait(done: Callable[[], bool], timeout_s: float = 60.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not done():  # noqa: ASYNC110 - a file on disk or another process raises no event
                await asyncio.sleep(0.001)

    return wait


class Station:
    """A sending station: files on disk and an outbox that names them."""

    def __init__(self, root: Path) -> None:
        self.files = root / "scans"
        self.outbox = root / "outbox"
        self.files.mkdir()
        self.outbox.mkdir()
        self.contents: dict[str, bytes] = {}

    def put(self, parcel: str, contents: dict[str, bytes], **wrong: Any) -> None:
        """Queue a parcel of these files; `wrong` replaces what the outbox says of each."""
        listed = []
        for name, content in contents.items():
            path = self.files / f"{parcel}-{name}"
            path.write_bytes(content)
            sha256 = hashlib.sha256(content).hexdigest()
            self.contents[sha256] = content
            listed.append({"name": name, "path": str(path), "sha256": sha256, "bytes": len(content)} | wrong)
        (self.outbox / f"{parcel}.json").write_text(json.dumps(listed))

    @staticmethod
    def photo(size: int, seed: int = 1) -> bytes:
        """Content that repeats nowhere."""
        return random.Random(seed).randbytes(size)

    def open_outbox(self) -> Any:
        """The outbox as a sender sees it after its start."""
        return sender.FolderOutbox(self.outbox)

    def state(self, parcel: str) -> str:
        """`.json` while it waits, else `.delivered` or `.refused`."""
        return next(path.suffix for path in self.outbox.glob(f"{parcel}.*"))

    def assert_all_arrived(self, store: FileIntakeStore, parcels: int) -> None:
        """Every parcel once, every file with its bytes, and no file twice."""
        received = store.parcels()
        assert len(received) == len({parcel.id for parcel in received}) == parcels
        assert {file.sha256 for parcel in received for file in parcel.files} == set(self.contents)
        for sha256, content in self.contents.items():
            assert store.path(sha256).read_bytes() == content


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """A station with nothing to send yet."""
    return Station(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileIntakeStore]:
    """The trainer's store, empty."""
    with FileIntakeStore(tmp_path / "store") as opened:
        yield opened
