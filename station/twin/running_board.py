"""The twin's board as a process of its own: the software board, or the real firmware on a simulated chip.

It is another process on purpose: when its owner dies, the board must put its lights off by itself, as a
real one does.
"""

import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ..documents.fault import StationError
from ..share.firmware import built_firmware
from .board_guard import darken

BoardName = Literal["software", "firmware"]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0


def board_program(board: BoardName, lease_ms: int) -> list[str]:
    """The command that runs a board; `lease_ms` is the longest lease the software board grants.

    Raises:
        StationError: `toolchain_missing`, the firmware has to be built and cannot be.
    """
    if board == "software":
        return [sys.executable, "-m", "station.twin.board", "--lease-ms", str(lease_ms)]
    built = built_firmware()
    return [str(built.simulator), "--hex", str(built.hex)]


class RunningBoard:
    """One board; the process that started it is its owner."""

    def __init__(self, port: Path, light_log: Path) -> None:
        self._port = port
        self._light_log = light_log
        self._process: subprocess.Popen[str] | None = None
        self._ordering = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of its process; None: it does not run."""
        return self._process.pid if self._process else None

    def start(self, program: list[str]) -> None:
        """Start it and wait until its port can be opened.

        Raises:
            StationError: `rig_missing`, it ended at once or never became ready.
        """
        command = [*program, "--link", str(self._port), "--light-log", str(self._light_log)]
        self._process = subprocess.Popen(
            [*command, "--owner-pid", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        line = self._line()
        if not line.startswith("ready"):
            self.close()
            raise StationError("rig_missing", f"the twin's board did not start (it said {line.strip()!r})")

    def order(self, line: str) -> str:
        """Do something to the board that a person would do, see `board_control`; returns its answer.

        Raises:
            StationError: `rig_missing`, it does not run; `bad_request`, it knows nothing of the kind.
        """
        with self._ordering:
            pipe = self._process.stdin if self._process else None
            try:
                if pipe is not None:
                    pipe.write(line + "\n")
                    pipe.flush()
            except OSError as error:
                raise StationError("rig_missing", f"the twin's board has ended: {error}") from error
            answer = self._line().strip()
        if not answer:
            raise StationError("rig_missing", "the twin's board does not run")
        if not answer.startswith("ok "):
            raise StationError("bad_request", f"the twin's board: {answer.removeprefix('error ')}")
        return answer.removeprefix("ok ")

    def _line(self) -> str:
        """Empty when it said nothing in time."""
        out = self._process.stdout if self._process else None
        if out is None or not select.select([out], [], [], START_TIMEOUT_S)[0]:
            return ""
        return out.readline()

    def close(self) -> None:
        """End it; it puts its lights off first. One that ended otherwise has lost its power."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode != 0:
            darken(self._light_log)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):  # what it was told last it no longer heard
                    pipe.close()
