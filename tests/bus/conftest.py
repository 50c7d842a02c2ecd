"""Endpoints and sockets for the tests of the bus."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio


@pytest.fixture
def endpoint(tmp_path: Path) -> Callable[[str], str]:
    """`endpoint("control")` is an address in a folder that does not exist yet."""
    return lambda name: f"ipc://{tmp_path}/run/{name}"


@pytest.fixture
def peer() -> Iterator[Callable[..., Any]]:
    """`peer(zmq.DEALER, address)` is a plain asynchronous socket, as any other program would have it."""
    made: list[tuple[zmq.asyncio.Context, zmq.asyncio.Socket]] = []

    def make(kind: int, address: str, **options: int) -> zmq.asyncio.Socket:
        context = zmq.asyncio.Context()
        socket = context.socket(kind)
        made.append((context, socket))
        for name, value in {"LINGER": 0, "RCVTIMEO": 20_000, **options}.items():
            socket.setsockopt(zmq.SocketOption[name], value)
        socket.connect(address)
        return socket

    yield make
    for context, _ in made:
        context.destroy(linger=0)
