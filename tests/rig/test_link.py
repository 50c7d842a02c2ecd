import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.documents.fault import StationError
from station.rig.link import LinkLostError, SerialLink
from station.wire.messages import BAUD


class Cable:
    """A pseudo-terminal whose far end the test holds."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        self.port = os.ttyname(self._near)
        os.close(self._near)

    def cut(self) -> None:
        if self.far >= 0:
            os.close(self.far)
        self.far = -1


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    yield made
    made.cut()


@pytest.fixture
def link(cable: Cable) -> Iterator[SerialLink]:
    made = SerialLink(cable.port, BAUD)
    made.open()
    yield made
    made.close()


def test_bytes_go_both_ways_unchanged(cable: Cable, link: SerialLink) -> None:
    every = bytes(range(256))
    link.write(every)
    assert os.read(cable.far, 1_000) == every
    os.write(cable.far, every)
    got = b""
    while len(got) < len(every):
        got += link.read(1.0)
    assert got == every


def test_nothing_arrives_in_time(link: SerialLink) -> None:
    assert link.read(0.0) == b""


def test_a_cut_cable_is_noticed(cable: Cable, link: SerialLink) -> None:
    cable.cut()
    with pytest.raises(LinkLostError):
        link.read(1.0)
    with pytest.raises(LinkLostError):
        link.write(b"?")
    link.close()
    link.close()


def test_a_closed_link_has_nothing_to_say(link: SerialLink) -> None:
    link.close()
    with pytest.raises(LinkLostError, match="not open"):
        link.read(0.0)


def test_closing_does_not_pull_the_reset_line(cable: Cable, link: SerialLink) -> None:
    assert not termios.tcgetattr(cable.far)[2] & termios.HUPCL


def test_a_port_is_not_shared(cable: Cable, link: SerialLink) -> None:
    with pytest.raises(StationError, match="cannot be opened") as caught:
        SerialLink(cable.port, BAUD).open()
    assert caught.value.code == "rig_missing"


def test_a_file_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no terminal")
    with pytest.raises(StationError, match="cannot be opened") as caught:
        SerialLink(str(file), BAUD).open()
    assert caught.value.code == "rig_missing"
    assert file.read_text() == "no terminal"


def test_no_port(tmp_path: Path) -> None:
    with pytest.raises(StationError, match="there is no port") as caught:
        SerialLink(str(tmp_path / "nothing"), BAUD).open()
    assert caught.value.code == "rig_missing"
