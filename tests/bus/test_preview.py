"""The live picture on sockets: only when somebody looks, and never waiting for who looks slowly."""

from collections.abc import Callable
from typing import Any

import zmq

from station.bus.preview import PreviewPublisher

Endpoint = Callable[[str], str]
JPEG = b"\xff\xd8" + bytes(200_000)


def watcher(peer: Any, address: str) -> Any:
    socket = peer(zmq.SUB, address, RCVHWM=1)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    return socket


async def test_it_is_known_whether_anybody_looks(endpoint: Endpoint, peer: Any, until: Any) -> None:
    async with PreviewPublisher(endpoint("preview")) as publisher:
        assert not publisher.wanted
        first, second = watcher(peer, endpoint("preview")), watcher(peer, endpoint("preview"))
        await until(lambda: publisher._subscribers == 2)
        publisher.publish(b"\xff\xd8", {"frame": 1})
        assert await first.recv_multipart() == [b"preview", b'{"frame": 1}', b"\xff\xd8"]
        first.close()
        await until(lambda: publisher._subscribers == 1)
        assert publisher.wanted
        second.close()
        await until(lambda: not publisher.wanted)


async def test_a_slow_watcher_holds_nobody_up_and_misses_most(
    endpoint: Endpoint, peer: Any, until: Any
) -> None:
    async with PreviewPublisher(endpoint("preview")) as publisher:
        slow, quick = watcher(peer, endpoint("preview")), watcher(peer, endpoint("preview"))
        await until(lambda: publisher._subscribers == 2)
        seen = 0
        for frame in range(100):
            publisher.publish(JPEG, {"frame": frame})
            while not await quick.poll(50):  # there is room for one: it may be taken yet
                publisher.publish(JPEG, {"frame": frame})
            await quick.recv_multipart()
            seen += 1
        waiting = 0
        while await slow.poll(200):
            await slow.recv_multipart()
            waiting += 1
        assert seen == 100
        assert waiting < 10
