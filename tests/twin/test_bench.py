"""The board of a bench lives and dies as it should, whichever it is; no process, port or light is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.config import TwinSettings
from station.documents.fault import StationError
from station.rig.interface import ButtonMoved, PanelEvent
from station.rig.serial_rig import SerialRig
from station.share.firmware import missing_packages
from station.twin.bench import TwinBench
from station.twin.board_guard import darken
from station.twin.charuco import BoardTarget
from station.twin.flicker import Mains
from station.twin.isp import Isp
from station.twin.lightlog import LightLogReader, LightLogWriter
from station.twin.rigs import random_rig
from station.twin.running_board import RunningBoard, board_program

BOUND_S = 60.0
LEASE_MS = 1_500
OWNER = """
import sys, time
from pathlib import Path
from station.config import TwinSettings
from station.rig.serial_rig import SerialRig
from station.twin.bench import TwinBench
bench = TwinBench(Path(sys.argv[1]), TwinSettings(dpi=50, board=sys.argv[2]), int(sys.argv[3]))
bench.open()
rig = SerialRig(str(bench.port), 250_000, int(sys.argv[3]), 10.0, on_fault=print)
rig.open()
rig.switch(3, 10_000)
print("lit", flush=True)
time.sleep(600)
"""


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + BOUND_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited in vain until {what}")
        time.sleep(0.01)


@pytest.fixture(params=["software", "firmware"])
def kind(request: pytest.FixtureRequest, program: Callable[[str], str]) -> str:
    """Each board that the twin knows."""
    if request.param == "firmware":
        for package in missing_packages():
            program(f"what the package {package} holds")
    return str(request.param)


@pytest.fixture
def bench(kind: str, tmp_path: Path) -> Iterator[TwinBench]:
    made = TwinBench(tmp_path / "run", TwinSettings.model_validate({"dpi": 50, "board": kind}), LEASE_MS)
    made.open()
    yield made
    made.close()


@pytest.fixture
def rig(bench: TwinBench) -> Iterator[SerialRig]:
    opened = SerialRig(str(bench.port), 250_000, LEASE_MS, 10.0, on_fault=lambda _: None)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def lights(bench: TwinBench) -> Iterator[LightLogReader]:
    log = LightLogReader(bench.light_log).open()
    yield log
    log.close()


def test_the_board_that_was_asked_for_is_in_the_loop(rig: SerialRig, kind: str) -> None:
    assert rig.info.board == {"software": "software board", "firmware": "ATmega328P"}[kind]
    assert rig.info.simulated
    assert rig.info.light_count == 8


def test_a_bench_has_the_camera_and_the_mains_that_the_settings_say(tmp_path: Path) -> None:
    how = {"gamma": 2.2, "limited_range": True, "sharpen": 0.5, "denoise": 0.8, "mirrored": True}
    settings = TwinSettings.model_validate({"dpi": 50, "mains_hz": 50, "mains_depth": 0.3, **how})
    made = TwinBench(tmp_path, settings, LEASE_MS)
    assert made.scene.isp == Isp(2.2, True, 0.5, 0.8, True)
    assert made.scene.mains == Mains(50, 0.3)
    plain = TwinBench(tmp_path, TwinSettings(dpi=50), LEASE_MS).scene
    assert plain.isp.linear
    assert plain.mains == Mains()


def test_a_light_that_is_switched_is_in_the_light_log(rig: SerialRig, lights: LightLogReader) -> None:
    rig.switch(5, 10_000)
    assert lights.mask() == 1 << 5
    rig.switch(None, 10_000)
    assert lights.mask() == 0
    assert [mask for _, mask in lights.edges_back()][:2] == [0, 1 << 5]


def test_hands_reach_the_board_and_eyes_and_ears_notice_it(bench: TwinBench) -> None:
    heard: list[PanelEvent] = []
    rig = SerialRig(str(bench.port), 250_000, LEASE_MS, 10.0, lambda _: None, heard.append)
    rig.open()
    try:
        bench.press(0, 20)
        wait_for("the pedal was up again", lambda: len(heard) == 2)
        bench.card_sensor(True)
        wait_for("the card was told", lambda: len(heard) == 3)
        bench.card_sensor(False)
        wait_for("the card was away", lambda: len(heard) == 4)
        assert [moved.pressed if isinstance(moved, ButtonMoved) else moved.present for moved in heard] == [
            True,
            False,
            True,
            False,
        ]
        assert bench.shows() | {"beeps": 0} == dict.fromkeys(bench.shows(), 0), "silent and dark"
        rig.indicate("green")
        rig.beep(60)
        wait_for("it was heard", lambda: bench.shows()["beeps"] == 1 and bench.shows()["buzzer_ms"] >= 55)
        assert (bench.shows()["green"], bench.shows()["red"]) == (1, 0)
        with pytest.raises(StationError, match=r"not understood|out of range") as caught:
            bench.press(7, 20)
        assert caught.value.code == "bad_request"
    finally:
        rig.close()
    bench.close()
    with pytest.raises(StationError) as caught:
        bench.press(0, 20)
    assert caught.value.code == "rig_missing"


def test_closing_the_bench_ends_the_board_in_the_dark(
    bench: TwinBench, rig: SerialRig, lights: LightLogReader
) -> None:
    rig.switch(2, 10_000)
    bench.close()
    assert lights.mask() == 0
    assert not bench.port.is_symlink()
    bench.close()  # once more does no harm


def test_a_killed_owner_leaves_neither_light_nor_board(kind: str, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), kind, str(LEASE_MS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "lit\n"
    log = LightLogReader(tmp_path / "lights").open()
    assert log.mask() == 1 << 3
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    wait_for("the board had ended", lambda: not (tmp_path / "board").is_symlink())
    assert log.mask() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lights"]
    log.close()


def test_a_board_without_power_has_no_light(kind: str, tmp_path: Path) -> None:
    """Killed outright, it cannot write that itself."""
    port, light_log = tmp_path / "board", tmp_path / "lights"
    board = RunningBoard(port, light_log)
    board.start(board_program(kind, LEASE_MS))
    rig = SerialRig(str(port), 250_000, LEASE_MS, 10.0, on_fault=lambda _: None)
    rig.open()
    rig.switch(1, 10_000)
    assert board.pid is not None
    os.kill(board.pid, signal.SIGKILL)
    board.close()
    log = LightLogReader(light_log).open()
    wait_for("no light burned", lambda: log.mask() == 0)
    log.close()
    rig.close()


def test_a_program_that_is_no_board_is_named(tmp_path: Path) -> None:
    board = RunningBoard(tmp_path / "board", tmp_path / "lights")
    with pytest.raises(StationError, match="did not start") as caught:
        board.start([sys.executable, "-c", "print('nothing of the kind')"])
    assert caught.value.code == "rig_missing"
    assert "nothing of the kind" in str(caught.value)


def test_darkening_writes_an_edge_only_where_a_light_burned(tmp_path: Path) -> None:
    path = tmp_path / "lights"
    darken(path)
    assert not path.exists()
    writer = LightLogWriter(path).open()
    writer.write(1, 4)
    darken(path)
    darken(path)
    reader = LightLogReader(path).open()
    assert [mask for _, mask in reader.edges_back()] == [0, 4]
    reader.close()
    writer.close()


def test_bench_may_have_any_rig_and_whatever_there_is_lies_on_its_mat(tmp_path: Path) -> None:
    usual = TwinBench(tmp_path, TwinSettings(dpi=50), LEASE_MS)
    drawn = TwinBench(tmp_path, TwinSettings(dpi=50, rig_seed=9, layout="two_rings"), LEASE_MS)
    assert usual.scene.rig.name == "standard"
    assert drawn.scene.rig.name == "two_rings 9"
    assert drawn.scene.optics.lens == random_rig(9, "two_rings").lens
    target = BoardTarget()
    drawn.place_thing(target)
    assert drawn.scene.current is target
