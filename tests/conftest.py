"""What every test gets: a check that it left nothing behind, the public test data, and a home of its own."""

import asyncio
import gc
import inspect
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

pytest_plugins = ["pytester"]

CHECKOUT = Path(__file__).resolve().parent.parent
GRACE_S = 2.0  # what was told to stop may take this long to be gone on a slow machine
SESSION_MARK = "STATION_TEST_SESSION"
FIGURES = "figures"

# what may stay after a test, each with its reason
ALLOWED_THREADS: dict[str, str] = {}
ALLOWED_FILES = {
    r"/proc/.*": "the folder this check reads",
}
ALLOWED_CHILDREN = {
    r".*multiprocessing\.resource_tracker.*": "Python keeps one per process that spawned workers",
}


@dataclass(frozen=True)
class _Held:
    """What this process holds at one moment."""

    threads: frozenset[threading.Thread]
    files: Counter[str]
    children: frozenset[int]


def _allowed(name: str, patterns: dict[str, str]) -> bool:
    return any(re.fullmatch(pattern, name, re.DOTALL) for pattern in patterns)


def _open_files() -> Counter[str]:
    targets: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:  # the listing's own descriptor
            continue
        if not _allowed(target, ALLOWED_FILES):
            targets[target] += 1
    return targets


def _of_process(pid: int, what: str) -> bytes:
    try:
        return Path("/proc", str(pid), what).read_bytes()
    except OSError:  # gone meanwhile, or another user's
        return b""


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int:
    fields = _of_process(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _command(pid: int) -> str:
    return _of_process(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def _children() -> frozenset[int]:
    own = os.getpid()
    found = (pid for pid in _processes() if _parent(pid) == own)
    return frozenset(pid for pid in found if not _allowed(_command(pid), ALLOWED_CHILDREN))


def _held() -> _Held:
    threads = (thread for thread in threading.enumerate() if not _allowed(thread.name, ALLOWED_THREADS))
    return _Held(frozenset(threads), _open_files(), _children())


def _zmq_names() -> Iterator[str]:
    """Open sockets and contexts by name; slow, so searched for only once descriptors were found."""
    zmq = sys.modules.get("zmq")
    if zmq is None:
        return
    for thing in gc.get_objects():
        if isinstance(thing, zmq.Socket) and not thing.closed:
            yield f"zmq socket {thing!r} not closed"
        elif isinstance(thing, zmq.Context) and not thing.closed:
            yield f"zmq context {thing!r} not terminated"


def _leaks(before: _Held, after: _Held) -> list[str]:
    lines = [f"thread {thread.name!r} still runs" for thread in after.threads - before.threads]
    files = after.files - before.files
    lines += [f"{count} x file descriptor {target}" for target, count in files.items()]
    if any("eventfd" in target for target in files):
        lines += _zmq_names()
    children = after.children - before.children
    lines += [f"child process {pid} ({_command(pid) or 'ended, not waited for'})" for pid in children]
    return sorted(lines)


def _end(pids: frozenset[int]) -> None:
    """End our own leaked children, so that they do not burden the tests that follow."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):  # ended or waited for meanwhile
            continue


def _fail_on_leaks(before: _Held) -> None:
    lines = _leaks(before, _held())
    if lines:
        gc.collect()  # unreachable is not leaked; unclosed files and sockets warn by themselves then
    patience = time.monotonic() + GRACE_S
    while (lines := _leaks(before, _held())) and time.monotonic() < patience:
        time.sleep(0.02)
    if lines:
        _end(_children() - before.children)
        pytest.fail("left behind:\n  " + "\n  ".join(lines), pytrace=False)


def _strays(mark: str) -> dict[int, str]:
    """Processes that carry this session's mark in their environment, whoever their parent is by now."""
    found: dict[int, str] = {}
    for pid in _processes():
        environment = _of_process(pid, "environ")
        if mark.encode() in environment and pid != os.getpid():
            test = re.search(rb"PYTEST_CURRENT_TEST=([^\0]*)", environment)
            found[pid] = f"{_command(pid)}, started by {test[1].decode() if test else 'no test'}"
    return found


@pytest.fixture(scope="session", autouse=True)
def _session_leaves_nothing() -> Iterator[None]:
    """Catches what the check of each test cannot see: wider fixtures' resources, orphaned grandchildren."""
    mark = uuid.uuid4().hex
    os.environ[SESSION_MARK] = mark
    before = _held()
    yield
    _fail_on_leaks(before)
    patience = time.monotonic() + GRACE_S
    while (strays := _strays(mark)) and time.monotonic() < patience:
        time.sleep(0.02)
    for pid in strays:
        os.kill(pid, signal.SIGKILL)
    if strays:
        pytest.fail("orphaned processes:\n  " + "\n  ".join(strays.values()), pytrace=False)


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    """Fails a test that leaves threads, descriptors, sockets or child processes."""
    before = _held()
    yield
    _fail_on_leaks(before)


@pytest_asyncio.fixture
async def _pending_tasks() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_S)
    if left:
        pytest.fail("tasks still pending:\n  " + "\n  ".join(sorted(map(repr, left))), pytrace=False)


@pytest.fixture(autouse=True)
def _leaves_no_tasks(request: pytest.FixtureRequest, _leaves_nothing: None) -> None:
    """Fails an async test that leaves tasks. `_leaves_nothing` comes first so that it looks last."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_pending_tasks")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Full-size proofs run under `make soak` only; of several processes one begins with the longest tests."""
    if os.environ.get("STATION_SOAK") != "1":
        soak = [item for item in items if item.get_closest_marker("soak")]
        if soak:
            config.hook.pytest_deselected(items=soak)
            items[:] = [item for item in items if item not in set(soak)]
    if "PYTEST_XDIST_WORKER" in os.environ:  # else the other one would have nothing left to do beside it
        items.sort(key=lambda item: item.get_closest_marker("early") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The lines of `tell`; a report carries them here from whichever process ran the test."""
    for report in terminalreporter.stats.get("passed", []):
        for title, line in report.sections:
            if title == f"Captured {FIGURES} call":
                terminalreporter.write_line(line)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Puts a line of figures into pytest's summary."""
    return lambda line: request.node.add_report_section("call", FIGURES, line)


def _missing(what: str) -> None:
    """A gap fails in continuous integration and is one skipped line elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of public test data: `$STATION_TEST_DATA`, else `../shared/data` beside the checkout."""
    named = os.environ.get("STATION_TEST_DATA")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        _missing(f"no test data: {folder} is not a folder; name it with STATION_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("strace")` is the path of a program that `.ci/packages` installs."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            _missing(f"{name} is not installed; see `.ci/packages test`")
        return str(path)

    return find


@dataclass(frozen=True)
class PrivateHome:
    """An empty home and the environment that makes a subprocess use it."""

    path: Path
    env: dict[str, str]


@pytest.fixture
def private_home() -> Iterator[PrivateHome]:
    """A home with nothing in it, for subprocesses. Its path is short: a socket's may have 107 characters."""
    path = Path(tempfile.mkdtemp(prefix="st", dir="/tmp"))
    runtime = path / "run"
    runtime.mkdir(mode=0o700)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "STATION_"))}
    kept |= {"HOME": str(path), "XDG_RUNTIME_DIR": str(runtime), SESSION_MARK: os.environ[SESSION_MARK]}
    yield PrivateHome(path, kept)
    shutil.rmtree(path)
