"""Each board in turn, and a host that speaks to it frame by frame.

What is tested here every board does, whatever it is made of, and however slow it or this machine is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from station.rig.link import SerialLink
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum


@pytest.fixture(scope="session", params=["software_program", "firmware_board"], ids=["software", "firmware"])
def long_lived_board(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    launch: Callable[..., Any],
) -> Iterator[Any]:
    """Each board the conformance suite holds to the protocol, started once."""
    running = launch(request.getfixturevalue(request.param), tmp_path_factory.mktemp("board"))
    yield running
    running.close()


@pytest.fixture
def fresh_board(long_lived_board: Any, tmp_path: Path, launch: Callable[..., Any]) -> Iterator[Any]:
    """The same kind of board, just switched on."""
    running = launch(long_lived_board.command, tmp_path)
    yield running
    running.close()


@pytest.fixture
def board(request: pytest.FixtureRequest, long_lived_board: Any) -> Any:
    """A board after a reset; the fresh one, if the test has that."""
    if "fresh_board" in request.fixturenames:
        return request.getfixturevalue("fresh_board")
    long_lived_board.restart()
    return long_lived_board


@dataclass
class Host:
    """Speaks the protocol by hand: nothing is repeated, and acknowledged only while `acknowledging`."""

    link: SerialLink
    poll: Callable[[Callable[[], bool], str], None]
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

        self.poll(answered, f"command {seq} was answered")
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

        self.poll(answered, "the board had started")
        self.ask(m.Ping())  # whatever was still on its way has come before this
        self.heard.clear()

    def ask(self, command: m.Identified, seq: int | None = None) -> m.Reply:
        """Send and wait."""
        return self.reply(self.send(command, seq))

    @staticmethod
    def steps(masks: Sequence[int], expose_us: int = 2_000, gap_us: int = 1_000) -> list[m.ProgrammeStep]:
        """Steps with a trigger, one for each mask."""
        return [
            m.ProgrammeStep(index, mask, m.StepFlag.TRIGGER, 500, expose_us, gap_us)
            for index, mask in enumerate(masks)
        ]

    @staticmethod
    def checksum(steps: Sequence[m.ProgrammeStep]) -> int:
        """As `ProgrammeBegin` announces it."""
        value = CRC_SEED
        for step in steps:
            value = checksum(step.pack(), value)
        return value

    def load(self, steps: Sequence[m.ProgrammeStep]) -> None:
        """Load a programme; it is not armed yet."""
        self.do(m.ProgrammeBegin(len(steps), self.checksum(steps)), *steps, m.ProgrammeEnd())

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

        self.poll(there, f"{kind.__name__} was reported")
        return self.events[-1]


@pytest.fixture
def stranger(board: Any, poll: Any) -> Iterator[Host]:
    """A host that has not said hello yet."""
    link = SerialLink(str(board.link), m.BAUD)
    link.open()
    made = Host(link, poll)
    made.wait_for_board()
    yield made
    link.close()


@pytest.fixture
def host(stranger: Host) -> Host:
    """A host with a session."""
    stranger.hello()
    return stranger


@pytest.fixture
def another_host(board: Any, poll: Any) -> Iterator[Callable[[], Host]]:
    """Makes hosts that open the port anew."""
    links: list[SerialLink] = []

    def make() -> Host:
        links.append(SerialLink(str(board.link), m.BAUD))
        links[-1].open()
        return Host(links[-1], poll)

    yield make
    for link in links:
        link.close()
