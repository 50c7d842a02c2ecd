"""Either side of a delivery against a peer that speaks the protocol by hand, or something else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from station.bus.delivery import Deliverer
from station.bus.intake import IntakeServer
from station.bus.parcel import Commit, Need, Offer, ParcelFile
from station.documents.limits import Limits
from station.training.intake_store import FileIntakeStore

Endpoint = Callable[[str], str]


async def test_at_most_the_credit_is_under_way(
    endpoint: Endpoint, station: Any, peer: Any, limits: Limits
) -> None:
    """An intake that takes its time is never sent more chunks than it allowed."""
    station.put("p", {"a": station.photo(20 * limits.chunk_bytes)})
    router = peer(zmq.ROUTER, endpoint("unused"))
    (Path(endpoint("intake").removeprefix("ipc://")).parent).mkdir(mode=0o700)
    router.bind(endpoint("intake"))
    outbox = station.open_outbox()
    async with Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer:
        who, offer = await router.recv_multipart()
        sha256 = json.loads(offer)["files"][0]["sha256"]
        needs = [{"sha256": sha256, "offset": 0}]
        await router.send_multipart(
            [who, json.dumps({"type": "wants", "parcel": "p", "needs": needs, "credit": 3}).encode()]
        )
        for _ in range(3):
            await router.recv_multipart()
        assert not await router.poll(100)
        assert deliverer.sent_bytes == 3 * limits.chunk_bytes
        await router.send_multipart([who, b'{"type":"took","parcel":"p"}'])
        await router.recv_multipart()
        assert deliverer.sent_bytes == 4 * limits.chunk_bytes


async def test_a_stranger_at_the_intakes_address_is_not_believed(
    endpoint: Endpoint, station: Any, peer: Any, limits: Limits, until: Any
) -> None:
    station.put("p", {"a": b"1"})
    router = peer(zmq.ROUTER, endpoint("unused"))
    (Path(endpoint("intake").removeprefix("ipc://")).parent).mkdir(mode=0o700)
    router.bind(endpoint("intake"))
    outbox = station.open_outbox()
    async with Deliverer(endpoint("intake"), outbox, "bench", limits) as deliverer:
        for answer in (b"", b"OK", b'{"type":"acknowledged","parcel":"other"}\xff', b'{"type":"delivered"}'):
            who, _ = await router.recv_multipart()
            await router.send_multipart([who, answer])
            await until(lambda: "does not speak" in deliverer.trouble)
    assert station.state("p") == ".json"


@pytest.mark.parametrize(
    "frames",
    [[], [b""], [b"\xff"], [b"[]"], [b'{"type":"chunk"}'], [b'{"type":"nonsense"}', b"x"], [b"{" * 10_000]],
    ids=["none", "empty", "binary", "list", "half", "unknown", "deep"],
)
async def test_garbage_is_answered_and_survived(
    endpoint: Endpoint, store: FileIntakeStore, peer: Any, frames: list[bytes], limits: Limits
) -> None:
    async with IntakeServer(endpoint("intake"), store, limits):
        socket = peer(zmq.DEALER, endpoint("intake"))
        await socket.send_multipart(frames or [b"", b""])
        answer = json.loads((await socket.recv_multipart())[0])
        assert answer["type"] == "deferred"
        assert "did not understand" in answer["why"]


async def test_chunks_and_commits_of_unknown_parcels_ask_for_the_offer(
    endpoint: Endpoint, store: FileIntakeStore, peer: Any, limits: Limits
) -> None:
    async with IntakeServer(endpoint("intake"), store, limits):
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
