"""The software board without a port: bytes, presses and time in; bytes, light edges and the next wake-up out.

Pure and deterministic: the same inputs at the same times give the same outputs. It behaves as
`firmware/` does; one conformance suite runs against both. Times are nanoseconds, clock of the light log.
"""

from dataclasses import dataclass, field

from ..wire import messages as m
from ..wire.frame import Frame, FrameReader
from .board_machine import BUTTONS, LIGHTS, BoardMachine
from .board_panel import Indicator, Panel
from .board_parts import MS
from .board_programme import RefusedError

TICKS_HZ = 1_000_000
FIRMWARE = (1, 0, 0)
_NOT_MEASURED = 0xFFFF
_U16 = 0xFFFF
_REPLIES_BEGIN = 0x40  # message ids from here on are the board's own

_ALWAYS_SERVED = (m.Hello, m.Off)
_SERVED_WHILE_BUSY = (m.Ping, m.Status, m.Clear, m.Errors, m.Stats, m.Abort, m.Buzzer, m.Indicator)


@dataclass(frozen=True, slots=True)
class Birth:
    """What is settled when a board starts."""

    boot_nonce: int
    reset_cause: m.ResetCause
    lease_max_ms: int = m.LEASE_MAX_MS


@dataclass(slots=True)
class Output:
    """Edges `(ns, mask)` of lights and trigger, and whole frames, each in order.

    Log the edges before sending the frames.
    """

    edges: list[tuple[int, int]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)


class BoardCore:
    """A board from one start to the next."""

    def __init__(self, birth: Birth, now_ns: int) -> None:
        self._birth = birth
        self._output = Output()
        self._machine = BoardMachine(now_ns, lambda when, mask: self._output.edges.append((when, mask)))
        self._reader = FrameReader()
        self._session = 0
        self._lease_ns = 0
        self._heard_ns = now_ns
        self._advanced_ns = now_ns
        self._last: tuple[Frame, bytes] | None = None
        self._repeated = 0
        self._misshapen = 0

    def receive(self, data: bytes, now_ns: int) -> Output:
        """Take in what the host sent."""
        self._machine.advance(now_ns)
        self._hide_if_alone(now_ns)
        for frame in self._reader.feed(data):
            self._take(frame, now_ns)
        return self.advance(now_ns)

    def advance(self, now_ns: int) -> Output:
        """Do what has become due."""
        self._advanced_ns = now_ns
        if self._lease_is_over(now_ns):
            self._machine.advance(self.lease_over_ns)
            if self._machine.needs_host:
                self._machine.fail(m.Fault.LEASE_EXPIRED, self._machine.now_ns)
        self._machine.advance(now_ns)
        self._hide_if_alone(now_ns)
        if self._session and not self._lease_is_over(now_ns):
            event = self._machine.events.due(now_ns)
            if event is not None:
                self._output.frames.append(event)
        output, self._output = self._output, Output()
        return output

    def press(self, button: int, pressed: bool, now_ns: int) -> Output:
        """A button changes."""
        self._machine.advance(now_ns)
        bit = 1 << button
        panel = self._machine.panel
        panel.buttons = panel.buttons | bit if pressed else panel.buttons & ~bit
        return self._notice(m.Button(button, int(pressed), self._machine.ticks(now_ns)), now_ns)

    def sense_card(self, present: bool, now_ns: int) -> Output:
        """The card sensor changes."""
        self._machine.advance(now_ns)
        self._machine.panel.card_present = present
        return self._notice(m.Card(int(present), self._machine.ticks(now_ns)), now_ns)

    def power_off(self, now_ns: int) -> Output:
        """Everything dark, for good."""
        self._machine.quench(now_ns)
        output, self._output = self._output, Output()
        return output

    @property
    def mask(self) -> int:
        """Lights burning."""
        return self._machine.lamps.mask

    @property
    def panel(self) -> Panel:
        """What is not light."""
        return self._machine.panel

    def indicator(self, now_ns: int) -> Indicator:
        """The LEDs that are no lights, as they are at this moment."""
        self._hide_if_alone(now_ns)
        return self._machine.indicator

    @property
    def lease_over_ns(self) -> int:
        """When the host lease ends if nothing more is heard."""
        return self._heard_ns + self._lease_ns

    @property
    def wake_ns(self) -> int | None:
        """When `advance` has something to do, unless an input comes first; None: never."""
        times = [self._machine.wake_ns]
        if self._machine.needs_host:
            times.append(self.lease_over_ns)
        event_ns = self._machine.events.wake_ns
        if event_ns is not None and max(event_ns, self._advanced_ns) < self.lease_over_ns:
            times.append(event_ns)
        return min((time for time in times if time is not None), default=None)

    def _lease_is_over(self, now_ns: int) -> bool:
        return now_ns >= self.lease_over_ns

    def _hide_if_alone(self, now_ns: int) -> None:
        if self._lease_is_over(now_ns):
            self._machine.indicator.hide(self.lease_over_ns)

    def _notice(self, event: m.Event, now_ns: int) -> Output:
        if self._session:
            self._machine.events.push(event)
        return self.advance(now_ns)

    def _take(self, frame: Frame, now_ns: int) -> None:
        if frame.type >= _REPLIES_BEGIN:
            return  # an echo of our own
        if not (_has_its_length(frame) or _foreign_greeting(frame)):
            self._misshapen += 1
            return
        self._heard_ns = now_ns
        if frame.type != m.Hello.ID:  # a greeting may come from another host than the one that set it
            self._machine.indicator.show(now_ns)
        if frame.type == m.Ack.ID:
            self._machine.events.acknowledge(frame.seq)
            return
        if self._last is not None and self._last[0] == frame:
            self._repeated = min(self._repeated + 1, _U16)
            self._output.frames.append(self._last[1])
            return
        reply = self._answer(frame, now_ns)
        wire = Frame(frame.seq, reply.ID, reply.pack()).encode()
        if frame.type != m.Hello.ID:
            self._last = (frame, wire)
        self._output.frames.append(wire)

    def _answer(self, frame: Frame, now_ns: int) -> m.Reply:
        stranger = _foreign_greeting(frame)
        if stranger is not None:
            return self._introduce(stranger.session)
        try:
            command = _understand(frame)
            self._admit(command)
            return self._carry_out(command, now_ns)
        except RefusedError as refused:
            return m.Refused(refused.reason)

    def _admit(self, command: m.Command) -> None:
        if isinstance(command, _ALWAYS_SERVED):
            return
        if self._session == 0:
            raise RefusedError(m.Refusal.NO_SESSION)
        if isinstance(command, _SERVED_WHILE_BUSY):
            return
        if self._machine.state is m.BoardState.FAULT:
            raise RefusedError(m.Refusal.FAULT_LATCHED)
        if self._machine.state is m.BoardState.RUNNING:
            raise RefusedError(m.Refusal.BUSY)

    def _carry_out(self, command: m.Command, now_ns: int) -> m.Reply:
        match command:
            case m.Hello():
                return self._greet(command, now_ns)
            case m.Ping():
                return m.Pong(self._machine.ticks(now_ns), self._birth.boot_nonce)
            case m.Stats():
                return self._stats()
            case _:
                return self._machine.carry_out(command, now_ns)

    def _greet(self, hello: m.Hello, now_ns: int) -> m.Reply:
        if hello.session == 0:
            raise RefusedError(m.Refusal.BAD_VALUE)
        if hello.session != self._session:
            self._machine.restart(now_ns)
            self._last = None
            self._session = hello.session
            self._lease_ns = max(m.LEASE_MIN_MS, min(hello.lease_ms, self._birth.lease_max_ms)) * MS
        return self._introduce(hello.session)

    def _introduce(self, session: int) -> m.HelloReply:
        return m.HelloReply(
            major=m.MAJOR,
            minor=m.MINOR,
            schema_hash=m.SCHEMA_HASH,
            session=session,
            firmware_major=FIRMWARE[0],
            firmware_minor=FIRMWARE[1],
            firmware_patch=FIRMWARE[2],
            git=0,
            board=m.BoardKind.SOFTWARE,
            flags=m.BoardFlag.SIMULATED,
            light_count=LIGHTS,
            button_count=BUTTONS,
            reset_cause=self._birth.reset_cause,
            boot_nonce=self._birth.boot_nonce,
            ticks_hz=TICKS_HZ,
            lease_ms=self._lease_ns // MS,
            max_on_max_ms=m.MAX_ON_MAX_MS,
            lights_at_once=LIGHTS,
            steps_max=m.STEPS_MAX,
            gap_min_us=m.GAP_MIN_US,
            gap_max_us=m.GAP_MAX_US,
            exposure_min_us=m.EXPOSURE_MIN_US,
            fault=self._machine.faults.latched,
        )

    def _stats(self) -> m.StatsReply:
        counts = self._reader.counts
        return m.StatsReply(
            frames_ok=counts.frames_ok - self._misshapen,
            frames_bad=min(counts.frames_bad + self._misshapen, _U16),
            frames_repeated=self._repeated,
            receive_overruns=0,
            events_repeated=self._machine.events.repeated,
            events_lost=self._machine.events.lost,
            stack_free_bytes=_NOT_MEASURED,
            isr_latency_max_ticks=_NOT_MEASURED,
        )


def _has_its_length(frame: Frame) -> bool:
    kind = m.COMMANDS.get(frame.type) or m.NOTICES.get(frame.type)
    return kind is None or len(frame.payload) == kind.LAYOUT.size


def _foreign_greeting(frame: Frame) -> m.Prefix | None:
    if frame.type != m.Hello.ID or len(frame.payload) < m.Prefix.LAYOUT.size:
        return None
    prefix = m.Prefix.unpack(frame.payload[: m.Prefix.LAYOUT.size])
    return None if (prefix.major, prefix.schema_hash) == (m.MAJOR, m.SCHEMA_HASH) else prefix


def _understand(frame: Frame) -> m.Command:
    kind = m.COMMANDS.get(frame.type)
    if kind is None:
        raise RefusedError(m.Refusal.UNKNOWN_COMMAND)
    try:
        return kind.unpack(frame.payload)
    except ValueError:
        raise RefusedError(m.Refusal.BAD_VALUE) from None
