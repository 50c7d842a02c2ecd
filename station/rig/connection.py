"""The board at the other end of a port: found, greeted, asked, and found again after it was lost."""

import logging
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ..documents.fault import StationError
from ..wire import messages as m
from ..wire.session import Answered, Session, SessionCounts, Stranger
from . import losses
from .clock import BoardClock
from .conversation import Conversation, SilentError
from .greeting import foreign, greet, info_of, meet
from .interface import ButtonMoved, CardMoved, FaultListener, PanelListener
from .link import Link, LinkLostError
from .ports import Ports
from .programme import Programme
from .traffic import Traffic
from .trouble import Trouble

log = logging.getLogger(__name__)
CLOCK_ROUND_TRIPS = 4

Report: TypeAlias = m.StepDone | m.ProgrammeDone | StationError
"""How a programme goes on; an error: it does not."""


class Connection:
    """What is known of a board, and every command to it.

    Commands come from one thread at a time. What the board says of itself is heard on the thread of the
    conversation, where the listeners are called.
    """

    def __init__(
        self,
        port: str,
        lease_ms: int,
        open_timeout_s: float,
        link_at: Callable[[str], Link],
        by_id: Path,
        on_fault: FaultListener,
        on_panel: PanelListener | None,
        on_report: Callable[[Report], None],
    ) -> None:
        self._ports = Ports(port, by_id)
        self._lease_ms = lease_ms
        self._open_timeout_s = open_timeout_s
        self._link_at = link_at
        self._on_panel = on_panel
        self._on_report = on_report
        self._link: Link | None = None
        self._conversation: Conversation | None = None
        self._hello: m.HelloReply | None = None
        self._wanted = False
        self._restarted = False
        self._latched = False
        self._cleared_s = 0.0
        self.port = port
        self.lost = False
        self.clock = BoardClock(1)
        self.loaded: Programme | None = None  # what the board holds; a greeting makes it forget
        self.traffic = Traffic()
        self.trouble = Trouble(on_fault)

    @property
    def hello(self) -> m.HelloReply:
        """What the board said of itself when it was greeted.

        Raises:
            StationError: `rig_missing`, it is not open.
        """
        if self._hello is None:
            raise losses.not_open(self.port)
        return self._hello

    @property
    def counts(self) -> SessionCounts | None:
        """Counters of the line since it was opened; None: it is not open."""
        return None if self._conversation is None else self._conversation.counts

    # --- on the thread of the caller ----------------------------------------------------------------------

    def open(self) -> None:
        """Find the board, greet it, learn its clock.

        Raises:
            StationError: as `Rig.open`.
        """
        self.close()
        self._connect()
        self._wanted = True

    def close(self) -> None:
        """Put the lights off if the board still hears, and hang up."""
        self._wanted = False
        if self._conversation is not None and not self.lost:
            try:
                self._conversation.ask(m.Off())
            except (SilentError, LinkLostError) as error:
                log.warning("the board was not told to put its lights off, its lease will: %s", error)
        self._drop()
        self.trouble.use(False)

    def make_ready(self) -> None:
        """A board that is there, knows its session, and has no fault latched.

        Raises:
            StationError: the fault that is still to be told, or what stands in the way.
        """
        pending = self.trouble.settle()
        if pending is not None:
            raise pending
        self.reconnect()
        if self._restarted and self._conversation is not None:
            self._agree(self._conversation)
        if self._latched:
            self._clear()

    def require_there(self) -> None:
        """For what only tells people: nothing is looked for or cleared, no fault taken from others.

        Raises:
            StationError: `rig_missing`, there is no board to speak to now.
        """
        if not self._wanted or self.lost or self._conversation is None:
            raise losses.not_open(self.port)

    def reconnect(self) -> None:
        """Look for a lost board again; nothing is done to one that is there.

        Raises:
            StationError: `rig_missing`, nobody opened it; or as `open`.
        """
        if not self._wanted:
            raise losses.not_open(self.port)
        if self.lost or self._conversation is None:
            self._drop()
            pending = self.trouble.settle()  # the loss may be reported only now that its thread has ended
            if pending is not None:
                raise pending
            self._connect()

    def ask(self, command: m.Command) -> Answered:
        """Send a command, wait for the answer.

        Raises:
            StationError: no answer, no board any more, another protocol, or a refusal.
        """
        if self._conversation is None:
            raise losses.not_open(self.port)
        self.traffic.note("command", command)
        try:
            answer = self._conversation.ask(command)
        except ValueError as error:
            raise StationError("rig_fault", f"the board cannot be told that: {error}") from error
        except SilentError as error:
            raise self.give_up(error) from error
        except LinkLostError as error:
            self._drop()
            raise self.trouble.settle() or losses.lost(self.port, error) from error
        if isinstance(answer, Stranger):
            raise foreign(answer.prefix, self.port)
        self.traffic.note("reply", answer.reply)
        if isinstance(answer.reply, m.Refused):
            raise self._refusal(command, answer.reply.reason)
        return answer

    def compare_clocks(self, times: int) -> None:
        """Learn the board's clock from so many round trips.

        Raises:
            StationError: as `ask`.
        """
        for _ in range(times):
            self._learn(self.ask(m.Ping()))

    def give_up(self, error: SilentError) -> StationError:
        """The board is silent: hang up, so that the next call begins anew. Returns what to raise."""
        self._lose(error)
        self._drop()
        return self.trouble.settle() or losses.lost(self.port, error)

    def _connect(self) -> None:
        self.port = self._ports.choose(
            lambda port: meet(self._link_at(port), port, self._lease_ms, self._open_timeout_s)
        )
        self._link = self._link_at(self.port)
        self._link.open()
        self.lost = False
        session = Session(self._lease_ms / 1_000, secrets.randbelow(256))
        self._conversation = Conversation(self._link, session, self._hear, self._kept_alive, self._lose)
        self._conversation.start()
        try:
            self._agree(self._conversation)
        except StationError:
            self._drop()
            raise
        self.trouble.settle()
        self._ports.remember(self.port)
        log.debug("rig open: %s", info_of(self.hello, self.port))

    def _agree(self, conversation: Conversation) -> None:
        try:
            reply = greet(conversation, self.port, self._lease_ms, self._open_timeout_s)
        except LinkLostError as error:
            raise StationError(
                "rig_missing", f"{self.port} went away while it was opened: {error}"
            ) from error
        self._hello = reply
        self.clock = BoardClock(reply.ticks_hz)
        self.loaded = None
        self._restarted = False
        conversation.keep_alive(reply.lease_ms / 1_000)
        if reply.fault is not m.Fault.NONE:
            self._clear()
        self._latched = False
        self.compare_clocks(CLOCK_ROUND_TRIPS)

    def _clear(self) -> None:
        self._cleared_s = time.monotonic()
        self._latched = False
        self.ask(m.Clear())

    def _drop(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.stop()
        if self._link is not None:
            self._link.close()
        self._hello = None

    def _refusal(self, command: m.Command, reason: m.Refusal) -> StationError:
        if reason is m.Refusal.NO_SESSION:
            self._notice_restart()
            return self.trouble.settle() or losses.restarted(self.port)
        if reason is m.Refusal.FAULT_LATCHED:
            status = self.ask(m.Status()).reply
            self._latched = True
            self.trouble.use(False)
            fault = status.fault if isinstance(status, m.StatusReply) else m.Fault.INTERNAL
            return self.trouble.settle() or losses.board_fault(fault, m.NO_STEP)
        return StationError("rig_fault", f"the board refused {type(command).__name__}: {reason.says}")

    # --- on the thread of the conversation ----------------------------------------------------------------

    def _hear(self, event: m.Event) -> None:
        self.traffic.note("event", event)
        match event:
            case m.FaultRaised():
                self._hear_fault(event)
            case m.StepDone() | m.ProgrammeDone():
                self._on_report(event)
            case m.Button() if self._on_panel is not None:
                self._on_panel(ButtonMoved(event.button, bool(event.pressed), self._when_s(event.ticks)))
            case m.Card() if self._on_panel is not None:
                self._on_panel(CardMoved(bool(event.present), self._when_s(event.ticks)))

    def _hear_fault(self, event: m.FaultRaised) -> None:
        error = losses.board_fault(event.fault, event.step)
        late = self._when_s(event.ticks) < self._cleared_s
        if late:  # its report was lost at first, and the fault was learned from a refusal
            self.trouble.report(error, settled=True)
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
        self.lost = True
        log.debug("rig lost: %s", error)
        self._tell(losses.lost(self.port, error))

    def _notice_restart(self) -> None:
        if not self._restarted:
            self._restarted = True
            self._tell(losses.restarted(self.port))

    def _tell(self, error: StationError) -> None:
        self.trouble.report(error)
        self._on_report(error)

    def _learn(self, answer: Answered) -> None:
        if isinstance(answer.reply, m.Pong):
            self.clock.feed(answer.sent_s, answer.received_s, answer.reply.ticks)

    def _when_s(self, ticks: int) -> float:
        return self.clock.monotonic_s(ticks) if self.clock.ready else time.monotonic()
