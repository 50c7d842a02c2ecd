"""The software board as a process: how it begins and how it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.rig.link import SerialLink
from station.rig.serial_rig import SerialRig
from station.twin.lightlog import LightLogReader
from station.wire import messages as m
from station.wire.frame import Frame

BOUND_S = 30.0
Start = Callable[..., subprocess.Popen[str]]


def poll(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "station.twin.board"]
        command += ["--link", str(tmp_path / "port"), "--light-log", str(tmp_path / "log"), *options]
        started.append(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def lights(tmp_path: Path) -> Iterator[Callable[[], LightLogReader]]:
    opened: list[LightLogReader] = []

    def read() -> LightLogReader:
        opened.append(LightLogReader(tmp_path / "log").open())
        return opened[-1]

    yield read
    for reader in opened:
        reader.close()


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Lights light 3 through the port, and keeps the rig open."""
    rigs: list[SerialRig] = []

    def light() -> None:
        rigs.append(SerialRig(str(tmp_path / "port"), 250_000, 1_500, 10.0, lambda _: None))
        rigs[-1].open()
        rigs[-1].switch(3, 10_000)

    yield light
    for rig in rigs:
        rig.close()


def ready(process: subprocess.Popen[str], tmp_path: Path) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"ready {tmp_path / 'port'}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_order(
    start: Start,
    tmp_path: Path,
    lit: Callable[[], None],
    lights: Callable[[], LightLogReader],
    number: signal.Signals,
) -> None:
    process = start()
    ready(process, tmp_path)
    lit()
    reader = lights()
    assert reader.mask() == 8
    process.send_signal(number)
    assert process.wait(BOUND_S) == 0
    assert [mask for _, mask in reader.edges_back()] == [0, 8]
    assert not (tmp_path / "port").is_symlink()


def test_killed_outright_its_lights_have_no_power(
    start: Start, tmp_path: Path, lit: Callable[[], None], lights: Callable[[], LightLogReader]
) -> None:
    process = start()
    ready(process, tmp_path)
    lit()
    reader = lights()
    process.kill()
    poll(lambda: reader.mask() == 0, "the lights were without power")
    assert [mask for _, mask in reader.edges_back()] == [0, 8]


def test_it_ends_by_itself_when_its_owner_and_the_host_are_gone(
    start: Start, tmp_path: Path, lights: Callable[[], LightLogReader]
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        process = start("--owner-pid", str(owner.pid))
        ready(process, tmp_path)
        rig = SerialRig(str(tmp_path / "port"), 250_000, 300, 10.0, lambda _: None)
        rig.open()
        rig.switch(3, 10_000)
        reader = lights()
        owner.kill()
        owner.wait()
        counts = rig.counts
        assert counts is not None
        poll(lambda: counts.commands > 20, "the keep-alive had spoken for a while")
        assert process.poll() is None
        assert reader.mask() == 8  # somebody still holds the lease
        rig.close()
        assert process.wait(BOUND_S) == 0
        assert reader.mask() == 0


def test_an_owner_that_is_gone_already_ends_it_at_once(start: Start, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    process = start("--owner-pid", str(gone.pid))
    ready(process, tmp_path)
    assert process.wait(BOUND_S) == 0


def test_without_another_owner_it_belongs_to_whoever_started_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "board = subprocess.Popen([sys.executable, '-m', 'station.twin.board', *sys.argv[1:]],\n"
        "                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)\n"
        "board.stdout.readline()\n"
        "print(board.pid, flush=True)\n"
        "import os; os._exit(0)\n"
    )
    options = ["--link", str(tmp_path / "port"), "--light-log", str(tmp_path / "log")]
    done = subprocess.run(
        [sys.executable, "-c", script, *options], capture_output=True, text=True, check=True
    )
    board = Path("/proc", done.stdout.strip())
    poll(lambda: not board.exists() or "\nState:\tZ" in (board / "status").read_text(), "the board had ended")


def test_a_stale_name_is_taken_over_but_a_file_is_not_touched(start: Start, tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/dev/pts/99999")
    first = start()
    ready(first, tmp_path)
    first.terminate()
    assert first.wait(BOUND_S) == 0
    (tmp_path / "port").write_text("precious")
    second = start()
    assert second.wait(BOUND_S) == 1
    assert second.stderr is not None
    assert "is no link" in second.stderr.read()
    assert (tmp_path / "port").read_text() == "precious"


def test_a_light_log_that_cannot_be_made_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    process = start()
    assert process.wait(BOUND_S) == 1
    assert process.stderr is not None
    assert "cannot start" in process.stderr.read()


def test_bad_options_are_refused(start: Start) -> None:
    process = start("--fault", "drop 500%")
    assert process.wait(BOUND_S) == 2
    assert process.stderr is not None
    assert "--fault" in process.stderr.read()


def test_a_control_line_it_does_not_know_is_answered_with_those_it_does(start: Start, tmp_path: Path) -> None:
    process = start("--fault", "delay 5")
    ready(process, tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("explode\nstate\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("error unknown word 'explode'; known: bounce, card,")
    assert process.stdout.readline().startswith("ok state mask=0")


def test_it_lives_on_when_its_controls_are_closed(
    start: Start, tmp_path: Path, lit: Callable[[], None]
) -> None:
    process = start("--stay")
    ready(process, tmp_path)
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    lit()
    assert process.poll() is None


def test_bytes_nobody_fetches_do_not_block_it(start: Start, tmp_path: Path, lit: Callable[[], None]) -> None:
    process = start()
    ready(process, tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(20):
        process.stdin.write("garbage 4096\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ok garbage 4096\n"
    lit()


def test_its_process_is_idle_when_nobody_is_there(
    start: Start, tmp_path: Path, lights: Callable[[], LightLogReader]
) -> None:
    process = start()
    ready(process, tmp_path)
    link = SerialLink(str(tmp_path / "port"), 250_000)
    link.open()
    for number, command in enumerate(
        (m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 1, 300), m.Light(3, 0, 9_000))
    ):
        link.write(Frame(number, command.ID, command.pack()).encode())
    reader = lights()
    poll(lambda: [mask for _, mask in reader.edges_back()] == [0, 8], "light and lease had come and gone")
    link.close()

    def switches() -> int:
        text = Path("/proc", str(process.pid), "status").read_text()
        return int(text.split("voluntary_ctxt_switches:")[1].split()[0])

    before = switches()
    ended = time.monotonic() + 0.5
    poll(lambda: time.monotonic() > ended, "half a second had passed")
    assert switches() - before < 20
    os.kill(process.pid, signal.SIGTERM)
