"""ENOSPC at each write, sync, rename and new file: said in one sentence, nothing torn, nothing promised.

A sample of the places in the suite, all of them in the soak. The faults are the kernel's, by strace.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

CHILD = Path(__file__).with_name("faulty_child.py")
KINDS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir", "openat")
CASES = ["storing", "backing_up", "receiving"]
WHEN = {kind: 4_000 if kind == "openat" else 400 for kind in KINDS}  # as the child counts
SOAK = os.environ.get("STATION_SOAK") == "1"
pytestmark = [pytest.mark.soak] if SOAK else []  # a sample in the suite, every place in the soak


@dataclass(frozen=True)
class Traced:
    """What the children found, in order, and how often a call of each of their processes was made to fail."""

    found: list[dict[str, Any]]
    faults: dict[int, int]


@pytest.fixture(scope="module")
def traced() -> Traced:
    """Every case without a fault, then one after the other with one."""
    if (
        shutil.which("strace") is None
        or subprocess.run(["strace", "-f", "true"], capture_output=True, check=False).returncode
    ):
        sentence = "strace is missing or may not trace, so no write was made to fail"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    memory = Path("/dev/shm")  # noqa: S108 - a file system, not a guessable file
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        return _run(Path(name))


def _run(folder: Path) -> Traced:
    trace = folder / "trace"
    inject = [word for kind in KINDS for word in ("-e", f"inject={kind}:error=ENOSPC:when={WHEN[kind]}")]
    strace = ["strace", "-f", "-y", "-o", str(trace), "-e", f"trace={','.join(KINDS)},unlink", *inject]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*strace, sys.executable, str(CHILD), str(folder), str(trace), *(["every"] if SOAK else [])],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    faults = {one["pid"]: 0 for one in found}
    for line in trace.read_text().splitlines():
        if "(INJECTED)" in line:
            faults[int(line.partition(" ")[0])] += 1  # a fault of any other process would be no fault of ours
    return Traced(found, faults)


def _flaws(one: dict[str, Any], faults: int) -> list[str]:
    """What is not as it must be after one fault, or without any."""
    if "broken" in one:
        return [one["broken"]]
    meant, refused = bool(one["call"]), one["first"]
    flaws = [
        "" if faults == meant else f"{faults} faults",
        "" if bool(refused) == meant else "nobody was told" if meant else "refused",
        "" if not refused or (refused["said"] and refused["hint"]) else "no sentence",
        "" if one["second"] == {} else f"not even afterwards: {one['second']}",
        *(f"lost: {what}" for what in one["lost"]),
        *(f"torn: {what}" for what in one["torn"]),
        "" if one["calm"] else "not calm",
    ]
    return [flaw for flaw in flaws if flaw]


def test_every_failed_call_is_told_in_a_sentence_and_nothing_is_torn(
    traced: Traced, record_property: Callable[[str, object], None]
) -> None:
    flawed = [(flaws, one) for one in traced.found if (flaws := _flaws(one, traced.faults[one["pid"]]))]
    assert flawed == []
    if SOAK:
        record_property("calls that failed for lack of room", [len(traced.found) - len(CASES), "calls"])


def test_all_cases_and_all_kinds_of_calls_were_among_them(traced: Traced) -> None:
    calm, failed = traced.found[: len(CASES)], traced.found[len(CASES) :]
    assert [one["case"] for one in calm] == CASES
    assert {one["case"] for one in failed} == set(CASES)
    assert {one["call"] for one in failed} == set(KINDS)
    codes = {one["first"]["code"] for one in failed}
    assert {"disk_full", "backup_failed", "deferred"} <= codes
    assert codes <= {"disk_full", "data_unwritable", "backup_failed", "deferred"}
