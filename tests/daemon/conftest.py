"""A station of its own for each test: real daemon and trainer as processes, on the twin at low resolution."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from station.client import StationClient
from station.config import Settings, as_toml
from station.documents.event import Event
from station.documents.fault import StationError

PATIENCE_S = 90.0  # bound of every wait; none of them is an assertion about speed
DPI = 110


def wait_for(what: str, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Poll until the condition holds something true, and return that."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {patience_s:g} s in vain for {what}")
        time.sleep(0.02)
    return found


class Bench:
    """A data folder, a configuration and the processes started on it."""

    wait_for = staticmethod(wait_for)
    wait_for_long = staticmethod(partial(wait_for, patience_s=1_200.0))

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.config = root / "station.toml"
        self.processes: list[subprocess.Popen[str]] = []
        self.configure()

    def configure(self, **sections: dict[str, Any]) -> Settings:
        """Write station.toml; sections add to those of a small twin."""
        tree: dict[str, Any] = {
            "station": {"data": self.data, "reserve_mb": 1},
            "scan": {"rectified_dpi": DPI},
            "twin": {"dpi": DPI},
        }
        for name, values in sections.items():
            tree[name] = {**tree.get(name, {}), **values}
        self.settings = Settings.model_validate(tree)
        self.config.write_text(as_toml(self.settings))
        return self.settings

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "station.cli", "--config", str(self.config), *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of the station, to its end."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def start(self, service: str) -> subprocess.Popen[str]:
        """A service as a process of its own, as an operator starts it."""
        with (self.root / f"{service}.out").open("ab") as out:
            process = subprocess.Popen(
                self.command(service),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.processes.append(process)
        return process

    def start_daemon(self) -> subprocess.Popen[str]:
        """The daemon, ready to be asked."""
        process = self.start("daemon")
        wait_for("the daemon", lambda: self._ready(process))
        return process

    def _ready(self, process: subprocess.Popen[str]) -> bool:
        if process.poll() is not None:
            pytest.fail(f"the daemon ended: {self.output('daemon')}")
        try:
            with self.client() as client:
                client.status()
        except StationError:
            return False
        return True

    def output(self, service: str) -> str:
        return (self.root / f"{service}.out").read_text()

    def client(self) -> StationClient:
        return StationClient.from_settings(self.settings)

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
        """End a service; its exit code."""
        process.send_signal(number)
        code = process.wait(PATIENCE_S)
        self.processes.remove(process)
        return code

    def scan(
        self, client: StationClient, end: str = "scan.processed", side: str = "front"
    ) -> tuple[str, list[Event]]:
        """Scan one side; its identity and all events of it up to the one named."""
        head = client.status().seq
        scan_id = client.scan_start(side)
        return scan_id, self.follow(client, head, scan_id, end)

    def follow(self, client: StationClient, after: int, cause: str, end: str) -> list[Event]:
        """Events of one scan up to `end`; a failure ends the test, unless it is what is waited for."""
        seen = []
        for event in client.events(after=after):
            if event.cause != cause:
                continue
            seen.append(event)
            if event.type == end:
                return seen
            if event.type == "scan.failed":
                pytest.fail(f"the scan failed: {event.data}")
        raise AssertionError("the stream of events has no end")

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(PATIENCE_S)


@pytest.fixture
def bench() -> Iterator[Bench]:
    root = Path(tempfile.mkdtemp(prefix="st-"))
    made = Bench(root)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(root)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port of the loopback interface that nobody had a moment ago."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find
