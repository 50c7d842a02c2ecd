"""The trainer as a process: one line when ready, one owner per folder, an orderly end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from station.config import Settings
from station.documents.fault import StationError
from station.trainer import owning, run

PROGRAM = "import pathlib, sys; from station.trainer import main; main(pathlib.Path(sys.argv[1]))"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    config = tmp_path / "station.toml"
    config.write_text(f'[station]\ndata = "{tmp_path}/data"\n')
    running: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    with ExitStack() as stack:
        yield begin
        for process in running:
            stack.enter_context(process)
            process.kill()


def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"station": {"data": tmp_path / "data"}})


def ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_in_order(
    start: Any, tmp_path: Path, number: signal.Signals
) -> None:
    trainer = start()
    assert ready_line(trainer) == f"trainer ready: receives at ipc://{tmp_path}/data/run/intake\n"
    trainer.send_signal(number)
    out, errors = trainer.communicate(timeout=20)
    assert (trainer.returncode, out) == (0, "")
    assert [line.partition("station.")[2] for line in errors.splitlines()] == ["trainer: trainer stopped"]


def test_a_second_trainer_is_refused_in_one_sentence_and_a_killed_one_leaves_the_folder_free(
    start: Any, tmp_path: Path
) -> None:
    first = start()
    ready_line(first)
    with pytest.raises(StationError) as caught:
        run(settings(tmp_path))
    assert caught.value.code == "data_busy"
    assert str(caught.value) == f"another trainer (process {first.pid}) owns {tmp_path}/data/trainer"
    assert "trainer.data" in caught.value.hint
    first.kill()
    first.wait()
    assert ready_line(start()).startswith("trainer ready")


def test_an_endpoint_that_cannot_be_served_is_named_and_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run").chmod(0o777)
    with pytest.raises(StationError) as caught:
        run(settings(tmp_path))
    assert caught.value.code == "endpoint_invalid"
    with owning(tmp_path / "data" / "trainer"):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StationError) as caught:
        run(settings(tmp_path))
    assert caught.value.code == "data_unwritable"
