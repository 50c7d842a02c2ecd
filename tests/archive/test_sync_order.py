"""Nothing is acknowledged before it is durable: the system calls of a process that stores one scan."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("storing_child.py")
CALLS = "openat,mkdir,rename,renameat,renameat2,write,pwrite64,ftruncate,fsync,fdatasync,unlink"
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "pwrite64", "ftruncate")


@dataclass(frozen=True)
class Call:
    """One finished system call: its name, the path it works on (for a rename both), and what it wrote."""

    name: str
    path: str
    target: str = ""
    text: str = ""
    creates: bool = False


def parse(trace: str) -> list[Call]:
    """Calls in the order in which they ended, failed ones left out."""
    begun: dict[str, str] = {}
    calls = []
    for line in trace.splitlines():
        pid, rest = line.split(maxsplit=1)
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", rest):
            rest = begun.pop(pid) + rest[resumed.end() :]
        if call := _call(rest):
            calls.append(call)
    return calls


def _call(line: str) -> Call | None:
    if not (found := re.match(r"(\w+)\((.*)\)\s+= (\d+)", line)):
        return None
    name, arguments, _ = found.groups()
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
    if name in SYNCS or name in WRITES:
        path = re.match(r"\d+<([^>]*)>", arguments)
        return Call(name, path[1] if path else "", text=quoted[0] if quoted else "")
    if name.startswith("rename"):
        return Call("rename", quoted[0], quoted[1])
    return Call(name, quoted[0], creates=name == "mkdir" or "O_CREAT" in arguments)


def violations(calls: list[Call], root: Path, said: str) -> list[str]:
    """What was not yet durable under `root` when the process said so.

    Content is durable when a sync of its file follows the last write to it; a name when a sync of its
    folder follows. Everything in a folder that is renamed must be durable before.
    """
    unsynced: dict[str, str] = {}
    found = []
    for call in calls:
        if call.name == "write" and call.text.startswith(said):
            return [*found, *(f"{path}: {why} before {said}" for path, why in unsynced.items())]
        if call.name not in SYNCS and not call.path.startswith(str(root)):
            continue
        if call.name in WRITES:
            unsynced[call.path] = "content not synced"
        elif call.name in SYNCS:
            unsynced.pop(call.path, None)
            unsynced = {path: why for path, why in unsynced.items() if not _names_in(path, why, call.path)}
        elif call.name == "rename":
            inside = {path: why for path, why in unsynced.items() if f"{call.path}/" in path}
            found += [f"{path}: {why} before the rename" for path, why in inside.items()]
            unsynced = {path: why for path, why in unsynced.items() if call.path not in path}
            unsynced[f"name of {call.target}"] = "folder not synced"
        elif call.name == "unlink":
            unsynced = {path: why for path, why in unsynced.items() if call.path not in path}
        elif call.creates:
            unsynced[f"name of {call.path}"] = "folder not synced"
    return [*found, f"{said} was never said"]


def _names_in(entry: str, why: str, folder: str) -> bool:
    return why == "folder not synced" and str(Path(entry.removeprefix("name of ")).parent) == folder


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


@pytest.mark.parametrize("said", ["ACK", "RESULT"])
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
