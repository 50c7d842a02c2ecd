"""The watchdog is only told that all is well where every organ just answered."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.share.alive import Alive


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """All that the service manager was told since it was last asked, line by line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def drain() -> list[str]:
            lines: list[str] = []
            while True:
                try:
                    lines += listener.recv(4_096).decode().splitlines()
                except BlockingIOError:
                    return lines

        yield drain


async def rounds(alive: Alive, count: int) -> None:
    until = alive.asked + count
    while alive.asked < until:  # noqa: ASYNC110 - a round raises no event
        await asyncio.sleep(0.005)


async def well() -> None:
    """An organ that answers."""


async def test_ready_then_alive_then_stopping(heard: Callable[[], list[str]]) -> None:
    async with Alive({"database": well}, every_s=0.01) as alive:
        await rounds(alive, 2)
    told = heard()
    assert (told[0], told[-1]) == ("READY=1", "STOPPING=1")
    assert told.count("WATCHDOG=1") >= 2


async def test_an_organ_that_hangs_silences_the_watchdog_until_it_answers(
    heard: Callable[[], list[str]],
) -> None:
    stuck = asyncio.Event()
    async with Alive({"rig": stuck.wait, "database": well}, every_s=0.01, patience_s=0.05) as alive:
        await rounds(alive, 1)
        assert alive.sick == {"rig": "no answer within 0.05 s"}
        told = heard()
        assert "WATCHDOG=1" not in told
        assert "STATUS=not well: rig: no answer within 0.05 s" in told
        stuck.set()
        await rounds(alive, 2)
        assert alive.sick == {}
        assert "WATCHDOG=1" in heard()


async def test_an_organ_that_fails_is_named() -> None:
    async def full() -> None:
        raise OSError("no room")

    async with Alive({"disk": full}, every_s=0.01) as alive:
        await rounds(alive, 1)
        assert alive.sick == {"disk": "no room"}


async def test_a_loop_that_was_blocked_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.share.alive.LATE_S", 0.05)
    asyncio.get_running_loop().set_debug(False)
    async with Alive({}, every_s=0.02) as alive:
        await rounds(alive, 1)
        time.sleep(0.2)  # noqa: ASYNC251 - this is the fault
        await rounds(alive, 1)
        assert "loop" in alive.sick
