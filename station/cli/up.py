"""`station up`: daemon and trainer together, each started again when it ends or hangs."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..config import Settings
from ..documents.fault import StationError
from ..share.notify import notify
from .upkeep import SILENT_S, Upkeep

SERVICES = ("trainer", "daemon")
POLL_S = 0.5
STOP_S = 20.0
PR_SET_PDEATHSIG = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


def up(
    context: typer.Context,
    only: Annotated[str, typer.Option(help="daemon or trainer alone; default: both")] = "",
) -> None:
    """Run daemon and trainer until SIGTERM or Ctrl-C; one that ends is started again."""
    if only and only not in SERVICES:
        raise StationError("option_invalid", f"--only {only}: known are {' and '.join(SERVICES)}")
    names = (only,) if only else SERVICES
    with _stopping() as stopped, Keeper(context.obj.settings, context.obj.config, names) as keeper:
        keeper.keep(stopped)


@contextlib.contextmanager
def _stopping() -> Iterator[list[int]]:
    """Signals that were caught; whatever was their handling comes back."""
    caught: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda number, _: caught.append(number)) for number in numbers]
    try:
        yield caught
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class Keeper:
    """The services as children; leaving the block ends them."""

    def __init__(self, settings: Settings, config: Path | None, names: tuple[str, ...]) -> None:
        self._logs = settings.station.data / "logs"
        self._config = config
        self._upkeep = {name: Upkeep() for name in names}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._due_s = dict.fromkeys(names, 0.0)
        self._all_ready = False

    def __enter__(self) -> "Keeper":
        self._folder = tempfile.TemporaryDirectory(prefix="station-")
        self._sockets = {name: self._listen(name) for name in self._upkeep}
        return self

    def __exit__(self, *_: object) -> None:
        notify("STOPPING=1")
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            _reap(process)
        for listener in self._sockets.values():
            listener.close()
        self._folder.cleanup()

    def _listen(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        listener.bind(str(Path(self._folder.name, name)))
        listener.setblocking(False)
        return listener

    def keep(self, stopped: list[int]) -> None:
        """Until something was put into `stopped`.

        Raises:
            StationError: `service_ended`, one of them ended too often.
        """
        while not stopped:
            for name in self._upkeep:
                self._look_after(name)
            self._hear()

    def _look_after(self, name: str) -> None:
        upkeep, now_s = self._upkeep[name], time.monotonic()
        process = self._running.get(name)
        if process is None:
            if now_s >= self._due_s[name]:
                self._start(name)
        elif process.poll() is not None:
            self._ended(name, process.returncode)
        elif upkeep.hangs(now_s):
            _say(f"the {name} says nothing any more and is ended")
            process.kill()

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", "station.cli"]
        command += ["--config", str(self._config)] if self._config else []
        self._running[name] = subprocess.Popen(
            [*command, name],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to hand on
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(Path(self._folder.name, name)),
                "WATCHDOG_USEC": str(round(SILENT_S * 1e6)),
                "WATCHDOG_PID": "",
            },
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads run here
        )
        self._upkeep[name].started(time.monotonic())

    def _ended(self, name: str, code: int) -> None:
        del self._running[name]
        pause_s = self._upkeep[name].ended(time.monotonic())
        self._all_ready = False
        if pause_s is None:
            raise StationError(
                "service_ended",
                f"the {name} ended again and again, the last time with code {code}",
                f"It said why above and in {self._logs / name}.jsonl; `station doctor` names what is wrong.",
            )
        _say(f"the {name} ended with code {code}; it is started again in {pause_s:g} s")
        self._due_s[name] = time.monotonic() + pause_s

    def _hear(self) -> None:
        ready, _, _ = select.select(list(self._sockets.values()), [], [], POLL_S)
        for name, listener in self._sockets.items():
            if listener in ready:
                self._upkeep[name].said(listener.recv(4_096).decode("utf-8", "replace"), time.monotonic())
        all_ready = len(self._running) == len(self._upkeep) and all(
            upkeep.ready for upkeep in self._upkeep.values()
        )
        if all_ready and not self._all_ready:
            _say(f"ready: {' and '.join(self._upkeep)}")
            notify("READY=1")
        self._all_ready = all_ready
        if all_ready and ready and not any(one.hangs(time.monotonic()) for one in self._upkeep.values()):
            notify("WATCHDOG=1")


def _say(words: str) -> None:
    sys.stderr.write(f"station up: {words}\n")
    sys.stderr.flush()


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    """In the child: no service outlives its keeper, even one that is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
