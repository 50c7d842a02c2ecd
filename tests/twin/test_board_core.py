"""The pure parts of the software board, to the nanosecond."""

from collections.abc import Callable

import pytest

from station.twin.board_control import parse
from station.twin.board_core import Birth, BoardCore, Output
from station.twin.board_line import BadLine
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum

MS = 1_000_000
LEASE_MS = 1_500
BORN_NS = 5_000_000_000


class Bench:
    """A core with a clock the test turns."""

    def __init__(self) -> None:
        self.now_ns = BORN_NS
        self.core = BoardCore(Birth(77, m.ResetCause.POWER_ON), BORN_NS)
        self.edges: list[tuple[int, int]] = []
        self.frames: list[Frame] = []
        self.seq = 0

    def take(self, output: Output) -> list[Frame]:
        """Keep what came out; times count from birth."""
        self.edges += [(when - BORN_NS, mask) for when, mask in output.edges]
        frames = FrameReader().feed(b"".join(output.frames))
        self.frames += frames
        return frames

    def ask(self, command: m.Command) -> m.Reply:
        self.seq = (self.seq + 1) % 256
        frames = self.take(
            self.core.receive(Frame(self.seq, command.ID, command.pack()).encode(), self.now_ns)
        )
        reply = next(frame for frame in frames if frame.seq == self.seq and frame.type not in m.EVENTS)
        return m.REPLIES[reply.type].unpack(reply.payload)

    def run(self, until_ms: float) -> None:
        """Wake the core exactly when it asks for it, up to a time since birth."""
        until = BORN_NS + round(until_ms * MS)
        while (wake := self.core.wake_ns) is not None and wake <= until:
            self.now_ns = max(self.now_ns, wake)
            self.take(self.core.advance(self.now_ns))
        self.now_ns = until

    def events(self) -> list[m.Event]:
        seen = {frame.seq: frame for frame in self.frames if frame.type in m.EVENTS}
        return [m.EVENTS[frame.type].unpack(frame.payload) for frame in seen.values()]

    def acknowledge(self, number: int) -> None:
        self.take(self.core.receive(Frame(number, m.Ack.ID).encode(), self.now_ns))


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 1, LEASE_MS))
    return made


def load(bench: Bench, *steps: m.ProgrammeStep) -> None:
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    for command in (m.ProgrammeBegin(len(steps), value), *steps, m.ProgrammeEnd(), m.Arm()):
        assert bench.ask(command) == m.Ok()


def test_the_maximum_on_time_is_kept_to_the_nanosecond(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 40))
    bench.run(100)
    assert bench.edges == [(0, 8), (40 * MS, 0)]
    assert bench.events() == [m.FaultRaised(m.Fault.MAX_ON_EXPIRED, m.NO_STEP, 40_000)]


def test_the_lease_is_kept_to_the_nanosecond_and_every_valid_frame_renews_it(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 10_000))
    bench.run(1_000)
    bench.ask(m.Ping())
    bench.run(5_000)
    assert bench.edges == [(0, 8), (2_500 * MS, 0)]


def test_noise_does_not_renew_the_lease(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 10_000))
    bench.run(1_000)
    bench.core.receive(b"\x05noise\0" * 9, bench.now_ns)
    bench.run(5_000)
    assert bench.edges == [(0, 8), (1_500 * MS, 0)]


def test_a_light_whose_time_is_over_goes_off_before_a_late_command_is_obeyed(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 40))
    bench.now_ns += 90 * MS  # the process was not scheduled
    assert bench.ask(m.Light(4, 0, 40)) == m.Refused(m.Refusal.FAULT_LATCHED)
    assert bench.edges == [(0, 8), (90 * MS, 0)]


def test_frames_that_waited_while_the_board_was_not_scheduled_still_renew_the_lease(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 10_000))
    bench.now_ns += 1_600 * MS
    assert isinstance(bench.ask(m.Ping()), m.Pong)
    assert bench.core.mask == 8


def test_a_programme_keeps_its_times(bench: Bench) -> None:
    load(bench, m.ProgrammeStep(0, 1, 1, 2_000, 10_000, 3_000), m.ProgrammeStep(1, 2, 0, 0, 5_000, 3_000))
    bench.ask(m.Start())
    bench.run(1)
    bench.run(30)
    assert bench.edges == [(0, 1), (12 * MS, 0), (15 * MS, 2), (20 * MS, 0)]
    bench.acknowledge(1)
    bench.acknowledge(2)
    assert bench.events() == [
        m.StepDone(0, 1, m.StepFlag.TRIGGER, 0, 2_000, 12_000),
        m.StepDone(1, 2, 0, 15_000, 15_000, 20_000),
        m.ProgrammeDone(m.EndReason.COMPLETED, 2, 20_000),
    ]


def test_a_stage_that_came_late_moves_what_follows(bench: Bench) -> None:
    load(bench, m.ProgrammeStep(0, 1, 1, 2_000, 10_000, 3_000))
    bench.ask(m.Start())
    bench.now_ns += 50 * MS
    bench.take(bench.core.advance(bench.now_ns))
    bench.run(200)
    assert bench.edges == [(0, 1), (60 * MS, 0)]
    assert bench.events()[0] == m.StepDone(0, 1, m.StepFlag.TRIGGER, 0, 50_000, 60_000)


def test_an_unheard_event_is_repeated_every_fifty_milliseconds_while_somebody_is_there(bench: Bench) -> None:
    bench.take(bench.core.press(1, pressed=True, now_ns=bench.now_ns))
    bench.run(10_000)
    sent = [frame for frame in bench.frames if frame.type == m.Button.ID]
    assert len(sent) == LEASE_MS // m.EVENT_REPEAT_MS
    assert bench.core.wake_ns is None


def test_presses_before_the_first_session_are_not_reported() -> None:
    bench = Bench()
    bench.take(bench.core.press(1, pressed=True, now_ns=bench.now_ns))
    bench.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 1, LEASE_MS))
    bench.run(10_000)
    assert bench.events() == []


def test_the_clock_of_the_board_wraps_at_32_bits(bench: Bench) -> None:
    bench.now_ns += (1 << 32) * 1_000 + 5_000
    reply = bench.ask(m.Ping())
    assert reply == m.Pong(5, 77)


def test_without_power_nothing_burns(bench: Bench) -> None:
    bench.ask(m.Light(3, 0, 10_000))
    bench.take(bench.core.power_off(bench.now_ns))
    assert bench.edges[-1][1] == 0


# --- the bad line -----------------------------------------------------------------------------------------


def traffic(line: BadLine, count: int = 2_000) -> bytes:
    for number in range(count):
        line.to_host(Frame(number % 256, m.Ok.ID).encode(), 0)
    return line.due(0)


@pytest.mark.parametrize(
    ("set_up", "low", "high"),
    [
        (lambda faults: setattr(faults, "drop_percent", 10.0), 1_700, 1_900),
        (lambda faults: setattr(faults, "corrupt_percent", 10.0), 1_600, 1_900),
        (lambda faults: setattr(faults, "repeat_percent", 10.0), 2_100, 2_300),
        (lambda faults: setattr(faults, "mute", True), 0, 0),
        (lambda faults: setattr(faults, "mute", False), 2_000, 2_000),
    ],
    ids=["drop", "corrupt", "repeat", "mute", "clean"],
)
def test_the_line_does_what_it_is_told(set_up: Callable[[object], None], low: int, high: int) -> None:
    line = BadLine(seed=4)
    set_up(line.faults)
    assert low <= len(FrameReader().feed(traffic(line))) <= high


def test_the_same_seed_brings_the_same_troubles() -> None:
    lines = [BadLine(seed) for seed in (5, 5, 6)]
    for line in lines:
        line.faults.corrupt_percent = 20.0
    first, second, third = (traffic(line) for line in lines)
    assert first == second != third


def test_a_delayed_frame_waits() -> None:
    line = BadLine(1)
    line.faults.delay_ns = 30 * MS
    line.to_host(b"frame\0", 0)
    assert (line.wake_ns, line.due(29 * MS), line.due(30 * MS)) == (30 * MS, b"", b"frame\0")


def test_a_clean_line_passes_portions_and_a_bad_one_whole_frames() -> None:
    line = BadLine(1)
    assert line.to_board(b"abc") == b"abc"
    line.faults.repeat_percent = 100.0
    assert line.to_board(b"de") == b""
    assert line.to_board(b"f\0g") == b"def\0def\0"
    line.faults.repeat_percent = 0.0
    assert line.to_board(b"h\0") == b"gh\0"


# --- control lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["drop 5%", "drop 5", "delay 30ms", "press 1 80", "card 0", "mute", "state"])
def test_control_lines(line: str) -> None:
    assert parse(line).word == line.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "drip 5%",
        "drop",
        "drop 5 6",
        "drop 101%",
        "drop -1",
        "drop much",
        "drop nan",
        "press 2 80",
        "press 0.5 80",
        "card 2",
    ],
)
def test_bad_control_lines(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(line)
