"""The bad line of the software board, its control lines and its resonator."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.twin.board_control import parse
from station.twin.board_line import BadLine
from station.twin.board_resonator import PPM_MAX, Resonator
from station.wire import messages as m
from station.wire.frame import Frame, FrameReader

MS = 1_000_000


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


# --- the resonator ----------------------------------------------------------------------------------------

PPM = st.integers(-PPM_MAX, PPM_MAX)
HOUR_NS = 3_600_000_000_000


@given(PPM, st.integers(0, HOUR_NS))
def test_what_is_due_on_the_boards_clock_is_due_not_a_nanosecond_too_early(ppm: int, board_ns: int) -> None:
    resonator = Resonator(ppm, 77)
    host_ns = resonator.host_ns(board_ns)
    assert resonator.board_ns(host_ns) >= board_ns > resonator.board_ns(host_ns - 1)


@pytest.mark.parametrize(("ppm", "shown_ns"), [(0, 10**9), (5_000, 1_005_000_000), (-200, 999_800_000)])
def test_a_fast_board_counts_more(ppm: int, shown_ns: int) -> None:
    assert Resonator(ppm, 50).board_ns(50 + 10**9) == 50 + shown_ns
