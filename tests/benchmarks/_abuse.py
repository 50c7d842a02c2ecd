"""What clients can do to a station, one kind a process: python _abuse.py KIND FACTS.

It says `ready` once it is at work and goes on until its input is closed.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq

from station.documents.key import ClientKey, load_key

GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01NULL" + b"\0" * 16 + b"\0" + b"\0" * 31
READY = b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
GIB = 1 << 30
HELD = 200


class Target:
    """Where the station is, and what opens it."""

    def __init__(self, facts: dict[str, str]) -> None:
        self.control, self.events, self.preview = facts["control"], facts["events"], facts["preview"]
        self.local = facts["local"].removeprefix("ipc://")
        self.key = load_key(Path(facts["key"]))
        self.scan, self.file = facts["scan"], facts["file"]
        self.context = zmq.Context()

    def tcp(self) -> socket.socket:
        """A plain connection to `control`."""
        host, _, port = self.control.removeprefix("tcp://").rpartition(":")
        return socket.create_connection((host, int(port)), 5)

    def near(self) -> socket.socket:
        """A plain connection to the local `control`, introduced as libzmq does it."""
        line = socket.socket(socket.AF_UNIX)
        line.connect(self.local)
        line.sendall(GREETING + READY)
        return line

    def peer(self, kind: int, endpoint: str, key: ClientKey, **options: int) -> Any:
        """A socket of libzmq with a key."""
        made = self.context.socket(kind)
        for name, value in {"LINGER": 0, "IMMEDIATE": 1, "SNDTIMEO": 500, **options}.items():
            made.setsockopt(zmq.SocketOption[name], value)
        made.curve_publickey, made.curve_secretkey = key.public.encode(), key.secret.encode()
        made.curve_serverkey = key.server.encode()
        made.connect(endpoint)
        return made


Abuse = Callable[[Target], Iterator[None]]


def garbage(target: Target) -> Iterator[None]:
    """Bytes that are no protocol, far and near."""
    contents = (b"GET / HTTP/1.1\r\nHost: station\r\n\r\n" * 200, b"\xff" * 64, GREETING[:20])
    while True:
        for content in (*contents, os.urandom(10_000)):
            with suppress(OSError), target.tcp() as far:
                far.sendall(content)
            with suppress(OSError), target.near() as near:
                near.sendall(content)
            yield


def announcements(target: Target) -> Iterator[None]:
    """A message of 1 GB is announced, and its first megabyte sent."""
    while True:
        for line in (target.near(), target.tcp()):
            with suppress(OSError), line:
                line.sendall(b"\x02" + GIB.to_bytes(8, "big") + bytes(1 << 20))
        yield


def halves(target: Target) -> Iterator[None]:
    """Connections that stop in the middle of a message, of a greeting or of a handshake, and stay."""
    while True:
        held = []
        for _ in range(HELD):
            near, far = target.near(), target.tcp()
            held += [near, far]
            with suppress(OSError):
                near.sendall(b"\x02" + (500_000).to_bytes(8, "big") + bytes(200_000))
                far.sendall(GREETING[:30])
            yield
        for line in held:
            line.close()


def slow_readers(target: Target) -> Iterator[None]:
    """Clients that were let in ask for files and status, subscribe to all events, and read nothing."""
    deaf = [target.peer(zmq.DEALER, target.control, target.key, RCVHWM=1) for _ in range(4)]
    subscribed(target, target.events)
    file = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "scan.file",
        "params": {"id": target.scan, "file": target.file},
    }
    status = {"jsonrpc": "2.0", "id": 1, "method": "status"}
    while True:
        for one in deaf:
            for request in (file, status):
                with suppress(zmq.Again):
                    one.send(json.dumps(request).encode())
        yield


def subscribed(target: Target, endpoint: str) -> Any:
    """A subscriber to everything that keeps one message."""
    reader = target.peer(zmq.SUB, endpoint, target.key, RCVHWM=1)
    reader.setsockopt(zmq.SUBSCRIBE, b"")
    return reader


def watchers(target: Target) -> Iterator[None]:
    """Watchers of the live picture that read none."""
    held = [subscribed(target, target.preview) for _ in range(20)]
    while held:
        time.sleep(0.05)
        yield


def connects(target: Target) -> Iterator[None]:
    """A thousand connections that say nothing, held open; then again."""
    while True:
        held = [target.tcp() for _ in range(1_000)]
        yield
        for _ in range(20):
            time.sleep(0.05)
            yield
        for line in held:
            line.close()


def port_scan(target: Target) -> Iterator[None]:
    """Connections that end at once."""
    while True:
        with suppress(OSError):
            target.tcp().close()
        yield


def wrong_keys(target: Target) -> Iterator[None]:
    """Clients whose key is not on the list, and clients that take the station for another one."""
    while True:
        public, secret = (half.decode() for half in zmq.curve_keypair())
        unknown = target.key.replace(public=public, secret=secret)
        stray = target.key.replace(server=public)
        held = [target.peer(zmq.DEALER, target.control, key) for key in (unknown, stray)]
        time.sleep(0.02)
        for one in held:
            one.close()
        yield


def wrong_versions(target: Target) -> Iterator[None]:
    """Peers of ZMTP 1 and 2, and requests of JSON-RPC 1.0 from a client that was let in."""
    admitted = target.peer(zmq.DEALER, target.control, target.key)
    old = json.dumps({"jsonrpc": "1.0", "id": 1, "method": "status"}).encode()
    while True:
        for greeting in (b"\x01\x00", GREETING[:10] + b"\x01\x05", GREETING[:10] + b"\x02\x05\x00\x00"):
            with suppress(OSError), target.tcp() as far:
                far.sendall(greeting)
            with suppress(zmq.Again):
                admitted.send(old)
                admitted.recv(zmq.NOBLOCK)
        yield


def strange_requests(target: Target) -> Iterator[None]:
    """A client that was let in asks for nonsense as fast as it can, and reads the refusals."""
    admitted = target.peer(zmq.DEALER, target.control, target.key)
    bodies = (os.urandom(1_000), b"[" * 1_000, b'{"jsonrpc":"2.0","id":1,"method":"scan.strat"}', b"{}")
    while True:
        for body in bodies:
            with suppress(zmq.Again):
                admitted.send(body)
        while admitted.poll(1):
            admitted.recv_multipart()
        yield


KINDS: dict[str, Abuse] = {
    "garbage": garbage,
    "announcements of 1 GB": announcements,
    "half messages": halves,
    "slow readers": slow_readers,
    "slow watchers": watchers,
    "1,000 connects": connects,
    "a port scan": port_scan,
    "wrong keys": wrong_keys,
    "wrong protocol versions": wrong_versions,
    "strange requests": strange_requests,
}


def main(kind: str, facts: str) -> None:
    """Be at it until the input is closed."""
    os.nice(19)  # other machines' processors are not the station's
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    target = Target(json.loads(facts))
    done = 0
    for _ in KINDS[kind](target):
        done += 1
        if done == 1:
            print("ready", flush=True)
        if over.is_set():
            break
    print(done, flush=True)
    target.context.destroy(linger=0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
