"""The trainer as a service: what it says of itself, of parcels and refusals, by call, event and command."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio
from typer.testing import CliRunner

from station.cli.app import app
from station.client.aio import AsyncStationClient
from station.config import Settings, as_toml
from station.documents.event import Event
from station.documents.limits import Limits
from station.documents.rpc import HEARTBEAT, WELCOME
from station.documents.trainer import ParcelPage, RefusalPage, TrainerStatus
from station.trainer import Trainer
from tests.fleet import Sender, deliver, parcel, trainer_process

LIMITS = Limits(delivery_backoff_s=0.02, delivery_put_off_s=0.05)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"station": {"data": tmp_path}, "bus": {"folder": tmp_path / "run"}})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncStationClient]:
    endpoints = settings.endpoint("trainer_control"), settings.endpoint("trainer_events")
    async with AsyncStationClient(*endpoints) as opened:
        yield opened


@pytest.fixture
def listener(settings: Settings) -> Iterator[Callable[[], Any]]:
    """`listener()` subscribes to everything."""
    context = zmq.asyncio.Context()

    def subscribe() -> zmq.asyncio.Socket:
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.RCVTIMEO, 20_000)
        socket.subscribe(b"")
        socket.connect(settings.endpoint("trainer_events"))
        return socket

    yield subscribe
    context.destroy(linger=0)


def good_and_bad(folder: Path) -> Sender:
    """A station with three good parcels, and one whose file is not what its outbox says."""
    names = ("p1", "p2", "bad", "p3")
    queue = [parcel(folder, name, {"manifest.json": name.encode(), "a.tif": b"same"}) for name in names]
    queue[2].files[0].path.write_bytes(b"rot")
    return Sender("bench", queue)


async def test_it_tells_what_it_received_and_refused(
    settings: Settings, client: AsyncStationClient, tmp_path: Path
) -> None:
    async with Trainer(settings) as trainer:
        before = TrainerStatus.model_validate(await client.call("status"))
        looked = await asyncio.to_thread(trainer.look)  # as the watchdog does
        assert looked.replace(disk_free_bytes=0) == before.replace(disk_free_bytes=0)
        assert (before.quiescent, before.parcels, before.seq) == (True, 0, 0)
        await deliver(settings.endpoint("intake"), [good_and_bad(tmp_path / "scans")], limits=LIMITS)
        status = TrainerStatus.model_validate(await client.call("status"))
        page = ParcelPage.model_validate(await client.call("intake.parcels", {"limit": 2}))
        rest = ParcelPage.model_validate(await client.call("intake.parcels", {"before": page.before}))
        refusals = RefusalPage.model_validate(await client.call("intake.refusals"))
        events = [Event.model_validate(one) for one in await client.call("events.since", {"seq": 0})]
        methods = (await client.call("rpc.discover"))["methods"]
    assert (status.parcels, status.refused, status.quarantined, status.quiescent) == (3, 1, 1, True)
    assert status.blobs_bytes == len("p1p2p3") + len("same")
    (station,) = status.stations
    assert (station.name, station.parcels, station.refused) == ("bench", 3, 1)
    assert [one.id for one in (*page.parcels, *rest.parcels)] == ["p3", "p2", "p1"]
    (refusal,) = refusals.refusals
    assert (refusal.parcel, refusal.station, refusal.file) == ("bad", "bench", "manifest.json")
    assert (Path(status.data) / refusal.quarantined).read_bytes() == b"rot"
    assert [event.type for event in events] == [
        f"parcel.{how}" for how in ("received", "received", "refused", "received")
    ]
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert events[-1].seq == status.seq
    assert events[2].data["quarantined"] == refusal.quarantined
    assert {"status", "events.since", "intake.parcels", "intake.refusals"} <= {one["name"] for one in methods}


async def test_events_are_published_and_go_on_counting_after_a_restart(
    settings: Settings, listener: Callable[[], Any], tmp_path: Path
) -> None:
    seen: list[Event] = []
    for run in range(2):
        async with Trainer(settings):
            socket = listener()
            assert (await socket.recv_multipart())[0] == WELCOME
            sender = Sender("bench", [parcel(tmp_path / "scans", f"p{run}", {"a": bytes([run])})])
            await deliver(settings.endpoint("intake"), [sender], limits=LIMITS)
            while len(seen) == run:
                _, body = await socket.recv_multipart()
                event = Event.model_validate_json(body)
                seen += [event] if event.type != HEARTBEAT else []
            socket.close()
    assert [(event.seq, event.type, event.data["id"]) for event in seen] == [
        (1, "parcel.received", "p0"),
        (2, "parcel.received", "p1"),
    ]
    assert seen[0].boot != seen[1].boot


def command(tmp_path: Path, settings: Settings, *words: str) -> Any:
    config = tmp_path / "station.toml"
    config.write_text(as_toml(settings))
    return CliRunner().invoke(app, ["--config", str(config), "intake", *words])


async def test_the_command_shows_it_and_says_when_no_trainer_is_there(
    settings: Settings, tmp_path: Path
) -> None:
    tree = json.loads(settings.model_dump_json())
    async with trainer_process(tree):
        await deliver(settings.endpoint("intake"), [good_and_bad(tmp_path / "scans")], limits=LIMITS)
        assert "3 parcels" in command(tmp_path, settings).stdout
        listed = command(tmp_path, settings, "list", "--limit", "2").stdout.splitlines()
        assert [line.split()[3] for line in listed[:2]] == ["scan-p3", "scan-p2"]
        assert listed[2] == "older ones: --before 2"
        refused = command(tmp_path, settings, "refusals").stdout
        assert "bad  bench  manifest.json: the SHA-256" in refused
        assert "put aside: quarantine/" in refused
    absent = command(tmp_path, settings, "list")
    assert absent.exit_code != 0
    assert str(absent.exception).startswith("no trainer answers at ipc://")


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 10_000}, {"before": 0}, {"first": 1}])
async def test_a_question_out_of_bounds_is_refused(
    settings: Settings, client: AsyncStationClient, params: dict[str, int]
) -> None:
    async with Trainer(settings):
        with pytest.raises(Exception, match=r"intake\.parcels") as caught:
            await client.call("intake.parcels", params)
        assert getattr(caught.value, "code", "") == "bad_request"
