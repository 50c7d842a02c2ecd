"""Several stations at one intake, parcels that are poison, files that are shared: real sockets and files."""

import asyncio
import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import zmq

from station.bus.delivery import Deliverer
from station.bus.intake import IntakeServer
from station.bus.parcel import Offer
from station.documents.limits import KIB, Limits
from station.documents.trainer import IntakePage
from station.training.intake_store import FileIntakeStore
from tests.fleet import Sender, deliver, parcel, senders

Endpoint = Callable[[str], str]
SMALL = Limits(
    chunk_bytes=16 * KIB, credit_in_all=8, delivery_backoff_s=0.02, delivery_put_off_s=0.05, connect_s=0.5
)


async def test_several_stations_deliver_at_once_everything_once(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    fleet = senders(tmp_path / "scans", stations=6, parcels=2, files=3, file_bytes=70_000)
    expected = {one.name: [parcel.id for parcel in one.parcels] for one in fleet}
    async with IntakeServer(endpoint("intake"), store, SMALL) as intake:
        sent = await deliver(endpoint("intake"), fleet, limits=SMALL)
        assert intake.received_bytes == 6 * 2 * 3 * 70_000
        assert intake.in_hand == 0
    assert min(sent) >= sum(sent) / len(sent) / 2  # nobody had less than half the mean by then
    assert {one.name: one.delivered_ids for one in fleet} == expected
    received = store.parcels()
    assert sorted(one.id for one in received) == sorted(itertools.chain(*expected.values()))
    for one in received:
        assert all(store.path(file.sha256).stat().st_size == file.bytes for file in one.files)


class Waiting(FileIntakeStore):
    """Its first round of syncs takes until all eight stations have committed their first parcel."""

    def open(self) -> Self:
        self.rounds: list[int] = []
        self.committing = threading.Barrier(9)
        return super().open()

    def commit(self, offer: Offer) -> bool:
        if offer.parcel.endswith("p0"):
            threading.Thread(target=self.committing.wait, args=(20,)).start()
        return super().commit(offer)

    def _make_durable(self, offers: list[Offer]) -> None:
        if not self.rounds:
            self.committing.wait(20)
        self.rounds.append(len(offers))
        super()._make_durable(offers)


async def test_parcels_that_are_committed_while_a_round_of_syncs_runs_share_the_next(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    fleet = senders(tmp_path / "scans", stations=8, parcels=2, files=1, file_bytes=1_000)
    with Waiting(tmp_path / "store") as store:
        async with IntakeServer(endpoint("intake"), store, SMALL):
            await deliver(endpoint("intake"), fleet, limits=SMALL)
        assert len(store.parcels()) == sum(store.rounds) == 16
        assert len(store.rounds) < 16


async def test_the_same_file_from_several_stations_at_once_arrives_once(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    content = os.urandom(200_000)
    fleet = [Sender(f"s{n}", [parcel(tmp_path / "scans", f"p{n}", {"same": content})]) for n in range(4)]
    async with IntakeServer(endpoint("intake"), store, SMALL):
        await deliver(endpoint("intake"), fleet, limits=SMALL)
    assert len(store.parcels()) == 4
    assert len({file.sha256 for one in store.parcels() for file in one.files}) == 1


class Choosy(FileIntakeStore):
    """A trainer with a defect: one parcel it cannot take."""

    def commit(self, offer: Offer) -> bool:
        if offer.parcel == "poison":
            raise ZeroDivisionError
        return super().commit(offer)


async def test_a_parcel_that_fails_again_and_again_lets_the_others_pass_and_is_given_up(
    endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    queue = [parcel(tmp_path / "scans", name, {"a": name.encode()}) for name in ("poison", "b", "c")]
    sender = Sender("bench", queue)
    with Choosy(tmp_path / "store") as store:
        async with IntakeServer(endpoint("intake"), store, SMALL):
            await deliver(endpoint("intake"), [sender], limits=SMALL)
        (refusal,) = store.refusal_page(IntakePage()).refusals
        assert [one.id for one in store.parcels()] == ["b", "c"]
    assert sender.delivered_ids == ["b", "c"]
    assert len(sender.requeued_whys) == 2
    why = "given up after 3 tries: the trainer made a mistake, see its log"
    assert sender.refused_ids == {"poison": why}
    assert (refusal.parcel, refusal.station, refusal.why) == ("poison", "bench", why)


async def test_a_file_that_cannot_be_read_holds_up_nobody_and_the_trainer_hears_of_it(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    queue = [parcel(tmp_path / "scans", name, {"a": name.encode()}) for name in ("ill", "well")]
    place = queue[0].files[0].path
    place.unlink()
    place.mkdir()  # reading a folder is an error of the system, as a failing disk is
    sender = Sender("bench", queue)
    async with IntakeServer(endpoint("intake"), store, SMALL):
        await deliver(endpoint("intake"), [sender], limits=SMALL)
    assert sender.delivered_ids == ["well"]
    assert sender.refused_ids["ill"].startswith("given up after 3 tries: ")
    assert "Is a directory" in sender.refused_ids["ill"]
    (refusal,) = store.refusal_page(IntakePage()).refusals
    assert (refusal.parcel, refusal.why) == ("ill", sender.refused_ids["ill"])


async def test_wrong_bytes_are_put_aside_and_shown_with_file_and_station(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    queue = [parcel(tmp_path / "scans", name, {"light-3.tif": name.encode()}) for name in ("bad", "good")]
    queue[0].files[0].path.write_bytes(b"rot")
    sender = Sender("bench", queue)
    async with IntakeServer(endpoint("intake"), store, SMALL):
        await deliver(endpoint("intake"), [sender], limits=SMALL)
    assert sender.delivered_ids == ["good"]
    (refusal,) = store.refusal_page(IntakePage()).refusals
    assert (refusal.parcel, refusal.station, refusal.file) == ("bad", "bench", "light-3.tif")
    assert refusal.why == sender.refused_ids["bad"]
    aside = Path(store.status(0).data) / refusal.quarantined
    assert aside.read_bytes() == b"rot"


async def test_files_of_a_station_on_the_same_disk_are_shared_not_sent(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    root = tmp_path / "station"
    one = parcel(root / "scans", "p", {"a.tif": os.urandom(100_000), "b.tif": b"b"})
    (root / "catalogue.sqlite3").touch()
    sender = Sender("bench", [one])
    async with IntakeServer(endpoint("intake"), store, SMALL) as intake:
        assert await deliver(endpoint("intake"), [sender], root, SMALL) == [0]
        assert (intake.shared_files, intake.received_bytes) == (2, 0)
    for file in one.files:
        assert store.path(file.sha256).samefile(file.path)
    assert sender.delivered_ids == ["p"]


async def test_an_intake_that_knows_nothing_of_sharing_gets_the_bytes(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path
) -> None:
    """It does not see the offer's additions, and so answers as ever."""

    class Older:
        def __init__(self) -> None:
            self.holds, self.needs = store.holds, store.needs
            self.append, self.commit = store.append, store.commit

        def share(self, _: Offer) -> int:
            return 0

    sender = Sender("bench", [parcel(tmp_path / "scans", "p", {"a": b"1"})])
    async with IntakeServer(endpoint("intake"), Older(), SMALL) as intake:  # type: ignore[arg-type]
        await deliver(endpoint("intake"), [sender], tmp_path, SMALL)
        assert intake.received_bytes == 1
    (received,) = store.parcels()
    assert not store.path(received.files[0].sha256).samefile(tmp_path / "scans" / "p" / "a")


async def test_a_connection_that_asks_twice_at_once_is_told_to_wait(
    endpoint: Endpoint, tmp_path: Path, peer: Any
) -> None:
    hold = threading.Event()

    class Slow(FileIntakeStore):
        def holds(self, offer: Offer) -> bool:
            hold.wait(20)
            return super().holds(offer)

    with Slow(tmp_path / "store") as store:
        async with IntakeServer(endpoint("intake"), store, SMALL) as intake:
            socket = peer(zmq.DEALER, endpoint("intake"))
            message = Offer(parcel="p", scan_id="s", files=()).model_dump_json().encode()
            await socket.send(message)
            await socket.send(message)
            assert b"still busy" in (await socket.recv_multipart())[0]
            assert intake.in_hand == 1
            hold.set()
            assert b'"wants"' in (await socket.recv_multipart())[0]


async def test_a_station_that_goes_on_without_answers_keeps_nobody_else_from_delivering(
    endpoint: Endpoint, store: FileIntakeStore, tmp_path: Path, peer: Any
) -> None:
    """It floods the intake with chunks of a parcel that was never offered and reads nothing."""
    flood = peer(zmq.DEALER, endpoint("intake"), SNDHWM=2)
    fleet = senders(tmp_path / "scans", stations=2, parcels=1, files=1, file_bytes=200_000)
    chunk = b'{"type":"chunk","parcel":"x","sha256":"' + b"0" * 64 + b'","offset":0}'

    async def pour() -> None:
        while True:
            await flood.send_multipart([chunk, b"x" * 16_384])

    async with IntakeServer(endpoint("intake"), store, SMALL):
        pouring = asyncio.create_task(pour())
        await deliver(endpoint("intake"), fleet, limits=SMALL)
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
    assert len(store.parcels()) == 2


async def test_a_parcel_put_off_waits_its_time_and_then_goes(endpoint: Endpoint, tmp_path: Path) -> None:
    """The second try succeeds; the log of the outbox shows who went first."""

    class Once(FileIntakeStore):
        failures = 1

        def commit(self, offer: Offer) -> bool:
            if offer.parcel == "first" and self.failures:
                self.failures -= 1
                raise ZeroDivisionError
            return super().commit(offer)

    sender = Sender(
        "bench", [parcel(tmp_path / "s", name, {"a": name.encode()}) for name in ("first", "second")]
    )
    with Once(tmp_path / "store") as store:
        async with (
            IntakeServer(endpoint("intake"), store, SMALL),
            Deliverer(endpoint("intake"), sender, "bench", SMALL),
        ):
            await sender.done.wait()
    assert sender.delivered_ids == ["second", "first"]
