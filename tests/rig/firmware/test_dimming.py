"""Dimmed lights and the interlock of the duty cycle, from the pins."""

from itertools import pairwise
from typing import Any

import pytest

from station.documents.fault import StationError
from station.wire import messages as m

CYCLES_PER_US = 16
CYCLES_PER_MS = 16_000
PERIOD_US = 1e6 / 200  # at most
EDGE_US = 40  # a pulse may wait for a stage or a byte
TICKS_PER_MS = 2_000
HEAT_LATE_MS = 3
TIMED = m.LightFlag.TIMED


@pytest.mark.parametrize("level", [1, 17, 100, 239])
def test_a_dimmed_light_pulses_with_its_share(watched: Any, rig: Any, level: int) -> None:
    rig.ask(m.Lights(0b1001_0110, level, TIMED, 120))
    watched.wait_ms(150)
    # they lie on two ports, which are written one after the other
    lit = [edge for edge in watched.edges() if edge.mask in (0, 0b1001_0110)]
    assert {edge.mask for edge in watched.edges()} <= {0, 0b1001_0110, 0b1001_0000, 0b0000_0110}
    rises = [edge.cycle for edge in lit if edge.mask]
    falls = [edge.cycle for edge in lit if not edge.mask]
    share = -(-level * m.PWM_LEVELS // 255) / m.PWM_LEVELS
    whole = list(zip(rises, falls, rises[1:], strict=False))
    assert len(whole) >= 20
    for rise, fall, following in whole:
        period = following - rise
        assert period <= (PERIOD_US + EDGE_US) * CYCLES_PER_US
        assert abs((fall - rise) - share * period) <= EDGE_US * CYCLES_PER_US


@pytest.mark.parametrize(
    "command",
    [m.Light(3, TIMED, 150), m.Lights(8, 255, TIMED, 150), m.Lights(8, 240, TIMED, 150)],
    ids=str,
)
def test_a_light_that_is_not_dimmed_has_two_edges(watched: Any, rig: Any, command: m.Command) -> None:
    rig.ask(command)
    watched.wait_ms(200)
    on, off = watched.edges()
    assert (on.mask, off.mask) == (8, 0)
    assert 150 * CYCLES_PER_MS <= off.cycle - on.cycle <= 151.1 * CYCLES_PER_MS


def test_the_last_pulse_ends_with_the_maximum_on_time(watched: Any, rig: Any) -> None:
    rig.ask(m.Lights(8, 128, TIMED, 101))
    watched.wait_ms(150)
    first, last = watched.edges()[0], watched.edges()[-1]
    assert last.mask == 0
    assert last.cycle - first.cycle <= 102.1 * CYCLES_PER_MS


def warm(watched: Any, light: int, milliseconds: int) -> None:
    """As if the light had burned."""
    ticks = milliseconds * TICKS_PER_MS
    watched.poke(watched.addresses("heat") + 4 * light, *ticks.to_bytes(4, "little"))


def test_a_light_burns_until_it_is_too_hot_and_not_longer(watched: Any, rig: Any, poll: Any) -> None:
    warm(watched, 6, m.HEAT_MAX_MS - 300)
    asked = watched.state("cycle")
    left_ms = m.HEAT_MAX_MS - rig.ask(m.Status()).heat_ms
    rig.ask(m.Light(6, 0, 10_000))
    poll(lambda: len(watched.edges()) == 2, "the light had gone off")
    on, off = watched.edges()
    assert [entry.fault for entry in rig.ask(m.Errors()).entries] == [m.Fault.TOO_HOT]
    burned_ms, cooled_ms = (off.cycle - on.cycle) / CYCLES_PER_MS, (on.cycle - asked) / CYCLES_PER_MS
    assert left_ms - 1 <= burned_ms <= left_ms + cooled_ms + HEAT_LATE_MS


def keep_alight(rig: Any) -> None:
    while True:
        rig.switch(0, 10_000)


def test_renewing_a_light_does_not_cool_it(watched: Any, rig: Any) -> None:
    warm(watched, 0, m.HEAT_MAX_MS - 300)
    left_ms = m.HEAT_MAX_MS - rig.ask(m.Status()).heat_ms
    begun = watched.state("cycle")
    with pytest.raises(StationError, match="duty cycle"):
        keep_alight(rig)
    watched.board.wait_dark()
    assert (watched.edges()[-1].cycle - begun) / CYCLES_PER_MS >= left_ms - HEAT_LATE_MS
    lit_ms = sum(off.cycle - on.cycle for on, off in pairwise(watched.edges()) if on.mask) / CYCLES_PER_MS
    cooled_ms = (watched.edges()[0].cycle - begun) / CYCLES_PER_MS + 50  # what passed while it was asked
    assert left_ms - HEAT_LATE_MS <= lit_ms <= left_ms + cooled_ms
