"""The real firmware with its pins on record: nothing here depends on the speed of this machine."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from station.rig.link import SerialLink
from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum

CYCLES_PER_MS = 16_000


class Edge(NamedTuple):
    """Lights and trigger from a cycle on."""

    cycle: int
    mask: int
    trigger: int


@dataclass
class Watched:
    """A simulated board whose pins are on record."""

    board: Any
    record: Path

    def edges(self) -> list[Edge]:
        """All since power on."""
        return [Edge(*map(int, line.split())) for line in self.record.read_text().splitlines()]

    def state(self, key: str) -> int:
        return int(self.board.state()[key])

    def wait_ms(self, milliseconds: float) -> None:
        """Until so much time has passed on the board."""
        self.board.wait_s(milliseconds / 1_000)

    def addresses(self, name: str) -> int:
        """Where in the chip's memory a variable of the firmware lies."""
        elf = Path(self.board.command[-1]).with_suffix(".elf")
        listed = subprocess.run(["avr-nm", str(elf)], capture_output=True, text=True, check=True).stdout
        found = [line.split() for line in listed.splitlines()]
        places = [int(place, 16) & 0xFFFF for place, _, symbol in found if symbol.split(".")[0] == name]
        assert len(places) == 1, (name, places)
        return places[0]

    def poke(self, address: int, *values: int) -> None:
        """Write into the chip's memory, as a debugger does."""
        for offset, value in enumerate(values):
            self.board.order(f"poke {address + offset} {value}")


@pytest.fixture
def watch(start_firmware: Callable[..., Any], tmp_path: Path) -> Callable[..., Watched]:
    """`watch(*options)` switches a board on, with options for the simulator."""

    def start(*options: str) -> Watched:
        record = tmp_path / "edges"
        return Watched(start_firmware("--edges", str(record), *options), record)

    return start


@pytest.fixture
def watched(watch: Callable[..., Watched]) -> Watched:
    """A board just switched on."""
    return watch()


@pytest.fixture
def connect() -> Iterator[Callable[..., SerialRig]]:
    """`connect(watched, lease_ms)` is an open rig. The lease is long: it is not what puts lights off here."""
    made: list[SerialRig] = []

    def make(watched: Watched, lease_ms: int = m.LEASE_MAX_MS) -> SerialRig:
        made.append(SerialRig(str(watched.board.link), m.BAUD, lease_ms, 10.0, lambda _: None))
        made[-1].open()
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(watched: Watched, connect: Callable[..., SerialRig]) -> SerialRig:
    """A rig on the watched board."""
    return connect(watched)


class RawHost:
    """Speaks the protocol by hand; nothing is repeated, acknowledged or kept alive."""

    def __init__(self, port: str) -> None:
        self.link = SerialLink(port, m.BAUD)
        self._reader = FrameReader()
        self._seq = 0
        self.events: list[m.Event] = []

    def ask(self, command: m.Identified) -> m.Reply:
        self._seq += 1
        self.link.write(Frame(self._seq, command.ID, command.pack()).encode())
        replies: list[Frame] = []
        while not replies:
            replies = [frame for frame in self.listen() if frame.seq == self._seq]
        return m.REPLIES[replies[0].type].unpack(replies[0].payload)

    def listen(self) -> list[Frame]:
        """Take in what has arrived; events are kept, replies handed back."""
        frames = self._reader.feed(self.link.read(0.02))
        self.events += [
            m.EVENTS[frame.type].unpack(frame.payload) for frame in frames if frame.type in m.EVENTS
        ]
        return [frame for frame in frames if frame.type not in m.EVENTS]


@pytest.fixture
def raw_host(watched: Watched) -> Iterator[RawHost]:
    """A host by hand on the watched board."""
    made = RawHost(str(watched.board.link))
    made.link.open()
    yield made
    made.link.close()


def load(rig: SerialRig, steps: Sequence[m.ProgrammeStep]) -> None:
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    for command in (m.ProgrammeBegin(len(steps), value), *steps, m.ProgrammeEnd(), m.Arm()):
        rig.ask(command)


@pytest.fixture
def armed() -> Callable[[SerialRig, Sequence[m.ProgrammeStep]], None]:
    """Loads and arms a programme."""
    return load


@pytest.fixture
def run() -> Callable[[SerialRig, Sequence[m.ProgrammeStep]], None]:
    """Loads and starts a programme."""

    def start(rig: SerialRig, steps: Sequence[m.ProgrammeStep]) -> None:
        load(rig, steps)
        rig.ask(m.Start())

    return start
