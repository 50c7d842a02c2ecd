"""Exposure programmes."""

from itertools import pairwise
from typing import Any

import pytest

from station.wire import messages as m


def test_a_programme_runs_each_step_once_in_order_and_reports_it(board: Any, host: Any) -> None:
    masks = [0, *(1 << light for light in range(8)), 0b11]
    hz = host.hello(session=4).ticks_hz
    host.load(host.steps(masks))
    host.do(m.Arm())
    assert host.status().state is m.BoardState.ARMED
    host.do(m.Start())
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.COMPLETED, len(masks))
    steps = host.events[:-1]
    assert [(step.index, step.mask) for step in steps] == list(enumerate(masks))
    assert all(step.flags & m.StepFlag.TRIGGER for step in steps)
    for step in steps:
        assert (step.trigger_ticks - step.on_ticks) / hz >= 499e-6
        assert (step.off_ticks - step.trigger_ticks) / hz >= 1_999e-6
    for one, following in pairwise(steps):
        assert (following.on_ticks - one.off_ticks) / hz >= 999e-6
    assert board.masks() == [mask for lit in masks[1:] for mask in (lit, 0)]


def test_a_programme_can_run_again_after_arming_again(board: Any, host: Any) -> None:
    host.load(host.steps([1]))
    for _ in range(3):
        host.do(m.Arm(), m.Start())
        host.await_event(m.ProgrammeDone)
        host.events.clear()
        assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)
    assert board.masks() == [1, 0] * 3


def test_a_full_programme_fits(host: Any) -> None:
    host.load(
        host.steps([1 << index % 8 for index in range(m.STEPS_MAX)], expose_us=100, gap_us=m.GAP_MIN_US)
    )
    host.do(m.Arm(), m.Start())
    host.await_event(m.ProgrammeDone)
    assert [step.index for step in host.events[:-1]] == list(range(m.STEPS_MAX))


def test_reports_that_nobody_takes_hold_the_programme_up_but_are_not_lost(board: Any, host: Any) -> None:
    masks = [1 << index % 8 for index in range(12)]
    host.load(host.steps(masks, expose_us=100, gap_us=m.GAP_MIN_US))
    host.acknowledging = False
    host.do(m.Arm(), m.Start())
    ticks = host.status().ticks
    while host.status().ticks - ticks < host.hello(session=1).ticks_hz // 10:
        pass  # ten times as long as all steps take together
    assert host.status().state is m.BoardState.RUNNING
    assert host.status().mask == 0
    host.acknowledging = True
    host.await_event(m.ProgrammeDone)
    steps = host.events[:-1]
    assert [step.index for step in steps] == list(range(12))
    assert any(step.flags & m.StepFlag.LATE for step in steps)
    assert host.ask(m.Stats()).events_lost == 0
    assert board.masks() == [mask for lit in masks for mask in (lit, 0)]


def test_nothing_else_is_lit_while_a_programme_runs(host: Any) -> None:
    host.load(host.steps([1], expose_us=9_000_000))
    host.do(m.Arm(), m.Start())
    for command in (
        m.Light(1, 0, 1_000),
        m.Lights(1, 255, 0, 1_000),
        m.ProgrammeBegin(1, 0),
        m.Arm(),
        m.Start(),
    ):
        assert host.ask(command) == m.Refused(m.Refusal.BUSY)
    assert host.status().step == 0
    host.do(m.Off())


@pytest.mark.parametrize("stop", [m.Abort(), m.Off()], ids=["abort", "off"])
def test_a_programme_can_be_stopped(board: Any, host: Any, stop: m.Command) -> None:
    host.load(host.steps([1, 2, 4], expose_us=9_000_000))
    host.do(m.Arm(), m.Start())
    assert board.lit() == 1 or host.status().mask == 1
    host.do(stop)
    assert board.lit() == 0
    done = host.await_event(m.ProgrammeDone)
    assert (done.reason, done.steps_done) == (m.EndReason.ABORTED, 0)
    assert host.status().state is m.BoardState.LOADED


def test_aborting_disarms(host: Any) -> None:
    host.load(host.steps([1]))
    host.do(m.Arm(), m.Abort())
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


def test_a_light_disarms(host: Any) -> None:
    host.load(host.steps([1]))
    host.do(m.Arm(), m.Light(0, 0, 10_000))
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


def test_a_programme_with_a_wrong_checksum_is_refused(host: Any) -> None:
    steps = host.steps([1, 2])
    host.do(m.ProgrammeBegin(2, host.checksum(steps) ^ 1), *steps)
    assert host.ask(m.ProgrammeEnd()) == m.Refused(m.Refusal.BAD_CHECKSUM)
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.NO_PROGRAMME)


def test_steps_out_of_turn_or_missing_are_refused(host: Any) -> None:
    steps = host.steps([1, 2])
    host.do(m.ProgrammeBegin(2, host.checksum(steps)))
    assert host.ask(steps[1]) == m.Refused(m.Refusal.BAD_STEP)
    host.do(steps[0])
    assert host.ask(steps[0]) == m.Refused(m.Refusal.BAD_STEP)
    assert host.ask(m.ProgrammeEnd()) == m.Refused(m.Refusal.BAD_STEP)
    host.do(steps[1])
    assert host.ask(m.ProgrammeStep(2, 1, 0, 0, 100, 1_000)) == m.Refused(m.Refusal.BAD_STEP)
    host.do(m.ProgrammeEnd(), m.Arm())


@pytest.mark.parametrize(
    "step",
    [
        m.ProgrammeStep(0, 1, 0, 0, m.EXPOSURE_MIN_US - 1, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, m.MAX_ON_MAX_MS * 1_000 + 1, 1_000),
        m.ProgrammeStep(0, 1, 0, 1, m.MAX_ON_MAX_MS * 1_000, 1_000),
        m.ProgrammeStep(0, 1, 0, 0xFFFF_FFFF, 100, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, 0xFFFF_FFFF, 1_000),
        m.ProgrammeStep(0, 1, 0, 0x8000_0000, 0x8000_0064, 1_000),
        m.ProgrammeStep(0, 1, 0, 0, 100, m.GAP_MIN_US - 1),
        m.ProgrammeStep(0, 1, 0, 0, 100, m.GAP_MAX_US + 1),
    ],
    ids=str,
)
def test_a_step_beyond_the_limits_is_not_armed(host: Any, step: m.ProgrammeStep) -> None:
    host.load([step])
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.BAD_DURATION)
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)
