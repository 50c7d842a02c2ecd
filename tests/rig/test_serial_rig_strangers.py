"""A port with somebody else behind it, or nobody."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from station.rig.serial_rig import SerialRig
from station.wire import messages as m
from station.wire.frame import Frame, FrameReader


class Impostor:
    """Something else behind the port: answers whatever it is sent with what `answer` makes of it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._far, self._near = os.openpty()
        self.port = os.ttyname(self._near)
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while (data := os.read(self._far, 1_000)) != b"end\n":
            os.write(self._far, self._answer(data))

    def end(self) -> None:
        os.write(self._near, b"end\n")
        self._thread.join()
        os.close(self._near)
        os.close(self._far)


@pytest.fixture
def impostor() -> Iterator[Callable[[Callable[[bytes], bytes]], Impostor]]:
    made: list[Impostor] = []

    def make(answer: Callable[[bytes], bytes]) -> Impostor:
        made.append(Impostor(answer))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_nobody_behind_the_port(impostor: Any, make_rig: Any, failure: Any) -> None:
    error = failure(make_rig(impostor(lambda _: b"").port, open_timeout_s=0.2).open)
    assert (error.code, "nothing answers" in str(error)) == ("rig_silent", True)


def test_somebody_else_behind_the_port(impostor: Any, make_rig: Any, failure: Any) -> None:
    chance = random.Random(1)
    rig = make_rig(impostor(lambda _: chance.randbytes(60)).port, open_timeout_s=0.2)
    error = failure(rig.open)
    assert (error.code, "not the rig's protocol" in str(error)) == ("rig_silent", True)


def test_a_board_of_another_version_is_named_with_what_to_do(
    impostor: Any, make_rig: Any, failure: Any
) -> None:
    reader = FrameReader()

    def answer(data: bytes) -> bytes:
        out = b""
        for frame in reader.feed(data):
            session = m.Prefix.unpack(frame.payload[: m.Prefix.LAYOUT.size]).session
            reply = m.Prefix(m.MAJOR + 1, 4, 0x1234ABCD, session).pack() + b"other fields"
            out += Frame(frame.seq, m.HelloReply.ID, reply).encode()
        return out

    port = impostor(answer).port
    error = failure(make_rig(port).open)
    assert error.code == "rig_protocol"
    assert f"{m.MAJOR + 1}.4" in str(error)
    assert f"{m.MAJOR}.{m.MINOR}" in str(error)
    assert f"station rig flash --port {port}" in error.hint


def test_no_port_at_all(tmp_path: Path, make_rig: Any, failure: Any) -> None:
    error = failure(make_rig(tmp_path / "none").open)
    assert (error.code, str(tmp_path / "none") in str(error)) == ("rig_missing", True)


def test_a_port_in_use(software_board: Any, rig: SerialRig, make_rig: Any, failure: Any) -> None:
    assert failure(make_rig(software_board.link).open).code == "rig_missing"
    rig.switch(1, 1_000)


def test_a_rig_that_was_never_opened_can_be_closed(make_rig: Any) -> None:
    make_rig("/dev/null").close()
