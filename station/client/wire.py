"""What both clients do alike: socket options, requests out, replies in."""

import struct
from typing import Any, NamedTuple

import zmq
from pydantic import ValidationError

from ..documents.fault import StationError
from ..documents.ids import new_id
from ..documents.key import ClientKey
from ..documents.limits import Limits
from ..documents.rpc import Reply, encode_request

POLL_S = 0.25
"""How often a waiting client looks whether its connection still stands."""

SETTLE_MS = 5
DRAINED = 16
"""How long a reader of live pictures waits for a newer one, and how many it skips at most."""

FAILURES = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class Line(NamedTuple):
    """A connected socket, synchronous or not, and over TCP the monitor that knows why a key was refused."""

    socket: Any
    monitor: Any

    def close(self) -> None:
        """Close both."""
        if self.monitor is not None:
            self.socket.disable_monitor()
            self.monitor.close(linger=0)
        self.socket.close(linger=0)


def dial(
    context: Any,  # noqa: ANN401 - synchronous or not
    kind: int,
    endpoint: str,
    key: ClientKey | None,
    limits: Limits,
    queue: int | None = None,
) -> Line:
    """A socket with every limit set, connecting to the endpoint; `SUB` sockets are subscribed to everything.

    `queue` is the high-water mark where it is not the usual one.

    Raises:
        StationError: `endpoint_invalid`; `key_refused`, there is no key for a TCP endpoint.
    """
    if endpoint.startswith("tcp://") and key is None:
        raise StationError("key_refused", f"{endpoint} is reached over TCP, and no key is given")
    line = Line(context.socket(kind), None)
    try:
        _set_options(line.socket, kind, limits, queue)
        if key is not None and endpoint.startswith("tcp://"):
            line.socket.curve_publickey = key.public.encode()
            line.socket.curve_secretkey = key.secret.encode()
            line.socket.curve_serverkey = key.server.encode()
            events = FAILURES | zmq.EVENT_DISCONNECTED if kind == zmq.DEALER else FAILURES
            line = Line(line.socket, line.socket.get_monitor_socket(events))
        line.socket.connect(endpoint)
    except zmq.ZMQError as error:
        line.close()
        raise StationError("endpoint_invalid", f"{endpoint} is no endpoint: {error.strerror}") from error
    return line


def _set_options(socket: Any, kind: int, limits: Limits, queue: int | None) -> None:  # noqa: ANN401
    if kind == zmq.DEALER:
        options = limits.socket_options(limits.reply_bytes, queue or limits.control_queue)
        # a request made while no daemon was there must not be carried out when one comes, long after
        # its client gave up
        socket.setsockopt(zmq.IMMEDIATE, 1)
    else:
        options = limits.socket_options(limits.event_bytes, queue or limits.events_queue)
        socket.setsockopt(zmq.SUBSCRIBE, b"")
    for name, value in options.items():
        socket.setsockopt(zmq.SocketOption[name], value)


def refusal(frames: list[bytes], endpoint: str) -> tuple[StationError, bool]:
    """Why the handshake failed, from a message of the monitor, and whether trying again is of no use.

    A wrong server key and a server that ended in the middle of a handshake look alike from here: a client
    that was once let in should not believe the former.
    """
    event, _ = struct.unpack("=hi", frames[0])
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return StationError("key_refused", f"the daemon at {endpoint} does not let this key in"), True
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
        why = f"the server at {endpoint} does not use keys; it is no station"
        return StationError("key_refused", why), True
    if event == zmq.EVENT_DISCONNECTED:
        why = f"whoever listens at {endpoint} hangs up: it is no station, or speaks another version of ZMTP"
        return StationError(
            "endpoint_invalid", why, "Compare the address with `bus.remote_control` of the station."
        ), False
    why = f"the server at {endpoint} has not the key that this key file names"
    return StationError("key_refused", why), False


def better(problem: StationError, why: StationError, *, final: bool, proven: bool) -> StationError:
    """The better of two explanations: one that is final, or more than that a peer hung up.

    A client that was once let in (`proven`) believes only the former.
    """
    if final:
        return why
    hung_up_only = why.code == "endpoint_invalid" and problem.code == "key_refused"
    return problem if proven or hung_up_only else why


def request(
    method: str, params: dict[str, Any], key: str | None, limits: Limits, operator: str | None = None
) -> tuple[str, bytes]:
    """A new request's id and bytes.

    Raises:
        StationError: `bad_request`, it is longer than the daemon reads, or no JSON.
    """
    request_id = new_id()
    body = encode_request(request_id, method, params, key, operator)
    if len(body) > limits.request_bytes:
        raise StationError(
            "bad_request", f"the request has {len(body)} bytes, {limits.request_bytes} are allowed"
        )
    return request_id, body


class Answer(NamedTuple):
    """A reply, and the bytes that follow some."""

    reply: Reply
    blob: bytes = b""


def answer_of(frames: list[bytes]) -> Answer:
    """Read a reply.

    Raises:
        StationError: `bad_request`, whoever serves this endpoint does not speak JSON-RPC.
    """
    try:
        return Answer(Reply.model_validate_json(frames[0]), b"".join(frames[1:]))
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
