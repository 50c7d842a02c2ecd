"""TCP with real sockets: only named keys come in, and who does not is told why."""

import json
import socket as sockets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import zmq

from station.bus.control import ControlServer
from station.bus.courier import Courier, LostError
from station.bus.events import EventPublisher
from station.bus.intake import IntakeServer
from station.bus.keys import KeyRing, write_client_key
from station.bus.method import Method, Methods, caller, table
from station.bus.parcel import Commit
from station.client import AsyncStationClient
from station.documents.event import DeviceStatus, Status
from station.documents.fault import StationError
from station.documents.key import ClientKey, load_key
from station.documents.limits import Limits
from station.documents.requests import NoParams

LIMITS = Limits(connect_s=1.0, event_heartbeat_s=0.05)


async def whoami(_: NoParams) -> str:
    return caller().client


async def status(_: NoParams) -> Status:
    device = DeviceStatus(state="simulated")
    return Status(
        boot="b",
        seq=0,
        version="",
        pid=1,
        state="idle",
        quiescent=True,
        simulated=True,
        rig=device,
        camera=device,
    )


def methods() -> Methods:
    return table(
        Method("whoami", whoami, NoParams, str, "The name of the key."),
        Method("status", status, NoParams, Status, "What is going on."),
    )


def free_address() -> str:
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys")


@pytest_asyncio.fixture
async def server(ring: KeyRing) -> AsyncIterator[tuple[str, str]]:
    """Addresses of a guarded `control` and `events`."""
    control, events = free_address(), free_address()
    async with (
        ControlServer(control, methods(), LIMITS, ring),
        EventPublisher(events, "b", limits=LIMITS, keys=ring),
    ):
        yield control, events


async def refusal(client: AsyncStationClient) -> str:
    with pytest.raises(StationError) as caught:
        await client.call("whoami")
    assert caught.value.code == "key_refused"
    assert "station keys add" in caught.value.hint
    return str(caught.value)


async def test_a_named_key_comes_in_and_is_known_by_its_name(ring: KeyRing, server: Any) -> None:
    for name in ("tablet", "office"):
        async with AsyncStationClient(*server, LIMITS, ring.add(name)) as client:
            assert await client.call("whoami") == name


async def test_events_come_over_tcp_too(ring: KeyRing, server: Any) -> None:
    async with AsyncStationClient(*server, LIMITS, ring.add("tablet")) as client:
        watching = client.watch()
        assert isinstance(await anext(watching), Status)
        await watching.aclose()


def strange_key(**parts: str) -> ClientKey:
    public, secret = (half.decode() for half in zmq.curve_keypair())
    return ClientKey(**{"name": "x", "public": public, "secret": secret, "server": public, **parts})


async def test_an_unknown_key_is_refused_in_words(ring: KeyRing, server: Any) -> None:
    key = strange_key(server=ring.server().public)
    async with AsyncStationClient(*server, LIMITS, key) as client:
        assert "does not let this key in" in await refusal(client)
        with pytest.raises(StationError, match="does not let this key in"):
            await anext(client.watch())


async def test_the_key_of_another_station_is_refused_in_words(ring: KeyRing, server: Any) -> None:
    key = ring.add("tablet").replace(server=strange_key().public)
    async with AsyncStationClient(*server, LIMITS, key) as client:
        assert "has not the key that this key file names" in await refusal(client)


async def test_a_server_without_keys_is_not_trusted(ring: KeyRing, peer: Any) -> None:
    address = free_address()
    stranger = peer(zmq.ROUTER, free_address())
    stranger.bind(address)
    async with AsyncStationClient(address, address, LIMITS, ring.add("tablet")) as client:
        assert "does not use keys" in await refusal(client)


async def test_without_a_key_nothing_is_sent_over_tcp(server: Any) -> None:
    with pytest.raises(StationError, match="no key is given") as caught:
        await AsyncStationClient(*server, LIMITS).open()
    assert caught.value.code == "key_refused"


async def test_a_socket_without_a_key_never_gets_a_connection(server: Any, peer: Any) -> None:
    socket = peer(zmq.DEALER, free_address(), IMMEDIATE=1)
    monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    socket.connect(server[0])
    assert await monitor.poll(10_000)
    with pytest.raises(zmq.Again):
        await socket.send(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "whoami"}).encode(), flags=zmq.NOBLOCK
        )


async def test_a_key_can_be_let_in_and_shut_out_while_the_server_runs(ring: KeyRing, server: Any) -> None:
    key = ring.add("tablet")
    ring.remove("tablet")
    async with AsyncStationClient(*server, LIMITS, key) as client:
        assert "does not let this key in" in await refusal(client)
        (Path(ring._clients) / "tablet.json").write_text(json.dumps({"name": "tablet", "public": key.public}))
        assert await client.call("whoami") == "tablet"


async def test_an_absent_server_is_absent_not_refused(ring: KeyRing) -> None:
    address = free_address()
    async with AsyncStationClient(address, address, Limits(connect_s=0.2), ring.add("tablet")) as client:
        with pytest.raises(StationError) as caught:
            await client.call("whoami")
        assert caught.value.code == "daemon_absent"


async def test_a_port_scan_over_tcp_does_not_end_it(ring: KeyRing, server: Any) -> None:
    port = int(server[0].rpartition(":")[2])
    for content in (b"GET / HTTP/1.1\r\n\r\n" * 500, b"", b"\xff" * 100):
        with sockets.create_connection(("127.0.0.1", port)) as scanner:
            scanner.sendall(content)
    async with AsyncStationClient(*server, LIMITS, ring.add("tablet")) as client:
        assert await client.call("whoami") == "tablet"


async def test_tcp_is_not_served_without_keys() -> None:
    with pytest.raises(StationError, match="without keys") as caught:
        await ControlServer(free_address(), methods()).open()
    assert caught.value.code == "endpoint_invalid"


async def test_a_taken_port_is_named(ring: KeyRing, server: Any) -> None:
    with pytest.raises(StationError, match="cannot be bound: Address already in use"):
        await ControlServer(server[0], methods(), LIMITS, ring).open()


class NoStore:
    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AssertionError(name)


async def test_parcels_travel_over_tcp_with_a_key_only(ring: KeyRing) -> None:
    address = free_address()
    async with IntakeServer(address, NoStore(), LIMITS, ring):
        async with Courier(address, LIMITS, ring.add("station2")) as courier:
            assert (await courier.ask(Commit(parcel="p"))).type == "again"
        with pytest.raises(LostError, match="does not let this station's key in"):
            await Courier(address, LIMITS, strange_key(server=ring.server().public)).open()
        with pytest.raises(LostError, match="has not the key that the key file names"):
            await Courier(address, LIMITS, strange_key()).open()
        with pytest.raises(LostError, match="no key is given"):
            await Courier(address, LIMITS).open()


def test_the_ring_keeps_its_own_key_and_hands_each_client_one(ring: KeyRing, tmp_path: Path) -> None:
    first, second = ring.add("tablet"), ring.add("office")
    assert first.server == second.server == KeyRing(tmp_path / "keys").server().public
    assert len({first.public, second.public, first.secret, second.secret}) == 4
    assert ring.names() == ["office", "tablet"]
    assert ring.name_of(first.public) == "tablet"
    assert ring.name_of(first.secret) is None
    ring.remove("tablet")
    assert ring.name_of(first.public) is None
    assert ring.names() == ["office"]


def test_no_secret_is_readable_by_others_and_no_clients_secret_is_kept(ring: KeyRing, tmp_path: Path) -> None:
    key = ring.add("tablet")
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["server.json", "tablet.json"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert not any(key.secret in path.read_text() for path in files)


@pytest.mark.parametrize("name", ["", "a b", "../up", "x" * 33, "tablet\n"])
def test_names_that_are_none(ring: KeyRing, name: str) -> None:
    for change in (ring.add, ring.remove):
        with pytest.raises(StationError, match="no name for a key") as caught:
            change(name)
        assert caught.value.code == "bad_request"


def test_a_name_belongs_to_one_client(ring: KeyRing) -> None:
    ring.add("tablet")
    with pytest.raises(StationError, match="there is a key named tablet already"):
        ring.add("tablet")
    with pytest.raises(StationError, match="there is no key named office"):
        ring.remove("office")


def test_a_damaged_entry_lets_nobody_in_and_harms_nobody(ring: KeyRing, tmp_path: Path) -> None:
    key = ring.add("tablet")
    (tmp_path / "keys" / "clients" / "a.json").write_text("{")
    assert ring.name_of(key.public) == "tablet"
    (tmp_path / "keys" / "server.json").write_text("{")
    with pytest.raises(StationError, match=r"server\.json is damaged"):
        ring.add("office")


def test_a_key_file_goes_to_its_owner_and_back(ring: KeyRing, tmp_path: Path) -> None:
    key = ring.add("tablet")
    path = tmp_path / "tablet.key"
    write_client_key(key, path)
    assert load_key(path) == key
    with pytest.raises(StationError, match="exists already"):
        write_client_key(key, path)
    path.chmod(0o644)
    with pytest.raises(StationError, match="can be read by others") as caught:
        load_key(path)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize(
    "content", ["", "{}", '{"name":"x","public":"short","secret":"s","server":"s"}', "\0"]
)
def test_files_that_are_no_keys(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(StationError, match="is not a key file"):
        load_key(path)
    with pytest.raises(StationError, match="cannot be read: No such file"):
        load_key(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StationError) as caught:
        KeyRing(tmp_path / "file" / "keys").add("tablet")
    assert caught.value.code == "data_unwritable"
