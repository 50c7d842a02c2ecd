"""The simulated board itself: what it shows is what its chip does, and nothing of it stays behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from station.twin.lightlog import LightLogReader
from station.wire import messages as m

CHIP_HZ = 16_000_000
TRIGGER = 0x100
WINDOW_S = 0.25


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_without_power_there_is_no_light(watched: Any, rig: Any, poll: Any, how: signal.Signals) -> None:
    rig.ask(m.Lights(0xFF, 255, 0, 10_000))
    log = watched.board.lights
    assert log.mask() == 0xFF
    watched.board.process.send_signal(how)
    poll(lambda: next(log.edges_back())[1] == 0, "the log was dark")


def test_it_is_dark_even_when_its_whole_group_of_processes_is_killed(
    firmware_board: list[str], tmp_path: Path, poll: Any, connect: Any
) -> None:
    link, path = tmp_path / "board", tmp_path / "lights"
    command = [*firmware_board, "--link", str(link), "--light-log", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {link}\n"
    log = LightLogReader(path).open()
    try:
        connect(_Linked(link)).ask(m.Light(4, 0, 10_000))
        assert log.mask() == 1 << 4
        os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout.read() == ""  # nobody else holds its output open
        process.wait()
        poll(lambda: log.mask() == 0, "the log was dark")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        log.close()


class _Linked:
    """As far as `connect` asks."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.board = self


def test_the_trigger_is_in_the_log_and_is_no_light(watched: Any, rig: Any, run: Any, poll: Any) -> None:
    log = watched.board.lights
    run(rig, [m.ProgrammeStep(0, 0x10, 1, 1_000, 3_000_000, 1_000)])
    poll(lambda: next(log.edges_back(), (0, 0))[1] == 0x10 | TRIGGER, "the trigger was high")
    assert log.mask() == 0x10
    rig.ask(m.Abort())
    assert [pins for _, pins in log.edges_back()][::-1] == [0x10, 0x10 | TRIGGER, 0x10, 0]


def cycles_and_time(watched: Any) -> tuple[int, float, float]:
    """A cycle, and moments between which it was."""
    before = time.monotonic()
    return watched.state("cycle"), before, time.monotonic()


def rate_at_least(watched: Any) -> float:
    """Share of its speed at which the chip surely ran for a while; on a busy machine it seems slower."""
    first, _, known_by = cycles_and_time(watched)
    while time.monotonic() < known_by + WINDOW_S:
        watched.state("cycle")
    last, known_from, _ = cycles_and_time(watched)
    return (last - first) / CHIP_HZ / (known_from - known_by) if known_from > known_by else 0.0


@pytest.mark.parametrize("ppm", [-20_000, -5_000, 5_000, 20_000])
def test_its_clock_is_as_wrong_as_asked(watch: Callable[..., Any], poll: Any, ppm: int) -> None:
    watched = watch("--clock-ppm", str(ppm))
    asked = 1 + ppm / 1e6
    rates: list[float] = []

    def reached() -> bool:
        rates.append(rate_at_least(watched))
        return abs(rates[-1] - asked) < 0.002

    poll(reached, f"the chip ran at {asked} of its speed")


@pytest.mark.parametrize(
    "options",
    [["--clock-ppm", "200000"], ["--owner-pid", "0"], ["--nonsense"]],
    ids=lambda options: options[0],
)
def test_options_without_meaning_are_refused(
    firmware_board: list[str], tmp_path: Path, options: list[str]
) -> None:
    command = [*firmware_board, "--link", str(tmp_path / "b"), "--light-log", str(tmp_path / "l"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr != ""
    assert list(tmp_path.iterdir()) == []
