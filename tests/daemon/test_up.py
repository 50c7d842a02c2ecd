"""`station up`: both services, kept up, ended together, and neither left behind."""

import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from station.twin.lightlog import LightLogReader

if TYPE_CHECKING:
    from conftest import Bench


def children(pid: int) -> dict[str, int]:
    """The services of a keeper, by name."""
    found = {}
    for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
        found[words[-2].decode()] = int(one)
    return found


def gone(pid: int) -> bool:
    try:
        return re.search(r"\) Z ", Path(f"/proc/{pid}/stat").read_text()) is not None
    except FileNotFoundError:
        return True


@pytest.fixture
def kept(bench: "Bench", free_port: Callable[[], int]) -> subprocess.Popen[str]:
    bench.configure(metrics={"daemon_port": free_port()})
    keeper = bench.start("up")
    bench.wait_for("both to be ready", lambda: "station up: ready" in bench.output("up"))
    return keeper


def test_both_are_kept_up_and_end_together(bench: "Bench", kept: subprocess.Popen[str]) -> None:
    services = children(kept.pid)
    assert set(services) == {"daemon", "trainer"}
    port = bench.settings.metrics.daemon_port

    def metrics() -> Any:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
        return "station_accepts_cards 1.0" in text

    bench.wait_for("the metrics", metrics)
    os.kill(services["trainer"], signal.SIGKILL)
    bench.wait_for("the trainer again", lambda: bench.output("up").count("station up: ready") == 2)
    with bench.client() as client:
        scan_id, _ = bench.scan(client)
        bench.wait_for("delivery", lambda: client.scan_get(scan_id).delivery == "delivered")
    assert {path.name for path in (bench.data / "logs").iterdir()} == {"daemon.jsonl", "trainer.jsonl"}
    pids = children(kept.pid).values()
    assert bench.stop(kept, signal.SIGINT) == 0
    assert all(gone(pid) for pid in pids)


def test_neither_outlives_its_keeper(bench: "Bench", kept: subprocess.Popen[str]) -> None:
    services = children(kept.pid)
    log = LightLogReader(bench.data / "run" / "lights").open()
    bench.stop(kept, signal.SIGKILL)
    bench.wait_for("both to end", lambda: all(gone(pid) for pid in services.values()))
    bench.wait_for("the lights to be off", lambda: log.mask() == 0)
    log.close()


def test_one_that_cannot_start_is_given_up_with_a_sentence(bench: "Bench") -> None:
    bench.configure(rig={"port": "/dev/no-such-board", "open_timeout_s": 0.1}, camera={"source": "twin"})
    ended = bench.run("up", "--only", "daemon")
    assert ended.returncode == 1
    assert "the daemon ended again and again" in ended.stderr
    assert "/dev/no-such-board" in ended.stderr
    assert "Traceback" not in ended.stderr
