"""A device that goes comes back by itself: one line down, one line up, and the next scan works."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from station.documents.fault import StationError

if TYPE_CHECKING:
    from conftest import Bench

READY = "simulated"  # what `ready` is called on the twin


class Board:
    """A software board behind the twin's link, in place of the one that the daemon had started."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "board"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "station.twin.board"),
                *("--link", str(self.link), "--light-log", str(folder / "lights")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == f"ready {self.link}"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def order(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self._line().startswith("ok ")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def board_of(daemon: subprocess.Popen[str]) -> int:
    """The process of the board that the daemon started."""
    for task in Path(f"/proc/{daemon.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"station.twin.board" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("the daemon has no board")


class Station:
    """A daemon, and what it says from a moment on."""

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench
        self.daemon = bench.start_daemon()
        self.said = 0

    def listen(self) -> None:
        self.said = len(self.bench.output("daemon"))

    def lines(self, words: str = "") -> list[str]:
        """Lines of the log since then with these words; the bus tells of slowness on a busy machine."""
        said = self.bench.output("daemon")[self.said :].splitlines()
        return [line for line in said if words in line and " station.bus." not in line]

    def await_state(self, device: str, *states: str) -> Any:
        """Wait until the status says so, without any scan."""
        with self.bench.client() as client:
            return self.bench.wait_for(
                f"the {device} to be {' or '.join(states)}",
                lambda: (found := getattr(client.status(), device)).state in states and found,
            )

    def scan(self) -> None:
        with self.bench.client() as client:
            self.bench.scan(client, "scan.captured")


@pytest.fixture
def station(bench: "Bench") -> Station:
    return Station(bench)


@pytest.fixture
def successor(station: Station) -> Iterator[Callable[[], Board]]:
    """Starts a board under another pseudo-terminal, but behind the same link."""
    started: list[Board] = []

    def start() -> Board:
        started.append(Board(station.bench.data / "run"))
        return started[-1]

    yield start
    for board in started:
        board.kill()


@pytest.fixture
def board(station: Station, successor: Callable[[], Board]) -> Board:
    """A board in the test's hands, and a daemon that has found it."""
    station.listen()
    os.kill(board_of(station.daemon), signal.SIGKILL)
    station.await_state("rig", "lost", "fault")
    made = successor()
    station.await_state("rig", READY)
    return made


def ended(station: Station, scan_id: str) -> Any:
    """The scan once it has ended."""
    with station.bench.client() as client:
        return station.bench.wait_for(
            "the scan's end", lambda: (found := client.scan_get(scan_id)).state != "capturing" and found
        )


def test_one_line_down_one_line_up_whatever_it_was(station: Station, board: Board) -> None:
    lines = station.lines()  # of the board that the fixture killed, and of its successor under another port
    assert len(lines) == 2, lines
    assert "rig lost: " in lines[0]
    assert "rig back after " in lines[1]
    for down, up in [("reset", ""), ("hang", ""), ("unplug", "plug"), ("mute", "heal")]:
        station.listen()
        board.order(down)
        station.bench.wait_for("the loss", lambda: station.lines("rig lost"))
        if up:
            assert str(board.link) in station.await_state("rig", "lost").evidence
            board.order(up)
        station.await_state("rig", READY)
        assert len(station.lines()) == 2, (down, station.lines())
    with station.bench.client() as client:
        assert (client.status().state, client.status().fault) == ("idle", None)
        kinds = [event.type for event in client.events_since(0)]
    assert kinds.count("rig.lost") == kinds.count("rig.ready") == 5
    station.scan()
    assert len(station.lines("rig ")) == 2


def test_a_scan_in_flight_is_reported_and_the_next_one_works(
    station: Station, board: Board, successor: Callable[[], Board]
) -> None:
    for down in ("reset", "kill"):
        station.listen()
        with station.bench.client() as client:
            head = client.status().seq
            scan_id = client.scan_start("front")
            for event in client.events(after=head):
                if event.type == "scan.step" and event.data["step"] == "light 2":
                    break
        board.kill() if down == "kill" else board.order(down)
        end = ended(station, scan_id)
        assert end.state == "failed"
        assert end.reason.startswith("rig_")
        if down == "kill":
            successor()
        station.await_state("rig", READY)
        assert len(station.lines("rig lost")) == len(station.lines("rig back")) == 1
    station.scan()
    assert len(station.lines("rig lost")) == 1


def test_no_card_is_accepted_without_the_rig_and_the_reason_is_said(station: Station, board: Board) -> None:
    board.order("unplug")
    station.await_state("rig", "lost")
    with station.bench.client() as client:
        assert "the rig is lost: " in client.status().not_ready
        with pytest.raises(StationError, match="the rig is lost: there is no port") as caught:
            client.scan_start("front")
        assert caught.value.code == "not_ready"
        assert client.scan_list() == []
    board.order("plug")
    station.await_state("rig", READY)
    station.scan()


def test_a_camera_is_missed_between_scans_and_by_a_scan_and_found_again(station: Station) -> None:
    station.listen()
    with station.bench.client() as client:
        client.call("twin.camera", {"plugged": False})
        assert "unplugged" in station.await_state("camera", "lost").evidence
        assert (client.status().fault or "").startswith("camera_missing")
        with pytest.raises(StationError, match=r"the camera is lost: .*unplugged") as caught:
            client.scan_start("front")
        assert caught.value.code == "not_ready"
        client.call("twin.camera", {"plugged": True})
        station.await_state("camera", READY)
        assert client.status().fault is None
    assert len(station.lines()) == 2, station.lines()
    station.scan()
