"""`events` with real sockets: a welcome to everybody, every event, a heartbeat that says how far it went."""

from collections.abc import Callable
from typing import Any

import pytest
import zmq

from station.bus.events import EventPublisher
from station.documents.event import Event
from station.documents.fault import StationError
from station.documents.limits import Limits

Endpoint = Callable[[str], str]
QUIET = Limits(event_heartbeat_s=3600.0)
FAST = Limits(event_heartbeat_s=0.01)


def event(seq: int, event_type: str = "scan.step") -> Event:
    return Event(
        boot="b1", seq=seq, time="2026-01-01T00:00:00Z", mono_s=0.0, type=event_type, data={"n": seq}
    )


def subscribe(peer: Any, address: str, *topics: bytes) -> Any:
    socket = peer(zmq.SUB, address)
    for topic in (*topics, b"welcome"):
        socket.setsockopt(zmq.SUBSCRIBE, topic)
    return socket


async def test_a_subscriber_is_welcomed_though_nothing_happens(endpoint: Endpoint, peer: Any) -> None:
    async with EventPublisher(endpoint("events"), "b1", limits=QUIET):
        for _ in range(3):
            assert await subscribe(peer, endpoint("events")).recv_multipart() == [b"welcome"]


async def test_events_come_as_topic_json_blob(endpoint: Endpoint, peer: Any) -> None:
    async with EventPublisher(endpoint("events"), "b1", limits=FAST) as publisher:
        socket = subscribe(peer, endpoint("events"), b"")
        topic = b""
        while topic != b"heartbeat":  # from here on the subscription is known to be in force
            topic, *_ = await socket.recv_multipart()
        publisher.publish(event(1))
        publisher.publish(event(1, "preview.frame"), b"\xff\xd8 jpeg")
        found = []
        while len(found) < 2:
            frames = await socket.recv_multipart()
            if frames[0] != b"heartbeat":
                found.append(frames)
        assert [Event.model_validate_json(frames[1]) for frames in found] == [
            event(1),
            event(1, "preview.frame"),
        ]
        assert [frames[0] for frames in found] == [b"scan.step", b"preview.frame"]
        assert [frames[2:] for frames in found] == [[], [b"\xff\xd8 jpeg"]]


async def test_the_heartbeat_carries_the_head_of_the_journal(endpoint: Endpoint, peer: Any) -> None:
    async with EventPublisher(endpoint("events"), "b1", head_seq=41, limits=FAST) as publisher:
        socket = subscribe(peer, endpoint("events"), b"heartbeat")
        await socket.recv_multipart()

        async def head() -> int:
            beat = Event.model_validate_json((await socket.recv_multipart())[1])
            assert beat.boot == "b1"
            assert beat.type == "heartbeat"
            return beat.seq

        assert await head() == 41
        publisher.publish(event(42))
        publisher.publish(event(42, "preview.frame"), b"jpeg")
        while (seq := await head()) == 41:
            pass
        assert seq == 42


async def test_a_slow_subscriber_never_holds_the_publisher_up(endpoint: Endpoint, peer: Any) -> None:
    limits = Limits(events_queue=10, event_heartbeat_s=3600.0)
    async with EventPublisher(endpoint("events"), "b1", limits=limits) as publisher:
        socket = subscribe(peer, endpoint("events"), b"")
        await socket.recv_multipart()
        blob = b"x" * 10_000
        for seq in range(1, 3_000):
            publisher.publish(event(seq), blob)


async def test_a_taken_address_is_refused(endpoint: Endpoint) -> None:
    async with EventPublisher(endpoint("events"), "b1"):
        with pytest.raises(StationError, match="already served"):
            await EventPublisher(endpoint("events"), "b2").open()
