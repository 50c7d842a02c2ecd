"""The host's session against the software board's core, over every kind of bad line, in simulated time."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.twin.board_core import Birth, BoardCore, Output
from station.wire import messages as m
from station.wire.frame import Frame
from station.wire.session import (
    TIMEOUT_S,
    Answered,
    CommandInFlightError,
    Delivery,
    Reported,
    Session,
    Stranger,
    Unanswered,
)

NS = 1_000_000_000
TRANSIT_NS = 2_000_000
HELLO = m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 7, 60_000)
PASS, DROP, CORRUPT, REPEAT, DELAY = "pass", "drop", "corrupt", "repeat", "delay"


@dataclass
class Line:
    """One direction: bytes keep their order, whatever befalls a frame."""

    fates: Iterator[str]
    held: deque[tuple[int, bytes]] = field(default_factory=deque)

    def send(self, data: bytes, now_ns: int) -> None:
        for piece in data.split(b"\0")[:-1]:
            fate = next(self.fates)
            frame = piece + b"\0"
            if fate == DROP or not piece:
                continue
            if fate == CORRUPT:
                frame = bytes((frame[0] ^ 0x40,)) + frame[1:]
            arrives = now_ns + TRANSIT_NS + (150_000_000 if fate == DELAY else 0)
            if self.held:
                arrives = max(arrives, self.held[-1][0])
            self.held.append((arrives, frame * (2 if fate == REPEAT else 1)))

    def receive(self, now_ns: int) -> bytes:
        out = b""
        while self.held and self.held[0][0] <= now_ns:
            out += self.held.popleft()[1]
        return out


class World:
    """Session, board and two lines on one simulated clock."""

    def __init__(self, fates: Iterator[str]) -> None:
        self.now_ns = 0
        self.session = Session(lease_s=60.0, first_seq=250)
        self.board = BoardCore(Birth(1, m.ResetCause.POWER_ON), 0)
        self.there, self.back = Line(fates), Line(fates)
        self.edges: list[int] = []
        self.deliveries: list[Delivery] = []

    def board_does(self, output: Output) -> None:
        self.edges += [mask for _, mask in output.edges]
        for frame in output.frames:
            self.back.send(frame, self.now_ns)

    def step(self) -> None:
        times = [line.held[0][0] for line in (self.there, self.back) if line.held]
        times += [wake for wake in (self.board.wake_ns,) if wake is not None]
        if self.session.wake_s is not None:
            times.append(round(self.session.wake_s * NS))
        self.now_ns = max(self.now_ns + 1_000, min(times, default=self.now_ns))
        data = self.there.receive(self.now_ns)
        self.board_does(self.board.receive(data, self.now_ns) if data else self.board.advance(self.now_ns))
        for outcome in (
            self.session.receive(self.back.receive(self.now_ns), self.now_ns / NS),
            self.session.advance(self.now_ns / NS),
        ):
            self.there.send(outcome.out, self.now_ns)
            self.deliveries += outcome.deliveries

    def ask(self, command: m.Command) -> Answered | Unanswered:
        self.there.send(self.session.submit(command, self.now_ns / NS), self.now_ns)
        while True:
            self.step()
            ends = [d for d in self.deliveries if isinstance(d, Answered | Unanswered)]
            if ends:
                self.deliveries.remove(ends[0])
                return ends[0]


def clean() -> World:
    world = World(repeat(PASS))
    world.ask(HELLO)
    return world


any_line = st.lists(
    st.sampled_from([PASS, PASS, PASS, DROP, CORRUPT, REPEAT, DELAY]), min_size=1, max_size=40
)


@settings(max_examples=150, deadline=None)
@given(any_line)
def test_a_command_acts_once_if_answered_and_never_twice(fates: list[str]) -> None:
    world = World(cycle(fates))
    if not isinstance(world.ask(HELLO), Answered):
        return
    for number in range(12):
        before = len(world.edges)
        ended = world.ask(m.Light(number % 8, 0, 10_000))
        acted = world.edges[before:]
        if isinstance(ended, Answered):
            assert isinstance(ended.reply, m.Ok)
            assert acted == [1 << number % 8]
        else:
            assert acted in ([], [1 << number % 8])
            return


@settings(max_examples=100, deadline=None)
@given(any_line)
def test_events_arrive_once_and_in_order(fates: list[str]) -> None:
    world = World(cycle([*fates, PASS, PASS]))  # two in a row get through now and then
    if not isinstance(world.ask(HELLO), Answered):
        return
    for button in (0, 1, 0, 1):
        world.board_does(world.board.press(button, pressed=True, now_ns=world.now_ns))
    for _ in range(3_000):
        if len([d for d in world.deliveries if isinstance(d, Reported)]) == 4:
            break
        world.step()
    for _ in range(50):
        world.step()
    got = [
        d.event.button for d in world.deliveries if isinstance(d, Reported) and isinstance(d.event, m.Button)
    ]
    assert got == [0, 1, 0, 1][: len(got)]
    if DROP not in fates and CORRUPT not in fates:
        assert got == [0, 1, 0, 1]
        assert world.session.counts.events_skipped == 0


@given(st.binary(max_size=200))
def test_noise_never_becomes_a_delivery(noise: bytes) -> None:
    session = Session(1.5)
    session.submit(m.Ping(), 0.0)
    assert session.receive(noise + b"\0", 0.01).deliveries == []


def test_a_command_is_repeated_with_the_same_number_and_given_up_after_ten_tries() -> None:
    session, sent, now = Session(60.0, first_seq=9), [], 0.0
    sent.append(session.submit(m.Ping(), now))
    while True:
        now += TIMEOUT_S
        outcome = session.advance(now)
        if outcome.deliveries:
            break
        sent.append(outcome.out)
    assert {data.strip(b"\0") for data in sent} == {Frame(9, m.Ping.ID).encode().strip(b"\0")}
    assert len(sent) == m.TRIES_MAX
    assert outcome.deliveries == [Unanswered(m.Ping(), m.TRIES_MAX)]
    assert session.idle


def test_a_command_was_carried_out_between_its_first_sending_and_its_reply() -> None:
    session = Session(60.0, first_seq=9)
    session.submit(m.Ping(), 5.0)
    assert session.advance(5.0 + TIMEOUT_S).out
    reply = Frame(9, m.Pong.ID, m.Pong(77, 1).pack()).encode()
    (answered,) = session.receive(reply, 5.3).deliveries
    assert answered == Answered(m.Ping(), m.Pong(77, 1), sent_s=5.0, received_s=5.3, tries=2)


def test_a_command_is_given_up_when_the_lease_is_over() -> None:
    session, now, tries = Session(0.3), 0.0, 1
    session.submit(m.Ping(), now)
    while not session.idle:
        now += TIMEOUT_S
        tries += bool(session.advance(now).out)
    assert tries == 3


def test_nothing_is_repeated_before_its_time() -> None:
    session = Session(1.5)
    session.submit(m.Ping(), 5.0)
    assert session.wake_s == pytest.approx(5.0 + TIMEOUT_S)
    assert session.advance(5.0 + TIMEOUT_S / 2).out == b""


def test_only_one_command_at_a_time() -> None:
    session = Session(1.5)
    session.submit(m.Ping(), 0.0)
    with pytest.raises(CommandInFlightError, match="Ping"):
        session.submit(m.Off(), 0.0)


def test_a_late_reply_to_an_earlier_command_is_not_taken_for_the_present_one() -> None:
    session = Session(0.1)
    session.submit(m.Off(), 0.0)
    assert session.advance(0.2).deliveries  # given up
    session.submit(m.Off(), 0.3)
    assert session.receive(Frame(0, m.Ok.ID).encode(), 0.31).deliveries == []
    assert session.counts.stale_replies == 1
    assert len(session.receive(Frame(1, m.Ok.ID).encode(), 0.32).deliveries) == 1


@pytest.mark.parametrize("hit", [0x01, 0x02, 0x04, 0x08])
def test_a_reply_whose_closing_zero_was_hit_is_not_taken(hit: int) -> None:
    session = Session(1.5)
    session.submit(m.Off(), 0.0)
    wire = Frame(0, m.Ok.ID).encode()
    assert session.receive(wire[:-1] + bytes((hit,)) + b"\0", 0.01).deliveries == []
    assert len(session.receive(wire, 0.02).deliveries) == 1


def test_a_reply_of_the_wrong_kind_is_not_taken() -> None:
    session = Session(1.5)
    session.submit(m.Ping(), 0.0)
    assert session.receive(Frame(0, m.Ok.ID).encode(), 0.01).deliveries == []
    assert session.receive(Frame(0, m.Pong.ID, b"short").encode(), 0.01).deliveries == []
    assert session.counts.malformed == 2


@pytest.mark.parametrize(
    ("major", "schema"), [(m.MAJOR + 1, m.SCHEMA_HASH), (m.MAJOR, m.SCHEMA_HASH ^ 1)], ids=["major", "schema"]
)
def test_a_board_of_another_version_is_a_stranger_whatever_else_it_says(major: int, schema: int) -> None:
    session = Session(1.5)
    session.submit(HELLO, 0.0)
    prefix = m.Prefix(major, 9, schema, HELLO.session)
    reply = Frame(0, m.HelloReply.ID, prefix.pack() + b"anything").encode()
    assert session.receive(reply, 0.01).deliveries == [Stranger(prefix)]


def test_events_of_the_time_before_the_greeting_are_neither_taken_nor_acknowledged() -> None:
    session = Session(1.5)
    event = Frame(1, m.Card.ID, m.Card(1, 5).pack()).encode()
    outcome = session.receive(event, 0.0)
    assert (outcome.out, outcome.deliveries) == (b"", [])


def test_an_event_of_unknown_shape_is_not_acknowledged() -> None:
    world = clean()
    outcome = world.session.receive(Frame(1, m.Card.ID, b"?").encode(), 1.0)
    assert (outcome.out, outcome.deliveries) == (b"", [])
    assert world.session.counts.malformed == 1


def test_missing_events_are_counted() -> None:
    world = clean()
    world.session.receive(Frame(1, m.Card.ID, m.Card(1, 5).pack()).encode(), 1.0)
    world.session.receive(Frame(4, m.Card.ID, m.Card(0, 6).pack()).encode(), 1.1)
    assert (world.session.counts.events, world.session.counts.events_skipped) == (2, 1)


def test_event_numbers_go_round_without_a_gap() -> None:
    world = clean()
    for press in range(600):
        world.board_does(world.board.press(0, pressed=press % 2 == 0, now_ns=world.now_ns))
        for _ in range(4):
            world.step()
    assert world.session.counts.events == 600
    assert world.session.counts.events_skipped == 0
