"""The firmware's portable core on this machine, every memory access checked, against the software board."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.twin.board_core import Birth, BoardCore, Output
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum

MS = 1_000_000
FIRMWARE = Path(__file__).parents[2] / "firmware"
TICKS_PER_US = 2  # of the firmware; the software board counts microseconds

Answer = tuple[list[int], list[tuple[int, object]]]


class Native:
    """The core of the firmware as a process."""

    def __init__(self, command: Path) -> None:
        self.process = subprocess.Popen(
            [str(command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def order(self, line: str) -> tuple[list[int], list[Frame]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pytest.fail(self.process.stderr.read())
        answer = self.process.stdout.readline().split()
        if not answer:
            pytest.fail(self.process.stderr.read())
        masks = [int(mask) for mask in answer[0].split(",")] if answer[0] != "-" else []
        data = bytes.fromhex(answer[1].replace(",", "")) if answer[1] != "-" else b""
        return masks, FrameReader().feed(data)

    def close(self) -> None:
        self.process.communicate()


class Software:
    """The software board's core, told the same."""

    def __init__(self) -> None:
        self._core = BoardCore(Birth(77, m.ResetCause.POWER_ON), 0)
        self._now_ns = 0

    def order(self, line: str) -> tuple[list[int], list[Frame]]:
        word, *values = line.split()
        if word == "R":
            outputs = [self._core.receive(bytes.fromhex(values[0]), self._now_ns)]
        elif word == "T":
            outputs = list(self._pass(self._now_ns + int(values[0]) * MS))
        elif word == "B":
            outputs = [self._core.press(int(values[0]), pressed=values[1] == "1", now_ns=self._now_ns)]
        else:
            outputs = [self._core.sense_card(values[0] == "1", self._now_ns)]
        masks = [mask for output in outputs for _, mask in output.edges]
        return masks, FrameReader().feed(b"".join(frame for output in outputs for frame in output.frames))

    def _pass(self, until_ns: int) -> Iterator[Output]:
        while (wake := self._core.wake_ns) is not None and wake <= until_ns:
            self._now_ns = max(self._now_ns, wake)
            yield self._core.advance(self._now_ns)
        self._now_ns = until_ns


@pytest.fixture(scope="module")
def native_core(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("gcc", "make"):
        program(tool)
    build = tmp_path_factory.mktemp("native")
    make = ["make", "-s", "-C", str(FIRMWARE), f"BUILD={build}", "native"]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return build / "board-native"


DIFFERING = {"ticks_hz", "ticks", "on_ticks", "trigger_ticks", "off_ticks"}  # times in their own units


def seen(frame: Frame) -> tuple[int, str, dict[str, object]]:
    """A frame as far as both boards must agree."""
    kinds: dict[int, type[m.Identified]] = {**m.REPLIES, **m.EVENTS}
    message = kinds[frame.type].unpack(frame.payload)
    names = {field.name for field in fields(message)} - DIFFERING
    kept = {name: getattr(message, name) for name in names}
    if isinstance(message, m.ErrorsReply):
        kept["entries"] = [(entry.fault, entry.step) for entry in message.entries]
    return frame.seq, type(message).__name__, kept


def compare(native: Native, lines: list[str]) -> None:
    software = Software()
    for number, line in enumerate(lines):
        told = lines[: number + 1]
        found, wanted = native.order(line), software.order(line)
        assert found[0] == wanted[0], told
        assert [seen(frame) for frame in found[1]] == [seen(frame) for frame in wanted[1]], told


def wire(seq: int, type_: int, payload: bytes) -> str:
    return "R " + Frame(seq, type_, payload).encode().hex()


HELLOS = st.builds(
    lambda session, lease: wire(7, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, session, lease).pack()),
    st.integers(0, 2),
    st.sampled_from([305, 1_505, 60_000]),
)
LIGHTS = st.builds(
    m.Light, st.integers(0, 9), st.integers(0, 1), st.sampled_from([0, 5, 25, 65, 9_995, 10_001])
) | st.builds(m.Lights, st.integers(0, 255), st.integers(0, 1), st.sampled_from([5, 65, 9_995]))
SIMPLE = st.sampled_from(
    [
        m.Ping(),
        m.Status(),
        m.Off(),
        m.ProgrammeEnd(),
        m.Arm(),
        m.Start(),
        m.Abort(),
        m.Clear(),
        m.Errors(),
        m.Stats(),
    ]
)
PANEL = st.builds(
    m.Buzzer, st.sampled_from([99, 100, 10_000, 10_001]), st.sampled_from([0, 1, 2_000, 2_001])
) | st.builds(m.Indicator, st.sampled_from(list(m.Pattern)))
STEPS = st.builds(
    m.ProgrammeStep,
    index=st.integers(0, 3),
    mask=st.integers(0, 255),
    flags=st.integers(0, 1),
    settle_us=st.sampled_from([0, 1_300, 15_500, 0xFFFF_FFFF]),
    expose_us=st.sampled_from([49, 50, 2_600, 17_700, 10_000_000, 10_000_001]),
    gap_us=st.sampled_from([199, 200, 3_300, 25_100, 10_000_001]),
)
COMMANDS = (
    LIGHTS | SIMPLE | PANEL | STEPS | st.builds(m.ProgrammeBegin, st.integers(0, 33), st.integers(0, 0xFFFF))
)
FRAMES = st.builds(lambda seq, command: wire(seq, command.ID, command.pack()), st.integers(0, 9), COMMANDS)
ACKS = st.builds(lambda number: wire(number, m.Ack.ID, b""), st.integers(1, 12))
TIMES = st.sampled_from([20, 40, 100, 320, 1_520]).map(lambda ms: f"T {ms}")
INPUTS = st.sampled_from(["B 0 1", "B 0 0", "B 1 1", "C 1", "C 0"])
STRANGE = st.builds(wire, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60))
NOISE = st.binary(min_size=1, max_size=120).map(lambda data: "R " + data.hex() + "00")
ENDLESS = st.integers(60, 300).map(lambda count: "R " + "55" * count)


@st.composite
def programmes(draw: st.DrawFn) -> list[str]:
    """Load, arm and start a programme that is allowed, or nearly."""
    steps = [
        m.ProgrammeStep(
            index, draw(st.integers(0, 255)), 1, 1_300, draw(st.sampled_from([2_600, 17_700])), 3_300
        )
        for index in range(draw(st.integers(1, 12)))
    ]
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    value ^= draw(st.sampled_from([0, 0, 0, 1]))
    commands = [m.ProgrammeBegin(len(steps), value), *steps, m.ProgrammeEnd(), m.Arm(), m.Start()]
    lines = [wire(100 + number, command.ID, command.pack()) for number, command in enumerate(commands)]
    heard = [wire(number, m.Ack.ID, b"") for number in range(1, 20)]
    return [*lines, *draw(st.sampled_from([[], ["T 320"], ["T 320", *heard, "T 320", *heard]]))]


BEGIN = wire(1, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, 9, 60_000).pack())
STORIES = st.lists(
    st.one_of(FRAMES, FRAMES, ACKS, ACKS, TIMES, TIMES, INPUTS, HELLOS, NOISE, ENDLESS).map(
        lambda line: [line]
    )
    | programmes(),
    max_size=25,
).map(lambda parts: [BEGIN, *(line for part in parts for line in part)])


@settings(max_examples=250, deadline=None)
@given(STORIES)
def test_both_boards_live_the_same_story(native_core: Path, story: list[str]) -> None:
    native = Native(native_core)
    try:
        compare(native, story)
    finally:
        native.close()


@settings(max_examples=150, deadline=None)
@given(st.lists(STRANGE | NOISE | ENDLESS | TIMES | FRAMES, max_size=40))
def test_no_bytes_whatever_lead_astray(native_core: Path, lines: list[str]) -> None:
    """The sanitizers end the process at the first access that is wrong."""
    native = Native(native_core)
    try:
        native.order(BEGIN)
        for line in lines:
            native.order(line)
        masks, _ = native.order("T 61000")  # the longest lease and all maximum on-times are over
        masks_after, _ = native.order("T 61000")
        assert (masks or [0])[-1] == 0
        assert masks_after == []
    finally:
        native.close()
