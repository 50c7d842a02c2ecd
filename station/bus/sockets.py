"""Making sockets: with every limit set, and on `ipc://` only in a folder that is private to the user."""

import asyncio
import errno
import os
import socket as unix
import stat
from pathlib import Path

import zmq
import zmq.asyncio

from ..documents.fault import StationError
from ..documents.limits import Limits

IPC = "ipc://"
TCP = "tcp://"
PRIVATE = 0o700
PROBE_S = 1.0


def make(
    context: zmq.asyncio.Context, kind: int, limits: Limits, message_bytes: int, queue: int
) -> zmq.asyncio.Socket:
    """A socket of this kind (`zmq.ROUTER`, ...) with all limits, neither bound nor connected."""
    made = context.socket(kind)
    for name, value in limits.socket_options(message_bytes, queue).items():
        made.setsockopt(zmq.SocketOption[name], value)
    return made


def bind(socket: zmq.asyncio.Socket, endpoint: str) -> None:
    """Bind, after the folder of an `ipc://` endpoint was made or found private and the address free.

    Raises:
        StationError: `endpoint_invalid`.
    """
    if endpoint.startswith(IPC):
        prepare_ipc(endpoint)
    elif not endpoint.startswith(TCP):
        raise StationError("endpoint_invalid", f"{endpoint!a} cannot be served: only ipc:// and tcp:// can")
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise StationError("endpoint_invalid", f"{endpoint} cannot be bound: {error.strerror}") from error


def prepare_ipc(endpoint: str) -> None:
    """Make the folder (mode 0700) and see that nobody else serves the address.

    libzmq removes whatever file lies at the address before it binds, even the socket of a living server:
    hence the look beforehand.

    Raises:
        StationError: `endpoint_invalid`.
    """
    path = Path(endpoint.removeprefix(IPC))
    if not path.is_absolute():
        raise StationError("endpoint_invalid", f"{endpoint} must name a file by its absolute path")
    try:
        path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.parent.stat().st_mode)
    except OSError as error:
        raise StationError(
            "endpoint_invalid", f"the folder of {endpoint} cannot be made: {error.strerror}"
        ) from error
    if mode & ~PRIVATE & 0o777:
        raise StationError(
            "endpoint_invalid",
            f"the folder of {endpoint} is open to other users (mode {mode:04o})",
            f"Run `chmod 700 {path.parent}`.",
        )
    _see_free(path, endpoint)


def _see_free(path: Path, endpoint: str) -> None:
    if not path.exists():
        return
    if not path.is_socket():
        raise StationError("endpoint_invalid", f"{path} is a file of another kind, not a socket")
    with unix.socket(unix.AF_UNIX, unix.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        code = probe.connect_ex(os.fsencode(path))
    if code not in (errno.ECONNREFUSED, errno.ENOENT):
        raise StationError("endpoint_invalid", f"{endpoint} is already served by another process")


def send_or_drop(socket: zmq.asyncio.Socket, frames: list[bytes]) -> None:
    """Publish without waiting: libzmq drops on a PUB or XPUB rather than wait, so it is done at once."""
    asyncio.ensure_future(socket.send_multipart(frames, flags=zmq.NOBLOCK)).result()
