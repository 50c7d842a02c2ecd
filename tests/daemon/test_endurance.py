"""Nothing acknowledged is lost and nothing burns, whoever is killed; and thousands of scans leak nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.daemon.endurance import STEPS, Endurance

if TYPE_CHECKING:
    from conftest import Bench

SMALL_DPI = 70


def small(bench: "Bench") -> None:
    bench.configure(scan={"rectified_dpi": SMALL_DPI}, twin={"dpi": SMALL_DPI}, log={"level": "WARNING"})


def test_kills_at_bad_moments(bench: "Bench") -> None:
    small(bench)
    fire = Endurance(bench, seed=1)
    for _ in range(6):
        fire.kill()
    bench.wait_for("a capture after the last kill", lambda: len(fire.acknowledged) > 2)
    fire.settle()
    fire.count()


@pytest.mark.soak
@pytest.mark.timeout(5_400)
def test_two_hundred_kills(bench: "Bench", record_property: Callable[[str, Any], None]) -> None:
    small(bench)
    fire = Endurance(bench, seed=2)
    while sum(fire.kills.values()) < 200 or len(fire.acknowledged) < 2_000:
        if sum(fire.kills.values()) < 200:
            before = len(fire.acknowledged)
            fire.kill()
            bench.wait_for("a capture", lambda: len(fire.acknowledged) > before)  # noqa: B023 - called at once
        wanted = min(2_000, 10 * sum(fire.kills.values()))
        bench.wait_for_long("captures", lambda: len(fire.acknowledged) >= wanted)  # noqa: B023 - as above
    fire.settle()
    found = fire.count()
    assert {f"daemon while {phase}" for phase in STEPS} <= set(fire.kills)
    for name, value in found.items():
        record_property(name, [value, "1"])
    record_property("kills", [sum(fire.kills.values()), "1"])
    for where, times in sorted(fire.kills.items()):
        record_property(f"kills: {where}", [times, "1"])


def usage(pid: int) -> dict[str, int]:
    """Memory in kB, descriptors and threads of a process now."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return {
        "memory_kb": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }


def scans(bench: "Bench", client: Any, count: int) -> None:
    for _ in range(count):
        bench.scan(client, "scan.captured")
    bench.wait_for_long("all to be computed", lambda: not client.status().processing)


@pytest.mark.soak
@pytest.mark.timeout(5_400)
def test_two_thousand_scans_leak_nothing(bench: "Bench", record_property: Callable[[str, Any], None]) -> None:
    small(bench)
    daemon, trainer = bench.start_daemon(), bench.start("trainer")
    with bench.client() as client:
        scans(bench, client, 200)  # what is kept on purpose is full by then
        first = {name: usage(process.pid) for name, process in (("daemon", daemon), ("trainer", trainer))}
        scans(bench, client, 1_800)
        bench.wait_for_long("all to be delivered", lambda: client.status().quiescent)
        last = {name: usage(process.pid) for name, process in (("daemon", daemon), ("trainer", trainer))}
    for name in first:
        for what, value in last[name].items():
            record_property(f"{name}: {what} after 2000 over after 200", [value / first[name][what], "1"])
        assert last[name]["threads"] <= first[name]["threads"]
        assert last[name]["descriptors"] <= first[name]["descriptors"] + 2
        assert last[name]["memory_kb"] < 1.10 * first[name]["memory_kb"]
