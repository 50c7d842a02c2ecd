"""A board in its own process, and a host that speaks to it frame by frame."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from station.rig.link import SerialLink
from station.twin.lightlog import LightLogReader
from station.wire import messages as m
from station.wire.frame import Frame, FrameReader

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

    def masks(self) -> list[int]:
        """Every change of the lights in this test, oldest first."""
        return [mask for _, mask in self.lights.edges_back()][::-1][self.edges_before :]

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
        wait_until(lambda: self.lights.mask() == 0, "the lights went off")

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


@pytest.fixture
def mortal_board(tmp_path: Path) -> Iterator[RunningBoard]:
    """A software board of one's own, to be killed."""
    running = start_board(SOFTWARE_BOARD, tmp_path)
    yield running
    running.close()


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


@pytest.fixture
def start_another(tmp_path: Path) -> Iterator[Callable[[], RunningBoard]]:
    """Starts a software board under the same name as `mortal_board`."""
    started: list[RunningBoard] = []

    def start() -> RunningBoard:
        started.append(start_board(SOFTWARE_BOARD, tmp_path))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
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


@pytest.fixture(scope="module", params=["software", "firmware"])
def long_lived_board(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBoard]:
    """Each board the conformance suite holds to the protocol, started once."""
    command = SOFTWARE_BOARD if request.param == "software" else request.getfixturevalue("firmware_board")
    running = start_board(command, tmp_path_factory.mktemp("board"))
    yield running
    running.close()


@pytest.fixture
def fresh_board(long_lived_board: RunningBoard, tmp_path: Path) -> Iterator[RunningBoard]:
    """The same kind of board, just switched on."""
    running = start_board(long_lived_board.command, tmp_path)
    yield running
    running.close()


@pytest.fixture
def board(request: pytest.FixtureRequest, long_lived_board: RunningBoard) -> RunningBoard:
    """A board after a reset; the fresh one, if the test has that."""
    if "fresh_board" in request.fixturenames:
        fresh: RunningBoard = request.getfixturevalue("fresh_board")
        return fresh
    long_lived_board.restart()
    return long_lived_board


@dataclass
class Host:
    """Speaks the protocol by hand: nothing is repeated, and acknowledged only while `acknowledging`."""

    link: SerialLink
    reader: FrameReader = field(default_factory=FrameReader)
    seq: int = 0
    acknowledging: bool = True
    heard: list[Frame] = field(default_factory=list)
    events: list[m.Event] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def send(self, command: m.Identified, seq: int | None = None) -> int:
        """Send one frame; returns its number."""
        if seq is None:
            self.seq = seq = (self.seq + 1) % 256
        self.link.write(Frame(seq, command.ID, command.pack()).encode())
        return seq

    def listen(self) -> None:
        """Take in what has arrived."""
        for frame in self.reader.feed(self.link.read(0.02)):
            if frame.type not in m.EVENTS:
                self.heard.append(frame)
                continue
            if not self.numbers or self.numbers[-1] != frame.seq:
                self.events.append(m.EVENTS[frame.type].unpack(frame.payload))
            self.numbers.append(frame.seq)
            if self.acknowledging:
                self.link.write(Frame(frame.seq, m.Ack.ID).encode())

    def reply(self, seq: int) -> m.Reply:
        """Wait for the reply of this number."""
        found: list[Frame] = []

        def answered() -> bool:
            self.listen()
            found.extend(frame for frame in self.heard if frame.seq == seq)
            return bool(found)

        wait_until(answered, f"command {seq} was answered")
        self.heard.remove(found[0])
        return m.REPLIES[found[0].type].unpack(found[0].payload)

    def wait_for_board(self) -> None:
        """A board hears nothing for some milliseconds after a reset."""

        def answered() -> bool:
            self.send(m.Ping())
            for _ in range(2):
                self.listen()
                if self.heard:
                    return True
            return False

        wait_until(answered, "the board had started")
        self.ask(m.Ping())  # whatever was still on its way has come before this
        self.heard.clear()

    def ask(self, command: m.Identified, seq: int | None = None) -> m.Reply:
        """Send and wait."""
        return self.reply(self.send(command, seq))

    def do(self, *commands: m.Command) -> None:
        """Send each and insist on its being done."""
        for command in commands:
            assert self.ask(command) == m.Ok(), command

    def hello(self, session: int = 1, lease_ms: int = 60_000) -> m.HelloReply:
        """Open a session. The lease is long: nothing here keeps it alive."""
        reply = self.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, session, lease_ms))
        assert isinstance(reply, m.HelloReply)
        self.numbers.clear()
        self.events.clear()
        return reply

    def status(self) -> m.StatusReply:
        """Ask for it."""
        reply = self.ask(m.Status())
        assert isinstance(reply, m.StatusReply)
        return reply

    def await_event(self, kind: type[m.Event]) -> m.Event:
        """Wait until the newest event is of this kind."""

        def there() -> bool:
            self.listen()
            return bool(self.events) and isinstance(self.events[-1], kind)

        wait_until(there, f"{kind.__name__} was reported")
        return self.events[-1]


@pytest.fixture
def stranger(board: RunningBoard) -> Iterator[Host]:
    """A host that has not said hello yet."""
    link = SerialLink(str(board.link), m.BAUD)
    link.open()
    made = Host(link)
    made.wait_for_board()
    yield made
    link.close()


@pytest.fixture
def host(stranger: Host) -> Host:
    """A host with a session."""
    stranger.hello()
    return stranger


@pytest.fixture
def another_host(board: RunningBoard) -> Iterator[Callable[[], Host]]:
    """Makes hosts that open the port anew."""
    links: list[SerialLink] = []

    def make() -> Host:
        links.append(SerialLink(str(board.link), m.BAUD))
        links[-1].open()
        return Host(links[-1])

    yield make
    for link in links:
        link.close()
