"""`control` with real sockets: clients cannot hurt it."""

import asyncio
import json
import os
import socket as unix
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from station.bus.control import ControlServer
from station.bus.method import Method, Methods, table
from station.documents.base import StrictDocument
from station.documents.fault import StationError
from station.documents.limits import KIB, Limits
from station.documents.requests import NoParams

LIMITS = Limits(request_bytes=64 * KIB, control_bytes=256 * KIB, control_queue=10)
Endpoint = Callable[[str], str]


class Echo(StrictDocument):
    word: str


class Bench:
    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)

    def methods(self) -> Methods:
        return table(
            Method("echo", self.echo, Echo, str, "Says it back."),
            Method("wait", self.wait, NoParams, str, "Answers when the gate opens."),
        )

    async def echo(self, params: Echo) -> str:
        return params.word

    async def wait(self, _: NoParams) -> str:
        self.waiting.release()
        await self.gate.wait()
        return "open"


def request(method: str, request_id: int = 1, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}).encode()


async def answer_of(socket: Any) -> Any:
    return json.loads((await socket.recv_multipart())[-1])


async def echo(socket: Any, word: str) -> str:
    await socket.send(request("echo", word=word))
    return str((await answer_of(socket))["result"])


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
async def test_a_request_is_answered_in_its_envelope(endpoint: Endpoint, peer: Any, kind: int) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        assert await echo(peer(kind, endpoint("control")), "hello") == "hello"


async def test_a_waiting_handler_holds_up_nobody(endpoint: Endpoint, peer: Any) -> None:
    bench = Bench()
    async with ControlServer(endpoint("control"), bench.methods(), LIMITS):
        socket = peer(zmq.DEALER, endpoint("control"))
        await socket.send(request("wait", 1))
        await socket.send(request("echo", 2, word="abort"))
        assert (await answer_of(socket))["id"] == 2
        bench.gate.set()
        assert (await answer_of(socket)) == {"jsonrpc": "2.0", "id": 1, "result": "open"}


async def test_more_requests_than_are_served_at_once_wait_their_turn(endpoint: Endpoint, peer: Any) -> None:
    bench = Bench()
    limits = Limits(requests_at_once=2)
    async with ControlServer(endpoint("control"), bench.methods(), limits):
        socket = peer(zmq.DEALER, endpoint("control"))
        for number in range(5):
            await socket.send(request("wait", number))
        for _ in range(2):
            await bench.waiting.acquire()
        assert bench.waiting.locked()
        bench.gate.set()
        assert {(await answer_of(socket))["id"] for _ in range(5)} == set(range(5))


async def test_many_clients_each_get_their_own_answer(endpoint: Endpoint, peer: Any) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        sockets = [peer(zmq.DEALER, endpoint("control")) for _ in range(40)]
        words = [f"word {number}" for number in range(40)]
        assert await asyncio.gather(*map(echo, sockets, words)) == words


async def test_a_long_request_is_answered_with_the_limit(endpoint: Endpoint, peer: Any) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        socket = peer(zmq.DEALER, endpoint("control"))
        await socket.send(b"x" * (100 * KIB))
        error = (await answer_of(socket))["error"]
        assert error["code"] == -32600
        assert "65536 are allowed" in error["message"]
        assert await echo(socket, "still here") == "still here"


async def test_who_sends_a_monster_is_cut_off_and_the_others_are_not(endpoint: Endpoint, peer: Any) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        socket, other = peer(zmq.DEALER, endpoint("control")), peer(zmq.DEALER, endpoint("control"))
        assert await echo(socket, "before") == "before"
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        await socket.send(b"x" * (512 * KIB))
        assert await monitor.poll(10_000)
        assert await echo(other, "others") == "others"


@pytest.mark.parametrize(
    "frames",
    [[b""], [b"", b""], [b"a", b"b", b"c"], [b"\0" * 10], [b"{}", b""], [b"x"] * 300],
    ids=["empty", "empties", "three", "zeros", "trailing", "many"],
)
async def test_strange_frames_get_an_error(endpoint: Endpoint, peer: Any, frames: list[bytes]) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        socket = peer(zmq.DEALER, endpoint("control"))
        await socket.send_multipart(frames)
        assert (await answer_of(socket))["error"]["code"] in (-32700, -32600)
        assert await echo(socket, "alive") == "alive"


async def raw(address: str, content: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(address.removeprefix("ipc://"))
    writer.write(content)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    del reader


GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01NULL" + b"\0" * 16 + b"\0" + b"\0" * 31


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: station\r\n\r\n" * 200,
        b"\xff" * 64,
        GREETING[:20],
        GREETING,
        GREETING + b"\x04\x26\x05READY",
        GREETING + b"\x06" + (1 << 62).to_bytes(8, "big") + b"half a message",
        os.urandom(10_000),
    ],
    ids=["nothing", "http", "ones", "half-greeting", "greeting", "half-ready", "endless", "random"],
)
async def test_a_port_scan_does_not_end_it(endpoint: Endpoint, peer: Any, content: bytes) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        for _ in range(3):
            await raw(endpoint("control"), content)
        assert await echo(peer(zmq.DEALER, endpoint("control")), "alive") == "alive"


async def test_a_client_that_never_reads_costs_the_others_nothing(endpoint: Endpoint, peer: Any) -> None:
    async with ControlServer(endpoint("control"), Bench().methods(), LIMITS):
        deaf = peer(zmq.DEALER, endpoint("control"), RCVHWM=1)
        word = "x" * (8 * KIB)
        for number in range(300):
            await deaf.send(request("echo", number, word=word))
        assert await echo(peer(zmq.DEALER, endpoint("control")), "alive") == "alive"


async def test_a_client_that_leaves_before_its_answer_is_forgotten(
    endpoint: Endpoint, peer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    async with ControlServer(endpoint("control"), bench.methods(), LIMITS):
        socket = peer(zmq.DEALER, endpoint("control"))
        await socket.send(request("wait"))
        await bench.waiting.acquire()
        socket.close(linger=0)
        bench.gate.set()
        assert await echo(peer(zmq.DEALER, endpoint("control")), "alive") == "alive"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_close_cancels_what_waits(endpoint: Endpoint, peer: Any) -> None:
    bench = Bench()
    async with ControlServer(endpoint("control"), bench.methods(), LIMITS):
        await peer(zmq.DEALER, endpoint("control")).send(request("wait"))
        await bench.waiting.acquire()


async def test_the_folder_is_made_private(endpoint: Endpoint, tmp_path: Path) -> None:
    async with ControlServer(endpoint("control"), Bench().methods()):
        assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700


async def refusal(address: str) -> StationError:
    with pytest.raises(StationError) as caught:
        await ControlServer(address, Bench().methods()).open()
    assert caught.value.code == "endpoint_invalid"
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_living_server_keeps_its_address(endpoint: Endpoint, peer: Any) -> None:
    async with ControlServer(endpoint("control"), Bench().methods()):
        assert "already served" in str(await refusal(endpoint("control")))
        assert await echo(peer(zmq.DEALER, endpoint("control")), "mine") == "mine"


async def test_the_socket_of_a_dead_server_is_taken_over(
    endpoint: Endpoint, peer: Any, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    with unix.socket(unix.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "run" / "control"))
    async with ControlServer(endpoint("control"), Bench().methods()):
        assert await echo(peer(zmq.DEALER, endpoint("control")), "new") == "new"


async def test_a_folder_open_to_others_is_refused(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)
    error = await refusal(endpoint("control"))
    assert "0755" in str(error)
    assert "chmod 700" in error.hint


async def test_a_file_at_the_address_is_not_removed(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / "control").write_text("precious")
    await refusal(endpoint("control"))
    assert (tmp_path / "run" / "control").read_text() == "precious"


@pytest.mark.parametrize(
    "address",
    ["", "ipc://", "ipc://relative", "ipc://@abstract", "ipc://*", "inproc://here", "carrier-pigeon://x"],
)
async def test_addresses_that_cannot_be_served(address: str) -> None:
    await refusal(address)


async def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir(mode=0o700)
    await refusal(f"ipc://{folder}/control")
