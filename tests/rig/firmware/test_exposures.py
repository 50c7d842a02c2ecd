"""Exposures to the cycle."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from station.wire import messages as m

CYCLES_PER_US = 16
EXACT_US = 3  # what WIRING.md promises; the figure to be met is 10
QUICKEST_US = 55  # two stages take so long, whatever shorter was asked

Run = Callable[[Any, list[m.ProgrammeStep]], None]


def steps_of(settle_us: int, expose_us: int, gap_us: int) -> list[m.ProgrammeStep]:
    return [m.ProgrammeStep(i, 1 << i, m.StepFlag.TRIGGER, settle_us, expose_us, gap_us) for i in range(3)]


@pytest.mark.parametrize(
    ("settle_us", "expose_us", "gap_us"),
    [
        (2_000, 15_000, 3_000),
        (0, 50, 200),
        (1, 51, 201),
        (500, 1_000, 1_000),
        (33_000, 70_000, 40_000),
        (100, 250_000, 500),
        (40, 500_000, 200),
    ],
)
def test_light_trigger_and_exposure_are_as_long_as_asked(
    watched: Any, rig: Any, run: Run, poll: Any, settle_us: int, expose_us: int, gap_us: int
) -> None:
    run(rig, steps_of(settle_us, expose_us, gap_us))
    poll(lambda: len(watched.edges()) >= 12, "all steps were done")
    on, high, low, off = (watched.edges()[start::4] for start in range(4))
    assert [edge.mask for edge in on] == [1, 2, 4]
    for light_on, trigger_on, trigger_off, light_off in zip(on, high, low, off, strict=True):
        assert (trigger_on.trigger, trigger_off.trigger, light_off.mask) == (1, 0, 0)
        settled = trigger_on.cycle - light_on.cycle - settle_us * CYCLES_PER_US
        assert 0 <= settled < (5 if settle_us > 50 else QUICKEST_US) * CYCLES_PER_US
        assert (
            0 <= trigger_off.cycle - trigger_on.cycle - expose_us * CYCLES_PER_US < EXACT_US * CYCLES_PER_US
        )
        assert 0 < light_off.cycle - trigger_off.cycle < EXACT_US * CYCLES_PER_US
    for light_off, light_on in zip(off, on[1:], strict=False):
        assert 0 <= light_on.cycle - light_off.cycle - gap_us * CYCLES_PER_US < 10 * CYCLES_PER_US


@pytest.mark.soak
def test_exposures_over_the_whole_range(
    watched: Any, rig: Any, run: Run, poll: Any, record_property: Callable[[str, object], None]
) -> None:
    """Each a little longer than the last, from 1 ms to 500 ms."""
    asked_us = [round(1_000 * 500 ** (k / 63)) for k in range(64)]
    for begin in range(0, len(asked_us), 8):
        part = asked_us[begin : begin + 8]
        wanted = len(watched.edges()) + 4 * len(part)
        run(rig, [m.ProgrammeStep(i, 1 << i, 1, 500, expose_us, 1_000) for i, expose_us in enumerate(part)])
        poll(lambda wanted=wanted: len(watched.edges()) >= wanted, "all steps were done")
    on, high, low, off = (watched.edges()[start::4] for start in range(4))
    off_us = [
        (end.cycle - start.cycle) / CYCLES_PER_US - expose_us
        for start, end, expose_us in zip(high, low, asked_us, strict=True)
    ]
    lit_us = [
        (end.cycle - start.cycle) / CYCLES_PER_US - 500 - expose_us
        for start, end, expose_us in zip(on, off, asked_us, strict=True)
    ]
    record_property("worst_trigger", [max(map(abs, off_us)), "us"])
    record_property("worst_light", [max(map(abs, lit_us)), "us"])
    assert max(map(abs, off_us + lit_us)) <= 10


def test_a_step_without_trigger_leaves_that_pin_alone(watched: Any, rig: Any, run: Run, poll: Any) -> None:
    run(rig, [m.ProgrammeStep(0, 0x81, 0, 100, 1_000, 1_000)])
    poll(lambda: len(watched.edges()) >= 4, "the step was done")  # each light has a port of its own
    assert not any(edge.trigger for edge in watched.edges())


def test_a_programme_of_single_lights_never_shows_two(watched: Any, rig: Any, run: Run, poll: Any) -> None:
    """The shortest gap, every light after every other, on both ports."""
    order = [light for pair in permutations(range(8), 2) for light in pair]
    done = 0
    while done < len(order):
        part = [1 << light for light in order[done : done + m.STEPS_MAX]]
        done += len(part)
        run(rig, [m.ProgrammeStep(i, mask, 1, 0, 50, m.GAP_MIN_US) for i, mask in enumerate(part)])
        poll(lambda wanted=4 * done: len(watched.edges()) >= wanted, "all steps were done")
    edges = watched.edges()
    assert len(edges) == 4 * len(order)
    assert all(edge.mask.bit_count() <= 1 for edge in edges)


def test_switching_never_shows_two_lights_not_even_for_one_cycle(watched: Any, rig: Any) -> None:
    for one, other in permutations(range(8), 2):
        rig.switch(one, 10_000)
        rig.switch(other, 10_000)
    rig.switch(None, 10_000)
    edges = watched.edges()
    assert len(edges) >= 2 * 8 * 7
    assert all(edge.mask.bit_count() <= 1 for edge in edges)
