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
        preview_queue: previews kept for one slow peer: only the newest is of interest.
        file_piece_bytes: bytes of a file in one answer of `scan.file`.
        replies_queue: replies that wait in memory for a client that asks and does not read; it is deaf then.
        outbox_depth: no card is accepted while more scans than these wait to be delivered.
        requests_at_once, requests_of_one: requests in work, altogether and of one client; the rest waits its
            turn, `control_queue` of one client at most.
        deaf_s: a client whose replies had to be dropped, because it reads none, is not served for so long.
        descriptors: files and connections that a service may have open, if the system allows it.
        remembered_replies: replies kept for repeated idempotency keys.
        page_events: events in one answer of `events.since`.
        event_heartbeat_s: rhythm of the `heartbeat` event.
        silence_s: a client that hears nothing on `events` for that long takes the daemon for gone.
        connect_s, reply_s: patience of a client with a connection, and with an answer.
        slow_handler_s: a handler that took longer is named in the log.
        chunk_bytes: bytes of a file in one message of a delivery.
        credit_chunks: chunks that may be under way of one station, unanswered.
        credit_in_all: chunks that may be under way of all stations together; each has one in any case.
        credit_idle_s: a station that sent nothing for that long leaves its share to the others.
        parcel_files: files in one parcel.
        open_parcels: parcels that the intake keeps in mind at once.
        open_parcels_each: those of one connection.
        open_files: files of all these parcels together.
        commits_at_once: parcels that are made durable at once, in common rounds of syncs.
        parcel_tries: after so many tries that failed for a reason of its own a parcel is given up.
        page_parcels: parcels in one answer of `intake.parcels`.
        page_stations: stations in one answer of the trainer's `status`.
        delivery_reply_s: patience of a delivery with the intake, which syncs its disk before it answers.
        delivery_backoff_s, delivery_backoff_most_s: first and longest pause before another try.
        delivery_put_off_s: how long a parcel that failed for a reason of its own lets the others go first.
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
    control_queue: int = 256
    events_queue: int = 10_000
    intake_queue: int = 16
    preview_queue: int = 1
    replies_queue: int = 64
    file_piece_bytes: int = 1 * MIB
    outbox_depth: int = 20_000
    requests_at_once: int = 64
    requests_of_one: int = 8
    deaf_s: float = 1.0
    descriptors: int = 65_536
    remembered_replies: int = 1_000
    page_events: int = 500
    event_heartbeat_s: float = 1.0
    silence_s: float = 10.0
    connect_s: float = 2.0
    reply_s: float = 10.0
    slow_handler_s: float = 0.5
    chunk_bytes: int = 1 * MIB
    credit_chunks: int = 8
    credit_in_all: int = 64
    credit_idle_s: float = 10.0
    parcel_files: int = 4_096
    open_parcels: int = 256
    open_parcels_each: int = 4
    open_files: int = 65_536
    commits_at_once: int = 32
    parcel_tries: int = 3
    page_parcels: int = 200
    page_stations: int = 200
    delivery_reply_s: float = 30.0
    delivery_backoff_s: float = 0.1
    delivery_backoff_most_s: float = 5.0
    delivery_put_off_s: float = 30.0
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
