"""The check that every test leaves nothing behind must itself be able to fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[[str], pytest.RunResult]
CONFTEST = Path(__file__).parent.parent / "conftest.py"

LEAKS = """
import asyncio, os, socket, subprocess, sys, threading, time
import zmq

kept = []

def test_thread():
    kept.append(threading.Thread(target=time.sleep, args=(600,), name="a leaking thread", daemon=True))
    kept[-1].start()

def test_file():
    kept.append(open(os.devnull))

def test_socket():
    kept.append(socket.socket())

def test_zmq():
    context = zmq.Context()
    kept.append(context.socket(zmq.REP))

def test_child():
    kept.append(subprocess.Popen(["sleep", "600"]))

def test_zombie():
    kept.append(subprocess.Popen(["true"]))

async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(600), name="a leaking task"))
"""

CLEAN = """
import asyncio, os, subprocess, sys, threading, time
import pytest
import zmq

@pytest.fixture(scope="module")
def wider():
    # held across tests on purpose, and given back
    with subprocess.Popen(["sleep", "600"]) as child, open(os.devnull) as file:
        yield
        child.kill()

def test_uses_a_wider_fixture(wider):
    pass

def test_still_uses_it(wider):
    subprocess.run(["true"], check=True)

def test_thread():
    thread = threading.Thread(target=time.sleep, args=(0.01,))
    thread.start()
    thread.join()

def test_zmq():
    with zmq.Context() as context, context.socket(zmq.REP):
        pass

async def test_task():
    await asyncio.create_task(asyncio.sleep(0))
    await asyncio.to_thread(time.sleep, 0)
"""

ORPHAN = """
import subprocess

def test_orphan():
    subprocess.run(["sh", "-c", "sleep 600 >/dev/null 2>&1 &"], check=True)
"""


@pytest.fixture
def run_inside(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a test file under this project's own conftest, in a process of its own."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    pytester.makeconftest(CONFTEST.read_text("utf-8").replace("GRACE_S = 2.0", "GRACE_S = 0.3"))
    pytester.makeini("[pytest]\nasyncio_mode = auto\naddopts = --import-mode=importlib -p no:cacheprovider\n")

    def run(source: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-rE")

    return run


def test_each_kind_of_leak_is_reported(run_inside: Run) -> None:
    result = run_inside(LEAKS)
    lines = result.stdout.str()
    result.assert_outcomes(passed=7, errors=7)
    for expected in (
        "thread 'a leaking thread' still runs",
        "file descriptor /dev/null",
        "file descriptor socket:",
        "zmq socket <zmq.Socket(zmq.REP)",
        "(sleep 600)",
        "(ended, not waited for)",
        "a leaking task",
    ):
        assert expected in lines


def test_what_was_given_back_is_no_leak(run_inside: Run) -> None:
    run_inside(CLEAN).assert_outcomes(passed=5)


def test_orphan_of_a_child_is_found_at_the_end(run_inside: Run) -> None:
    result = run_inside(ORPHAN)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*orphaned processes:*", "*sleep 600, started by *test_orphan*"])
