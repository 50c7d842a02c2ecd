"""A press is told once, in order and with its time: short, bouncing, during a programme, over a bad line."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station.rig.interface import ButtonMoved, CardMoved, PanelEvent
from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import CRC_SEED, checksum

DOWN_UP = (True, False)


@pytest.fixture
def heard() -> list[PanelEvent]:
    return []


@pytest.fixture
def rig(board: Any, heard: list[PanelEvent]) -> Iterator[SerialRig]:
    made = SerialRig(str(board.link), m.BAUD, 10_000, 10.0, lambda _: None, heard.append)
    made.open()
    yield made
    board.order("heal")
    made.close()


def of_button(button: int, events: list[PanelEvent]) -> list[bool]:
    """Pressed or not, in the order in which it was told."""
    return [e.pressed for e in events if isinstance(e, ButtonMoved) and e.button == button]


def of_card(events: list[PanelEvent]) -> list[bool]:
    return [e.present for e in events if isinstance(e, CardMoved)]


def in_order(events: list[PanelEvent]) -> bool:
    times_s = [event.when_s for event in events]
    return times_s == sorted(times_s)


def none_lost(rig: SerialRig) -> bool:
    stats = rig.ask(m.Stats())
    assert isinstance(stats, m.StatsReply)
    return stats.events_lost == 0


def test_presses_of_any_length_are_told_with_their_time(
    board: Any, rig: SerialRig, heard: list[PanelEvent], poll: Any
) -> None:
    board.order("press 1 1100")
    for number, milliseconds in enumerate((10, 40, 150), 1):
        board.order(f"press 0 {milliseconds}")
        poll(lambda least=2 * number: len(of_button(0, heard)) == least, "a short press was over")
    poll(lambda: len(heard) == 8, "the long press was over")
    assert of_button(0, heard) == [*DOWN_UP * 3]
    assert of_button(1, heard) == [*DOWN_UP]
    assert in_order(heard)
    times_s = {
        button: [e.when_s for e in heard if isinstance(e, ButtonMoved) and e.button == button]
        for button in (0, 1)
    }
    lasted_s = [up_s - down_s for down_s, up_s in zip(times_s[0][::2], times_s[0][1::2], strict=True)]
    assert lasted_s == sorted(lasted_s), "each press was longer than the one before"
    assert times_s[1][1] - times_s[1][0] >= 1.05


def test_a_contact_that_bounces_is_one_press_and_a_spark_is_none(
    board: Any, rig: SerialRig, heard: list[PanelEvent], poll: Any
) -> None:
    board.order("press 1 2")
    for number in (1, 2):
        board.order("bounce 0 30")
        poll(lambda least=2 * number: len(heard) == least, "the pedal was up again")
    board.order("card 1")
    poll(lambda: of_card(heard) == [True], "the card was told")
    assert of_button(0, heard) == [*DOWN_UP * 2]
    assert of_button(1, heard) == []


@pytest.mark.parametrize(
    "line", [(), ("delay 15",), ("drop 20%", "corrupt 5%", "repeat 10%")], ids=["good", "slow", "bad"]
)
def test_presses_during_a_programme_are_told_once_and_in_order(
    board: Any, rig: SerialRig, heard: list[PanelEvent], poll: Any, line: tuple[str, ...]
) -> None:
    """On the slow line the reports of its steps wait for each other, and the steps for them."""
    steps = [m.ProgrammeStep(index, 1 << index % 8, 1, 500, 4_000, 500) for index in range(m.STEPS_MAX)]
    rig.ask(m.ProgrammeBegin(len(steps), checksum_of(steps)))
    for command in (*steps, m.ProgrammeEnd(), m.Arm()):
        rig.ask(command)
    for order in line:
        board.order(order)
    rig.ask(m.Start())
    board.wait_s(0.06)
    for order in ("press 0 20", "bounce 1 25"):
        board.order(order)
    poll(lambda: len(heard) == 4, "both presses were told")
    board.order("card 1")
    poll(lambda: len(heard) == 5, "the card was told")
    names = [one.name for one in rig.traffic.since(0) if one.kind == "event"]
    assert "ProgrammeDone" not in names[: names.index("Button")], "the programme was still running"
    poll(lambda: "ProgrammeDone" in [one.name for one in rig.traffic.since(0)], "it had run to its end")
    board.order("heal")
    assert none_lost(rig)
    assert (of_button(0, heard), of_button(1, heard), of_card(heard)) == ([*DOWN_UP], [*DOWN_UP], [True])
    assert in_order(heard)


def checksum_of(steps: list[m.ProgrammeStep]) -> int:
    value = CRC_SEED
    for step in steps:
        value = checksum(step.pack(), value)
    return value


def test_many_presses_over_a_bad_line_are_all_told(
    board: Any, rig: SerialRig, heard: list[PanelEvent], poll: Callable[..., None]
) -> None:
    for order in ("drop 20%", "corrupt 5%", "repeat 20%"):
        board.order(order)
    for number in range(12):
        board.order(f"press {number % 2} 15")
        poll(lambda least=2 * number - 3: len(heard) >= least, "at most three presses were on their way")
        board.wait_s(0.025)
    poll(lambda: len(heard) == 24, "all presses were told")
    assert [of_button(button, heard) for button in (0, 1)] == [[*DOWN_UP * 6]] * 2
    assert in_order(heard)
    board.order("heal")
    assert none_lost(rig)
