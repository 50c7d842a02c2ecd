"""`station rig console`: orders in words, and what is said on the line, as it is said."""

import os
import select
import time
from collections.abc import Callable, Iterator

import typer

from ..documents.fault import StationError
from ..documents.rig import PlainOrder, RigTraffic
from .rig_access import Rig
from .rig_faces import traffic_line
from .rig_words import HELP, Wait, understand

LISTEN_S = 0.2
READ_SIZE = 4_096


class Lines:
    """Lines of a descriptor, whether a terminal, a pipe or a file; None when none came in time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""
        self._ended = False

    def read(self, patience_s: float) -> Iterator[str | None]:
        """Endless until the end of the input; the last line needs no newline."""
        while not self._ended:
            if not select.select([self._descriptor], [], [], patience_s)[0]:
                yield None
                continue
            data = os.read(self._descriptor, READ_SIZE)
            self._ended = not data
            *lines, self._pending = (self._pending + (data or b"\n")).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)


class Console:
    """One conversation. `said` are the lines that were heard, `failed` those that came to nothing."""

    def __init__(self, rig: Rig, prompt: str) -> None:
        self._rig = rig
        self._prompt = prompt
        self._shown = 0
        self.said = 0
        self.failed = 0

    def run(self, lines: Lines) -> None:
        """Until `quit` or the end of the input; lights are off then.

        Raises:
            StationError: the board is not there at the beginning, or cannot be told to put its lights off.
        """
        found = self._rig.info()
        self._shown = max((entry.number for entry in self._rig.traffic(0)), default=0)
        typer.echo(f"{found.board} at {found.port}, firmware {found.firmware}; `help` lists the words")
        try:
            self._converse(lines)
        finally:
            self._rig.ask(PlainOrder(do="off"))
            self._show()

    def _converse(self, lines: Lines) -> None:
        self._ask_for_line()
        for line in lines.read(LISTEN_S):
            if line is None:
                self._guarded(self._show)
                continue
            if not self._obey(line):
                return
            self._ask_for_line()

    def _ask_for_line(self) -> None:
        typer.echo(self._prompt, nl=False)

    def _obey(self, line: str) -> bool:
        """Whether to go on."""
        try:
            said = understand(line)
        except ValueError as error:
            self._failed(str(error))
            return True
        self.said += said is not None
        match said:
            case "quit":
                return False
            case "help":
                typer.echo(HELP)
            case Wait(seconds):
                self._guarded(lambda: self._listen(seconds))
            case None:
                pass
            case _:
                self._guarded(lambda: self._order(said))
        return True

    def _order(self, order: object) -> None:
        answer = self._rig.ask(order)  # type: ignore[arg-type]
        self._show()
        if answer.refused:
            self._failed(answer.refused)

    def _listen(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, LISTEN_S))
            self._show()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StationError as error:
            self._failed(f"{error}; {error.hint}")

    def _failed(self, sentence: str) -> None:
        self.failed += 1
        typer.echo(f"! {sentence}", err=True)

    def _show(self) -> None:
        entries: list[RigTraffic] = self._rig.traffic(self._shown)
        for entry in entries:
            typer.echo(traffic_line(entry))
            self._shown = entry.number
