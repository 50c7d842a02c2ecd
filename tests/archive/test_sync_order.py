"""Nothing is acknowledged before it is durable: the system calls of a process that stores one scan."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.syscalls import CALLS, SYNCS, Call, parse, violations

CHILD = Path(__file__).with_name("storing_child.py")


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call]]:
    """The calls of one child that stored a scan and a result under the data root."""
    folder = tmp_path_factory.mktemp("traced")
    root, trace = folder / "data", folder / "trace"
    strace = ["strace", "-f", "-y", "-s", "64", "-o", str(trace), "-e", f"trace={CALLS}"]
    if (
        shutil.which("strace") is None
        or subprocess.run([*strace, "true"], capture_output=True, check=False).returncode
    ):
        sentence = "strace is missing or may not trace, so the order of syncs was not looked at"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*strace, sys.executable, str(CHILD), "once", str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return root, parse(trace.read_text())


@pytest.mark.parametrize("said", ["ACK", "RESULT", "WITHDRAWN", "REMOVED"])
def test_everything_is_durable_before_it_is_acknowledged(traced: tuple[Path, list[Call]], said: str) -> None:
    root, calls = traced
    assert violations(calls, root, said) == []


def test_the_trace_shows_the_whole_way_of_a_scan(traced: tuple[Path, list[Call]]) -> None:
    _, calls = traced
    said = next(index for index, call in enumerate(calls) if call.text.startswith("ACK"))
    renamed = next(
        index for index, call in enumerate(calls) if call.name == "rename" and ".part" in call.path
    )
    before = [Path(call.path).name for call in calls[:renamed] if call.name in SYNCS and ".part" in call.path]
    assert [name for name in before if not name.endswith(".part")] == [
        "ambient.tif",
        "light-0.tif",
        "light-1.tif",
        "manifest.json",
    ]
    after = [Path(call.path).name for call in calls[renamed:said] if call.name in SYNCS]
    assert after[0] == Path(calls[renamed].target).parent.name
    assert after[-1] == "catalogue.sqlite3-wal"


def _syncs(calls: list[Call], root: Path) -> list[int]:
    said = next(index for index, call in enumerate(calls) if call.text.startswith("ACK"))
    return [k for k in range(said) if calls[k].name in SYNCS and calls[k].path.startswith(f"{root}/scans")]


def test_each_sync_of_the_scan_is_needed(traced: tuple[Path, list[Call]]) -> None:
    """Leave out any one of them, and the check above must object: it can fail."""
    root, calls = traced
    syncs = _syncs(calls, root)
    assert len(syncs) >= 9
    for left_out in syncs:
        assert violations(calls[:left_out] + calls[left_out + 1 :], root, "ACK"), calls[left_out]


def test_an_acknowledgement_before_the_last_sync_of_the_catalogue_is_seen(
    traced: tuple[Path, list[Call]],
) -> None:
    root, calls = traced
    said = next(index for index, call in enumerate(calls) if call.text.startswith("ACK"))
    last = max(k for k in range(said) if calls[k].name in SYNCS)
    early = [*calls[:last], calls[said], *calls[last:]]
    assert any("catalogue.sqlite3-wal" in sentence for sentence in violations(early, root, "ACK"))
