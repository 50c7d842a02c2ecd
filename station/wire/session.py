"""The host's end of the line: bytes and time in, bytes and deliveries out. No clock, no port, no thread.

One command is in flight. It is repeated with the same sequence number until its reply comes, the lease is
past, or all tries are used up; the board acts on it once, however often it hears it. Events are
acknowledged, and delivered once, in order. All times are seconds on any clock that does not go backwards.
"""

from dataclasses import dataclass, field

from .frame import Frame, FrameReader, LineCounts
from .messages import (
    EVENTS,
    MAJOR,
    REPLIES,
    REPLY_TIMEOUT_MS,
    SCHEMA_HASH,
    TRIES_MAX,
    Ack,
    Command,
    Event,
    Hello,
    HelloReply,
    Prefix,
    Refused,
    Reply,
)

TIMEOUT_S = REPLY_TIMEOUT_MS / 1_000
RESYNC = b"\0"  # ends whatever noise lies in the other end's buffer
_LAST_EVENT_NUMBER = 255


@dataclass(frozen=True, slots=True)
class Answered:
    """A command's reply has come.

    Attributes:
        sent_s: when the command was handed out for the first time; the board carried it out after that.
        received_s: when its reply was handed in.
        tries: times it was sent.
    """

    command: Command
    reply: Reply
    sent_s: float
    received_s: float
    tries: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A command was given up. Whether the board carried it out is not known."""

    command: Command
    tries: int


@dataclass(frozen=True, slots=True)
class Stranger:
    """`Hello` was answered by a board of another protocol version or schema."""

    prefix: Prefix


@dataclass(frozen=True, slots=True)
class Reported:
    """An event of the board, for the first time."""

    event: Event
    received_s: float


Delivery = Answered | Unanswered | Stranger | Reported


@dataclass(slots=True)
class SessionCounts:
    """What happened since the session object was made."""

    line: LineCounts
    commands: int = 0
    repeats: int = 0
    unanswered: int = 0
    stale_replies: int = 0
    malformed: int = 0
    events: int = 0
    events_repeated: int = 0
    events_skipped: int = 0


@dataclass(slots=True)
class Outcome:
    """What is to be written, and what has arrived, in order."""

    out: bytes = b""
    deliveries: list[Delivery] = field(default_factory=list)


class CommandInFlightError(RuntimeError):
    """A second command was submitted before the first one was answered or given up."""


@dataclass(slots=True)
class _InFlight:
    command: Command
    seq: int
    wire: bytes
    first_s: float
    sent_s: float
    tries: int = 1


class Session:
    """See the head of this module. After an error in the bytes it goes on with the next good frame."""

    def __init__(self, lease_s: float, first_seq: int = 0) -> None:
        self._lease_s = lease_s
        self._seq = first_seq % 256
        self._reader = FrameReader()
        self._in_flight: _InFlight | None = None
        self._greeted = False
        self._last_event: int | None = None
        self.counts = SessionCounts(self._reader.counts)

    @property
    def idle(self) -> bool:
        """Whether a command may be submitted."""
        return self._in_flight is None

    @property
    def wake_s(self) -> float | None:
        """When `advance` has something to do, unless bytes come first."""
        return None if self._in_flight is None else self._in_flight.sent_s + TIMEOUT_S

    def submit(self, command: Command, now: float) -> bytes:
        """Begin a command; returns the bytes to write.

        A `Hello` opens a new session: events are taken only after its reply.

        Raises:
            CommandInFlightError: one is under way.
            ValueError: a field is out of its range.
        """
        if self._in_flight is not None:
            raise CommandInFlightError(f"{type(self._in_flight.command).__name__} is under way")
        wire = Frame(self._seq, command.ID, command.pack()).encode()
        self._in_flight = _InFlight(command, self._seq, wire, now, now)
        self._seq = (self._seq + 1) % 256
        self.counts.commands += 1
        if isinstance(command, Hello):
            self._greeted = False
            return RESYNC + wire
        return wire

    def receive(self, data: bytes, now: float) -> Outcome:
        """Take in what the board sent."""
        outcome = Outcome()
        for frame in self._reader.feed(data):
            if frame.type in EVENTS:
                self._take_event(frame, now, outcome)
            else:
                self._take_reply(frame, now, outcome)
        return outcome

    def advance(self, now: float) -> Outcome:
        """Repeat or give up what is overdue."""
        flight = self._in_flight
        if flight is None or now < flight.sent_s + TIMEOUT_S:
            return Outcome()
        if flight.tries >= TRIES_MAX or now - flight.first_s >= self._lease_s:
            self._in_flight = None
            self.counts.unanswered += 1
            return Outcome(deliveries=[Unanswered(flight.command, flight.tries)])
        flight.sent_s = now
        flight.tries += 1
        self.counts.repeats += 1
        return Outcome(RESYNC + flight.wire)

    def _take_reply(self, frame: Frame, now: float, outcome: Outcome) -> None:
        flight = self._in_flight
        if flight is None or frame.seq != flight.seq:
            self.counts.stale_replies += 1
            return
        delivery = self._answer(flight, frame, now)
        if delivery is not None:
            self._in_flight = None
            outcome.deliveries.append(delivery)

    def _answer(self, flight: _InFlight, frame: Frame, now: float) -> Delivery | None:
        command = flight.command
        if frame.type not in (command.REPLY.ID, Refused.ID):
            self.counts.malformed += 1
            return None
        try:
            if frame.type == HelloReply.ID:
                prefix = Prefix.unpack(frame.payload[: Prefix.LAYOUT.size])
                if (prefix.major, prefix.schema_hash) != (MAJOR, SCHEMA_HASH):
                    return Stranger(prefix)
            reply = REPLIES[frame.type].unpack(frame.payload)
        except ValueError:
            self.counts.malformed += 1
            return None
        if isinstance(command, Hello) and isinstance(reply, HelloReply):
            if reply.session != command.session:
                self.counts.stale_replies += 1
                return None
            self._greeted, self._last_event = True, None
        return Answered(command, reply, flight.first_s, now, flight.tries)

    def _take_event(self, frame: Frame, now: float, outcome: Outcome) -> None:
        if not self._greeted:
            return
        try:
            event = EVENTS[frame.type].unpack(frame.payload)
        except ValueError:
            self.counts.malformed += 1
            return
        outcome.out += Frame(frame.seq, Ack.ID).encode()
        if frame.seq == self._last_event:
            self.counts.events_repeated += 1
            return
        if frame.seq != (self._last_event or 0) % _LAST_EVENT_NUMBER + 1:
            self.counts.events_skipped += 1
        self._last_event = frame.seq
        self.counts.events += 1
        outcome.deliveries.append(Reported(event, now))
