"""`station demo` as a newcomer runs it: empty home, no hardware, its own processes; nothing stays behind."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

DPI = "220"


def demo(home: Any, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "station.cli", "demo", "--dpi", DPI, *words],
        env=home.env,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def test_three_cards_are_scanned_and_held_against_the_truth(private_home: Any) -> None:
    """The seed is drawn by the demo itself: nobody chose it."""
    done = demo(private_home)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "digital twin" in said
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


def test_a_second_demo_beside_the_first_ones_data_works_too(private_home: Any) -> None:
    first, second = (demo(private_home, "--seed", "7") for _ in range(2))
    assert first.returncode == second.returncode == 0, second.stdout + second.stderr
    folders = list((private_home.path / ".local/share/scan-station/demo/scans").glob("*/*/*/*"))
    assert len(folders) == 6
