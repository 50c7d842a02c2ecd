"""What both clients do alike: socket options, requests out, replies in."""

from typing import Any

import zmq
from pydantic import ValidationError

from ..documents.fault import StationError
from ..documents.ids import new_id
from ..documents.limits import Limits
from ..documents.rpc import Reply, encode_request

POLL_S = 0.25
"""How often a waiting client looks whether its connection still stands."""


def set_limits(socket: "zmq.Socket[Any]", limits: Limits, message_bytes: int, queue: int) -> None:
    """Set every limit on a socket."""
    for name, value in limits.socket_options(message_bytes, queue).items():
        socket.setsockopt(zmq.SocketOption[name], value)
    if socket.type == zmq.DEALER:
        # a request made while no daemon was there must not be carried out when one comes, long after
        # its client gave up
        socket.setsockopt(zmq.IMMEDIATE, 1)


def connect(socket: "zmq.Socket[Any]", endpoint: str) -> None:
    """Connect.

    Raises:
        StationError: `endpoint_invalid`.
    """
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise StationError("endpoint_invalid", f"{endpoint} is no endpoint: {error.strerror}") from error


def request(method: str, params: dict[str, Any], key: str | None, limits: Limits) -> tuple[str, bytes]:
    """A new request's id and bytes.

    Raises:
        StationError: `bad_request`, it is longer than the daemon reads, or no JSON.
    """
    request_id = new_id()
    body = encode_request(request_id, method, params, key)
    if len(body) > limits.request_bytes:
        raise StationError(
            "bad_request", f"the request has {len(body)} bytes, {limits.request_bytes} are allowed"
        )
    return request_id, body


def reply_of(frames: list[bytes]) -> Reply:
    """Read a reply.

    Raises:
        StationError: `bad_request`, whoever serves this endpoint does not speak JSON-RPC.
    """
    try:
        return Reply.model_validate_json(frames[-1])
    except ValidationError as error:
        raise StationError(
            "bad_request", "the answer is not JSON-RPC; does another service use this endpoint?"
        ) from error


def answers(reply: Reply, request_id: str) -> bool:
    """Whether this is the reply to that request; an error without an id can have no other cause."""
    return reply.id == request_id or (reply.id is None and reply.error is not None)


def absent(endpoint: str, why: str) -> StationError:
    """The error for a daemon that is not there or does not answer."""
    return StationError("daemon_absent", f"no daemon answers at {endpoint}: {why}")
