"""How long an honest client waits for `status` over TCP while others abuse the station."""

import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from _abuse import KINDS

from station.client import StationClient
from station.config import Settings, as_toml
from station.documents.fault import StationError
from station.documents.key import load_key

ABUSE = Path(__file__).with_name("_abuse.py")
ASKED = 150
PAUSE_S = 0.004
LOST: list[str] = []
"""Why a call of the honest client failed and was repeated."""
DESCRIPTORS = 1_024
"""What a service or a shell has by default; a station has to raise it by itself."""


def tell(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure."""
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "note": note}), flush=True)


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Station:
    """A daemon on the twin with remote endpoints, one scan and one key."""

    def __init__(self, root: Path) -> None:
        self.root = root
        addresses = {name: f"tcp://127.0.0.1:{free_port()}" for name in ("control", "events", "preview")}
        self.settings = Settings.model_validate(
            {
                "station": {"data": root / "data", "reserve_mb": 1},
                "scan": {"rectified_dpi": 110},
                "twin": {"dpi": 110},
                "bus": {f"remote_{name}": address for name, address in addresses.items()},
            }
        )
        self.config = root / "station.toml"
        self.config.write_text(as_toml(self.settings))
        self.words = [sys.executable, "-m", "station.cli", "--config", str(self.config)]
        subprocess.run([*self.words, "keys", "add", "honest", "--out", str(root / "key.json")], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        self.facts = {**addresses, "local": self.settings.endpoint("control"), "key": str(root / "key.json")}

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon, with one scan stored."""
        with (self.root / "log").open("wb") as log:
            daemon = subprocess.Popen([*self.words, "daemon"], stdout=log, stderr=log, preexec_fn=few_files)  # noqa: PLW1509 - no threads here
        try:
            while not self._ready():
                if daemon.poll() is not None:
                    raise SystemExit((self.root / "log").read_text())
                time.sleep(0.1)
            subprocess.run([*self.words, "scan"], check=True, stdout=subprocess.DEVNULL)
            with StationClient.from_settings(self.settings) as client:
                self.facts["scan"] = client.scan_list()[0].id
                largest = max(client.scan_files(self.facts["scan"]), key=lambda one: one.bytes)
                self.facts["file"] = largest.file
            yield daemon
        finally:
            daemon.terminate()
            daemon.wait()

    def _ready(self) -> bool:
        with suppress(StationError), StationClient.from_settings(self.settings) as client:
            return client.status().not_ready == ""
        return False

    def honest(self) -> StationClient:
        """Who only wants to know how things are."""
        bus = self.settings.bus
        return StationClient(bus.remote_control, bus.remote_events, key=load_key(self.root / "key.json"))


def few_files() -> None:
    """In the daemon, before it begins."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def round_trips_ms(client: StationClient, count: int = ASKED) -> list[float]:
    """How long each answer took."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        while True:
            try:
                client.status()
            except StationError as error:  # its time counts all the same
                LOST.append(str(error))
                print(f"no answer: {error}", file=sys.stderr)
            else:
                break
        taken.append(1e3 * (time.perf_counter() - begun))
        time.sleep(PAUSE_S)
    return taken


@contextmanager
def abused(kind: str, facts: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Somebody is at it meanwhile."""
    command = [sys.executable, str(ABUSE), kind, json.dumps(facts)]
    abuser = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert abuser.stdout is not None
    try:
        if abuser.stdout.readline().strip() != "ready":
            raise SystemExit(f"{kind}: it could not begin")
        yield abuser
    finally:
        said = abuser.communicate(timeout=60)[0]
        if abuser.returncode:
            raise SystemExit(f"{kind}: it ended before its time")
        print(f"{kind}: {said.strip()} times", file=sys.stderr)


def p95(values: list[float]) -> float:
    """95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def memory_mb(pid: int) -> float:
    """What a process holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Quiet and abused turn by turn, so that whatever else the machine does falls on both."""
    kinds = [kind for kind in KINDS if not sys.argv[1:] or any(word in kind for word in sys.argv[1:])]
    root = Path(tempfile.mkdtemp(prefix="st", dir="/tmp"))
    quiet, taken = [], {}
    try:
        station = Station(root)
        with station.running() as daemon, station.honest() as client:
            round_trips_ms(client, 50)
            before_mb = memory_mb(daemon.pid)
            for kind in kinds:
                quiet += round_trips_ms(client, ASKED // 2)
                with abused(kind, station.facts):
                    taken[kind] = round_trips_ms(client)
                print(f"{kind}: {p95(taken[kind]):.1f} ms, quiet {p95(quiet):.1f} ms", file=sys.stderr)
            quiet += round_trips_ms(client, ASKED // 2)
            after_mb = memory_mb(daemon.pid)
    except StationError:
        print((root / "log").read_text()[-6_000:], file=sys.stderr)
        raise
    finally:
        shutil.rmtree(root)
    report(quiet, taken, after_mb - before_mb)


def report(quiet: list[float], taken: dict[str, list[float]], grown_mb: float) -> None:
    """Ratios to the quiet station, the worst first in what they mean."""
    tell("status over TCP, quiet, 95th percentile", p95(quiet), "ms", f"{len(quiet)} round trips with CURVE")
    for kind, values in taken.items():
        medians = statistics.median(values) / statistics.median(quiet)
        note = f"95th percentile {p95(values):.1f} ms, worst {max(values):.1f} ms; medians {medians:.2f}"
        tell(f"status under {kind}, over quiet", p95(values) / p95(quiet), "1", note)
    worst = max(p95(values) for values in taken.values()) / p95(quiet)
    tell("status under the worst abuse, over quiet", worst, "1", "95th percentiles")
    tell(
        "calls of the honest client that had to be repeated",
        len(LOST),
        "1",
        "; ".join(sorted(set(LOST)))[:200],
    )
    tell("memory of the daemon, grown by all abuse", grown_mb, "MB")


if __name__ == "__main__":
    main()
