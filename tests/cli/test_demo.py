"""`station demo` as a newcomer runs it: empty home, no hardware, its own processes; nothing stays behind."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from station.cli.demo import CardShare
from station.share.firmware import missing_packages

DPI = "220"


def demo(home: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "station.cli", "demo", "--dpi", DPI, *words],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.fixture
def firmware(program: Callable[[str], str]) -> None:
    """What the real firmware needs to be built."""
    for package in missing_packages():
        program(f"what the package {package} holds")


def test_three_cards_are_scanned_and_held_against_the_truth(private_home: Any) -> None:
    """The seed is drawn by the demo itself: nobody chose it."""
    done = demo(private_home)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "digital twin" in said
    assert "board in the loop: software board, a program that stands in for the firmware" in said
    assert "3 of 3 scans delivered" in said
    reports = [Path(line.strip()) for line in said.split("reports:")[1].splitlines() if line.strip()]
    assert len(reports) == 3
    assert all(report.is_file() for report in reports)
    means = [float(found) for found in re.findall(r"mean angular error ([\d.]+)", said)]
    flats = [float(found) for found in re.findall(r"would be off by ([\d.]+)", said)]
    assert len(means) == 3
    assert max(means) < 1.5
    assert means[2] < flats[2] / 2, "the third card is bowed by 1.5 mm"
    errors = [
        float(found) for pair in re.findall(r"off by ([\d.]+) and ([\d.]+) points", said) for found in pair
    ]
    assert len(errors) == 6
    assert max(errors) < 1.0
    assert "Traceback" not in done.stderr


def test_a_second_demo_beside_the_first_ones_data_works_too(private_home: Any, firmware: None) -> None:
    """And that one has the real firmware in the loop."""
    first, second = (demo(private_home, "--seed", "7", *more) for more in ((), ("--board", "firmware")))
    assert first.returncode == second.returncode == 0, second.stdout + second.stderr
    assert "board in the loop: ATmega328P, its firmware as flashed, on a simulated chip" in second.stdout
    folders = list((private_home.path / ".local/share/scan-station/demo/scans").glob("*/*/*/*"))
    assert len(folders) == 6


@pytest.mark.parametrize("steps", [0, 1, 4, 11, 200])
def test_the_bar_grows_to_the_end_and_not_beyond_whatever_the_number_of_steps(steps: int) -> None:
    told = ["scan.started", *["scan.step"] * steps, "scan.captured"]
    told += ["scan.computing", *["scan.step"] * steps, "scan.processed"]
    card, seen = CardShare(), [0.0]
    for kind in told:
        card.hear(kind)
        seen.append(card.done)
    assert seen == sorted(seen)
    assert seen[told.index("scan.captured")] < CardShare.CAPTURED
    assert seen[told.index("scan.captured") + 1] == CardShare.CAPTURED
    assert seen[-2] < seen[-1] == 1.0
    card.hear("scan.step")
    assert card.done == 1.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_ended_takes_its_services_with_it(private_home: Any, number: signal.Signals) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "station.cli", "demo", "--dpi", DPI],
        env=private_home.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    board = private_home.path / ".local/share/scan-station/demo/run/board"
    until = time.monotonic() + 120
    while not board.is_symlink():
        assert started.poll() is None
        assert time.monotonic() < until, "the demo's board never came"
        time.sleep(0.02)
    started.send_signal(number)
    assert started.wait(60) != 0
    assert not board.is_symlink()
    assert processes_of(private_home.path) == []


def processes_of(home: Path) -> list[str]:
    """Command lines that name this home."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in lines if str(home) in line]
