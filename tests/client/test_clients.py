"""Both clients against a daemon on a real bus."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from station.client import AsyncStationClient, StationClient
from station.client.attach import Arrival
from station.config import Settings
from station.documents.event import Status
from station.documents.fault import StationError
from station.documents.limits import Limits


@pytest.fixture
def client(daemon: Any, limits: Limits) -> Iterator[StationClient]:
    with StationClient(daemon.control, daemon.events, limits) as opened:
        yield opened


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_typed_methods(client: StationClient, daemon: Any) -> None:
    assert client.status().state == "idle"
    assert client.scan_start("front", name="first") == "scan1"
    client.scan_abort()
    assert client.scan_get("scan1").card_id == "c1"
    assert [scan.id for scan in client.scan_list(2)] == ["scan0", "scan1"]
    assert [event.type for event in client.events_since(0)] == ["scan.captured"]
    assert len(client.call("long")) == 3_000_000


def test_errors_come_with_the_daemons_code_and_hint(client: StationClient) -> None:
    with pytest.raises(StationError, match="card 7 is being scanned") as caught:
        client.scan_start("front", name="busy")
    assert (caught.value.code, caught.value.hint) == ("busy", "Have patience.")
    with pytest.raises(StationError) as caught:
        client.scan_get("elsewhere")
    assert caught.value.code == "not_found"
    with pytest.raises(StationError, match="side") as caught:
        client.scan_start("upside")
    assert caught.value.code == "bad_request"
    with pytest.raises(StationError, match=r"did you mean scan\.start"):
        client.call("scan.strat")


@pytest.mark.parametrize(
    "params", [{"x": object()}, {"x": float("nan")}, {"x": "y" * 2_000_000}], ids=["object", "nan", "long"]
)
def test_what_cannot_be_asked_is_said_before_it_is_sent(
    client: StationClient, params: dict[str, Any]
) -> None:
    with pytest.raises(StationError) as caught:
        client.call("status", params)
    assert caught.value.code == "bad_request"
    assert client.status().boot == "boot1"


def test_a_key_makes_a_repeat_harmless(client: StationClient, daemon: Any) -> None:
    assert client.scan_start("front", idempotency_key="k") == client.scan_start("front", idempotency_key="k")
    assert len(daemon.journal) == 1


def test_no_daemon_is_said_in_about_two_seconds(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with StationClient(f"ipc://{tmp_path}/run/control", f"ipc://{tmp_path}/run/events") as client:
        began = time.monotonic()
        with pytest.raises(StationError, match="no connection within 2 s") as caught:
            client.status()
        assert caught.value.code == "daemon_absent"
        assert "station daemon" in caught.value.hint
        assert time.monotonic() - began >= 1.9


def test_an_endpoint_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(StationError) as caught:
        StationClient("nonsense", "nonsense").open()
    assert caught.value.code == "endpoint_invalid"


def test_a_request_made_without_a_daemon_is_not_carried_out_by_the_next_one(
    client: StationClient, daemon: Any
) -> None:
    daemon.stop()
    with pytest.raises(StationError):
        client.scan_start("front")
    daemon.start()
    until(lambda: _answers(client))
    assert daemon.journal == []


def _answers(client: StationClient) -> bool:
    try:
        client.status()
    except StationError:
        return False
    return True


def test_a_daemon_that_dies_before_it_answers_is_noticed_at_once(client: StationClient, daemon: Any) -> None:
    daemon.gate.clear()

    def kill() -> None:
        until(lambda: "hang" in daemon.asked)
        daemon.stop()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(StationError, match="connection was lost") as caught:
        client.call("hang")
    killer.join()
    assert caught.value.code == "daemon_absent"


def test_a_daemon_that_does_not_answer_is_given_up(daemon: Any) -> None:
    daemon.gate.clear()
    with StationClient(daemon.control, daemon.events, Limits(reply_s=0.2)) as client:
        with pytest.raises(StationError, match=r"no answer within 0\.2 s"):
            client.call("hang")
        daemon.gate.set()
        assert client.status().boot == "boot1"  # the late answer is not taken for this one


def test_another_service_at_the_address_is_named(tmp_path: Path, limits: Limits) -> None:
    (tmp_path / "run").mkdir()
    with zmq.Context() as context, context.socket(zmq.ROUTER) as stranger:
        stranger.bind(f"ipc://{tmp_path}/run/control")

        def serve() -> None:
            stranger.send_multipart([stranger.recv_multipart()[0], b"HTTP/1.1 400"])

        thread = threading.Thread(target=serve)
        thread.start()
        with StationClient(f"ipc://{tmp_path}/run/control", "ipc:///tmp/none", limits) as client:
            with pytest.raises(StationError, match="not JSON-RPC"):
                client.status()
            thread.join()


def test_several_threads_may_share_a_client(client: StationClient) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(client.scan_get("scan1").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["scan1"] * 8


def test_events_reach_who_asked_for_them_before_the_scan(client: StationClient) -> None:
    head = client.status().seq
    scan_id = client.scan_start("front")
    event = next(event for event in client.events(after=head) if event.cause == scan_id)
    assert event.type == "scan.captured"


def test_leaving_the_loop_closes_the_subscription(client: StationClient, daemon: Any) -> None:
    daemon.emit(3)
    for _ in client.events(after=0):
        break
    assert client.status().seq == 3


def test_an_iterator_still_open_does_not_keep_the_client_from_closing(daemon: Any, limits: Limits) -> None:
    daemon.emit(3)
    with StationClient(daemon.control, daemon.events, limits) as client:
        events = client.events(after=0)
        assert next(events).seq == 1
    events.close()


def test_a_gap_is_filled_when_the_next_event_shows_it(client: StationClient, daemon: Any) -> None:
    watching = client.watch()
    assert isinstance(next(watching), Status)
    daemon.emit(44, publish=False)
    daemon.emit(1)
    found = [next(watching) for _ in range(45)]
    assert [item.event.seq for item in found if isinstance(item, Arrival)] == list(range(1, 46))
    assert daemon.asked.count("events.since") >= 3
    watching.close()


def test_previews_come_with_watch_and_not_with_events(client: StationClient, daemon: Any) -> None:
    daemon.emit(1)
    watching, events = client.watch(after=0), client.events(after=0)
    assert next(events).seq == 1
    assert isinstance(next(watching), Arrival)
    assert isinstance(next(watching), Status)
    daemon.emit(1, kind="preview.frame", blob=b"jpeg")
    daemon.emit(1)
    preview = next(watching)
    assert isinstance(preview, Arrival)
    assert (preview.event.type, preview.blob) == ("preview.frame", b"jpeg")
    assert next(events).seq == 2
    watching.close()
    events.close()


def test_a_restart_is_survived_and_announced(client: StationClient, daemon: Any) -> None:
    watching = client.watch()
    first = next(watching)
    assert isinstance(first, Status)
    daemon.emit(2)
    assert [next(watching).event.seq for _ in range(2)] == [1, 2]
    daemon.emit(1, publish=False)
    daemon.stop()
    daemon.start()
    daemon.emit(1)
    items = [next(watching)]
    while not (isinstance(items[-1], Status) and items[-1].boot == "boot2") or len(items) < 3:
        items.append(next(watching))
    assert [item.event.seq for item in items if isinstance(item, Arrival)] == [3, 4]
    watching.close()


def test_a_daemon_that_is_gone_ends_the_events(daemon: Any) -> None:
    limits = Limits(connect_s=0.5, silence_s=0.5)
    with StationClient(daemon.control, daemon.events, limits) as client:
        watching = client.watch()
        next(watching)
        daemon.stop()
        with pytest.raises(StationError) as caught:
            next(watching)
        assert caught.value.code == "daemon_absent"
    with (
        StationClient(daemon.control, daemon.events, limits) as client,
        pytest.raises(StationError, match="welcome"),
    ):
        next(client.events())


@pytest.mark.parametrize("limits", [Limits(events_queue=10, event_heartbeat_s=0.1)])
def test_a_slow_subscriber_gets_every_event_all_the_same(client: StationClient, daemon: Any) -> None:
    """Queues of 10 at both ends lose most of the events; the journal has them all."""
    watching = client.watch()
    assert isinstance(next(watching), Status)
    daemon.emit(3_000, padding=2_000)
    found = [next(watching) for _ in range(3_000)]
    assert [item.event.seq for item in found if isinstance(item, Arrival)] == list(range(1, 3_001))
    assert daemon.asked.count("events.since") >= 1
    watching.close()


def test_a_key_opens_tcp(guarded: Any, limits: Limits) -> None:
    key = guarded.keys.add("tablet")
    with StationClient(guarded.control, guarded.events, limits, key) as client:
        assert client.scan_start("front") == "scan1"
        assert next(client.events(after=0)).type == "scan.captured"


def test_a_key_that_is_not_let_in_is_told_so_and_gets_in_once_it_is(guarded: Any, limits: Limits) -> None:
    key = guarded.keys.add("tablet")
    entry = Path(guarded.keys._clients) / "tablet.json"
    allowed = entry.read_text()
    entry.unlink()
    with StationClient(guarded.control, guarded.events, limits, key) as client:
        for attempt in (client.status, lambda: next(client.events())):
            with pytest.raises(StationError, match="does not let this key in") as caught:
                attempt()
            assert caught.value.code == "key_refused"
        entry.write_text(allowed)
        assert client.status().boot == "boot1"


def test_the_key_of_another_station_is_told_so(guarded: Any, limits: Limits) -> None:
    key = guarded.keys.add("tablet")
    with StationClient(guarded.control, guarded.events, limits, key.replace(server=key.public)) as client:
        with pytest.raises(StationError, match="has not the key that this key file names") as caught:
            client.status()
        assert caught.value.code == "key_refused"


def test_without_a_key_nothing_is_sent_over_tcp(guarded: Any) -> None:
    with pytest.raises(StationError, match="no key is given"):
        StationClient(guarded.control, guarded.events).open()


def test_settings_name_the_endpoints(tmp_path: Path) -> None:
    settings = Settings.model_validate({"station": {"data": tmp_path}})
    for made in (StationClient, AsyncStationClient):
        client = made.from_settings(settings)
        assert client._control == f"ipc://{tmp_path}/run/control"


async def test_the_asynchronous_client_has_the_same_methods(daemon: Any, limits: Limits) -> None:
    async with AsyncStationClient(daemon.control, daemon.events, limits) as client:
        assert (await client.status()).state == "idle"
        assert await client.scan_start("front") == "scan1"
        await client.scan_abort()
        assert (await client.scan_get("scan1")).card_id == "c1"
        assert len(await client.scan_list(2)) == 2
        assert [event.type for event in await client.events_since(0)] == ["scan.captured"]
        with pytest.raises(StationError, match="card 7") as caught:
            await client.scan_start("front", name="busy")
        assert caught.value.hint == "Have patience."
        async with contextlib.aclosing(client.events(after=0)) as events:
            async for event in events:
                assert event.type == "scan.captured"
                break


async def test_asynchronous_calls_run_side_by_side(daemon: Any, limits: Limits) -> None:
    daemon.gate.clear()
    async with AsyncStationClient(daemon.control, daemon.events, limits) as client:
        hanging = asyncio.create_task(client.call("hang"))
        assert (await client.status()).boot == "boot1"
        assert not hanging.done()
        daemon.gate.set()
        assert await hanging == {"accepted": True}


async def test_the_asynchronous_client_notices_an_absent_and_a_dying_daemon(
    daemon: Any, limits: Limits
) -> None:
    daemon.gate.clear()
    async with AsyncStationClient(daemon.control, daemon.events, limits) as client:
        hanging = asyncio.create_task(client.call("hang"))
        while "hang" not in daemon.asked:
            await client.status()
        daemon.stop()
        with pytest.raises(StationError, match="connection was lost"):
            await hanging
        with pytest.raises(StationError, match="no connection") as caught:
            await client.status()
        assert caught.value.code == "daemon_absent"


async def test_closing_ends_the_calls_under_way(daemon: Any, limits: Limits) -> None:
    daemon.gate.clear()
    async with AsyncStationClient(daemon.control, daemon.events, limits) as client:
        hanging = asyncio.create_task(client.call("hang"))
        while "hang" not in daemon.asked:
            await client.status()
    with pytest.raises(asyncio.CancelledError):
        await hanging
