"""The virtual camera as a process: its control lines, and that it leaves nothing behind."""

import signal
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "station.twin.v4l2_server"]
CHECKOUT = Path(__file__).parents[2]


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    files = ["--socket", str(folder / "camera"), "--light-log", str(folder / "lights")]
    process = subprocess.Popen(
        [*COMMAND, *files, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {folder / 'camera'}\n"
    return process


def test_control_lines(tmp_path: Path) -> None:
    process = start(tmp_path)
    lines = ["counts", "cut 0.5", "short 0.9", "stick 0x9a0902 312", "refuse 10094849", "silence", "heal"]
    lines += ["unplug", "plug", "", "dance", "cut", "cut half", "stick 1 1", "counts 3"]
    out, _ = process.communicate("\n".join(lines) + "\n", timeout=60)
    assert out.splitlines() == [
        "ok delivered=0 dropped=0 missed=0",
        *(f"ok {line}" for line in lines[1:9]),
        "error not understood: ",
        "error not understood: dance",
        "error not understood: cut",
        "error not understood: cut half",
        "error no such control: stick 1 1",
        "error not understood: counts 3",
    ]
    assert process.returncode == 0
    assert not (tmp_path / "camera").exists()


def test_it_ends_on_a_signal(tmp_path: Path) -> None:
    process = start(tmp_path, "--stay")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not (tmp_path / "camera").exists()
    process.communicate()


def test_a_place_that_cannot_be_had(tmp_path: Path) -> None:
    files = ["--socket", str(tmp_path / "no" / "camera"), "--light-log", str(tmp_path / "lights")]
    done = subprocess.run([*COMMAND, *files], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 1
    assert "the virtual camera cannot start" in done.stderr
