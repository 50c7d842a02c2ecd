"""What the software board does with its commands: lights, programme, panel, faults. Pure; times in ns."""

from collections.abc import Callable
from typing import Any

from ..wire import messages as m
from .board_heat import Burn
from .board_lamps import Lamps
from .board_panel import Indicator, Panel
from .board_parts import MS, US, EventQueue, FaultMemory
from .board_programme import ProgrammeRun, ProgrammeStore, RefusedError

LIGHTS = 8
BUTTONS = 2
_BUZZER_HZ = range(100, 10_001)
_BRIGHTEST = 255
_TICKS = 1 << 32
_START_AHEAD_MAX_TICKS = m.START_AHEAD_MAX_MS * 1_000


class BoardMachine:
    """The board behind its protocol. `edge(ns, mask)` is told every change of lights and trigger.

    Its timers are hardware: what was due while nobody called happened at its time all the same. `now_ns` is
    how far that has been told.
    """

    def __init__(self, now_ns: int, edge: Callable[[int, int], None]) -> None:
        self._born_ns = now_ns
        self._store = ProgrammeStore(LIGHTS)
        self._run: ProgrammeRun | None = None
        self.now_ns = now_ns
        self.lamps = Lamps(edge, LIGHTS, now_ns)
        self.events = EventQueue()
        self.faults = FaultMemory()
        self.panel = Panel()
        self.indicator = Indicator()
        self._handlers: dict[type[m.Command], Callable[[Any, int], m.Reply]] = {
            m.Status: self._status,
            m.Light: self._light,
            m.Lights: self._lights,
            m.Off: self._stop,
            m.ProgrammeBegin: lambda command, _: self._done(self._store.begin, command),
            m.ProgrammeStep: lambda command, _: self._done(self._store.add, command),
            m.ProgrammeEnd: lambda _, __: self._done(self._store.end),
            m.Arm: self._arm,
            m.Start: self._start,
            m.StartAt: self._start_at,
            m.Abort: self._stop,
            m.Clear: lambda _, __: self._done(self.faults.clear),
            m.Errors: lambda _, __: self.faults.report(),
            m.Buzzer: self._buzz,
            m.Indicator: self._indicate,
        }

    def carry_out(self, command: m.Command, now_ns: int) -> m.Reply:
        """Obey a command that was admitted.

        Raises:
            RefusedError: it makes no sense now, or goes beyond a limit; nothing has changed.
        """
        return self._handlers[type(command)](command, now_ns)

    def restart(self, now_ns: int) -> None:
        """A new session: dark, no programme, no events, nothing indicated. A latched fault stays."""
        self.quench(now_ns)
        self._store = ProgrammeStore(LIGHTS)
        self.events.restart()
        self.indicator.reset(now_ns)

    def quench(self, now_ns: int) -> None:
        """Lights off, nothing running, nothing armed."""
        self.lamps.set(0, now_ns)
        self._run = None
        self._store.disarm()

    def fail(self, fault: m.Fault, now_ns: int) -> None:
        """Quench and latch."""
        step, ticks = self._step, self.ticks(now_ns)
        self.quench(now_ns)
        self.faults.latch(fault, step, ticks)
        self.events.push(m.FaultRaised(fault, step, ticks), reserved=True)

    def advance(self, now_ns: int) -> None:
        """Do what the timers had due up to now, each at its time."""
        while (due_ns := self.wake_ns) is not None and due_ns <= now_ns:
            self.now_ns = max(due_ns, self.now_ns)
            self._expire_lights(self.now_ns)
            self.lamps.turn(self.now_ns)
            self._advance_programme(self.now_ns)
        self.now_ns = max(now_ns, self.now_ns)

    def _expire_lights(self, now_ns: int) -> None:
        if self.lamps.too_hot(now_ns):
            self.fail(m.Fault.TOO_HOT, now_ns)
        elif self.lamps.expired(now_ns) and self.lamps.timed:
            self.lamps.set(0, now_ns)
        elif self.lamps.expired(now_ns):
            self.fail(m.Fault.MAX_ON_EXPIRED, now_ns)

    def _advance_programme(self, now_ns: int) -> None:
        run = self._run
        if run is None:
            return
        report = run.advance(now_ns, may_report=self.events.has_room)
        if report is not None:
            self.events.push(report, reserved=True)
        if run.finished:
            self._end_programme(m.EndReason.COMPLETED, now_ns)

    @property
    def wake_ns(self) -> int | None:
        """When lights or programme have something due."""
        running = None if self._run is None else self._run.wake_ns(may_report=self.events.has_room)
        return min((time for time in (self.lamps.wake_ns, running) if time is not None), default=None)

    @property
    def needs_host(self) -> bool:
        """Whether something must stop when the host is gone."""
        return bool(self.lamps.mask) or self.state in (m.BoardState.ARMED, m.BoardState.RUNNING)

    @property
    def state(self) -> m.BoardState:
        """As told in `StatusReply`."""
        if self.faults.latched is not m.Fault.NONE:
            return m.BoardState.FAULT
        return m.BoardState.RUNNING if self._run is not None else self._store.state

    def ticks(self, now_ns: int) -> int:
        """The board's clock: microseconds since it started."""
        return (now_ns - self._born_ns) // US & 0xFFFF_FFFF

    @property
    def _step(self) -> int:
        return self._run.index if self._run is not None and self._run.begun else m.NO_STEP

    @staticmethod
    def _done(act: Callable[..., None], *arguments: m.Command) -> m.Reply:
        act(*arguments)
        return m.Ok()

    def _end_programme(self, reason: m.EndReason, now_ns: int) -> None:
        steps_done = 0 if self._run is None else self._run.index
        self.quench(now_ns)
        self.events.push(m.ProgrammeDone(reason, steps_done, self.ticks(now_ns)), reserved=True)

    def _light(self, command: m.Light, now_ns: int) -> m.Reply:
        if command.light >= LIGHTS:
            raise RefusedError(m.Refusal.BAD_LIGHT)
        return self._burn(1 << command.light, m.PWM_LEVELS, command, now_ns)

    def _lights(self, command: m.Lights, now_ns: int) -> m.Reply:
        if command.mask == 0 or command.mask >> LIGHTS:
            raise RefusedError(m.Refusal.BAD_LIGHT)
        if command.level == 0:
            raise RefusedError(m.Refusal.BAD_VALUE)
        level = -(-command.level * m.PWM_LEVELS // _BRIGHTEST)
        return self._burn(command.mask, level, command, now_ns)

    def _burn(self, mask: int, level: int, command: m.Light | m.Lights, now_ns: int) -> m.Reply:
        if not 1 <= command.max_on_ms <= m.MAX_ON_MAX_MS:
            raise RefusedError(m.Refusal.BAD_DURATION)
        timed = bool(command.flags & m.LightFlag.TIMED)
        certain_ms = command.max_on_ms if timed else 1  # who asks for no time may switch off at any
        if not self.lamps.bear([Burn(mask, level, certain_ms * MS)], now_ns):
            raise RefusedError(m.Refusal.TOO_HOT)
        self._store.disarm()
        self.lamps.set(mask, now_ns, command.max_on_ms * MS, timed=timed, level=level)
        return m.Ok()

    def _stop(self, _: m.Command, now_ns: int) -> m.Reply:
        if self._run is not None:
            self._end_programme(m.EndReason.ABORTED, now_ns)
        self.quench(now_ns)
        return m.Ok()

    def _arm(self, _: m.Arm, now_ns: int) -> m.Reply:
        self._store.arm(self.lamps, now_ns)
        self.lamps.set(0, now_ns)
        return m.Ok()

    def _start(self, _: m.Start, now_ns: int) -> m.Reply:
        return self._run_from(now_ns)

    def _start_at(self, command: m.StartAt, now_ns: int) -> m.Reply:
        elapsed_ticks = (now_ns - self._born_ns) // US
        ahead_ticks = (command.at_ticks - elapsed_ticks) % _TICKS
        start_ns = self._born_ns + (elapsed_ticks + ahead_ticks) * US
        return self._run_from(start_ns, in_time=ahead_ticks <= _START_AHEAD_MAX_TICKS)

    def _run_from(self, start_ns: int, *, in_time: bool = True) -> m.Reply:
        if self._store.state is not m.BoardState.ARMED:
            raise RefusedError(m.Refusal.NOT_ARMED)
        if not in_time:
            raise RefusedError(m.Refusal.BAD_TIME)
        self._run = ProgrammeRun(self._store.steps, self.lamps, self.ticks, start_ns)
        return m.Ok()

    def _buzz(self, command: m.Buzzer, _: int) -> m.Reply:
        if command.frequency_hz not in _BUZZER_HZ or not 1 <= command.duration_ms <= m.BUZZER_MAX_MS:
            raise RefusedError(m.Refusal.BAD_DURATION)
        self.panel.beeps += 1
        self.panel.buzzer_hz, self.panel.buzzer_ms = command.frequency_hz, command.duration_ms
        return m.Ok()

    def _indicate(self, command: m.Indicator, now_ns: int) -> m.Reply:
        self.indicator.set(command.colour, command.pattern, now_ns)
        return m.Ok()

    def _status(self, _: m.Status, now_ns: int) -> m.Reply:
        return m.StatusReply(
            state=self.state,
            mask=self.lamps.mask,
            fault=self.faults.latched,
            step=self._step,
            steps_stored=len(self._store.steps),
            buttons=self.panel.buttons,
            card_present=int(self.panel.card_present),
            events_waiting=len(self.events),
            ticks=self.ticks(now_ns),
            heat_ms=self.lamps.hottest_ms(now_ns),
        )
