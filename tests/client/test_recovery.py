"""What a client has to live with: lost events, late attachment, slow reading, peers of another kind."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from station.bus.preview import PreviewPublisher
from station.client import AsyncStationClient, StationClient
from station.client.attach import Arrival
from station.documents.event import Status
from station.documents.fault import StationError
from station.documents.limits import Limits

MISSED = 10_000


@pytest.mark.parametrize("limits", [Limits(events_queue=10, event_heartbeat_s=0.1)])
def test_a_subscriber_that_misses_ten_thousand_events_recovers_all(daemon: Any, limits: Limits) -> None:
    """Queues of ten lose nearly all of them; what the heartbeat or the next event shows is fetched."""
    with StationClient(daemon.control, daemon.events, limits) as client:
        watching = client.watch()
        assert isinstance(next(watching), Status)
        daemon.emit(MISSED)
        seen = [next(watching) for _ in range(MISSED)]
        assert [item.event.seq for item in seen if isinstance(item, Arrival)] == list(range(1, MISSED + 1))
        assert daemon.asked.count("events.since") >= MISSED // limits.page_events // 2
        watching.close()


def test_who_attaches_late_sees_one_consistent_state_while_things_go_on(daemon: Any, limits: Limits) -> None:
    """Each newcomer's snapshot is of one `seq`, and exactly the events after it follow."""
    daemon.emit(300)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            daemon.emit(1)

    busy = threading.Thread(target=go_on)
    busy.start()
    try:
        for _ in range(5):
            with StationClient(daemon.control, daemon.events, limits) as client:
                watching = client.watch()
                snapshot = next(watching)
                assert isinstance(snapshot, Status)
                assert snapshot.seq >= 300
                after = [next(watching) for _ in range(20)]
                numbers = [item.event.seq for item in after if isinstance(item, Arrival)]
                assert numbers == list(range(snapshot.seq + 1, snapshot.seq + 21))
                watching.close()
    finally:
        stop.set()
        busy.join()


class Pictures:
    """Publishes live pictures from a loop of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.number = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._publisher = self._do(PreviewPublisher(address).open())

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def publish(self, count: int) -> None:
        async def work() -> None:
            for _ in range(count):
                self.number += 1
                self._publisher.publish(b"\xff\xd8" + bytes(50_000), {"frame": self.number})
                await asyncio.sleep(0.002)

        self._do(work())

    @property
    def wanted(self) -> bool:
        return bool(self._publisher.wanted)

    def close(self) -> None:
        self._do(self._publisher.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[Pictures]:
    made = Pictures(f"ipc://{tmp_path}/run/preview")
    yield made
    made.close()


def until_new(watching: Any, pictures: Pictures, newest: int) -> list[int]:
    """Frames that a reader gets until one that was published after `newest`."""
    seen = []
    while not seen or seen[-1] <= newest:
        pictures.publish(1)
        seen.append(next(watching).facts["frame"])
    return seen


def test_who_looks_slowly_gets_the_newest_and_few_of_the_others(pictures: Pictures, tmp_path: Path) -> None:
    with StationClient(
        f"ipc://{tmp_path}/run/control", "ipc:///tmp/none", preview=pictures.address
    ) as client:
        watching = client.previews()
        first: list[int] = []
        reader = threading.Thread(target=lambda: first.append(next(watching).facts["frame"]))
        reader.start()
        while not first:
            pictures.publish(1)
        reader.join()
        pictures.publish(200)
        seen = until_new(watching, pictures, pictures.number)
        assert len(seen) < 20
        assert seen == sorted(set(seen))
        watching.close()


async def test_the_asynchronous_client_sees_pictures_too(pictures: Pictures, tmp_path: Path) -> None:
    async with AsyncStationClient(
        f"ipc://{tmp_path}/run/control", "ipc:///tmp/none", preview=pictures.address
    ) as client:
        async with contextlib.aclosing(client.previews(silence_s=0.5)) as watching:
            with pytest.raises(StopAsyncIteration):
                await anext(watching)
        async with contextlib.aclosing(client.previews()) as watching:
            looking = asyncio.ensure_future(anext(watching))
            while not looking.done():
                await asyncio.to_thread(pictures.publish, 1)
            assert looking.result().jpeg[:2] == b"\xff\xd8"


def test_a_key_that_is_not_let_in_is_told_so_by_the_live_picture_too(guarded: Any, limits: Limits) -> None:
    key = guarded.keys.add("tablet")
    (Path(guarded.keys._clients) / "tablet.json").unlink()
    with (
        StationClient(guarded.control, guarded.events, limits, key, preview=guarded.events) as client,
        pytest.raises(StationError, match="does not let this key in"),
    ):
        next(client.previews())


ZMTP = b"\xff" + b"\0" * 8 + b"\x7f"


@pytest.mark.parametrize(
    "content",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x01\x00", ZMTP + b"\x01\x05"],
    ids=["http", "ssh", "ZMTP 1", "ZMTP 2"],
)
def test_a_peer_of_another_protocol_is_named(guarded: Any, content: bytes) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        held = []
        while not over.is_set():
            with contextlib.suppress(OSError):
                peer, _ = server.accept()
                peer.sendall(content)
                held.append(peer)
        for peer in held:
            peer.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        key = guarded.keys.add("tablet")
        with StationClient(address, address, Limits(connect_s=1.0), key) as client:
            with pytest.raises(StationError, match="no station, or speaks another version of ZMTP") as caught:
                client.status()
            assert caught.value.code == "endpoint_invalid"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_another_version_of_json_rpc_is_refused_in_words(daemon: Any) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as old:
        old.linger = 0
        old.connect(daemon.control)
        old.send(b'{"jsonrpc": "1.0", "id": 7, "method": "status", "params": {}}')
        assert old.poll(10_000)
        answer = old.recv()
    assert b'"id":7' in answer
    assert b"jsonrpc: Input should be '2.0'" in answer


def test_the_operators_token_goes_with_every_request(daemon: Any, limits: Limits) -> None:
    assert StationClient(daemon.control, daemon.events, limits, operator="t").operator == "t"
    assert AsyncStationClient(daemon.control, daemon.events, limits, operator="t").operator == "t"
