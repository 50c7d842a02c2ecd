"""The pure parts of the software board, to the nanosecond."""

import pytest

from station.twin.board_core import Birth, BoardCore, Output
from station.wire import messages as m
from station.wire.frame import CRC_SEED, Frame, FrameReader, checksum

MS = 1_000_000
TRIGGER = 0x100  # bit of the light log's mask
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
    assert bench.edges == [(0, 8), (40 * MS, 0)]


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
    assert bench.edges == [(0, 1), (2 * MS, 1 | TRIGGER), (12 * MS, 0), (15 * MS, 2), (20 * MS, 0)]
    bench.acknowledge(1)
    bench.acknowledge(2)
    assert bench.events() == [
        m.StepDone(0, 1, m.StepFlag.TRIGGER, 0, 2_000, 12_000),
        m.StepDone(1, 2, 0, 15_000, 15_000, 20_000),
        m.ProgrammeDone(m.EndReason.COMPLETED, 2, 20_000),
    ]


def test_a_process_that_was_not_scheduled_makes_no_stage_late(bench: Bench) -> None:
    load(bench, m.ProgrammeStep(0, 1, 1, 2_000, 10_000, 3_000))
    bench.ask(m.Start())
    bench.now_ns += 50 * MS
    assert isinstance(bench.ask(m.Ping()), m.Pong)
    assert bench.edges == [(0, 1), (2 * MS, 1 | TRIGGER), (12 * MS, 0)]
    assert bench.events()[0] == m.StepDone(0, 1, m.StepFlag.TRIGGER, 0, 2_000, 12_000)


def test_a_step_that_waited_for_room_to_report_begins_when_there_is(bench: Bench) -> None:
    room = m.EVENT_QUEUE - m.EVENT_RESERVE - m.PANEL_RESERVE
    load(bench, *(m.ProgrammeStep(index, 1, 0, 0, 1_000, 1_000) for index in range(room + 1)))
    bench.ask(m.Start())
    bench.run(40)
    assert bench.edges[-1] == ((2 * room - 1) * MS, 0)
    bench.acknowledge(1)
    bench.run(100)
    assert bench.edges[-2:] == [(40 * MS, 1), (41 * MS, 0)]


# --- a start that is awaited ------------------------------------------------------------------------------


def test_a_programme_begins_at_its_tick(bench: Bench) -> None:
    load(bench, m.ProgrammeStep(0, 4, 1, 500, 1_500, 3_000))
    bench.run(7)
    assert bench.ask(m.StartAt(12_345)) == m.Ok()
    bench.run(12)
    status = bench.ask(m.Status())
    assert (status.state, status.step, status.mask) == (m.BoardState.RUNNING, m.NO_STEP, 0)
    bench.run(30)
    assert bench.edges == [(12_345_000, 4), (12_845_000, 4 | TRIGGER), (14_345_000, 0)]
    assert bench.events()[0] == m.StepDone(0, 4, m.StepFlag.TRIGGER, 12_345, 12_845, 14_345)


@pytest.mark.parametrize("ahead", [0, 1, m.START_AHEAD_MAX_MS * 1_000])
@pytest.mark.parametrize("now_ticks", [0, 1_000, (1 << 32) - 2])
def test_the_earliest_and_the_latest_start_also_over_the_wrap(
    bench: Bench, ahead: int, now_ticks: int
) -> None:
    bench.now_ns = BORN_NS + now_ticks * 1_000
    bench.ask(m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 2, 6_000))
    load(bench, m.ProgrammeStep(0, 4, 1, 500, 1_500, 3_000))
    assert bench.ask(m.StartAt((now_ticks + ahead) % (1 << 32))) == m.Ok()
    bench.run((now_ticks + ahead) / 1_000)
    assert bench.edges == [((now_ticks + ahead) * 1_000, 4)]


@pytest.mark.parametrize("ahead", [-1, -1_000_000, m.START_AHEAD_MAX_MS * 1_000 + 1])
def test_a_start_that_cannot_be_met_is_refused_and_can_be_asked_again(bench: Bench, ahead: int) -> None:
    load(bench, m.ProgrammeStep(0, 4, 1, 500, 1_500, 3_000))
    bench.run(1_001)
    assert bench.ask(m.StartAt((1_001_000 + ahead) % (1 << 32))) == m.Refused(m.Refusal.BAD_TIME)
    assert bench.ask(m.StartAt(1_001_000 + 5)) == m.Ok()


def test_a_lost_lease_ends_the_waiting(bench: Bench) -> None:
    load(bench, m.ProgrammeStep(0, 4, 1, 500, 1_500, 3_000))
    bench.ask(m.StartAt(2_000_000))
    bench.run(4_000)
    assert bench.edges == []
    assert bench.ask(m.Start()) == m.Refused(m.Refusal.FAULT_LATCHED)
    assert bench.events() == [m.FaultRaised(m.Fault.LEASE_EXPIRED, m.NO_STEP, LEASE_MS * 1_000)]


# --- dimmed lights, and the duty cycle --------------------------------------------------------------------


@pytest.mark.parametrize(("level", "on_us"), [(1, 250), (16, 500), (127, 2_000), (128, 2_250), (239, 3_750)])
def test_a_dimmed_light_pulses_two_hundred_and_fifty_times_a_second(
    bench: Bench, level: int, on_us: int
) -> None:
    bench.ask(m.Lights(5, level, m.LightFlag.TIMED, 10))
    bench.run(50)
    pulses = [edge for start in (0, 4_000, 8_000) for edge in ((start, 5), (start + on_us, 0))]
    wanted = [(when * 1_000, mask) for when, mask in pulses if when < 10_000]
    assert bench.edges == (wanted if len(wanted) % 2 == 0 else [*wanted, (10 * MS, 0)])


@pytest.mark.parametrize("level", [240, 255])
def test_full_brightness_burns_steadily(bench: Bench, level: int) -> None:
    bench.ask(m.Lights(5, level, m.LightFlag.TIMED, 10))
    bench.run(50)
    assert bench.edges == [(0, 5), (10 * MS, 0)]


def burn(bench: Bench, from_ms: int, until_ms: int, level: int = 255) -> None:
    """Keep light 0 burning, and the lease."""
    for begin in range(from_ms, until_ms, 1_000):
        assert bench.ask(m.Lights(1, level, 0, 5_000)) == m.Ok()
        bench.run(min(begin + 1_000, until_ms))


def test_a_light_that_is_lit_again_and_again_goes_off_when_it_is_too_hot(bench: Bench) -> None:
    burn(bench, 0, 14_500)
    assert bench.ask(m.Status()).heat_ms == 14_500
    bench.run(15_400)
    assert bench.edges == [(0, 1), (m.HEAT_MAX_MS * MS, 0)]
    assert bench.events()[-1] == m.FaultRaised(m.Fault.TOO_HOT, m.NO_STEP, m.HEAT_MAX_MS * 1_000)
    assert bench.ask(m.Status()).heat_ms == m.HEAT_MAX_MS - 400


def test_a_dimmed_light_warms_in_proportion(bench: Bench) -> None:
    burn(bench, 0, 8_000, level=64)  # rounded up to 5 of 16
    assert bench.ask(m.Status()).heat_ms == 2_500


def test_darkness_cools_and_never_below_nought(bench: Bench) -> None:
    burn(bench, 0, 3_000)
    bench.ask(m.Off())
    for now_ms, heat_ms in ((4_000, 2_000), (5_400, 600), (7_000, 0)):
        bench.run(now_ms)
        assert bench.ask(m.Status()).heat_ms == heat_ms


def test_the_heat_of_each_light_is_its_own(bench: Bench) -> None:
    burn(bench, 0, 14_000)
    bench.ask(m.Light(1, 0, 2_000))
    bench.run(15_000)
    assert bench.ask(m.Status()).heat_ms == 13_000
    assert bench.ask(m.Light(0, m.LightFlag.TIMED, 2_000)) == m.Refused(m.Refusal.TOO_HOT)
    assert bench.ask(m.Lights(0b11, 255, m.LightFlag.TIMED, 2_000)) == m.Refused(m.Refusal.TOO_HOT)
    assert bench.ask(m.Light(1, m.LightFlag.TIMED, 2_000)) == m.Ok()
    assert bench.ask(m.Light(0, m.LightFlag.TIMED, 1_999)) == m.Ok()


def test_what_would_at_once_be_too_hot_is_refused(bench: Bench) -> None:
    burn(bench, 0, m.HEAT_MAX_MS)
    bench.ask(m.Clear())
    assert bench.ask(m.Light(0, 0, 100)) == m.Refused(m.Refusal.TOO_HOT)
    bench.run(m.HEAT_MAX_MS + 2)
    assert bench.ask(m.Light(0, 0, 100)) == m.Ok()


@pytest.mark.parametrize(("gap_ms", "stands"), [(1_001, True), (1_000, False)])
def test_a_programme_is_armed_only_if_every_light_stands_it(bench: Bench, gap_ms: int, stands: bool) -> None:
    steps = (m.ProgrammeStep(index, 3, 0, 0, 8_000_000, gap_ms * 1_000) for index in range(2))
    if stands:
        load(bench, *steps)
    else:
        with pytest.raises(AssertionError, match="TOO_HOT"):
            load(bench, *steps)


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
