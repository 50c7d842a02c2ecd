"""`station rig info`, `console` and `selftest` as processes, on a board of their own and without a daemon."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station.twin.lightlog import LightLogReader
from station.wire import messages as m

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(private_home: Any) -> Run:
    """Runs `station rig ...` on a small twin."""
    config = private_home.path / "station.toml"
    config.write_text("[twin]\ndpi = 60\n")

    def call(*words: object, said: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "station.cli", "--config", str(config), "rig", *map(str, words)],
            cwd=ROOT,
            env=private_home.env,
            input=said if said is not None else "",
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return call


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Path]:
    """A software board; its link. The light log lies beside it."""
    link = tmp_path / "board"
    command = ["-m", "station.twin.board", "--link", str(link), "--light-log", str(tmp_path / "lights")]
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {link}\n"
    yield link
    process.terminate()
    process.wait(PATIENCE_S)
    process.stdout.close()


def burned(board: Path) -> list[int]:
    """Every change of the lights, oldest first."""
    log = LightLogReader(board.with_name("lights")).open()
    masks = [mask for _, mask in log.edges_back()][::-1]
    log.close()
    return masks


def test_info_tells_what_the_board_says(run: Run, board: Path) -> None:
    found = json.loads(run("info", "--json", "--port", board).stdout)
    assert (found["port"], found["board"], found["simulated"]) == (str(board), "software board", True)
    assert found["schema_hash"] == f"{m.SCHEMA_HASH:08x}"
    assert (found["reset_cause"], found["errors_total"], found["errors"]) == ("power on", 0, [])
    assert found["max_on_ms"] == m.MAX_ON_MAX_MS
    assert found["clock_rate_hz"] == pytest.approx(found["ticks_hz"], rel=0.02)
    assert found["board_counters"]["stack_free_bytes"] is None
    assert found["board_counters"]["frames_ok"] > 5
    assert found["host_counters"]["unanswered"] == 0
    assert burned(board) == []


def test_a_conversation_through_a_pipe(run: Run, board: Path) -> None:
    said = run(
        "console",
        "--port",
        board,
        said="light 3 for 150 ms\nwait 500 ms\nlights 0 2 for 5 s\nstatus\nprogramme dark 1 gap 1 ms\n"
        "wait 500 ms\nlights 7 for 10 s",
    )
    assert (said.returncode, said.stderr) == (0, "")
    # the last line needs no newline, and the end of the input puts its light off
    assert burned(board) == [0b1000, 0, 0b101, 0, 0b10, 0, 0b1000_0000, 0]
    lines = said.stdout.splitlines()
    assert lines[0].startswith(f"software board at {board}, firmware 1.0.0")
    traffic = [line.split(maxsplit=1)[1] for line in lines[1:]]
    assert traffic[:2] == ["-> Light          light 3, flags timed, max on ms 150", "<- Ok"]
    assert any("StatusReply    state: idle, lights 0 2, fault: no fault" in line for line in traffic)
    steps = [line.split(",")[1].strip() for line in traffic if line.startswith("** StepDone")]
    assert steps == ["no light", "lights 1"]
    assert any(line.startswith("** ProgrammeDone  reason: completed") for line in traffic)
    assert traffic[-2:] == ["-> Off", "<- Ok"]


def test_quit_ends_it_and_bad_lines_get_a_sentence_each(run: Run, board: Path) -> None:
    said = run("console", "--port", board, said="light 9\nlihgt\nhelp\nquit\nlight 1 for 1 s\n")
    assert said.returncode == 12
    assert said.stderr.splitlines()[:2] == [
        "! light: should be less than or equal to 7, not 9",
        "! `lihgt` is not known; did you mean `light`?",
    ]
    assert "lights 0 3 at 40 % for 2 s" in said.stdout
    assert burned(board) == []


def test_what_the_board_refuses_is_told_and_the_conversation_goes_on(run: Run, board: Path) -> None:
    said = run(
        "console", "--port", board, said="programme 1 expose 2 s\nlight 1 for 1 s\nabort\nlight 1 for 1 s\n"
    )
    assert said.returncode == 12
    assert "! the board refused Light: an exposure programme is running" in said.stderr
    assert burned(board) == [0b10, 0, 0b10, 0]


def test_no_board_is_one_sentence(run: Run, tmp_path: Path) -> None:
    said = run("info", "--port", tmp_path / "none")
    assert (said.returncode, said.stdout) == (6, "")
    assert said.stderr.splitlines()[0] == f"error: there is no port {tmp_path / 'none'}"


def test_without_hardware_the_twin_is_tested_and_says_so(run: Run) -> None:
    done = run("selftest")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("good, ") == 8
    assert "passed: every light burns where profile twin says" in done.stdout
    assert "on the digital twin" in done.stdout
