"""The software board as a process: a real pseudo-terminal, a light log, and a life apart from its clients.

    python -m station.twin.board --link PATH --light-log PATH [--lease-ms N] [--clock-ppm N]
                                 [--owner-pid PID | --stay]

Prints `ready PATH` when it can be opened. It ends on SIGTERM, or by itself when its owner (by default the
process that started it) is gone and the host lease is over; lights off first, in every case. Control lines on
its standard input (see `board_control`) are answered with `ok` or `error` on its standard output.
"""

import argparse
import os
import secrets
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..wire.messages import WATCHDOG_MS, ResetCause
from .board_control import Order, parse
from .board_core import Birth, BoardCore, Output
from .board_guard import Guard
from .board_inputs import InputName, Inputs
from .board_line import BadLine, LineFaults
from .board_parts import MS, US
from .board_port import Port
from .board_resonator import Resonator, parse_ppm
from .lightlog import LightLogWriter

OWNER_GRACE_NS = 500 * MS
CONTROL_SIZE = 4_096
BUTTONS: tuple[InputName, ...] = ("button 0", "button 1")


class BoardProcess:
    """Shell around the core: pseudo-terminal, clock, light log, control lines, owner and signals."""

    def __init__(
        self,
        link: Path,
        light_log: Path,
        lease_max_ms: int,
        owner_pid: int | None,
        seed: int,
        resonator: Resonator,
    ) -> None:
        self._link = link
        self._port = Port(link)
        self._log = LightLogWriter(light_log)
        self._guard = Guard(light_log)
        self._lease_max_ms = lease_max_ms
        self._owner_pid = owner_pid
        self._line = BadLine(seed)
        self._resonator = resonator
        self._selector = selectors.SelectSelector()  # the one that waits to the microsecond
        self._nonce = secrets.randbelow(0x10000)
        self._inputs = Inputs()
        self._timers: list[tuple[int, Callable[[int], None]]] = []
        self._hanging = False
        self._ending = False
        self._owner_gone_ns: int | None = None
        self._control = b""

    def run(self, orders: list[Order]) -> None:
        """Serve until ended.

        Raises:
            OSError: link or log cannot be made.
        """
        self._log.open()
        self._guard.start()
        self._core = BoardCore(self._birth(ResetCause.POWER_ON), self._board_ns(time.monotonic_ns()))
        self._watch(self._port.open(), self._on_port)
        self._watch_signals()
        self._watch_owner()
        self._watch_control()
        for order in orders:
            self._obey(order, time.monotonic_ns())
        _say(f"ready {self._link}")
        try:
            while not self._ending:
                self._turn()
        finally:
            self._power_off(time.monotonic_ns())
            self._port.close()
            self._log.close()
            self._guard.dismiss()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience_s()):
            key.data()
        now = time.monotonic_ns()
        if not self._hanging:
            self._perform(self._core.advance(self._board_ns(now)), now)
            self._look_at_inputs(now)
        for due, action in [timer for timer in self._timers if timer[0] <= now]:
            self._timers.remove((due, action))
            action(now)
        self._port.write(self._line.due(now))
        self._check_owner(now)

    def _patience_s(self) -> float | None:
        times: list[int | None] = [self._line.wake_ns, *(due for due, _ in self._timers)]
        wake_ns = self._core.wake_ns
        if not self._hanging and wake_ns is not None:
            times.append(self._resonator.host_ns(wake_ns))
        if not self._hanging:
            times.append(self._inputs.wake_ns)
        if self._owner_gone_ns is not None:
            times.append(max(self._owner_gone_ns + OWNER_GRACE_NS, self._lease_over_ns))
        nearest = min((when for when in times if when is not None), default=None)
        return None if nearest is None else max(0.0, (nearest - time.monotonic_ns()) / 1e9)

    def _perform(self, output: Output, now: int) -> None:
        for when, mask in output.edges:
            self._log.write(self._resonator.host_ns(when), mask)
        for frame in output.frames:
            self._line.to_host(frame, now)
        self._port.write(self._line.due(now))

    def _on_port(self) -> None:
        data = self._line.to_board(self._port.read())
        if not self._hanging:
            now = time.monotonic_ns()
            self._perform(self._core.receive(data, self._board_ns(now)), now)

    def _board_ns(self, now: int) -> int:
        return self._resonator.board_ns(now)

    @property
    def _lease_over_ns(self) -> int:
        return self._resonator.host_ns(self._core.lease_over_ns)

    # --- life and death -----------------------------------------------------------------------------------

    def _birth(self, cause: ResetCause) -> Birth:
        self._nonce = (self._nonce + 1) % 0x10000
        return Birth(self._nonce, cause, self._lease_max_ms)

    def _restart(self, cause: ResetCause, now: int) -> None:
        self._power_off(now)
        self._hanging = False
        self._inputs.restart(now)
        self._core = BoardCore(self._birth(cause), self._board_ns(now))

    def _power_off(self, now: int) -> None:
        """What was due before still happens; then it is dark."""
        board_ns = self._board_ns(now)
        if not self._hanging:
            self._perform(self._core.advance(board_ns), now)
        self._perform(self._core.power_off(board_ns), now)

    def _watch(self, descriptor: int, action: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, action)

    def _watch_signals(self) -> None:
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self._watch(wake, self._end)

    def _end(self) -> None:
        self._ending = True

    def _watch_owner(self) -> None:
        if self._owner_pid is None:
            return
        try:
            owner = os.pidfd_open(self._owner_pid)
        except ProcessLookupError:
            self._owner_gone_ns = time.monotonic_ns()
            return

        def gone() -> None:
            self._selector.unregister(owner)
            os.close(owner)
            self._owner_gone_ns = time.monotonic_ns()

        self._watch(owner, gone)

    def _check_owner(self, now: int) -> None:
        gone = self._owner_gone_ns
        if gone is not None and now >= gone + OWNER_GRACE_NS and now >= self._lease_over_ns:
            self._ending = True

    # --- control lines ------------------------------------------------------------------------------------

    def _watch_control(self) -> None:
        with suppress(
            PermissionError
        ):  # a plain file or /dev/null cannot be waited for, and has nothing to say
            self._watch(sys.stdin.fileno(), self._on_control)

    def _on_control(self) -> None:
        data = os.read(sys.stdin.fileno(), CONTROL_SIZE)
        if not data:
            self._selector.unregister(sys.stdin.fileno())
            return
        *lines, self._control = (self._control + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if text:
                self._control_line(text)

    def _control_line(self, text: str) -> None:
        try:
            order = parse(text)
        except ValueError as error:
            _say(f"error {error}")
            return
        answer = self._obey(order, time.monotonic_ns())
        _say(f"ok {answer or text}")

    def _obey(self, order: Order, now: int) -> str | None:
        faults = self._line.faults
        match order.word, order.values:
            case "drop", (percent,):
                faults.drop_percent = percent
            case "corrupt", (percent,):
                faults.corrupt_percent = percent
            case "repeat", (percent,):
                faults.repeat_percent = percent
            case "delay", (milliseconds,):
                faults.delay_ns = int(milliseconds * MS)
            case "garbage", (count,):
                self._line.noise(int(count), now)
            case "mute", ():
                faults.mute = True
            case "heal", ():
                self._line.faults = LineFaults()
            case "state", ():
                return self._describe()
            case _:
                self._trouble(order, now)
        return None

    def _trouble(self, order: Order, now: int) -> None:
        match order.word, order.values:
            case "reset", ():
                self._restart(ResetCause.EXTERNAL, now)
            case "hang", ():
                self._perform(self._core.advance(self._board_ns(now)), now)
                self._hanging = True
                self._timers.append(
                    (now + WATCHDOG_MS * MS, lambda late: self._restart(ResetCause.WATCHDOG, late))
                )
            case "unplug", ():
                ours = self._port.close()
                if ours is not None:
                    self._selector.unregister(ours)
            case "plug", ():
                self._replug()
            case "press" | "bounce" as how, (button, milliseconds):
                move = self._inputs.move if how == "press" else self._inputs.bounce
                move(BUTTONS[int(button)], True, now)
                move(BUTTONS[int(button)], False, now + int(milliseconds * MS))
            case "card", (present,):
                self._inputs.move("card", bool(present), now)

    def _replug(self) -> None:
        ours = self._port.close()
        if ours is not None:
            self._selector.unregister(ours)
        self._watch(self._port.open(), self._on_port)

    def _look_at_inputs(self, now: int) -> None:
        for name, level in self._inputs.advance(now):
            if name == "card":
                output = self._core.sense_card(level, self._board_ns(now))
            else:
                output = self._core.press(BUTTONS.index(name), level, self._board_ns(now))
            self._perform(output, now)

    def _describe(self) -> str:
        panel, now_ns = self._core.panel, self._board_ns(time.monotonic_ns())
        shown = " ".join(
            f"{led}={level}" for led, level in self._core.indicator(now_ns).levels(now_ns).items()
        )
        return (
            f"state mask={self._core.mask} beeps={panel.beeps} buzzer_hz={panel.buzzer_hz} "
            f"buzzer_ms={panel.buzzer_ms} {shown} us={now_ns // US}"
        )


def _say(line: str) -> None:
    """One line for whoever started the board; a reader who went away is no reason to stop."""
    with suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m station.twin.board", description="The software board.")
    parser.add_argument("--link", type=Path, required=True, help="name under which the port appears")
    parser.add_argument("--light-log", type=Path, required=True, help="file that tells which lights burned")
    parser.add_argument("--lease-ms", type=int, default=60_000, help="longest host lease that is granted")
    parser.add_argument(
        "--clock-ppm", type=parse_ppm, default=0, help="how much faster its clock runs than this machine's"
    )
    owner = parser.add_mutually_exclusive_group()
    owner.add_argument("--owner-pid", type=int, default=os.getppid(), help="end when this process is gone")
    owner.add_argument("--stay", action="store_true", help="end only on a signal")
    parser.add_argument("--seed", type=int, default=1, help="of the line's faults")
    parser.add_argument(
        "--fault", type=parse, action="append", default=[], help="a control line to begin with"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run a board; returns the exit code."""
    chosen = _arguments(sys.argv[1:] if arguments is None else arguments)
    owner = None if chosen.stay else chosen.owner_pid
    try:
        BoardProcess(
            chosen.link,
            chosen.light_log,
            chosen.lease_ms,
            owner,
            chosen.seed,
            Resonator(chosen.clock_ppm, time.monotonic_ns()),
        ).run(chosen.fault)
    except OSError as error:
        sys.stderr.write(f"the software board cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
