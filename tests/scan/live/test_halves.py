"""The two halves of the lights against the board's own reckoning of heat, over simulated days."""

import random

import pytest

from station.scan.live.halves import TURN_S, Halves
from station.scan.live.looks import MAX_ON_MS
from station.twin.board_heat import MS, Burn, Heat
from station.wire.messages import HEAT_MAX_MS, MAX_ON_MAX_MS, PWM_LEVELS

LIGHTS = 8
S = 1_000 * MS
HOURS = 1 * 3_600


class Board:
    """Burns what it is told and keeps the heat as the software board does."""

    def __init__(self, level: int) -> None:
        self.heat = Heat(LIGHTS, 0)
        self.level = level
        self.now_ns = 0
        self.mask = 0
        self.hottest_ms = 0

    def pass_s(self, seconds: float) -> None:
        self.now_ns += round(seconds * S)
        self.heat.pass_to(self.now_ns, self.mask, self.level if self.mask else 0)
        self.hottest_ms = max(self.hottest_ms, self.heat.hottest_ms)

    def burn(self, lights: tuple[int, ...]) -> None:
        self.mask = sum(1 << light for light in lights)
        timed = Burn(self.mask, self.level, MAX_ON_MS * MS)
        assert self.heat.bears([timed]), "the board would refuse"

    def bears_a_scan(self) -> bool:
        """The longest time that one light may burn in a scan."""
        every = [Burn(1 << light, PWM_LEVELS, 40 * MS, MS) for light in range(LIGHTS)]
        return self.heat.bears(every) and self.heat.bears([Burn(0xFF, PWM_LEVELS, MAX_ON_MAX_MS * MS)])


@pytest.mark.parametrize("percent", [100.0, 25.0, 3.0])
@pytest.mark.parametrize("pauses", [False, True], ids=["for ever", "with pauses"])
def test_no_light_ever_grows_too_hot(percent: float, pauses: bool) -> None:
    rng, halves = random.Random(7), Halves(LIGHTS, percent)
    board = Board(level=max(1, round(PWM_LEVELS * percent / 100)))
    burned = set()
    while board.now_ns < HOURS * S:
        half = halves.next_at(board.now_ns / S)
        board.burn(halves.lights[half])
        halves.lit(half, board.now_ns / S)
        burned.add(half)
        board.pass_s(rng.uniform(0.3, 0.6))
        if pauses and rng.random() < 0.4:
            board.mask = 0
            halves.dark(board.now_ns / S)
            assert board.bears_a_scan()
            board.pass_s(rng.uniform(0.0, 0.8))
    assert burned == {0, 1}
    assert board.hottest_ms < 2_000 * TURN_S < HEAT_MAX_MS


def test_every_light_is_in_one_half() -> None:
    first, second = Halves(LIGHTS, 25).lights
    assert sorted(first + second) == list(range(LIGHTS))
    assert Halves(1, 25).lights == ((0,), (0,))


def test_after_a_pause_the_same_half_goes_on() -> None:
    """Pictures of one half are compared with each other; after a scan there should be one to compare with."""
    halves = Halves(LIGHTS, 25)
    halves.lit(1, 0.0)
    halves.dark(0.5)
    assert halves.next_at(1.0) == 1
