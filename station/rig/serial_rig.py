"""The rig on a serial port."""

import logging
import queue
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from ..documents.fault import StationError
from ..wire import messages as m
from ..wire.session import Answered, Session, SessionCounts, Stranger
from . import losses
from .clock import BoardClock
from .conversation import Conversation, SilentError
from .greeting import foreign, greet, info_of, meet
from .interface import (
    BoardInfo,
    ButtonMoved,
    CardMoved,
    ExposureStep,
    FaultListener,
    PanelListener,
    StepReport,
    Switched,
)
from .link import Link, LinkLostError, SerialLink
from .ports import BY_ID, Ports
from .programme import RELOAD_SLACK_US, Programme, report_of
from .traffic import Traffic
from .trouble import Trouble

log = logging.getLogger(__name__)
BEEP_HZ = 2_000
CLOCK_ROUND_TRIPS = 4
REPORT_PATIENCE_S = 2.0


class SerialRig:
    """A `ProgrammableRig` behind a cable.

    A fault while a light burned or a programme ran is raised by the next call, once. The call after that
    finds the board cleared, or looks for a lost one again. A fault in the dark is only told to `on_fault`.
    """

    def __init__(
        self,
        port: str,
        baud: int,
        lease_ms: int,
        open_timeout_s: float,
        on_fault: FaultListener,
        on_panel: PanelListener | None = None,
        link: Callable[[str, int], Link] = SerialLink,
        by_id: Path = BY_ID,
    ) -> None:
        self._port = port
        self._ports = Ports(port, by_id)
        self._lease_ms = lease_ms
        self._open_timeout_s = open_timeout_s
        self._on_panel = on_panel
        self._link_at: Callable[[str], Link] = lambda name: link(name, baud)
        self._link: Link | None = None
        self._trouble = Trouble(on_fault)
        self._conversation: Conversation | None = None
        self._hello: m.HelloReply | None = None
        self._clock = BoardClock(1)
        self.traffic = Traffic()
        self._loaded: Programme | None = None
        self._reports: queue.SimpleQueue[m.Event | StationError] = queue.SimpleQueue()
        self._wanted = False
        self._lost = False
        self._restarted = False
        self._latched = False
        self._cleared_s = 0.0

    @property
    def info(self) -> BoardInfo:
        """What the board said of itself when it was opened.

        Raises:
            StationError: `rig_missing`, it is not open.
        """
        return info_of(self.hello, self._port)

    @property
    def hello(self) -> m.HelloReply:
        """The same as the board said it.

        Raises:
            StationError: `rig_missing`, it is not open.
        """
        if self._hello is None:
            raise losses.not_open(self._port)
        return self._hello

    @property
    def clock(self) -> BoardClock:
        """The board's clock, as far as it is known."""
        return self._clock

    @property
    def port(self) -> str:
        """Where the board is, or was last looked for."""
        return self._port

    @property
    def counts(self) -> SessionCounts | None:
        """Counters of the line since it was opened; None: it is not open."""
        return None if self._conversation is None else self._conversation.counts

    # --- calls --------------------------------------------------------------------------------------------

    def open(self) -> BoardInfo:
        """See `Rig.open`."""
        self.close()
        self._connect()
        self._wanted = True
        return self.info

    def switch(self, light: int | None, max_on_ms: int) -> Switched:
        """See `Rig.switch`."""
        if light is None:
            return self._switch_off()
        self._make_ready()
        requested_s = time.monotonic()
        self._trouble.use(True)
        answered = self._ask(m.Light(light, 0, max_on_ms))
        return Switched(light, requested_s, answered.received_s)

    def beep(self, milliseconds: int) -> None:
        """See `Rig.beep`."""
        self._make_ready()
        self._ask(m.Buzzer(BEEP_HZ, milliseconds))

    def run(self, steps: tuple[ExposureStep, ...], at_s: float | None = None) -> tuple[StepReport, ...]:
        """See `ProgrammableRig.run`."""
        self._make_ready()
        if at_s is not None:
            self._compare_clocks(1)
        programme = Programme.of(steps) if at_s is None else Programme.timed(steps, self._clock, at_s)
        self._load(programme)
        self._reports = queue.SimpleQueue()
        self._start(m.Start() if at_s is None else m.StartAt(self._clock.ticks_at(at_s)))
        wait_s = 0.0 if at_s is None else max(0.0, at_s - time.monotonic())
        reports = self._collect(programme, wait_s)
        self._trouble.use(False)
        return reports

    def clock_error_s(self, ahead_s: float) -> float:
        """See `ProgrammableRig.clock_error_s`; a rig that was never open is missing."""
        if not self._clock.ready:
            raise losses.not_open(self._port)
        return self._clock.error_s(ahead_s) + RELOAD_SLACK_US / 1e6

    def _load(self, programme: Programme) -> None:
        if self._loaded is not None and self._loaded.serves(programme):
            return
        self._loaded = None
        for command in programme.upload():
            self._ask(command)
        self._loaded = programme

    def _start(self, start: m.Start | m.StartAt) -> None:
        self._trouble.use(True)
        try:
            self._ask(m.Arm())
            self._ask(start)
        except StationError:
            self._trouble.use(False)  # arming put the lights off
            raise

    def ask(self, command: m.Command) -> m.Reply:
        """Any command of the protocol, for consoles and diagnosis.

        Raises:
            StationError: as every call; also when the board refuses.
        """
        self._make_ready()
        if isinstance(command, m.ProgrammeBegin):
            self._loaded = None
        return self._ask(command).reply

    def close(self) -> None:
        """See `Rig.close`."""
        self._wanted = False
        if self._conversation is not None and not self._lost:
            try:
                self._conversation.ask(m.Off())
            except (SilentError, LinkLostError) as error:
                log.warning("the board was not told to put its lights off, its lease will: %s", error)
        self._drop()
        self._trouble.use(False)

    # --- before and after a command -----------------------------------------------------------------------

    def _switch_off(self) -> Switched:
        pending = self._trouble.settle()
        if pending is not None and self._lost:
            raise pending
        self._reconnect()
        requested_s = time.monotonic()
        answered = self._ask(m.Off())
        self._trouble.use(False)
        if pending is not None:
            raise pending
        return Switched(None, requested_s, answered.received_s)

    def _make_ready(self) -> None:
        pending = self._trouble.settle()
        if pending is not None:
            raise pending
        self._reconnect()
        if self._restarted and self._conversation is not None:
            self._agree(self._conversation)
        if self._latched:
            self._clear()

    def _clear(self) -> None:
        self._cleared_s = time.monotonic()
        self._latched = False
        self._ask(m.Clear())

    def _reconnect(self) -> None:
        if not self._wanted:
            raise losses.not_open(self._port)
        if self._lost or self._conversation is None:
            self._drop()
            pending = self._trouble.settle()  # the loss may be reported only now that its thread has ended
            if pending is not None:
                raise pending
            self._connect()

    def _connect(self) -> None:
        self._port = self._ports.choose(
            lambda port: meet(self._link_at(port), port, self._lease_ms, self._open_timeout_s)
        )
        self._link = self._link_at(self._port)
        self._link.open()
        self._lost = False
        session = Session(self._lease_ms / 1_000, secrets.randbelow(256))
        self._conversation = Conversation(self._link, session, self._hear, self._kept_alive, self._lose)
        self._conversation.start()
        try:
            self._agree(self._conversation)
        except StationError:
            self._drop()
            raise
        self._trouble.settle()
        self._ports.remember(self._port)
        log.debug("rig open: %s", self.info)

    def _agree(self, conversation: Conversation) -> None:
        try:
            reply = greet(conversation, self._port, self._lease_ms, self._open_timeout_s)
        except LinkLostError as error:
            raise StationError(
                "rig_missing", f"{self._port} went away while it was opened: {error}"
            ) from error
        self._hello = reply
        self._clock = BoardClock(reply.ticks_hz)
        self._loaded = None
        self._restarted = False
        conversation.keep_alive(reply.lease_ms / 1_000)
        if reply.fault is not m.Fault.NONE:
            self._clear()
        self._latched = False
        self._compare_clocks(CLOCK_ROUND_TRIPS)

    def _compare_clocks(self, times: int) -> None:
        for _ in range(times):
            self._learn(self._ask(m.Ping()))

    def _drop(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.stop()
        if self._link is not None:
            self._link.close()
        self._hello = None

    def _ask(self, command: m.Command) -> Answered:
        if self._conversation is None:
            raise losses.not_open(self._port)
        self.traffic.note("command", command)
        try:
            answer = self._conversation.ask(command)
        except ValueError as error:
            raise StationError("rig_fault", f"the board cannot be told that: {error}") from error
        except SilentError as error:
            raise self._give_up(error) from error
        except LinkLostError as error:
            self._drop()
            raise self._trouble.settle() or losses.lost(self._port, error) from error
        if isinstance(answer, Stranger):
            raise foreign(answer.prefix, self._port)
        self.traffic.note("reply", answer.reply)
        if isinstance(answer.reply, m.Refused):
            raise self._refusal(command, answer.reply.reason)
        return answer

    def _give_up(self, error: SilentError) -> StationError:
        """The board is silent: hang up, so that the next call begins anew."""
        self._lose(error)
        self._drop()
        return self._trouble.settle() or losses.lost(self._port, error)

    def _refusal(self, command: m.Command, reason: m.Refusal) -> StationError:
        if reason is m.Refusal.NO_SESSION:
            self._notice_restart()
            return self._trouble.settle() or losses.restarted(self._port)
        if reason is m.Refusal.FAULT_LATCHED:
            status = self._ask(m.Status()).reply
            self._latched = True
            self._trouble.use(False)
            fault = status.fault if isinstance(status, m.StatusReply) else m.Fault.INTERNAL
            return self._trouble.settle() or losses.board_fault(fault, m.NO_STEP)
        return StationError("rig_fault", f"the board refused {type(command).__name__}: {reason.says}")

    def _collect(self, programme: Programme, wait_s: float) -> tuple[StepReport, ...]:
        until_s = (
            time.monotonic() + wait_s + programme.duration_s + self._lease_ms / 1_000 + REPORT_PATIENCE_S
        )
        steps: list[m.StepDone] = []
        while True:
            item = self._next_report(until_s)
            if isinstance(item, m.StepDone):
                steps.append(item)
            elif isinstance(item, m.ProgrammeDone):
                break
        if item.reason is not m.EndReason.COMPLETED or len(steps) != len(programme.steps):
            raise StationError(
                "rig_fault", f"the exposure programme ended after {len(steps)} steps: {item.reason.says}"
            )
        self._compare_clocks(1)
        return tuple(report_of(step, self._clock) for step in steps)

    def _next_report(self, until_s: float) -> m.Event:
        try:
            item = self._reports.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            raise self._give_up(SilentError("the exposure programme did not end")) from None
        if isinstance(item, StationError):
            raise self._trouble.settle() or item
        return item

    # --- on the thread of the conversation ----------------------------------------------------------------

    def _hear(self, event: m.Event) -> None:
        self.traffic.note("event", event)
        match event:
            case m.FaultRaised():
                self._hear_fault(event)
            case m.StepDone() | m.ProgrammeDone():
                self._reports.put(event)
            case m.Button() if self._on_panel is not None:
                self._on_panel(ButtonMoved(event.button, bool(event.pressed), self._when_s(event.ticks)))
            case m.Card() if self._on_panel is not None:
                self._on_panel(CardMoved(bool(event.present), self._when_s(event.ticks)))

    def _hear_fault(self, event: m.FaultRaised) -> None:
        error = losses.board_fault(event.fault, event.step)
        late = self._when_s(event.ticks) < self._cleared_s
        if late:  # its report was lost at first, and the fault was learned from a refusal
            self._trouble.report(error, settled=True)
            return
        self._latched = True
        self._tell(error)

    def _kept_alive(self, answer: Answered) -> None:
        restarted = isinstance(answer.reply, m.Refused) or (
            isinstance(answer.reply, m.Pong)
            and self._hello is not None
            and answer.reply.boot_nonce != self._hello.boot_nonce
        )
        if restarted:
            self._notice_restart()
        else:
            self._learn(answer)

    def _lose(self, error: Exception) -> None:
        self._lost = True
        log.debug("rig lost: %s", error)
        self._tell(losses.lost(self._port, error))

    def _notice_restart(self) -> None:
        if not self._restarted:
            self._restarted = True
            self._tell(losses.restarted(self._port))

    def _tell(self, error: StationError) -> None:
        self._trouble.report(error)
        self._reports.put(error)

    def _learn(self, answer: Answered) -> None:
        if isinstance(answer.reply, m.Pong):
            self._clock.feed(answer.sent_s, answer.received_s, answer.reply.ticks)

    def _when_s(self, ticks: int) -> float:
        return self._clock.monotonic_s(ticks) if self._clock.ready else time.monotonic()
