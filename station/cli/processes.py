"""The services as processes of ours: started, watched while we wait, stopped, and never left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ..client import StationClient
from ..documents.fault import StationError

READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
DELIVERY_TIMEOUT_S = 60.0
POLL_S = 0.1


class Services:
    """Daemon and trainer under one configuration; leaving the block stops them in the opposite order."""

    def __init__(self, config: Path, data: Path) -> None:
        self._config = config
        self._logs = data / "logs"
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def start(self, name: str) -> None:
        """Start `station <name>` with its output in `logs/<name>.out`."""
        with (self._logs / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "station.cli", "--config", str(self._config), name],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((name, process))

    def check(self) -> None:
        """Notice a service that has ended.

        Raises:
            StationError: with the last line the service wrote.
        """
        for name, process in self._running:
            if process.poll() is not None:
                log = self._logs / f"{name}.out"
                words = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()][-2:]
                raise StationError(
                    "internal",
                    f"the {name} ended with code {process.returncode}: {' '.join(words)}",
                    f"Look into {log}.",
                )

    def wait_ready(self, client: StationClient) -> None:
        """Wait until the daemon answers."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            self.check()
            try:
                client.status()
            except StationError:
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def wait_delivered(self, client: StationClient, scan_ids: list[str]) -> list[str]:
        """Wait until the trainer has acknowledged these scans; their delivery states at the end."""
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S
        while True:
            self.check()
            states = [str(client.scan_get(scan_id).delivery) for scan_id in scan_ids]
            if all(state in ("delivered", "refused") for state in states) or time.monotonic() > deadline:
                return states
            time.sleep(POLL_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
