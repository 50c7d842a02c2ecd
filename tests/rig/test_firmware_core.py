"""The firmware's portable core on this machine, every memory access checked, against the software board."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.twin.board_core import Birth, BoardCore, Output
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum

MS = 1_000_000
FIRMWARE = Path(__file__).parents[2] / "firmware"
FIRMWARE_TICKS_PER_MS = 2_000
FIRMWARE_TICKS_AT_START = (
    (1 << 32) - 1 - 2_000 * FIRMWARE_TICKS_PER_MS
)  # as in native/driver.c: it wraps soon
SOFTWARE_TICKS_PER_MS = 1_000
HEAT_TOLERANCE_MS = 2  # a real board looks at its lights once in a millisecond


class Answer(NamedTuple):
    """Lights after each change, frames sent, and what the indicator shows afterwards."""

    masks: list[int]
    frames: list[Frame]
    shown: tuple[m.Colour, m.Pattern]


class Native:
    """The core of the firmware as a process."""

    def __init__(self, command: Path) -> None:
        self.process = subprocess.Popen(
            [str(command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._ticks = FIRMWARE_TICKS_AT_START

    def order(self, line: str) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        word, *values = line.split()
        if word == "S":
            line = start_at(int(values[0]), self._ticks + int(values[1]) * FIRMWARE_TICKS_PER_MS)
        elif word == "T":
            self._ticks += int(values[0]) * FIRMWARE_TICKS_PER_MS
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
        colour, pattern = answer[2].split("/")
        return Answer(masks, FrameReader().feed(data), (m.Colour(int(colour)), m.Pattern(int(pattern))))

    def close(self) -> None:
        self.process.communicate()


class Software:
    """The software board's core, told the same."""

    def __init__(self) -> None:
        self._core = BoardCore(Birth(77, m.ResetCause.POWER_ON), 0)
        self._now_ns = 0
        self._mask = 0

    def order(self, line: str) -> Answer:
        word, *values = line.split()
        if word == "S":
            ticks = (self._now_ns // MS + int(values[1])) * SOFTWARE_TICKS_PER_MS
            word, *values = start_at(int(values[0]), ticks).split()
        if word == "R":
            outputs = [self._core.receive(bytes.fromhex(values[0]), self._now_ns)]
        elif word == "T":
            outputs = list(self._pass(self._now_ns + int(values[0]) * MS))
        elif word == "B":
            outputs = [self._core.press(int(values[0]), pressed=values[1] == "1", now_ns=self._now_ns)]
        else:
            outputs = [self._core.sense_card(values[0] == "1", self._now_ns)]
        edges = [mask & 0xFF for output in outputs for _, mask in output.edges]
        masks = [mask for before, mask in pairwise([self._mask, *edges]) if mask != before]
        self._mask = [self._mask, *edges][-1]
        frames = FrameReader().feed(b"".join(frame for output in outputs for frame in output.frames))
        indicator = self._core.indicator(self._now_ns)
        return Answer(masks, frames, (indicator.colour, indicator.pattern))

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
KINDS: dict[int, type[m.Identified]] = {**m.REPLIES, **m.EVENTS}


def seen(frame: Frame) -> tuple[int, str, dict[str, object]]:
    """A frame as far as both boards must agree."""
    message = KINDS[frame.type].unpack(frame.payload)
    names = {field.name for field in fields(message)} - DIFFERING - {"heat_ms"}
    kept = {name: getattr(message, name) for name in names}
    if isinstance(message, m.ErrorsReply):
        kept["entries"] = [(entry.fault, entry.step) for entry in message.entries]
    return frame.seq, type(message).__name__, kept


def heats(frames: list[Frame]) -> list[int]:
    found = (m.StatusReply.unpack(frame.payload) for frame in frames if frame.type == m.StatusReply.ID)
    return [status.heat_ms for status in found]


def compare(native: Native, lines: list[str], *, until: int | None = None, pulses: bool = False) -> None:
    """Up to the first frame `until`. `pulses`: of dimmed lights, whose edges are each board's own affair."""
    software = Software()
    for number, line in enumerate(lines):
        told = lines[: number + 1]
        found, wanted = native.order(line), software.order(line)
        assert pulses or found.masks == wanted.masks, told
        assert [seen(frame) for frame in found.frames] == [seen(frame) for frame in wanted.frames], told
        assert found.shown == wanted.shown, told
        for heat, expected in zip(heats(found.frames), heats(wanted.frames), strict=True):
            assert abs(heat - expected) <= HEAT_TOLERANCE_MS, told
        if until in [frame.type for frame in wanted.frames]:
            return


def start_at(seq: int, ticks: int) -> str:
    return wire(seq, m.StartAt.ID, m.StartAt(ticks % (1 << 32)).pack())


def wire(seq: int, type_: int, payload: bytes) -> str:
    return "R " + Frame(seq, type_, payload).encode().hex()


HELLOS = st.builds(
    lambda session, lease: wire(7, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, session, lease).pack()),
    st.integers(0, 2),
    st.sampled_from([305, 1_505, 60_000]),
)
LIGHTS = st.builds(
    m.Light, st.integers(0, 9), st.integers(0, 1), st.sampled_from([0, 5, 25, 65, 9_995, 10_001])
) | st.builds(
    m.Lights,
    st.integers(0, 255),
    st.sampled_from([0, 240, 255]),  # not dimmed by any of the steps a board has
    st.integers(0, 1),
    st.sampled_from([5, 65, 9_995]),
)
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
) | st.builds(m.Indicator, st.sampled_from(m.Pattern), st.sampled_from(m.Colour))
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
STARTS = st.builds("S {} {}".format, st.integers(0, 9), st.sampled_from([-10, 20, 100, 4_980, 5_020]))
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
    commands = [m.ProgrammeBegin(len(steps), value), *steps, m.ProgrammeEnd(), m.Arm()]
    lines = [wire(100 + number, command.ID, command.pack()) for number, command in enumerate(commands)]
    lines.append(draw(st.sampled_from([wire(150, m.Start.ID, b""), "S 150 20", "S 150 100", "S 150 340"])))
    heard = [wire(number, m.Ack.ID, b"") for number in range(1, 20)]
    return [*lines, *draw(st.sampled_from([[], ["T 320"], ["T 320", *heard, "T 320", *heard]]))]


BEGIN = wire(1, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, 9, 60_000).pack())
PARTS = st.one_of(FRAMES, FRAMES, STARTS, ACKS, ACKS, TIMES, TIMES, INPUTS, HELLOS, NOISE, ENDLESS)
STORIES = st.lists(PARTS.map(lambda line: [line]) | programmes(), max_size=25).map(
    lambda parts: [BEGIN, *(line for part in parts for line in part)]
)


@settings(max_examples=120, deadline=None)
@given(STORIES)
def test_both_boards_live_the_same_story(native_core: Path, story: list[str]) -> None:
    native = Native(native_core)
    try:
        compare(native, story)
    finally:
        native.close()


GRAIN_MS = 1_440  # of burning and darkness: no sum of sixteenths of it comes near the limit,
TIMED_MS = 9_915  # nor near what may be warm before this
BURNING = st.builds(
    m.Lights, st.sampled_from([1, 3, 0x80, 0xFF]), st.integers(1, 255), st.just(0), st.just(10_000)
) | st.builds(
    m.Lights, st.sampled_from([1, 3]), st.integers(1, 255), st.just(m.LightFlag.TIMED), st.just(TIMED_MS)
)
PERIODS = st.tuples(st.none() | BURNING | BURNING, st.integers(1, 6))


def periods_of(periods: list[tuple[m.Lights | None, int]]) -> list[str]:
    """Burn, or not, for so many grains, and look."""
    lines = [BEGIN]
    for lights, grains in periods:
        before: list[m.Command] = [] if lights is None else [lights]
        lines += [wire(seq, command.ID, command.pack()) for seq, command in enumerate(before, 1)]
        lines.append(f"T {grains * GRAIN_MS}")
        lines += [
            wire(seq, command.ID, command.pack()) for seq, command in enumerate((m.Status(), m.Off()), 2)
        ]
    return lines


@settings(max_examples=40, deadline=None)
@given(st.lists(PERIODS, min_size=2, max_size=14).map(periods_of))
def test_both_boards_grow_as_hot_and_cool_as_fast(native_core: Path, story: list[str]) -> None:
    native = Native(native_core)
    try:
        compare(native, story, until=m.FaultRaised.ID, pulses=True)
    finally:
        native.close()


@settings(max_examples=80, deadline=None)
@given(st.lists(STRANGE | NOISE | ENDLESS | TIMES | FRAMES, max_size=40))
def test_no_bytes_whatever_lead_astray(native_core: Path, lines: list[str]) -> None:
    """The sanitizers end the process at the first access that is wrong."""
    native = Native(native_core)
    try:
        native.order(BEGIN)
        for line in lines:
            native.order(line)
        masks = native.order("T 61000").masks  # the longest lease and all maximum on-times are over
        after = native.order("T 61000")
        assert (masks or [0])[-1] == 0
        assert after.masks == []
        assert after.shown == (m.Colour.OFF, m.Pattern.OFF)
    finally:
        native.close()
