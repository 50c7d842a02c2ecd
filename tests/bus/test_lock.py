"""The operator's lock: held by one, seen by all, ended by time, stolen in the open."""

from datetime import UTC, datetime
from typing import Any

import pytest

from station.bus.dispatch import Dispatcher
from station.bus.lock import OperatorLock
from station.bus.method import Method, operating, table
from station.documents.fault import StationError
from station.documents.lock import LockTake
from station.documents.requests import Accepted, NoParams
from station.documents.rpc import encode_request


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(clock: Clock) -> OperatorLock:
    return OperatorLock(clock, lambda: datetime(2026, 12, 1, 5, tzinfo=UTC))


def test_only_the_holder_operates(lock: OperatorLock) -> None:
    lock.check(None)
    token, before = lock.take(LockTake(name="Anna", reason="the long box"))
    assert before.name == ""
    lock.check(token)
    for other in (None, "x"):
        with pytest.raises(
            StationError, match=r"Anna operates the station since 2026-12-01T05.*the long box"
        ) as caught:
            lock.check(other)
        assert caught.value.code == "locked"
    with pytest.raises(StationError):
        lock.take(LockTake(name="Ben"))


def test_it_ends_some_time_after_the_holders_last_request(lock: OperatorLock, clock: Clock) -> None:
    token, _ = lock.take(LockTake(name="Anna", for_s=60))
    for _ in range(5):
        clock.now_s += 59
        lock.check(token)
    clock.now_s += 60
    lock.check(None)
    assert lock.show().name == ""
    lock.take(LockTake(name="Ben"))


def test_it_can_be_stolen_and_the_old_token_is_worth_nothing(lock: OperatorLock) -> None:
    old, _ = lock.take(LockTake(name="Anna"))
    new, before = lock.take(LockTake(name="Ben", steal=True), key="tablet")
    assert (before.name, lock.show().name) == ("Anna", "Ben (tablet)")
    with pytest.raises(StationError):
        lock.check(old)
    with pytest.raises(StationError):
        lock.release(old)
    lock.release(new)
    assert lock.show().name == ""


async def test_what_changes_nothing_and_what_is_free_needs_no_lock(lock: OperatorLock) -> None:
    async def work(_: NoParams) -> Accepted:
        return Accepted()

    def method(name: str, effect: str) -> Method[Any]:
        return Method(name, work, NoParams, Accepted, "", effect)

    methods = operating(
        (method("look", "none"), method("move", "A light."), method("stop", "No light.")), free=("stop",)
    )
    dispatcher = Dispatcher(table(*methods), lock=lock)
    token, _ = lock.take(LockTake(name="Anna"))

    async def outcome(name: str, operator: str | None) -> bool:
        reply = await dispatcher.answer(encode_request("1", name, {}, operator=operator))
        assert reply is not None
        return b'"result"' in reply[0]

    assert await outcome("look", None)
    assert await outcome("stop", None)
    assert not await outcome("move", None)
    assert await outcome("move", token)


async def test_any_request_of_the_holders_prolongs_the_lock_and_no_token_upsets_it(
    lock: OperatorLock, clock: Clock
) -> None:
    async def look(_: NoParams) -> Accepted:
        return Accepted()

    dispatcher = Dispatcher(table(Method("look", look, NoParams, Accepted, "")), lock=lock)
    token, _ = lock.take(LockTake(name="Anna", for_s=60))
    for _ in range(3):
        clock.now_s += 59
        assert await dispatcher.answer(encode_request("1", "look", {}, operator=token)) is not None
    assert lock.show().name == "Anna"
    clock.now_s += 59
    for stranger in (None, "ü" * 16):
        await dispatcher.answer(encode_request("1", "look", {}, operator=stranger))
    with pytest.raises(StationError):
        lock.check("ü" * 16)
    clock.now_s += 1
    assert lock.show().name == "", "strangers prolong nothing"
