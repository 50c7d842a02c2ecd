"""A session on a link: the thread that reads, repeats, keeps alive and hands out events."""

import threading
import time
from collections.abc import Callable

from ..wire.messages import Command, Event, Ping
from ..wire.session import Answered, Outcome, Reported, Session, SessionCounts, Stranger, Unanswered
from .link import Link, LinkLostError

PATIENCE_S = 0.05
LEASE_FRACTION = 4  # something is said at least this often within a lease


class SilentError(Exception):
    """A command was repeated until the session gave up; the board did not answer."""


class Conversation:
    """Commands from any thread, one at a time; events and keep-alive answers come on a thread of its own.

    Listeners must not call `ask`. When the link is lost, `on_lost` is called once, and every `ask` raises.
    """

    def __init__(
        self,
        link: Link,
        session: Session,
        on_event: Callable[[Event], None],
        on_kept_alive: Callable[[Answered], None],
        on_lost: Callable[[Exception], None],
    ) -> None:
        self._link = link
        self._session = session
        self._on_event = on_event
        self._on_kept_alive = on_kept_alive
        self._on_lost = on_lost
        self._change = threading.Condition()
        self._asked: Command | None = None
        self._result: Answered | Stranger | Unanswered | None = None
        self._lost: Exception | None = None
        self._stopping = False
        self._keep_alive_s: float | None = None
        self._spoke_s = 0.0
        self.bytes_received = 0
        self._thread = threading.Thread(target=self._serve, name="rig-link", daemon=True)

    @property
    def counts(self) -> SessionCounts:
        """Counters of the session."""
        return self._session.counts

    def start(self) -> None:
        """Begin to listen; the link is open."""
        self._thread.start()

    def keep_alive(self, lease_s: float) -> None:
        """From now on say something within each lease."""
        with self._change:
            self._spoke_s = time.monotonic()
            self._keep_alive_s = lease_s / LEASE_FRACTION

    def stop(self) -> None:
        """End the thread. The link stays open; it is the caller's."""
        with self._change:
            self._stopping = True
        self._thread.join()

    def ask(self, command: Command) -> Answered | Stranger:
        """Send a command and wait for what becomes of it; bounded by the session's own patience.

        Raises:
            SilentError: no answer.
            LinkLostError: the link is gone.
            ValueError: a field is out of its range.
        """
        with self._change:
            self._change.wait_for(lambda: self._lost or (self._asked is None and self._session.idle))
            self._check()
            self._say(command)
            self._asked, self._result = command, None
            result = self._await()
        if isinstance(result, Unanswered):
            raise SilentError(f"{type(command).__name__} was sent {result.tries} times and not answered")
        return result

    def _await(self) -> Answered | Stranger | Unanswered:
        try:
            while self._result is None:
                self._check()
                self._change.wait()
            return self._result
        finally:
            self._asked = None
            self._change.notify_all()

    def _check(self) -> None:
        if self._lost is not None:
            raise LinkLostError(str(self._lost)) from self._lost

    def _say(self, command: Command) -> None:
        now = time.monotonic()
        self._spoke_s = now
        data = self._session.submit(command, now)
        self._link.write(data)

    def _serve(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except LinkLostError as error:
            self._lose(error)
        finally:
            with self._change:  # whoever still waits must not wait for ever
                self._lost = self._lost or LinkLostError("the conversation has ended")
                self._change.notify_all()

    def _turn(self) -> None:
        data = self._link.read(self._patience_s())
        now = time.monotonic()
        with self._change:
            self.bytes_received += len(data)
            outcome = self._session.receive(data, now)
            overdue = self._session.advance(now)
            if outcome.out or overdue.out:
                self._spoke_s = now
                self._link.write(outcome.out + overdue.out)
            self._settle(outcome)
            self._settle(overdue)
            self._keep_alive_now(now)
        self._tell(outcome)
        self._tell(overdue)

    def _patience_s(self) -> float:
        with self._change:
            wake = self._session.wake_s
        return PATIENCE_S if wake is None else min(PATIENCE_S, max(0.0, wake - time.monotonic()))

    def _keep_alive_now(self, now: float) -> None:
        if self._keep_alive_s is None or now - self._spoke_s < self._keep_alive_s:
            return
        if self._session.idle and self._asked is None:
            self._say(Ping())

    def _settle(self, outcome: Outcome) -> None:
        for delivery in outcome.deliveries:
            if isinstance(delivery, Reported):
                continue
            if self._asked is not None:
                self._result = delivery
            self._change.notify_all()  # also those who wait for their turn behind a keep-alive

    def _tell(self, outcome: Outcome) -> None:
        for delivery in outcome.deliveries:
            if isinstance(delivery, Reported):
                self._on_event(delivery.event)
            elif isinstance(delivery, Answered) and isinstance(delivery.command, Ping):
                self._on_kept_alive(delivery)
            elif isinstance(delivery, Unanswered) and isinstance(delivery.command, Ping):
                self._lose(SilentError(f"not a word in answer to {delivery.tries} calls"))

    def _lose(self, error: Exception) -> None:
        with self._change:
            self._lost = error
            self._stopping = True
            self._change.notify_all()
        self._on_lost(error)
