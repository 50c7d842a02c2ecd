"""A board in its own process, and a rig on its port."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from station.documents.fault import StationError
from station.rig.interface import PanelEvent
from station.rig.serial_rig import SerialRig
from station.twin.lightlog import LightLogReader
from station.wire import messages as m

LEASE_MS = 1_500
CHIP_HZ = 16_000_000
LIGHTS = 0xFF  # the bits of a log's mask that are lights
BOUND_S = 30.0  # far beyond what anything here takes; reached only by what never happens


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until it holds."""
    until = time.monotonic() + BOUND_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited in vain until {what}")
        time.sleep(0.005)


@dataclass
class RunningBoard:
    """A board behind a pseudo-terminal, whatever it is made of."""

    process: subprocess.Popen[str]
    link: Path
    lights: LightLogReader
    command: list[str]
    edges_before: int = 0

    def order(self, line: str) -> str:
        """Give a control line, return the answer without its `ok`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer.startswith("ok "), answer
        return answer.removeprefix("ok ")

    def state(self) -> dict[str, str]:
        """What the board shows to eyes and ears."""
        return dict(pair.split("=") for pair in self.order("state").split()[1:])

    def seconds(self) -> float:
        """The time that has passed on the board, whatever it calls that; asking keeps no lease."""
        state = self.state()
        return int(state["us"]) / 1e6 if "us" in state else int(state["cycle"]) / CHIP_HZ

    def wait_s(self, seconds: float) -> None:
        """Until so much time has passed on the board."""
        until = self.seconds() + seconds
        wait_until(lambda: self.seconds() >= until, f"{seconds} s had passed on the board")

    def pins(self) -> list[int]:
        """Lights, and the trigger as TRIGGER, after each edge in this test, oldest first."""
        return [pins for _, pins in self.lights.edges_back()][::-1][self.edges_before :]

    def changes(self) -> list[tuple[int, int]]:
        """Every change of the lights in this test, `(ns, mask)`, oldest first; the trigger is left out."""
        edges = [*self.lights.edges_back()][::-1][self.edges_before :]
        lit = [(0, 0), *((when, mask & LIGHTS) for when, mask in edges)]
        return [now for before, now in pairwise(lit) if now[1] != before[1]]

    def masks(self) -> list[int]:
        """The lights after each change."""
        return [mask for _, mask in self.changes()]

    def lit(self) -> int:
        """The lights that burn now."""
        return next((mask for _, mask in self.lights.edges_back()), 0) & LIGHTS

    def restart(self) -> None:
        """A good cable, no card, reset button; what was is forgotten."""
        self.order("heal")
        if not self.link.exists():
            self.order("plug")
        self.order("card 0")
        self.order("reset")
        self.edges_before = self.lights.count()

    def wait_dark(self) -> None:
        """Until no light burns."""
        wait_until(lambda: self.lit() == 0, "the lights went off")

    def end(self) -> int:
        """Stop it in order; returns the exit code."""
        self.process.terminate()
        return self.process.wait(BOUND_S)

    def close(self) -> None:
        """End it in any case and let go of everything."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.lights.close()


def start_board(command: list[str], folder: Path, *options: str) -> RunningBoard:
    """Start a board program and wait until it can be opened."""
    link, log = folder / "board", folder / "lights"
    process = subprocess.Popen(
        [*command, "--link", str(link), "--light-log", str(log), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == f"ready {link}\n"
    return RunningBoard(process, link, LightLogReader(log).open(), command)


FIRMWARE = Path(__file__).parents[2] / "firmware"
SOFTWARE_BOARD = [sys.executable, "-m", "station.twin.board"]


@pytest.fixture(scope="session")
def launch() -> Callable[..., RunningBoard]:
    """`launch(command, folder, *options)`; who calls it closes the board."""
    return start_board


@pytest.fixture(scope="session")
def software_program() -> list[str]:
    """The command that runs the software board."""
    return SOFTWARE_BOARD


@pytest.fixture
def start_software(tmp_path: Path) -> Iterator[Callable[..., RunningBoard]]:
    """Starts a software board of one's own, with options; each under the same name."""
    started: list[RunningBoard] = []

    def start(*options: str) -> RunningBoard:
        started.append(start_board(SOFTWARE_BOARD, tmp_path, *options))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def mortal_board(start_software: Callable[..., RunningBoard]) -> RunningBoard:
    """A software board of one's own, to be killed."""
    return start_software()


@pytest.fixture(scope="module")
def long_lived_software_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBoard]:
    """Started once, because starting Python takes longer than most tests."""
    running = start_board(SOFTWARE_BOARD, tmp_path_factory.mktemp("board"))
    yield running
    running.close()


@pytest.fixture
def software_board(long_lived_software_board: RunningBoard) -> RunningBoard:
    """The software board after a reset, for tests of what stands above any board."""
    long_lived_software_board.restart()
    return long_lived_software_board


@pytest.fixture(scope="session")
def poll() -> Callable[[Callable[[], bool], str], None]:
    """Waits, within bounds, for a condition."""
    return wait_until


@pytest.fixture(scope="session")
def firmware_board(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the real firmware in an AVR simulator; both are built here."""
    for tool in ("avr-gcc", "gcc", "make"):
        program(tool)
    if not Path("/usr/include/simavr/sim_avr.h").exists():
        program("the AVR simulator's library (libsimavr-dev)")
    build = tmp_path_factory.mktemp("firmware")
    make = ["make", "-s", "-C", str(FIRMWARE), f"BUILD={build}", "all", "sim"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "the compiler warned"
    return [str(build / "board-sim"), "--hex", str(build / "scan-board.hex")]


@pytest.fixture
def start_firmware(firmware_board: list[str], tmp_path: Path) -> Iterator[Callable[..., RunningBoard]]:
    """Starts the real firmware, with options for its simulator."""
    started: list[RunningBoard] = []

    def start(*options: str) -> RunningBoard:
        started.append(start_board(firmware_board, tmp_path, *options))
        return started[-1]

    yield start
    for running in started:
        running.close()


class Told:
    """What the rig's listeners heard."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.panel: list[PanelEvent] = []

    def fault(self, error: StationError) -> None:
        """The listener for faults."""
        self.faults.append(str(error))


@pytest.fixture
def told() -> Told:
    """What the listeners of `make_rig` heard."""
    return Told()


@pytest.fixture
def make_rig(told: Told) -> Iterator[Callable[..., SerialRig]]:
    """Makes rigs for a port, and closes them."""
    made: list[SerialRig] = []

    def make(port: object, lease_ms: int = LEASE_MS, open_timeout_s: float = 10.0) -> SerialRig:
        made.append(SerialRig(str(port), m.BAUD, lease_ms, open_timeout_s, told.fault, told.panel.append))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(software_board: RunningBoard, make_rig: Callable[..., SerialRig]) -> SerialRig:
    """A rig on the software board."""
    made = make_rig(software_board.link)
    made.open()
    return made


@pytest.fixture
def failure() -> Callable[[Callable[[], object]], StationError]:
    """Calls what must fail, and returns why it did."""

    def fail(call: Callable[[], object]) -> StationError:
        with pytest.raises(StationError) as caught:
            call()
        return caught.value

    return fail
