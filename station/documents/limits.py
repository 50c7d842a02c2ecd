"""Every limit of the ZeroMQ sockets, for both ends, in one place."""

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What the sockets allow.

    Attributes:
        request_bytes: longest request that is read; a longer one is answered with an error.
        control_bytes: longest frame on `control` at all; who sends a longer one is disconnected, unanswered.
        reply_bytes: longest reply that a client accepts.
        event_bytes: longest frame of an event, blob included, that a client accepts.
        intake_bytes: longest frame on `intake`, a chunk or an offer.
        handshake_ms: a connection that has not introduced itself by then is closed.
        heartbeat_ms, heartbeat_timeout_ms: pings of the transport, so that a half-open connection is noticed.
        reconnect_ms, reconnect_most_ms: first and longest pause before the transport connects again.
        linger_ms: what is unsent when a socket closes is dropped; whoever needs it asks again.
        control_queue, events_queue, intake_queue: messages kept for one slow peer.
        requests_at_once: requests in work; the rest waits in the queue.
        remembered_replies: replies kept for repeated idempotency keys.
        page_events: events in one answer of `events.since`.
        event_heartbeat_s: rhythm of the `heartbeat` event.
        silence_s: a client that hears nothing on `events` for that long takes the daemon for gone.
        connect_s, reply_s: patience of a client with a connection, and with an answer.
        slow_handler_s: a handler that took longer is named in the log.
        chunk_bytes: bytes of a file in one message of a delivery.
        credit_chunks: chunks that may be under way, unanswered.
        parcel_files: files in one parcel.
        open_parcels: parcels that the intake keeps in mind at once.
        delivery_reply_s: patience of a delivery with the intake, which syncs its disk before it answers.
        delivery_backoff_s, delivery_backoff_most_s: first and longest pause before another try.
        delivery_idle_s: how often an idle delivery looks for work by itself.
    """

    request_bytes: int = 1 * MIB
    control_bytes: int = 4 * MIB
    reply_bytes: int = 64 * MIB
    event_bytes: int = 16 * MIB
    intake_bytes: int = 4 * MIB
    handshake_ms: int = 5_000
    heartbeat_ms: int = 2_000
    heartbeat_timeout_ms: int = 6_000
    linger_ms: int = 0
    reconnect_ms: int = 50
    reconnect_most_ms: int = 1_000
    control_queue: int = 1_000
    events_queue: int = 10_000
    intake_queue: int = 64
    requests_at_once: int = 64
    remembered_replies: int = 1_000
    page_events: int = 500
    event_heartbeat_s: float = 1.0
    silence_s: float = 10.0
    connect_s: float = 2.0
    reply_s: float = 10.0
    slow_handler_s: float = 0.5
    chunk_bytes: int = 1 * MIB
    credit_chunks: int = 8
    parcel_files: int = 4_096
    open_parcels: int = 64
    delivery_reply_s: float = 30.0
    delivery_backoff_s: float = 0.1
    delivery_backoff_most_s: float = 5.0
    delivery_idle_s: float = 5.0

    def socket_options(self, message_bytes: int, queue: int) -> dict[str, int]:
        """Names and values of the socket options, without a need for zmq here."""
        return {
            "MAXMSGSIZE": message_bytes,
            "SNDHWM": queue,
            "RCVHWM": queue,
            "LINGER": self.linger_ms,
            "HANDSHAKE_IVL": self.handshake_ms,
            "HEARTBEAT_IVL": self.heartbeat_ms,
            "HEARTBEAT_TIMEOUT": self.heartbeat_timeout_ms,
            "RECONNECT_IVL": self.reconnect_ms,
            "RECONNECT_IVL_MAX": self.reconnect_most_ms,
        }


LIMITS = Limits()
