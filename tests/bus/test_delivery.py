"""Delivery with real sockets and real files: what arrives, what waits, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from station.bus.delivery import Deliverer
from station.bus.intake import IntakeServer
from station.bus.parcel import NotNowError, Offer
from station.documents.limits import Limits
from station.training.intake_store import FileIntakeStore

Endpoint = Callable[[str], str]


async def test_parcels_arrive_once_and_whole(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, limits: Limits
) -> None:
    for number in range(3):
        station.put(
            f"p{number}",
            {"a.tif": station.photo(300_000, number), "shared": b"the same in each", "empty": b""},
        )
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), store, limits) as intake,
        Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer,
    ):
        await outbox.empty.wait()
        station.assert_all_arrived(store, 3)
        assert intake.received_bytes == deliverer.sent_bytes == 3 * 300_000 + len(b"the same in each")
    assert outbox.log == [f"{what} p{number}" for number in range(3) for what in ("sending", "delivered")]
    assert {parcel.station for parcel in store.parcels()} == {"bench"}


async def test_what_comes_later_is_delivered_when_woken(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, until: Any
) -> None:
    limits = Limits(delivery_idle_s=3600.0)
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), store, limits),
        Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer,
    ):
        await outbox.empty.wait()
        station.put("late", {"a": b"1"})
        deliverer.wake()
        await until(lambda: station.state("late") == ".delivered")


async def test_nothing_is_sent_again_for_a_parcel_that_was_acknowledged(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, limits: Limits
) -> None:
    """The sender died between the acknowledgement and its own note of it."""
    station.put("p", {"a": station.photo(500_000)})
    async with IntakeServer(endpoint("intake"), store, limits) as intake:
        for _ in range(2):
            outbox = station.open_outbox()
            async with Deliverer(endpoint("intake"), outbox, "bench", limits):
                await outbox.empty.wait()
            (station.outbox / "p.delivered").rename(station.outbox / "p.json")
        assert intake.received_bytes == 500_000
    station.assert_all_arrived(store, 1)


async def test_an_absent_intake_is_waited_for_and_the_entry_stays_queued(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, caplog: pytest.LogCaptureFixture, until: Any
) -> None:
    limits = Limits(connect_s=0.02, delivery_backoff_s=0.01, delivery_backoff_most_s=0.02)
    station.put("p", {"a": b"1"})
    outbox = station.open_outbox()
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
    endpoint: Endpoint, station: Any, store: FileIntakeStore, wrong: dict[str, Any], why: str, limits: Limits
) -> None:
    station.put("bad", {"a.tif": station.photo(1_000_000)}, **wrong)
    station.contents.clear()
    station.put("good", {"a": b"1"})
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), store, limits),
        Deliverer(endpoint("intake"), outbox, "bench", limits),
    ):
        await outbox.empty.wait()
    (refusal,) = [line for line in outbox.log if line.startswith("refused")]
    assert why in refusal
    assert station.state("bad") == ".refused"
    station.assert_all_arrived(store, 1)


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
    endpoint: Endpoint, station: Any, store: FileIntakeStore, limits: Limits
) -> None:
    station.put("p", {"a": station.photo(500_000)})
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), BrokenStore(store, 2), limits) as intake,
        Deliverer(endpoint("intake"), outbox, "bench", limits),
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
    endpoint: Endpoint, station: Any, store: FileIntakeStore, caplog: pytest.LogCaptureFixture, limits: Limits
) -> None:
    station.put("p", {"a": b"1"})
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), DefectStore(store, 1), limits),
        Deliverer(endpoint("intake"), outbox, "bench", limits),
    ):
        await outbox.empty.wait()
    assert station.state("p") == ".delivered"
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


class DefectOutbox:
    """Fails once, then works."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox
        self._failures = 1
        self.next, self.delivered = outbox.next, outbox.delivered
        self.refused, self.requeued = outbox.refused, outbox.requeued

    async def sending(self, parcel_id: str) -> None:
        if self._failures:
            self._failures -= 1
            raise OSError("the catalogue is gone")
        await self._outbox.sending(parcel_id)


async def test_a_defect_of_the_outbox_is_logged_and_survived(
    endpoint: Endpoint, station: Any, store: FileIntakeStore, caplog: pytest.LogCaptureFixture, limits: Limits
) -> None:
    station.put("p", {"a": b"1"})
    outbox = station.open_outbox()
    async with (
        IntakeServer(endpoint("intake"), store, limits),
        Deliverer(endpoint("intake"), DefectOutbox(outbox), "bench", limits),
    ):
        await outbox.empty.wait()
    assert station.state("p") == ".delivered"
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [OSError]
