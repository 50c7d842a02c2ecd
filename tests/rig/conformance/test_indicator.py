"""Status LED and indicator: as told, blinking by themselves, and dark once nobody stands by them."""

from typing import Any

import pytest

from station.wire import messages as m

SHORT_LEASE_MS = 300
HALF_BLINK_S = {m.Pattern.SLOW: 0.512, m.Pattern.FAST: 0.128}
UNSURE_S = 0.01  # around the moment of a change


def shines(board: Any) -> tuple[str, str, str]:
    """Status LED, green, red."""
    state = board.state()
    return state["status_led"], state["green"], state["red"]


@pytest.mark.parametrize(
    ("colour", "green", "red"),
    [
        (m.Colour.GREEN, "1", "0"),
        (m.Colour.RED, "0", "1"),
        (m.Colour.AMBER, "1", "1"),
        (m.Colour.OFF, "0", "0"),
    ],
)
def test_the_indicator_has_the_colour_it_was_told(
    board: Any, host: Any, poll: Any, colour: m.Colour, green: str, red: str
) -> None:
    assert shines(board) == ("0", "0", "0")
    host.do(m.Indicator(m.Pattern.ON, colour))
    poll(lambda: shines(board) == ("1", green, red), f"{colour.says} was shown")
    host.do(m.Indicator(m.Pattern.OFF, colour))
    poll(lambda: shines(board) == ("0", "0", "0"), "all was dark")


@pytest.mark.parametrize("pattern", HALF_BLINK_S)
def test_the_board_blinks_by_itself_and_begins_with_light(
    board: Any, host: Any, poll: Any, pattern: m.Pattern
) -> None:
    earliest = board.seconds()
    host.do(m.Indicator(pattern, m.Colour.RED))
    latest = board.seconds()
    halves: set[int] = set()

    def looked() -> bool:
        state, half_s = board.state(), HALF_BLINK_S[pattern]
        now = int(state["us"]) / 1e6 if "us" in state else int(state["cycle"]) / 16e6
        most, least = (now - earliest + UNSURE_S) // half_s, (now - latest - UNSURE_S) // half_s
        if most == least:  # whenever it was set, this half is the one
            lit = "1" if most % 2 == 0 else "0"
            assert (state["status_led"], state["green"], state["red"]) == (lit, "0", lit)
            halves.add(int(most) % 2)
        return halves == {0, 1}

    poll(looked, "light and darkness were seen")


def test_a_reset_leaves_the_indicator_dark(board: Any, host: Any, poll: Any) -> None:
    host.do(m.Indicator(m.Pattern.ON, m.Colour.GREEN))
    poll(lambda: shines(board)[1] == "1", "green was shown")
    board.order("reset")
    assert shines(board) == ("0", "0", "0")
    host.wait_for_board()
    assert shines(board) == ("0", "0", "0")


def test_a_new_session_has_nothing_to_show_yet(board: Any, host: Any, poll: Any) -> None:
    host.do(m.Indicator(m.Pattern.ON, m.Colour.GREEN))
    host.hello(session=1)
    poll(lambda: shines(board)[1] == "1", "the same session went on showing green")
    host.hello(session=2)
    poll(lambda: shines(board) == ("0", "0", "0"), "all was dark")


def test_what_a_host_showed_that_has_gone_is_dark_until_it_is_heard_again(
    board: Any, host: Any, poll: Any
) -> None:
    host.hello(session=3, lease_ms=SHORT_LEASE_MS)
    host.do(m.Indicator(m.Pattern.ON, m.Colour.GREEN))
    board.wait_s(SHORT_LEASE_MS / 1_000 + 0.01)
    assert shines(board) == ("0", "0", "0")
    stranger = m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH ^ 1, 9, 60_000)
    assert isinstance(host.ask(stranger), m.HelloReply)
    assert shines(board) == ("0", "0", "0")
    poll(lambda: bool(host.ask(m.Ping())) and shines(board) == ("1", "1", "0"), "green was shown again")
