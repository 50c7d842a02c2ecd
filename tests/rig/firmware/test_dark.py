"""Whatever dies, the lights go off in time; counted in the chip's cycles: a busy machine is no excuse."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station.wire import messages as m

CYCLES_PER_MS = 16_000
MAX_ON_MS = 400
LEASE_MS = 500
LONG_LEASE_MS = 2_000  # so long that a live host on a busy machine keeps it
LATE_MS = 1.1  # the millisecond under way does not count, and it is looked at once in each
DELIVERY_MS = 5  # what a host wrote before it died may still arrive
WATCHDOG_SLACK_MS = 15  # the watchdog has an oscillator of its own

HOST = """
import signal, sys
from station.rig.interface import ExposureStep
from station.rig.serial_rig import SerialRig
port, lease_ms, max_on_ms, what = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
rig = SerialRig(port, 250_000, lease_ms, 10.0, lambda _: None)
rig.open()
print("open", flush=True)
if what == "programme":
    rig.run((ExposureStep(3, 0, max_on_ms * 1_000, 1_000),))
else:
    rig.switch(3, max_on_ms)
    signal.pause()
"""

Poll = Callable[[Callable[[], bool], str], None]
StartHost = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_host() -> Iterator[StartHost]:
    """Starts a process that lights light 3 and would keep it alight, or runs a programme with it."""
    started: list[subprocess.Popen[str]] = []

    def start(watched: Any, lease_ms: int, max_on_ms: int, what: str = "light") -> subprocess.Popen[str]:
        arguments = [str(watched.board.link), str(lease_ms), str(max_on_ms), what]
        host = subprocess.Popen([sys.executable, "-c", HOST, *arguments], stdout=subprocess.PIPE, text=True)
        started.append(host)
        assert host.stdout is not None
        assert host.stdout.readline() == "open\n"
        return host

    yield start
    for host in started:
        host.kill()
        host.wait()
        assert host.stdout is not None
        host.stdout.close()


def lit(watched: Any) -> bool:
    edges = watched.edges()
    return bool(edges) and edges[-1].mask != 0


def dark_after(watched: Any, poll: Poll) -> int:
    """Cycles from the last light to the dark."""
    poll(lambda: not lit(watched), "the lights were off")
    on, off = [edge for edge in watched.edges() if not edge.trigger][-2:]
    assert (on.mask, off.mask) == (1 << 3, 0)
    return int(off.cycle - on.cycle)


def kill(host: subprocess.Popen[str], watched: Any) -> None:
    host.kill()
    host.wait()


def stop(host: subprocess.Popen[str], watched: Any) -> None:
    os.kill(host.pid, signal.SIGSTOP)


def unplug(host: subprocess.Popen[str], watched: Any) -> None:
    watched.board.order("unplug")


DEATHS = pytest.mark.parametrize("death", [kill, stop, unplug])


@DEATHS
def test_a_light_whose_host_dies_ends_at_its_maximum_on_time(
    watched: Any, start_host: StartHost, poll: Poll, death: Callable[..., None]
) -> None:
    host = start_host(watched, m.LEASE_MAX_MS, MAX_ON_MS)
    poll(lambda: lit(watched), "the light was on")
    death(host, watched)
    assert dark_after(watched, poll) <= (MAX_ON_MS + LATE_MS) * CYCLES_PER_MS


@DEATHS
@pytest.mark.parametrize("what", ["light", "programme"])
def test_a_light_whose_host_dies_ends_with_the_lease_long_before(
    watched: Any, start_host: StartHost, poll: Poll, death: Callable[..., None], what: str
) -> None:
    host = start_host(watched, LEASE_MS, m.MAX_ON_MAX_MS, what)
    poll(lambda: lit(watched), "the light was on")
    death(host, watched)
    died = watched.state("cycle")
    dark_after(watched, poll)
    assert watched.edges()[-1].cycle - died <= (LEASE_MS + LATE_MS + DELIVERY_MS) * CYCLES_PER_MS
    assert watched.edges()[-1].trigger == 0


def test_a_host_that_lives_keeps_its_light(watched: Any, start_host: StartHost, poll: Poll) -> None:
    """Or else the tests above would show nothing."""
    start_host(watched, LONG_LEASE_MS, m.MAX_ON_MAX_MS)
    poll(lambda: lit(watched), "the light was on")
    watched.wait_ms(1.5 * LONG_LEASE_MS)
    assert lit(watched)


# --- a host that babbles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lease_ms", "max_on_ms", "within_ms"),
    [
        (m.LEASE_MAX_MS, MAX_ON_MS, MAX_ON_MS + LATE_MS),
        (LEASE_MS, m.MAX_ON_MAX_MS, LEASE_MS + LATE_MS + DELIVERY_MS),
    ],
    ids=["maximum on-time", "lease"],
)
def test_a_flood_of_noise_keeps_no_light_alight(
    watched: Any, raw_host: Any, poll: Poll, lease_ms: int, max_on_ms: int, within_ms: float
) -> None:
    chance = random.Random(11)
    raw_host.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 5, lease_ms))
    raw_host.ask(m.Light(3, 0, max_on_ms))

    def dark() -> bool:
        raw_host.link.write(chance.randbytes(200))
        raw_host.link.read(0.001)
        return not lit(watched)

    poll(dark, "the light was off")
    on, off = watched.edges()
    assert (on.mask, off.mask) == (1 << 3, 0)
    assert off.cycle - on.cycle <= within_ms * CYCLES_PER_MS


# --- firmware that is ill -----------------------------------------------------------------------------------


@pytest.mark.parametrize("max_on_ms", [1, 2, 50, 333])
def test_the_maximum_on_time_is_kept_to_a_millisecond(
    watched: Any, rig: Any, poll: Poll, max_on_ms: int
) -> None:
    rig.ask(m.Light(3, m.LightFlag.TIMED, max_on_ms))
    poll(lambda: len(watched.edges()) == 2, "the light had gone off")
    burned = dark_after(watched, poll)
    assert max_on_ms * CYCLES_PER_MS <= burned <= (max_on_ms + LATE_MS) * CYCLES_PER_MS


def test_a_hanging_processor_is_dark_within_the_watchdogs_time(watched: Any, rig: Any, poll: Poll) -> None:
    rig.switch(3, 10_000)
    watched.board.order("hang")
    hung = watched.state("ordered_cycle")
    dark_after(watched, poll)
    assert 0 <= watched.edges()[-1].cycle - hung <= (m.WATCHDOG_MS + WATCHDOG_SLACK_MS) * CYCLES_PER_MS


def test_a_dead_millisecond_interrupt_is_a_dead_board(watched: Any, rig: Any, poll: Poll) -> None:
    """The main loop lives, and still lets the watchdog bite: without that interrupt no light goes off."""
    rig.switch(3, 10_000)
    watched.poke(0x6E, 0)  # TIMSK0
    struck = watched.state("ordered_cycle")
    dark_after(watched, poll)
    assert 0 <= watched.edges()[-1].cycle - struck <= (m.WATCHDOG_MS + WATCHDOG_SLACK_MS) * CYCLES_PER_MS
    assert rig.open().reset_cause == m.ResetCause.WATCHDOG.says
