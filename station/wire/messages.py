"""The messages between station and board.

Generated from firmware/protocol.toml by firmware/generate.py; do not edit.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from struct import error as StructError
from typing import Any, ClassVar, Self

MAJOR = 1
MINOR = 0
SCHEMA_HASH = 0x6517B905
BAUD = 250000
FRAME_MAX_BYTES = 64  # seq, type, payload and crc, before stuffing
PAYLOAD_MAX_BYTES = 60  # frame_max_bytes less seq, type and crc
WIRE_MAX_BYTES = 66  # a stuffed frame with its closing zero
LIGHTS_MAX = 8  # lights have one byte of mask
STEPS_MAX = 32  # steps of an exposure programme
LEASE_MIN_MS = 300  # shortest host lease a board grants
LEASE_MAX_MS = 60000  # longest host lease a board grants
MAX_ON_MAX_MS = 10000  # longest time one command or step may keep a light burning
GAP_MIN_US = 200  # shortest darkness between two steps
GAP_MAX_US = 10000000  # longest darkness between two steps
EXPOSURE_MIN_US = 50  # shortest exposure of a step
BUZZER_MAX_MS = 2000  # longest beep
REPLY_TIMEOUT_MS = 100  # the host repeats a command after this long without a reply
TRIES_MAX = 10  # times a command is sent before the host gives up
EVENT_REPEAT_MS = 50  # the board repeats an unacknowledged event after this long
EVENT_QUEUE = 14  # events a board holds
EVENT_RESERVE = 3  # places of the queue that only programmes and faults may take
PANEL_RESERVE = 6  # places of the queue that no step is begun for: buttons and the card sensor find room while reports wait
ERRORS_KEPT = 8  # faults a board remembers
WATCHDOG_MS = 250  # a board that hangs is reset after about this long
START_AHEAD_MAX_MS = 5000  # how far ahead `StartAt` may lie
PWM_LEVELS = 16  # steps of brightness a board really has; never used in a scan
HEAT_MAX_MS = 15000  # interlock of the duty cycle: a light's heat grows by one for each millisecond it burns and shrinks by one in darkness; at this it goes off
NO_STEP = 255  # stands where no step of a programme was running


class Spoken(IntEnum):
    """An enumeration whose members can be read out to people."""

    says: str

    def __new__(cls, value: int, says: str = "") -> Self:
        member = int.__new__(cls, value)
        member._value_ = value
        member.says = says
        return member


class Message:
    """A payload with a name; `pack` and `unpack` raise ValueError for what cannot be."""

    __slots__ = ()
    LAYOUT: ClassVar[Struct]

    def pack(self) -> bytes:
        """The payload."""
        raise NotImplementedError

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        raise NotImplementedError


class Identified(Message):
    """A message that travels in a frame of its own; `ID` is the frame's type."""

    __slots__ = ()
    ID: ClassVar[int]


class Reply(Identified):
    """Board to host, answers a command."""

    __slots__ = ()


class Event(Identified):
    """Board to host, numbered, repeated until acknowledged."""

    __slots__ = ()


class Notice(Identified):
    """Host to board, not answered."""

    __slots__ = ()


class Command(Identified):
    """Host to board; answered by `REPLY` or by `Refused`."""

    __slots__ = ()
    REPLY: ClassVar[type[Reply]]


def _pack(name: str, layout: Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except StructError as error:
        raise ValueError(f"{name}: {error}") from error


def _unpack(name: str, layout: Struct, payload: bytes) -> tuple[Any, ...]:
    try:
        return layout.unpack(payload)
    except StructError as error:
        raise ValueError(f"{name}: {error}") from error


class Fault(Spoken):
    """What went wrong on the board. All lights are off; latched until `Clear`."""

    NONE = (0, "no fault")
    LEASE_EXPIRED = (1, "nothing was heard from the station for longer than the host lease")
    MAX_ON_EXPIRED = (2, "a light burned for its maximum on-time and was switched off")
    INTERNAL = (3, "the board found its own state damaged")
    TOO_HOT = (4, "a light burned more than its duty cycle allows")


class ResetCause(Spoken):
    """Why the board started, as far as it knows."""

    UNKNOWN = (0, "unknown")
    POWER_ON = (1, "power on")
    EXTERNAL = (2, "reset line")
    BROWN_OUT = (3, "supply voltage too low")
    WATCHDOG = (4, "watchdog: the firmware hung")


class BoardKind(Spoken):
    """What the board is."""

    SOFTWARE = (1, "software board")
    ATMEGA328P = (2, "ATmega328P")


class BoardState(Spoken):
    """What the board is doing."""

    IDLE = (0, "idle")
    LOADING = (1, "receiving a programme")
    LOADED = (2, "programme loaded")
    ARMED = (3, "armed")
    RUNNING = (4, "programme running")
    FAULT = (5, "fault")


class Refusal(Spoken):
    """Why a command was not carried out. Nothing has changed on the board."""

    UNKNOWN_COMMAND = (1, "the board does not know this command")
    NO_SESSION = (2, "the board knows of no session; it has restarted")
    BUSY = (3, "an exposure programme is running")
    FAULT_LATCHED = (4, "a fault is latched and must be cleared first")
    BAD_LIGHT = (5, "the board has no such light")
    BAD_DURATION = (6, "the duration is outside the board's limits")
    BAD_STEP = (7, "the step is out of turn or outside the programme")
    BAD_CHECKSUM = (8, "the programme's checksum does not match")
    NO_PROGRAMME = (9, "no exposure programme is loaded")
    NOT_ARMED = (10, "the programme is not armed")
    BAD_VALUE = (11, "a value has no meaning")
    BAD_TIME = (12, "the moment to start has passed or lies too far ahead")
    TOO_HOT = (13, "a light must cool down first: its duty cycle would be exceeded")


class EndReason(Spoken):
    """How an exposure programme ended."""

    COMPLETED = (0, "completed")
    ABORTED = (1, "aborted")


class Pattern(Spoken):
    """How the status LED and the two-coloured indicator shine."""

    OFF = (0, "off")
    ON = (1, "on")
    SLOW = (2, "blinking slowly")
    FAST = (3, "blinking fast")


class Colour(Spoken):
    """What the two-coloured indicator shows to its operator; bit 0 is its green LED, bit 1 its red one."""

    OFF = (0, "off")
    GREEN = (1, "green")
    RED = (2, "red")
    AMBER = (3, "amber")


class BoardFlag(IntFlag):
    """Bits of `HelloReply.flags`."""

    SIMULATED = 1  # no real light burns


class LightFlag(IntFlag):
    """Bits of `Light.flags` and `Lights.flags`."""

    TIMED = 1  # going off after `max_on_ms` is what is wanted, not a fault


class StepFlag(IntFlag):
    """Bits of `ProgrammeStep.flags` and `StepDone.flags`."""

    TRIGGER = 1  # the camera is triggered (and was)
    LATE = 2  # report only: the step began late, because the report of an earlier one was not yet acknowledged


@dataclass(frozen=True, slots=True)
class Prefix(Message):
    """How `Hello` and `HelloReply` begin in every version of the protocol.

    Attributes:
        major: protocol version; a different one is refused.
        minor: protocol version, for people.
        schema_hash: hash of this file; a different one is refused.
        session: drawn by the host, echoed by the board.
    """

    LAYOUT: ClassVar[Struct] = Struct("<BBIH")
    major: int
    minor: int
    schema_hash: int
    session: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Prefix", self.LAYOUT, self.major, self.minor, self.schema_hash, self.session)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Prefix", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3])


@dataclass(frozen=True, slots=True)
class ErrorEntry(Message):
    """One remembered fault.

    Attributes:
        fault: what.
        step: step of the programme, or no_step.
        ticks: when.
    """

    LAYOUT: ClassVar[Struct] = Struct("<BBI")
    fault: Fault
    step: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ErrorEntry", self.LAYOUT, self.fault, self.step, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("ErrorEntry", cls.LAYOUT, payload)
        return cls(Fault(v[0]), v[1], v[2])


@dataclass(frozen=True, slots=True)
class Ok(Reply):
    """Done."""

    ID: ClassVar[int] = 0x40
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Ok", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Ok", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class HelloReply(Reply):
    """Who the board is.

    Attributes:
        major: protocol version of the board.
        minor: protocol version of the board.
        schema_hash: schema hash of the board.
        session: the session number of the `Hello` this answers.
        firmware_major: release of the firmware.
        firmware_minor: release of the firmware.
        firmware_patch: release of the firmware.
        git: first 32 bits of the commit it was built from; 0: unknown.
        board: what it is.
        flags: BoardFlag.
        light_count: lights it drives.
        button_count: buttons it reads.
        reset_cause: why it started.
        boot_nonce: differs after every start.
        ticks_hz: nominal rate of its clock.
        lease_ms: host lease in force.
        max_on_max_ms: longest on-time it accepts.
        lights_at_once: lights it lets burn together.
        steps_max: steps a programme may have.
        gap_min_us: shortest gap it accepts.
        gap_max_us: longest gap it accepts.
        exposure_min_us: shortest exposure it accepts.
        fault: latched fault.
    """

    ID: ClassVar[int] = 0x41
    LAYOUT: ClassVar[Struct] = Struct("<BBIHBBBIBBBBBHIHHBBIIIB")
    major: int
    minor: int
    schema_hash: int
    session: int
    firmware_major: int
    firmware_minor: int
    firmware_patch: int
    git: int
    board: BoardKind
    flags: int
    light_count: int
    button_count: int
    reset_cause: ResetCause
    boot_nonce: int
    ticks_hz: int
    lease_ms: int
    max_on_max_ms: int
    lights_at_once: int
    steps_max: int
    gap_min_us: int
    gap_max_us: int
    exposure_min_us: int
    fault: Fault

    def pack(self) -> bytes:
        """The payload."""
        return _pack("HelloReply", self.LAYOUT, self.major, self.minor, self.schema_hash, self.session, self.firmware_major, self.firmware_minor, self.firmware_patch, self.git, self.board, self.flags, self.light_count, self.button_count, self.reset_cause, self.boot_nonce, self.ticks_hz, self.lease_ms, self.max_on_max_ms, self.lights_at_once, self.steps_max, self.gap_min_us, self.gap_max_us, self.exposure_min_us, self.fault)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("HelloReply", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], BoardKind(v[8]), v[9], v[10], v[11], ResetCause(v[12]), v[13], v[14], v[15], v[16], v[17], v[18], v[19], v[20], v[21], Fault(v[22]))


@dataclass(frozen=True, slots=True)
class Pong(Reply):
    """Alive.

    Attributes:
        ticks: the board's clock when the command was carried out.
        boot_nonce: as in `HelloReply`.
    """

    ID: ClassVar[int] = 0x42
    LAYOUT: ClassVar[Struct] = Struct("<IH")
    ticks: int
    boot_nonce: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Pong", self.LAYOUT, self.ticks, self.boot_nonce)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Pong", cls.LAYOUT, payload)
        return cls(v[0], v[1])


@dataclass(frozen=True, slots=True)
class StatusReply(Reply):
    """What the board is doing.

    Attributes:
        state: what it does.
        mask: lights burning.
        fault: latched fault.
        step: step running, or no_step.
        steps_stored: steps of the stored programme.
        buttons: bit k: button k is held down.
        card_present: 1: the sensor sees a card.
        events_waiting: events not yet acknowledged.
        heat_ms: heat of the hottest light, see heat_max_ms.
        ticks: the board's clock.
    """

    ID: ClassVar[int] = 0x43
    LAYOUT: ClassVar[Struct] = Struct("<BBBBBBBBHI")
    state: BoardState
    mask: int
    fault: Fault
    step: int
    steps_stored: int
    buttons: int
    card_present: int
    events_waiting: int
    heat_ms: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("StatusReply", self.LAYOUT, self.state, self.mask, self.fault, self.step, self.steps_stored, self.buttons, self.card_present, self.events_waiting, self.heat_ms, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("StatusReply", cls.LAYOUT, payload)
        return cls(BoardState(v[0]), v[1], Fault(v[2]), v[3], v[4], v[5], v[6], v[7], v[8], v[9])


@dataclass(frozen=True, slots=True)
class ErrorsReply(Reply):
    """The last faults, newest first.

    Attributes:
        total: faults since the board started.
        entries: at most errors_kept.
    """

    ID: ClassVar[int] = 0x44
    LAYOUT: ClassVar[Struct] = Struct("<H")
    total: int
    entries: tuple[ErrorEntry, ...]

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ErrorsReply", self.LAYOUT, self.total) + b"".join(entry.pack() for entry in self.entries)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        size = cls.LAYOUT.size
        v = _unpack("ErrorsReply", cls.LAYOUT, payload[:size])
        one = ErrorEntry.LAYOUT.size
        return cls(v[0], tuple(ErrorEntry.unpack(payload[at : at + one]) for at in range(size, len(payload), one)))


@dataclass(frozen=True, slots=True)
class StatsReply(Reply):
    """Health since the board started; counters stop at their highest value.

    Attributes:
        frames_ok: valid frames received.
        frames_bad: frames refused: checksum, stuffing or length.
        frames_repeated: commands answered from the kept reply.
        receive_overruns: bytes lost because nobody fetched them.
        events_repeated: events sent again.
        events_lost: events for which the queue had no room.
        stack_free_bytes: least free stack ever seen; 65535: not measured.
        isr_latency_max_ticks: latest the light timer ever was; 65535: not measured.
    """

    ID: ClassVar[int] = 0x45
    LAYOUT: ClassVar[Struct] = Struct("<IHHHHHHH")
    frames_ok: int
    frames_bad: int
    frames_repeated: int
    receive_overruns: int
    events_repeated: int
    events_lost: int
    stack_free_bytes: int
    isr_latency_max_ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("StatsReply", self.LAYOUT, self.frames_ok, self.frames_bad, self.frames_repeated, self.receive_overruns, self.events_repeated, self.events_lost, self.stack_free_bytes, self.isr_latency_max_ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("StatsReply", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7])


@dataclass(frozen=True, slots=True)
class Refused(Reply):
    """Not done.

    Attributes:
        reason: why.
    """

    ID: ClassVar[int] = 0x7F
    LAYOUT: ClassVar[Struct] = Struct("<B")
    reason: Refusal

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Refused", self.LAYOUT, self.reason)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Refused", cls.LAYOUT, payload)
        return cls(Refusal(v[0]))


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """A step's lights have just gone off.

    Attributes:
        index: step.
        mask: lights that burned.
        flags: StepFlag.
        on_ticks: lights on.
        trigger_ticks: exposure begins; trigger high, if the step has one.
        off_ticks: exposure ends, trigger low, lights off.
    """

    ID: ClassVar[int] = 0x80
    LAYOUT: ClassVar[Struct] = Struct("<BBBIII")
    index: int
    mask: int
    flags: int
    on_ticks: int
    trigger_ticks: int
    off_ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("StepDone", self.LAYOUT, self.index, self.mask, self.flags, self.on_ticks, self.trigger_ticks, self.off_ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("StepDone", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5])


@dataclass(frozen=True, slots=True)
class ProgrammeDone(Event):
    """The programme has ended; lights are off.

    Attributes:
        reason: how.
        steps_done: steps that ran to their end.
        ticks: when.
    """

    ID: ClassVar[int] = 0x81
    LAYOUT: ClassVar[Struct] = Struct("<BBI")
    reason: EndReason
    steps_done: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ProgrammeDone", self.LAYOUT, self.reason, self.steps_done, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("ProgrammeDone", cls.LAYOUT, payload)
        return cls(EndReason(v[0]), v[1], v[2])


@dataclass(frozen=True, slots=True)
class FaultRaised(Event):
    """A fault was latched; lights are off.

    Attributes:
        fault: what.
        step: step of the programme, or no_step.
        ticks: when.
    """

    ID: ClassVar[int] = 0x82
    LAYOUT: ClassVar[Struct] = Struct("<BBI")
    fault: Fault
    step: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("FaultRaised", self.LAYOUT, self.fault, self.step, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("FaultRaised", cls.LAYOUT, payload)
        return cls(Fault(v[0]), v[1], v[2])


@dataclass(frozen=True, slots=True)
class Button(Event):
    """A button was pressed or released.

    Attributes:
        button: 0-based.
        pressed: 1: pressed, 0: released.
        ticks: when.
    """

    ID: ClassVar[int] = 0x83
    LAYOUT: ClassVar[Struct] = Struct("<BBI")
    button: int
    pressed: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Button", self.LAYOUT, self.button, self.pressed, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Button", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2])


@dataclass(frozen=True, slots=True)
class Card(Event):
    """A card was put down or taken away.

    Attributes:
        present: 1: put down, 0: taken away.
        ticks: when.
    """

    ID: ClassVar[int] = 0x84
    LAYOUT: ClassVar[Struct] = Struct("<BI")
    present: int
    ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Card", self.LAYOUT, self.present, self.ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Card", cls.LAYOUT, payload)
        return cls(v[0], v[1])


@dataclass(frozen=True, slots=True)
class Ack(Notice):
    """The event with this frame's seq has arrived. Not answered."""

    ID: ClassVar[int] = 0x1F
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Ack", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Ack", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Hello(Command):
    """Open a session. A session number other than the current one switches everything off, forgets programme, events and the last reply, and sets the lease; the current number again changes nothing. Always answered afresh, never from the kept reply. A board that speaks another version answers, but opens no session.

    Attributes:
        major: protocol version of the host.
        minor: protocol version of the host.
        schema_hash: schema hash of the host.
        session: any number but 0 and the last session's.
        lease_ms: host lease asked for; the board may grant less, see the reply.
    """

    ID: ClassVar[int] = 0x01
    REPLY: ClassVar[type[Reply]] = HelloReply
    LAYOUT: ClassVar[Struct] = Struct("<BBIHH")
    major: int
    minor: int
    schema_hash: int
    session: int
    lease_ms: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Hello", self.LAYOUT, self.major, self.minor, self.schema_hash, self.session, self.lease_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Hello", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3], v[4])


@dataclass(frozen=True, slots=True)
class Ping(Command):
    """Keeps the lease, and compares clocks."""

    ID: ClassVar[int] = 0x02
    REPLY: ClassVar[type[Reply]] = Pong
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Ping", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Ping", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Status(Command):
    """What the board is doing now."""

    ID: ClassVar[int] = 0x03
    REPLY: ClassVar[type[Reply]] = StatusReply
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Status", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Status", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Light(Command):
    """Light exactly this light and no other. The port is written before the reply is sent.

    Attributes:
        light: 0-based.
        flags: LightFlag.
        max_on_ms: off by itself after this long; 1 up to the board's limit.
    """

    ID: ClassVar[int] = 0x04
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<BBH")
    light: int
    flags: int
    max_on_ms: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Light", self.LAYOUT, self.light, self.flags, self.max_on_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Light", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2])


@dataclass(frozen=True, slots=True)
class Lights(Command):
    """Light exactly the lights of a mask. The port is written before the reply is sent. Dimming is for looking on, never for measuring.

    Attributes:
        mask: bit k is light k; 0 is refused, that is what `Off` is for.
        level: brightness as a share of 255, rounded up to the next of pwm_levels; 255: without dimming, 0 is refused.
        flags: LightFlag.
        max_on_ms: off by themselves after this long; 1 up to the board's limit.
    """

    ID: ClassVar[int] = 0x05
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<BBBH")
    mask: int
    level: int
    flags: int
    max_on_ms: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Lights", self.LAYOUT, self.mask, self.level, self.flags, self.max_on_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Lights", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3])


@dataclass(frozen=True, slots=True)
class Off(Command):
    """All lights off. Aborts a running programme. Served in every state, also without a session."""

    ID: ClassVar[int] = 0x06
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Off", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Off", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class StartAt(Command):
    """Run the armed programme once, the lights of its first step on at this tick. Refused with `bad_time` if the tick has passed or lies more than start_ahead_max_ms ahead. Until then the board is `running` without a step.

    Attributes:
        at_ticks: of the board's clock.
    """

    ID: ClassVar[int] = 0x07
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<I")
    at_ticks: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("StartAt", self.LAYOUT, self.at_ticks)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("StartAt", cls.LAYOUT, payload)
        return cls(v[0])


@dataclass(frozen=True, slots=True)
class ProgrammeBegin(Command):
    """Forget the stored programme and expect this one.

    Attributes:
        count: steps to come, 1 up to steps_max.
        checksum: CRC-16/CCITT-FALSE over the payloads of all `ProgrammeStep`, in order.
    """

    ID: ClassVar[int] = 0x08
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<BH")
    count: int
    checksum: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ProgrammeBegin", self.LAYOUT, self.count, self.checksum)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("ProgrammeBegin", cls.LAYOUT, payload)
        return cls(v[0], v[1])


@dataclass(frozen=True, slots=True)
class ProgrammeStep(Command):
    """One step: lights on, settle, trigger high, expose, trigger low and lights off, gap.

    Attributes:
        index: 0, 1, 2, ... in order.
        mask: lights of this step; 0 is darkness (the ambient frame).
        flags: StepFlag.
        settle_us: from lights on to trigger.
        expose_us: from trigger to lights off.
        gap_us: darkness before the next step; gap_min_us up to gap_max_us.
    """

    ID: ClassVar[int] = 0x09
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<BBBIII")
    index: int
    mask: int
    flags: int
    settle_us: int
    expose_us: int
    gap_us: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ProgrammeStep", self.LAYOUT, self.index, self.mask, self.flags, self.settle_us, self.expose_us, self.gap_us)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("ProgrammeStep", cls.LAYOUT, payload)
        return cls(v[0], v[1], v[2], v[3], v[4], v[5])


@dataclass(frozen=True, slots=True)
class ProgrammeEnd(Command):
    """The programme is complete: the board checks count and checksum."""

    ID: ClassVar[int] = 0x0A
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("ProgrammeEnd", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("ProgrammeEnd", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Arm(Command):
    """Check the stored programme against the limits, also that of the duty cycle, and make ready. Lights go off."""

    ID: ClassVar[int] = 0x0B
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Arm", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Arm", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Start(Command):
    """Run the armed programme once."""

    ID: ClassVar[int] = 0x0C
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Start", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Start", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Abort(Command):
    """Stop a running programme and disarm an armed one; lights off. With nothing running it does no more than `Off`."""

    ID: ClassVar[int] = 0x0D
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Abort", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Abort", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Clear(Command):
    """Unlatch the fault. What is remembered for `Errors` stays."""

    ID: ClassVar[int] = 0x0E
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Clear", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Clear", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Errors(Command):
    """The last faults since the board started."""

    ID: ClassVar[int] = 0x0F
    REPLY: ClassVar[type[Reply]] = ErrorsReply
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Errors", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Errors", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Stats(Command):
    """Health of line and firmware since the board started."""

    ID: ClassVar[int] = 0x10
    REPLY: ClassVar[type[Reply]] = StatsReply
    LAYOUT: ClassVar[Struct] = Struct("<")

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Stats", self.LAYOUT)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        _unpack("Stats", cls.LAYOUT, payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Buzzer(Command):
    """Sound the buzzer.

    Attributes:
        frequency_hz: 100 to 10000.
        duration_ms: 1 up to buzzer_max_ms.
    """

    ID: ClassVar[int] = 0x11
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<HH")
    frequency_hz: int
    duration_ms: int

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Buzzer", self.LAYOUT, self.frequency_hz, self.duration_ms)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Buzzer", cls.LAYOUT, payload)
        return cls(v[0], v[1])


@dataclass(frozen=True, slots=True)
class Indicator(Command):
    """Set the status LED and the two-coloured indicator beside the mat; the board blinks by itself. Both are dark after a reset, in a new session until this is said, and while the host lease is over; once the host is heard again in the same session they show what was set last.

    Attributes:
        pattern: how both shine from now on.
        colour: of the indicator.
    """

    ID: ClassVar[int] = 0x12
    REPLY: ClassVar[type[Reply]] = Ok
    LAYOUT: ClassVar[Struct] = Struct("<BB")
    pattern: Pattern
    colour: Colour

    def pack(self) -> bytes:
        """The payload."""
        return _pack("Indicator", self.LAYOUT, self.pattern, self.colour)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """The message in a payload."""
        v = _unpack("Indicator", cls.LAYOUT, payload)
        return cls(Pattern(v[0]), Colour(v[1]))


COMMANDS: dict[int, type[Command]] = {
    Hello.ID: Hello,
    Ping.ID: Ping,
    Status.ID: Status,
    Light.ID: Light,
    Lights.ID: Lights,
    Off.ID: Off,
    StartAt.ID: StartAt,
    ProgrammeBegin.ID: ProgrammeBegin,
    ProgrammeStep.ID: ProgrammeStep,
    ProgrammeEnd.ID: ProgrammeEnd,
    Arm.ID: Arm,
    Start.ID: Start,
    Abort.ID: Abort,
    Clear.ID: Clear,
    Errors.ID: Errors,
    Stats.ID: Stats,
    Buzzer.ID: Buzzer,
    Indicator.ID: Indicator,
}

NOTICES: dict[int, type[Notice]] = {
    Ack.ID: Ack,
}

REPLIES: dict[int, type[Reply]] = {
    Ok.ID: Ok,
    HelloReply.ID: HelloReply,
    Pong.ID: Pong,
    StatusReply.ID: StatusReply,
    ErrorsReply.ID: ErrorsReply,
    StatsReply.ID: StatsReply,
    Refused.ID: Refused,
}

EVENTS: dict[int, type[Event]] = {
    StepDone.ID: StepDone,
    ProgrammeDone.ID: ProgrammeDone,
    FaultRaised.ID: FaultRaised,
    Button.ID: Button,
    Card.ID: Card,
}
