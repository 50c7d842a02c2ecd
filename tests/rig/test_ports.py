"""The board's port by its path, by its lasting name, as the one board among many."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station.documents.fault import StationError
from station.rig.ports import Ports
from station.rig.serial_rig import SerialRig
from station.wire import messages as m


class Silent:
    """A serial device that is no board: a pseudo-terminal nobody answers on."""

    def __init__(self) -> None:
        self.far, near = os.openpty()
        self.port = os.ttyname(near)
        os.close(near)


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    os.close(made.far)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a software board under a name in `tmp_path`."""
    boards: list[subprocess.Popen[str]] = []

    def begin(name: str) -> "subprocess.Popen[str]":
        link = tmp_path / name
        command = ["-m", "station.twin.board", "--link", str(link), "--light-log", str(link) + ".log"]
        boards.append(subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True))
        out = boards[-1].stdout
        assert out is not None
        assert out.readline() == f"ready {link}\n"
        return boards[-1]

    yield begin
    for board in boards:
        board.kill()
        board.wait()
        assert board.stdout is not None
        board.stdout.close()


@pytest.fixture
def by_id(tmp_path: Path) -> Path:
    """What udev keeps in /dev/serial/by-id."""
    folder = tmp_path / "by-id"
    folder.mkdir()
    return folder


@pytest.fixture
def make_rig(by_id: Path) -> Iterator[Callable[..., SerialRig]]:
    made: list[SerialRig] = []

    def make(port: object, patience_s: float = 0.3) -> SerialRig:
        made.append(SerialRig(str(port), m.BAUD, 1_500, patience_s, lambda _: None, by_id=by_id))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def failure(rig: SerialRig) -> str:
    with pytest.raises(StationError) as caught:
        rig.open()
    assert caught.value.code == "rig_missing"
    return str(caught.value)


def test_the_one_board_is_found_among_what_is_plugged_in(
    by_id: Path, tmp_path: Path, silent: Silent, start: Any, make_rig: Any
) -> None:
    start("board")
    (by_id / "usb-a-modem").symlink_to(silent.port)
    (by_id / "usb-b-board").symlink_to((tmp_path / "board").readlink())
    (by_id / "usb-c-gone").symlink_to(tmp_path / "nothing")
    assert make_rig("auto").open().port == str(by_id / "usb-b-board")


def test_a_single_port_is_taken_without_asking_twice(
    by_id: Path, tmp_path: Path, start: Any, make_rig: Any
) -> None:
    start("board")
    (by_id / "usb-board").symlink_to((tmp_path / "board").readlink())
    rig = make_rig("auto")
    assert rig.open().port == str(by_id / "usb-board")


def test_nothing_plugged_in(by_id: Path, make_rig: Any) -> None:
    assert failure(make_rig("auto")) == f"no serial port is plugged in: {by_id} is empty or absent"


def test_two_boards_are_named(by_id: Path, tmp_path: Path, start: Any, make_rig: Any) -> None:
    for name in ("one", "two"):
        start(name)
        (by_id / name).symlink_to((tmp_path / name).readlink())
    assert failure(make_rig("auto")) == f"2 boards answer: {by_id / 'one'}, {by_id / 'two'}"


def test_ports_without_a_board_are_named_with_their_reasons(
    by_id: Path, silent: Silent, make_rig: Any
) -> None:
    (by_id / "modem").symlink_to(silent.port)
    file = by_id / "file"
    file.write_text("")
    said = failure(make_rig("auto"))
    assert said.startswith("none of 2 serial ports has a board: ")
    assert f"{by_id / 'modem'} (nothing answers" in said
    assert f"{file} (" in said


def test_a_folder_of_ports_may_be_named(tmp_path: Path, start: Any, make_rig: Any) -> None:
    start("board")
    folder = tmp_path / "ports"
    folder.mkdir()
    (folder / "any").symlink_to((tmp_path / "board").readlink())
    assert make_rig(folder).open().port == str(folder / "any")


def test_a_board_that_comes_back_under_another_number_is_found_by_its_lasting_name(
    by_id: Path, tmp_path: Path, silent: Silent, start: Any, make_rig: Any, poll: Any
) -> None:
    first = start("board")
    number = (tmp_path / "board").readlink()
    (by_id / "usb-board").symlink_to(number)
    rig = make_rig(number, patience_s=5.0)  # a plain path, as in /dev/ttyACM0
    assert rig.open().port == str(number)
    first.kill()
    first.wait()
    (by_id / "usb-board").unlink()

    def lost() -> bool:
        try:
            rig.switch(None, 100)
        except StationError:
            return True
        return False

    poll(lost, "the loss was noticed")
    start("board")
    again = (tmp_path / "board").readlink()
    (by_id / "usb-board").symlink_to(again)  # as udev does
    rig.switch(1, 1_000)
    assert rig.info.port == str(by_id / "usb-board")
    assert Path(rig.info.port).resolve() == again.resolve()


def test_the_lasting_name_is_preferred_to_a_number_that_is_another_device_now(
    by_id: Path, tmp_path: Path
) -> None:
    number, other = tmp_path / "ttyACM0", tmp_path / "ttyACM1"
    for device in (number, other):
        device.touch()
    link = by_id / "usb-board"
    link.symlink_to(number)
    ports = Ports(str(number), by_id)
    assert ports.choose(lambda _: None) == str(number)
    ports.remember(str(number))
    link.unlink()
    link.symlink_to(other)
    assert ports.choose(lambda _: None) == str(link)
    link.unlink()
    assert ports.choose(lambda _: None) == str(number)
