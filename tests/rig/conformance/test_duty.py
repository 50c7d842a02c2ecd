"""The interlock of the duty cycle: a light is warmed by burning and cooled by darkness."""

from typing import Any

import pytest

from station.wire import messages as m

TOLERANCE_MS = 3  # a board may look at its lights once in a millisecond
SECOND_US = 1_000_000


def long_steps(*seconds: tuple[int, float, float]) -> list[m.ProgrammeStep]:
    """Steps of (mask, seconds of light, seconds of darkness)."""
    return [
        m.ProgrammeStep(index, mask, 0, 0, int(on * SECOND_US), int(gap * SECOND_US))
        for index, (mask, on, gap) in enumerate(seconds)
    ]


def ms_between(host: Any, before: m.StatusReply, after: m.StatusReply) -> float:
    return (after.ticks - before.ticks) % (1 << 32) * 1_000 / host.hello(session=1).ticks_hz


@pytest.mark.parametrize(("level", "heat_ms"), [(255, 160), (128, 90), (64, 50)])
def test_burning_warms_and_darkness_cools(board: Any, host: Any, level: int, heat_ms: int) -> None:
    cold = host.status()
    assert cold.heat_ms == 0
    host.do(m.Lights(0b101, level, m.LightFlag.TIMED, 160))
    while (warm := host.status()).mask:
        assert warm.heat_ms <= heat_ms + TOLERANCE_MS
    dark_ms = ms_between(host, cold, warm) - 160  # at most
    assert heat_ms - dark_ms - TOLERANCE_MS <= warm.heat_ms <= heat_ms + TOLERANCE_MS
    while (cooler := host.status()).heat_ms:
        cooled_ms = ms_between(host, warm, cooler)
        assert cooler.heat_ms == pytest.approx(warm.heat_ms - cooled_ms, abs=TOLERANCE_MS)
    assert ms_between(host, warm, cooler) >= warm.heat_ms - TOLERANCE_MS


@pytest.mark.parametrize(
    "steps",
    [
        long_steps((1, 8, 2), (1, 8, 2)),
        long_steps((1, 8, 0.001), (2, 8, 0.001), (4, 8, 0.001), (1, 8, 0.001)),
        long_steps((1, 8, 0.001), (0, 8, 0.001), (1, 8, 0.001)),
    ],
    ids=["with pauses", "in turn", "with a dark step"],
)
def test_a_programme_that_the_lights_stand_is_armed(host: Any, steps: list[m.ProgrammeStep]) -> None:
    host.load(steps)
    host.do(m.Arm(), m.Abort())


@pytest.mark.parametrize(
    "steps",
    [
        long_steps((1, 8, 0.5), (1, 8, 0.5)),
        long_steps((2, 8, 0.001), (1, 8, 0.001), (3, 8, 0.001), (1, 1, 0.001)),
        long_steps(*[(0x80, 5, 1)] * 4),
    ],
    ids=["one light", "one of several", "little by little"],
)
def test_a_programme_that_a_light_would_not_stand_is_refused(
    board: Any, host: Any, steps: list[m.ProgrammeStep]
) -> None:
    host.load(steps)
    host.do(m.Lights(0b10, 255, 0, 10_000))
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.TOO_HOT)
    assert board.masks() == [0b10]
    assert host.status().state is m.BoardState.LOADED
    assert host.ask(m.Start()) == m.Refused(m.Refusal.NOT_ARMED)


def test_a_warm_light_must_cool_down_first(board: Any, host: Any) -> None:
    host.load(long_steps((1, 8, 1.4), (1, 8, 1)))
    host.do(m.Arm(), m.Light(0, m.LightFlag.TIMED, 600))
    board.wait_s(0.61)
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.TOO_HOT)
    while host.ask(m.Arm()) == m.Refused(m.Refusal.TOO_HOT):
        assert host.status().heat_ms <= 600
    assert host.status().heat_ms <= 400 + TOLERANCE_MS
    host.do(m.Abort())


def test_heat_outlives_the_session(board: Any, host: Any) -> None:
    host.do(m.Light(0, m.LightFlag.TIMED, 200))
    board.wait_s(0.2)
    host.hello(session=2)
    assert host.status().heat_ms > 0


@pytest.mark.soak
def test_a_light_that_is_lit_again_and_again_goes_off_when_it_is_too_hot(board: Any, host: Any) -> None:
    begun = host.status()
    for _ in range(3):
        host.do(m.Light(3, 0, 10_000))
        board.wait_s(4.8)
    burned = host.status()
    assert (burned.mask, burned.fault) == (1 << 3, m.Fault.NONE)
    raised = host.await_event(m.FaultRaised)
    assert (raised.fault, raised.step) == (m.Fault.TOO_HOT, m.NO_STEP)
    assert board.masks() == [1 << 3, 0]
    hz = host.hello(session=1).ticks_hz
    burned_ms = (raised.ticks - begun.ticks) % (1 << 32) * 1_000 / hz
    assert burned_ms >= m.HEAT_MAX_MS - TOLERANCE_MS
    host.do(m.Clear())
    assert host.ask(m.Light(3, m.LightFlag.TIMED, 5_000)) == m.Refused(m.Refusal.TOO_HOT)
    assert host.ask(m.Lights(0xFF, 255, m.LightFlag.TIMED, 5_000)) == m.Refused(m.Refusal.TOO_HOT)
    host.do(m.Light(4, m.LightFlag.TIMED, 5_000))
