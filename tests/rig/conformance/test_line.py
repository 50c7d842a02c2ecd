"""A line that repeats, damages and loses."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from station.wire import messages as m
from station.wire.frame import Frame


def test_a_repeated_command_is_answered_again_and_acts_once(board: Any, host: Any) -> None:
    step = host.steps([1])[0]
    host.do(m.ProgrammeBegin(1, host.checksum([step])))
    assert host.ask(step, seq=200) == m.Ok()
    assert host.ask(step, seq=200) == m.Ok()  # a second step would be out of turn
    assert host.ask(m.Light(1, 0, 10_000), seq=201) == m.Ok()
    assert host.ask(m.Light(1, 0, 10_000), seq=201) == m.Ok()
    assert board.masks() == [0b10]
    assert host.ask(m.Stats()).frames_repeated == 2


def test_a_repeated_start_runs_once(board: Any, host: Any) -> None:
    host.load(host.steps([1, 2]))
    host.do(m.Arm())
    assert host.ask(m.Start(), seq=210) == m.Ok()
    assert host.ask(m.Start(), seq=210) == m.Ok()
    host.await_event(m.ProgrammeDone)
    assert board.masks() == [1, 0, 2, 0]


def test_the_same_number_with_other_content_is_another_command(board: Any, host: Any) -> None:
    assert host.ask(m.Light(1, 0, 10_000), seq=5) == m.Ok()
    assert host.ask(m.Light(2, 0, 10_000), seq=5) == m.Ok()
    assert board.masks() == [0b10, 0b100]


def test_a_kept_reply_does_not_outlive_its_session(board: Any, host: Any) -> None:
    host.ask(m.Light(1, 0, 10_000), seq=5)
    host.hello(session=2)
    assert host.ask(m.Light(1, 0, 10_000), seq=5) == m.Ok()
    assert board.masks() == [0b10, 0, 0b10]


def test_noise_is_survived_and_counted(board: Any, host: Any) -> None:
    chance = random.Random(3)
    bad = host.ask(m.Stats()).frames_bad
    for _ in range(20):
        host.link.write(chance.randbytes(200) + b"\0")
        assert isinstance(host.ask(m.Ping()), m.Pong)
    assert host.ask(m.Stats()).frames_bad >= bad + 20
    assert board.masks() == []


def test_a_damaged_frame_is_not_obeyed(board: Any, host: Any) -> None:
    wire = bytearray(Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack()).encode())
    wire[3] ^= 4
    host.link.write(bytes(wire))
    assert isinstance(host.ask(m.Ping()), m.Pong)
    assert board.masks() == []


@pytest.mark.parametrize(
    "frame",
    [
        Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack() + b"\0"),
        Frame(50, m.Light.ID, m.Light(1, 0, 1_000).pack()[:-1]),
        Frame(50, m.Ping.ID, b"\0"),
        Frame(50, m.Hello.ID, m.Hello(m.MAJOR, 0, m.SCHEMA_HASH, 5, 1_000).pack() + b"\0"),
        Frame(50, m.Hello.ID, b"\1\0"),
    ],
    ids=str,
)
def test_a_frame_of_the_wrong_length_is_damaged_and_not_answered(board: Any, host: Any, frame: Frame) -> None:
    bad = host.ask(m.Stats()).frames_bad
    host.link.write(frame.encode())
    assert host.ask(m.Stats()).frames_bad == bad + 1
    assert host.heard == []
    assert board.masks() == []


def test_portions_of_a_frame_are_put_together(board: Any, host: Any) -> None:
    for byte in Frame(60, m.Light.ID, m.Light(3, 0, 10_000).pack()).encode():
        host.link.write(bytes((byte,)))
    assert host.reply(60) == m.Ok()
    assert board.lit() == 1 << 3


def test_its_own_replies_thrown_back_are_ignored(host: Any) -> None:
    host.link.write(Frame(70, m.Ok.ID).encode() + Frame(71, m.Card.ID, m.Card(1, 1).pack()).encode())
    assert isinstance(host.ask(m.Ping()), m.Pong)
    assert host.heard == []


def test_another_host_can_take_over(board: Any, host: Any, another_host: Callable[[], Any]) -> None:
    host.do(m.Light(1, 0, 10_000))
    host.link.close()
    successor = another_host()
    successor.hello(session=2)
    assert board.lit() == 0
    successor.do(m.Light(2, 0, 10_000))
    assert board.masks() == [0b10, 0, 0b100]
