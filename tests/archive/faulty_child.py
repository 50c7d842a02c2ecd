"""Processes whose n-th system call of a kind fails, to be run under strace; see `test_no_space.py`.

strace counts the calls of each process by itself and makes call number `WHEN` of a kind fail. So a process
that is to fail at its n-th call makes `WHEN - n` idle ones first. What it found it says in one line of JSON.
"""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from storing_child import store_result, store_scan

from station.archive import backup
from station.archive.catalogue import Catalogue
from station.archive.folder import read_stack
from station.archive.recovery import Recovery, recover
from station.archive.restoring import verify
from station.archive.results import latest_result
from station.bus.parcel import Chunk, NotNowError, Offer, ParcelFile
from station.documents.fault import StationError
from station.training.intake_store import FileIntakeStore

WHEN = {"openat": 4_000}
"""Python itself opens thousands of files when it starts, and none of these is to fail."""
WHEN_ELSE = 400
KINDS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "mkdir", "openat")
BEGIN, END = "/begin here", "/end here"
Step = Callable[[], object]
Plan = list[tuple[str, str, int]]


def _idle(call: str) -> None:
    """One call of a kind that changes nothing."""
    with suppress(OSError):
        match call:
            case "write":
                os.write(NOWHERE, b"x")
            case "pwrite64":
                os.pwrite(NOWHERE, b"x", 0)
            case "fsync":
                os.fsync(NOWHERE)
            case "fdatasync":
                os.fdatasync(NOWHERE)
            case "rename":
                os.rename("/nowhere/a", "/nowhere/b")  # noqa: PTH104 - the very call
            case "mkdir":
                os.mkdir("/")  # noqa: PTH102
            case "openat":
                os.close(os.open("/dev/null", os.O_RDONLY))


def _begin(call: str, number: int) -> None:
    """The call of this number, among all of its kind that this process makes, is going to fail."""
    for _ in range(WHEN.get(call, WHEN_ELSE) - number if call else 0):
        _idle(call)
    _mark(BEGIN)


def _mark(word: str) -> None:
    """For whoever reads the trace."""
    with suppress(OSError):
        os.unlink(word)  # noqa: PTH108


def _tried(step: Step) -> dict[str, str]:
    """What a step was refused with; empty where it succeeded. Anything but a sentence is a failure."""
    try:
        try:
            step()
        finally:
            _mark(END)
    except StationError as error:
        return {"code": error.code, "said": str(error), "hint": error.hint}
    except NotNowError as error:
        return {"code": "deferred", "said": str(error), "hint": "later"}
    return {}


def storing(root: Path, call: str, number: int) -> dict[str, Any]:
    """A scan and its result."""
    acknowledged: list[str] = []

    def step() -> None:
        folder = store_scan(root, catalogue)
        acknowledged.append(folder.name)
        store_result(catalogue, folder)
        acknowledged.append(f"{folder.name}/1")

    with Catalogue(root) as catalogue:
        store_scan(root, catalogue)  # the folders of the day are there
        _begin(call, number)
        first, second = _tried(step), _tried(step)
    with Catalogue(root) as catalogue:
        found = recover(root, catalogue)
        settled = recover(root, catalogue)
        lost = [name for name in acknowledged if not _is_there(root, catalogue, name)]
    calm = settled == Recovery(pending=settled.pending)
    return {
        "first": first, "second": second, "lost": lost, "torn": [why for _, why in found.unreadable],
        "calm": calm,
    }  # fmt: skip


def _is_there(root: Path, catalogue: Catalogue, name: str) -> bool:
    scan_id, _, result = name.partition("/")
    folder = root / catalogue.scan(scan_id).folder
    if result:
        stored = latest_result(folder)
        return stored is not None and stored.array("albedo").shape == (5, 4, 3)
    return len(read_stack(folder)[1]) == 3


def backing_up(root: Path, call: str, number: int) -> dict[str, Any]:
    """A second backup, of a scan with its result, into a target that has a first one."""
    backup.linked = lambda _source, _target: False  # as if the target lay on another disk
    target, made = root.with_name(f"{root.name}-target"), []

    with Catalogue(root) as catalogue:

        @contextmanager
        def copies() -> Iterator[Path]:
            path = root / "catalogue.copy-x"
            path.unlink(missing_ok=True)
            catalogue.copy_to(path)
            yield path

        def step() -> None:
            made.append(backup.back_up(root, target, "station", "test", copies))

        store_scan(root, catalogue)
        step()
        store_result(catalogue, store_scan(root, catalogue))
        _begin(call, number)
        first = _tried(step)
        torn = list(verify(target).problems)
        complete = len(list(target.glob("backups/*Z")))
        lost = [] if complete == len(made) else [f"{complete} complete backups, {len(made)} made"]
        second = _tried(step)
        torn += verify(target).problems
    return {
        "first": first, "second": second, "lost": lost, "torn": torn,
        "calm": not list(target.rglob("*.part")),
    }  # fmt: skip


def receiving(root: Path, call: str, number: int) -> dict[str, Any]:
    """A parcel of two files at the trainer's intake."""
    contents = {name: os.urandom(3000) for name in ("a", "b")}
    files = tuple(
        ParcelFile(name=name, sha256=sha256(content).hexdigest(), bytes=len(content))
        for name, content in contents.items()
    )
    offer = Offer(parcel="p", scan_id="s", files=files)
    acknowledged: list[bool] = []

    def step() -> None:
        for need in store.needs(offer):
            [content] = [c for c in contents.values() if sha256(c).hexdigest() == need.sha256]
            for start in range(need.offset, len(content), 1000):
                chunk = Chunk(parcel="p", sha256=need.sha256, offset=start)
                store.append(offer, chunk, content[start : start + 1000])
        if store.commit(offer):
            acknowledged.append(True)

    with FileIntakeStore(root) as store:
        _begin(call, number)
        first = _tried(step)
        second = _tried(step) or ({} if acknowledged else _tried(step))
    with FileIntakeStore(root) as store:
        held = store.holds(offer)
        whole = all(store.path(file.sha256).read_bytes() == contents[file.name] for file in files)
        torn = store.refusals()
        count = len(store.parcels())
    return {
        "first": first, "second": second, "lost": [] if held and whole else ["the parcel"], "torn": torn,
        "calm": count == 1 and bool(acknowledged),
    }  # fmt: skip


CASES = {"storing": storing, "backing_up": backing_up, "receiving": receiving}


def places(lines: list[str], root: str) -> list[tuple[str, int]]:
    """Calls between the marks that store something below the root, each numbered among all of its kind."""
    counts: Counter[str] = Counter()
    found = []
    begun = False
    for line in lines:
        begun = begun or BEGIN in line
        if END in line:
            break
        if not (call := re.match(r"(\w+)\(", line)) or call[1] not in KINDS:
            continue
        counts[call[1]] += 1
        if begun and _stores(call[1], line, root):
            found.append((call[1], counts[call[1]]))
    return found


def _stores(call: str, line: str, root: str) -> bool:
    """Left out: how SQLite syncs the journal of a copy that is hashed, and thrown away, a moment later."""
    scratch = "copy-x-journal" in line or (call == "fdatasync" and f"<{root}>" in line)
    return root in line and not scratch and (call != "openat" or "O_CREAT" in line)


def lines_of(trace: Path, pid: int) -> list[str]:
    """What one process did, one system call a line."""
    lines = (line.partition(" ") for line in trace.read_text().splitlines())
    return [rest.strip() for number, _, rest in lines if number == str(pid)]


def sample(plan: Plan) -> Plan:
    """The middle call of every other kind of each case."""
    chosen: Plan = []
    for number, (case, kind) in enumerate((case, kind) for case in CASES for kind in KINDS):
        alike = [one for one in plan if one[:2] == (case, kind)]
        chosen += alike[len(alike) // 2 :][:1] if number % 2 == 0 else []
    return chosen


def in_a_process(root: Path, case: str, call: str, number: int) -> int:
    """Carry one case out, tell what was found, and end; its identity."""
    child = os.fork()
    if child == 0:
        try:
            found = CASES[case](root, call, number)
        except BaseException as error:  # noqa: BLE001 - said to the test
            found = {"broken": f"{type(error).__name__}: {error}"}
        told = {"case": case, "call": call, "number": number, "pid": os.getpid(), **found}
        os.write(1, f"FOUND {json.dumps(told)}\n".encode())
        os._exit(0)
    os.waitpid(child, 0)
    return child


def main(base: Path, trace: Path, *, every: bool) -> None:
    """Each case without a fault, to count its calls; then again, with one call after the other failing."""
    plan: Plan = []
    for case in CASES:
        root = base / case
        pid = in_a_process(root, case, "", 0)
        plan += [(case, call, number) for call, number in places(lines_of(trace, pid), str(root))]
    for index, one in enumerate(plan if every else sample(plan)):
        in_a_process(base / f"{index:03d}", *one)


if __name__ == "__main__":
    NOWHERE = os.open("/dev/null", os.O_RDWR)
    main(Path(sys.argv[1]), Path(sys.argv[2]), every=sys.argv[3:] == ["every"])
