"""The real firmware to the cycle, from the pins of the simulated chip: nothing depends on this machine."""

from collections.abc import Callable, Iterator
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import CRC_SEED, checksum

CYCLES_PER_US = 16
CYCLES_PER_MS = 16_000
TWO_BYTES_US = 80  # what the chip's receiver holds while interrupts are kept out
STACK_RESERVE = 128  # bytes that must never have been used


class Edge(NamedTuple):
    """Lights and trigger from a cycle on."""

    cycle: int
    mask: int
    trigger: int


class Watched:
    """A simulated board whose pins are on record."""

    def __init__(self, board: Any, edges: Path) -> None:
        self.board = board
        self._edges = edges

    def edges(self) -> list[Edge]:
        return [Edge(*map(int, line.split())) for line in self._edges.read_text().splitlines()]

    def state(self, key: str) -> int:
        return int(self.board.state()[key])


@pytest.fixture
def watched(start_firmware: Callable[..., Any], tmp_path: Path) -> Watched:
    edges = tmp_path / "edges"
    return Watched(start_firmware("--edges", str(edges)), edges)


@pytest.fixture
def rig(watched: Watched) -> Iterator[SerialRig]:
    made = SerialRig(str(watched.board.link), m.BAUD, 60_000, 10.0, lambda _: None)
    made.open()
    yield made
    made.close()


def run(rig: SerialRig, steps: list[m.ProgrammeStep]) -> None:
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    for command in (m.ProgrammeBegin(len(steps), value), *steps, m.ProgrammeEnd(), m.Arm(), m.Start()):
        rig.ask(command)


@pytest.mark.parametrize(
    ("settle_us", "expose_us", "gap_us"),
    [(2_000, 15_000, 3_000), (0, 50, 200), (1, 51, 201), (33_000, 70_000, 40_000), (100, 250_000, 500)],
)
def test_exposures_are_right_to_three_microseconds(
    watched: Watched, rig: SerialRig, poll: Any, settle_us: int, expose_us: int, gap_us: int
) -> None:
    steps = [m.ProgrammeStep(i, 1 << i, m.StepFlag.TRIGGER, settle_us, expose_us, gap_us) for i in range(3)]
    run(rig, steps)
    poll(lambda: len(watched.edges()) >= 12, "all steps were done")
    on, high, low, off = (watched.edges()[start::4] for start in range(4))
    assert [edge.mask for edge in on] == [1, 2, 4]
    for light_on, trigger_on, trigger_off, light_off in zip(on, high, low, off, strict=True):
        assert (trigger_on.trigger, trigger_off.trigger, light_off.mask) == (1, 0, 0)
        settled = trigger_on.cycle - light_on.cycle - settle_us * CYCLES_PER_US
        assert 0 <= settled < (5 if settle_us > 50 else 55) * CYCLES_PER_US  # two stages take some 50 us
        assert 0 <= trigger_off.cycle - trigger_on.cycle - expose_us * CYCLES_PER_US < 3 * CYCLES_PER_US
        assert 0 < light_off.cycle - trigger_off.cycle < 3 * CYCLES_PER_US
    for light_off, light_on in zip(off, on[1:], strict=False):
        assert light_on.cycle - light_off.cycle >= gap_us * CYCLES_PER_US


def test_a_step_without_trigger_leaves_that_pin_alone(watched: Watched, rig: SerialRig, poll: Any) -> None:
    run(rig, [m.ProgrammeStep(0, 0x81, 0, 100, 1_000, 1_000)])
    poll(lambda: len(watched.edges()) >= 4, "the step was done")  # each light has a port of its own
    assert not any(edge.trigger for edge in watched.edges())


def test_never_two_lights_not_even_for_one_cycle(watched: Watched, rig: SerialRig) -> None:
    for one, other in permutations(range(8), 2):
        rig.switch(one, 10_000)
        rig.switch(other, 10_000)
    rig.switch(None, 10_000)
    edges = watched.edges()
    assert len(edges) >= 2 * 8 * 7
    assert all(edge.mask.bit_count() <= 1 for edge in edges)


@pytest.mark.parametrize("max_on_ms", [1, 2, 50, 333])
def test_the_maximum_on_time_is_kept_to_a_millisecond(
    watched: Watched, rig: SerialRig, poll: Any, max_on_ms: int
) -> None:
    rig.ask(m.Light(2, m.LightFlag.TIMED, max_on_ms))
    poll(lambda: len(watched.edges()) == 2, "the light had gone off")
    on, off = watched.edges()
    burned = off.cycle - on.cycle
    assert max_on_ms * CYCLES_PER_MS <= burned <= (max_on_ms + 1.1) * CYCLES_PER_MS


def test_the_lease_puts_a_light_off_long_before_its_maximum_on_time(
    watched: Watched, rig: SerialRig, poll: Any
) -> None:
    rig.close()
    short = SerialRig(str(watched.board.link), m.BAUD, m.LEASE_MIN_MS, 10.0, lambda _: None)
    short.open()
    watched.board.order(
        "mute"
    )  # it still hears the keep-alive, which therefore ends by itself: nothing comes back
    burning = len(watched.edges())
    with pytest.raises(Exception, match="does not answer"):
        short.switch(1, 10_000)
    short.close()
    poll(lambda: len(watched.edges()) == burning + 2, "the light had gone off")
    on, off = watched.edges()[-2:]
    assert off.cycle - on.cycle >= m.LEASE_MIN_MS * CYCLES_PER_MS
    assert off.cycle - on.cycle < 3 * m.LEASE_MIN_MS * CYCLES_PER_MS  # began anew with each repetition


def test_a_hanging_processor_is_dark_within_the_watchdogs_time(
    watched: Watched, rig: SerialRig, poll: Any
) -> None:
    rig.switch(7, 10_000)
    watched.board.order("hang")
    hung_cycle = watched.state("cycle")
    poll(lambda: len(watched.edges()) == 2, "the light had gone off")
    assert watched.edges()[-1].mask == 0
    assert watched.edges()[-1].cycle - hung_cycle <= (m.WATCHDOG_MS + 15) * CYCLES_PER_MS


def test_under_load_no_byte_is_lost_no_stage_late_and_the_stack_has_room(
    watched: Watched, rig: SerialRig, poll: Any
) -> None:
    steps = [m.ProgrammeStep(i, 1 << i % 8, 1, 300, 2_000, 500) for i in range(m.STEPS_MAX)]
    for _ in range(3):
        before = len(watched.edges())
        watched.board.order("press 0 20")
        watched.board.order("press 1 33")
        rig.beep(50)
        run(rig, steps)
        while len(watched.edges()) < before + 4 * len(steps):
            rig.ask(m.Errors())
            rig.ask(m.Status())
    stats = rig.ask(m.Stats())
    assert isinstance(stats, m.StatsReply)
    assert (stats.frames_bad, stats.receive_overruns, stats.events_lost) == (0, 0, 0)
    assert stats.stack_free_bytes >= STACK_RESERVE
    assert stats.isr_latency_max_ticks <= 56  # stages are called so much early that this does not show
    assert watched.state("deaf_cycles") < TWO_BYTES_US * CYCLES_PER_US
    widths = [b.cycle - a.cycle for a, b in pairwise(watched.edges()) if a.trigger]
    assert len(widths) == 3 * len(steps)
    assert all(0 <= width - 2_000 * CYCLES_PER_US < 3 * CYCLES_PER_US for width in widths)


def test_each_reset_has_a_nonce_of_its_own(watched: Watched, rig: SerialRig) -> None:
    nonces = [rig.info.boot_nonce]
    for _ in range(3):
        watched.board.order("reset")
        rig.open()
        nonces.append(rig.info.boot_nonce)
    assert [(b - a) % 0x10000 for a, b in pairwise(nonces)] == [1, 1, 1]
