"""The rig on a serial port."""

import queue
import time
from collections.abc import Callable
from pathlib import Path

from ..documents.fault import StationError
from ..wire import messages as m
from ..wire.session import SessionCounts
from . import losses
from .clock import BoardClock
from .connection import Connection, Report
from .conversation import SilentError
from .greeting import info_of
from .interface import (
    BoardInfo,
    ExposureStep,
    FaultListener,
    IndicatorColour,
    IndicatorPattern,
    PanelListener,
    StepReport,
    Switched,
)
from .link import Link, SerialLink
from .ports import BY_ID
from .programme import RELOAD_SLACK_US, Programme, report_of
from .traffic import Traffic

BEEP_HZ = 2_000
FULL_LEVEL = 255
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
        self._lease_ms = lease_ms
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._board = Connection(
            port,
            lease_ms,
            open_timeout_s,
            lambda name: link(name, baud),
            by_id,
            on_fault,
            on_panel,
            self._note,
        )

    @property
    def info(self) -> BoardInfo:
        """What the board said of itself when it was opened.

        Raises:
            StationError: `rig_missing`, it is not open.
        """
        return info_of(self.hello, self.port)

    @property
    def hello(self) -> m.HelloReply:
        """The same as the board said it.

        Raises:
            StationError: `rig_missing`, it is not open.
        """
        return self._board.hello

    @property
    def clock(self) -> BoardClock:
        """The board's clock, as far as it is known."""
        return self._board.clock

    @property
    def port(self) -> str:
        """Where the board is, or was last looked for."""
        return self._board.port

    @property
    def counts(self) -> SessionCounts | None:
        """Counters of the line since it was opened; None: it is not open."""
        return self._board.counts

    @property
    def traffic(self) -> Traffic:
        """What was said lately, by either side."""
        return self._board.traffic

    # --- calls --------------------------------------------------------------------------------------------

    def open(self) -> BoardInfo:
        """See `Rig.open`."""
        self._board.open()
        return self.info

    def switch(self, light: int | None, max_on_ms: int) -> Switched:
        """See `Rig.switch`."""
        if light is None:
            return self._switch_off()
        self._board.make_ready()
        requested_s = time.monotonic()
        self._board.trouble.use(True)
        answered = self._board.ask(m.Light(light, 0, max_on_ms))
        return Switched(light, requested_s, answered.received_s)

    def beep(self, milliseconds: int) -> None:
        """See `Rig.beep`."""
        self._board.make_ready()
        self._board.ask(m.Buzzer(BEEP_HZ, milliseconds))

    def look_on(self, lights: tuple[int, ...], percent: float, max_on_ms: int) -> Switched:
        """See `SignallingRig.look_on`; the board has 16 levels and takes the next higher one."""
        self._board.make_ready()
        mask = sum(1 << light for light in set(lights))
        level = max(1, int(percent * FULL_LEVEL / 100))
        requested_s = time.monotonic()
        self._board.trouble.use(True)
        answered = self._board.ask(m.Lights(mask, level, m.LightFlag.TIMED, max_on_ms))
        return Switched(min(lights), requested_s, answered.received_s)

    def tone(self, frequency_hz: int, milliseconds: int) -> None:
        """See `SignallingRig.tone`. It takes no fault from another call, nor looks for a board."""
        self._board.require_there()
        self._board.ask(m.Buzzer(frequency_hz, milliseconds))

    def run(self, steps: tuple[ExposureStep, ...], at_s: float | None = None) -> tuple[StepReport, ...]:
        """See `ProgrammableRig.run`."""
        self._board.make_ready()
        if at_s is not None:
            self._board.compare_clocks(1)
        programme = Programme.of(steps) if at_s is None else Programme.timed(steps, self.clock, at_s)
        self._load(programme)
        self._reports = queue.SimpleQueue()
        self._start(m.Start() if at_s is None else m.StartAt(self.clock.ticks_at(at_s)))
        wait_s = 0.0 if at_s is None else max(0.0, at_s - time.monotonic())
        reports = self._collect(programme, wait_s)
        self._board.trouble.use(False)
        return reports

    def clock_error_s(self, ahead_s: float) -> float:
        """See `ProgrammableRig.clock_error_s`; a rig that was never open is missing."""
        if not self.clock.ready:
            raise losses.not_open(self.port)
        return self.clock.error_s(ahead_s) + RELOAD_SLACK_US / 1e6

    def indicate(self, colour: IndicatorColour, pattern: IndicatorPattern = "on") -> None:
        """See `SignallingRig.indicate`. A fault that is still to be raised waits for another call."""
        self._board.require_there()
        shown = m.Pattern.OFF if colour == "off" else m.Pattern[pattern.upper()]
        self._board.ask(m.Indicator(shown, m.Colour[colour.upper()]))

    def ask(self, command: m.Command) -> m.Reply:
        """Any command of the protocol, for consoles and diagnosis.

        Raises:
            StationError: as every call; also when the board refuses.
        """
        self._board.make_ready()
        if isinstance(command, m.ProgrammeBegin):
            self._board.loaded = None
        return self._board.ask(command).reply

    def close(self) -> None:
        """See `Rig.close`."""
        self._board.close()

    # --- parts of calls -----------------------------------------------------------------------------------

    def _switch_off(self) -> Switched:
        pending = self._board.trouble.settle()
        if pending is not None and self._board.lost:
            raise pending
        self._board.reconnect()
        requested_s = time.monotonic()
        answered = self._board.ask(m.Off())
        self._board.trouble.use(False)
        if pending is not None:
            raise pending
        return Switched(None, requested_s, answered.received_s)

    def _load(self, programme: Programme) -> None:
        if self._board.loaded is not None and self._board.loaded.serves(programme):
            return
        self._board.loaded = None
        for command in programme.upload():
            self._board.ask(command)
        self._board.loaded = programme

    def _start(self, start: m.Start | m.StartAt) -> None:
        self._board.trouble.use(True)
        try:
            self._board.ask(m.Arm())
            self._board.ask(start)
        except StationError:
            self._board.trouble.use(False)  # arming put the lights off
            raise

    def _collect(self, programme: Programme, wait_s: float) -> tuple[StepReport, ...]:
        until_s = (
            time.monotonic() + wait_s + programme.duration_s + self._lease_ms / 1_000 + REPORT_PATIENCE_S
        )
        steps: list[m.StepDone] = []
        while not isinstance(item := self._next_report(until_s), m.ProgrammeDone):
            steps.append(item)
        if item.reason is not m.EndReason.COMPLETED or len(steps) != len(programme.steps):
            raise StationError(
                "rig_fault", f"the exposure programme ended after {len(steps)} steps: {item.reason.says}"
            )
        self._board.compare_clocks(1)
        return tuple(report_of(step, self.clock) for step in steps)

    def _note(self, report: Report) -> None:
        self._reports.put(report)  # the queue of the programme that runs now

    def _next_report(self, until_s: float) -> m.StepDone | m.ProgrammeDone:
        try:
            item = self._reports.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            raise self._board.give_up(SilentError("the exposure programme did not end")) from None
        if isinstance(item, StationError):
            raise self._board.trouble.settle() or item
        return item
