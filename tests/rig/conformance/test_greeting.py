"""How a board and a host meet."""

from typing import Any

import pytest

from station.wire import messages as m
from station.wire.frame import Frame


def test_hello_says_who_the_board_is(fresh_board: Any, stranger: Any) -> None:
    reply = stranger.hello(session=777, lease_ms=1_500)
    assert (reply.major, reply.minor, reply.schema_hash) == (m.MAJOR, m.MINOR, m.SCHEMA_HASH)
    assert (reply.session, reply.lease_ms) == (777, 1_500)
    assert (reply.light_count, reply.button_count) == (8, 2)
    assert reply.flags & m.BoardFlag.SIMULATED
    assert reply.reset_cause is m.ResetCause.POWER_ON
    assert (reply.max_on_max_ms, reply.steps_max) == (m.MAX_ON_MAX_MS, m.STEPS_MAX)
    assert (reply.gap_min_us, reply.gap_max_us) == (m.GAP_MIN_US, m.GAP_MAX_US)
    assert reply.exposure_min_us == m.EXPOSURE_MIN_US
    assert reply.ticks_hz >= 100_000
    assert reply.fault is m.Fault.NONE


@pytest.mark.parametrize(
    ("asked", "granted"), [(1, m.LEASE_MIN_MS), (65_535, m.LEASE_MAX_MS), (2_000, 2_000)]
)
def test_the_lease_is_kept_within_limits(stranger: Any, asked: int, granted: int) -> None:
    assert stranger.hello(lease_ms=asked).lease_ms == granted


def test_without_a_session_only_hello_and_off_are_served(board: Any, stranger: Any) -> None:
    assert stranger.ask(m.Light(0, 0, 1_000)) == m.Refused(m.Refusal.NO_SESSION)
    assert stranger.ask(m.Ping()) == m.Refused(m.Refusal.NO_SESSION)
    assert stranger.ask(m.Off()) == m.Ok()
    assert board.masks() == []


def test_session_number_nought_is_refused(stranger: Any) -> None:
    hello = m.Hello(m.MAJOR, m.MINOR, m.SCHEMA_HASH, 0, 1_000)
    assert stranger.ask(hello) == m.Refused(m.Refusal.BAD_VALUE)


@pytest.mark.parametrize(
    "change", [{"major": m.MAJOR + 1}, {"schema_hash": m.SCHEMA_HASH ^ 1}], ids=["major", "schema"]
)
def test_a_host_of_another_version_gets_an_answer_but_no_session(
    stranger: Any, change: dict[str, int]
) -> None:
    said = {
        "major": m.MAJOR,
        "minor": 0,
        "schema_hash": m.SCHEMA_HASH,
        "session": 9,
        "lease_ms": 1_000,
    } | change
    reply = stranger.ask(m.Hello(**said))
    assert (reply.major, reply.schema_hash, reply.session) == (m.MAJOR, m.SCHEMA_HASH, 9)
    assert stranger.ask(m.Light(0, 0, 1_000)) == m.Refused(m.Refusal.NO_SESSION)


def test_a_longer_hello_of_another_version_is_answered_too(stranger: Any) -> None:
    longer = m.Prefix(m.MAJOR + 1, 3, 0xDEADBEEF, 21).pack() + b"something of later days"
    stranger.link.write(Frame(3, m.Hello.ID, longer).encode())
    assert stranger.reply(3).session == 21


def test_a_new_session_switches_off_and_forgets(board: Any, host: Any) -> None:
    host.load(host.steps([1]))
    host.do(m.Light(2, 0, 10_000))
    host.hello(session=2)
    assert board.lit() == 0
    assert host.status().steps_stored == 0
    assert host.ask(m.Arm()) == m.Refused(m.Refusal.NO_PROGRAMME)


def test_the_same_session_again_changes_nothing(board: Any, host: Any) -> None:
    host.do(m.Light(2, 0, 10_000))
    host.hello(session=1)
    assert board.lit() == 0b100
    assert host.status().mask == 0b100
