"""Signals on a real board, played while nobody waits for them."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from station.config import TwinSettings
from station.rig.interface import SignallingRig
from station.rig.serial_rig import SerialRig
from station.scan.signalling import Signaller
from station.scan.signals import SIGNALS
from station.twin.bench import TwinBench
from station.wire import messages as m

BOUND_S = 30.0
LEASE_MS = 1_500
T = TypeVar("T")


class OneThread:
    """The rig's own thread."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "rig")

    async def on_rig(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)

    async def on_camera(self, work: Callable[[], T]) -> T:
        raise NotImplementedError


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinBench]:
    made = TwinBench(tmp_path_factory.mktemp("bench"), TwinSettings(dpi=50), LEASE_MS)
    made.open()
    yield made
    made.close()


@pytest.fixture
def threads() -> Iterator[OneThread]:
    made = OneThread()
    yield made
    made.pool.shutdown()


@pytest.fixture
def rig(bench: TwinBench) -> Iterator[SignallingRig]:
    made = SerialRig(str(bench.port), m.BAUD, LEASE_MS, 10.0, lambda _: None)
    made.open()
    yield made
    made.close()


async def until(condition: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + BOUND_S
    while not condition():
        if time.monotonic() > end_s:
            pytest.fail(f"waited in vain until {what}")
        await asyncio.sleep(0.005)


def lit(bench: TwinBench) -> tuple[int, int]:
    """Green and red, now."""
    shown = bench.shows()
    return shown["green"], shown["red"]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def beeps_since(bench: TwinBench, before: int) -> int:
    return bench.shows()["beeps"] - before


def test_a_signal_is_seen_and_heard_to_the_end_of_its_tune(
    bench: TwinBench, rig: SignallingRig, threads: OneThread
) -> None:
    async def story() -> None:
        before = bench.shows()["beeps"]
        signaller = Signaller(rig, threads)
        signaller.show("finished")
        await until(lambda: beeps_since(bench, before) == len(SIGNALS["finished"].tune), "the tune was over")
        assert bench.shows()["buzzer_hz"] == SIGNALS["finished"].tune[-1].frequency_hz
        assert lit(bench) == (0, 0)
        signaller.show("working")
        await until(lambda: lit(bench) == (1, 1), "amber was shown")
        await signaller.close()
        assert lit(bench) == (0, 0)

    run(story())


def test_nobody_waits_and_only_the_newest_signal_reaches_a_busy_rig(
    bench: TwinBench, rig: SignallingRig, threads: OneThread
) -> None:
    async def story() -> None:
        before, free = bench.shows()["beeps"], threading.Event()
        busy = asyncio.create_task(threads.on_rig(lambda: free.wait(BOUND_S)))
        await asyncio.sleep(0)
        signaller = Signaller(rig, threads)
        for kind in ("turn_pile", "finished", "wrong"):
            signaller.show(kind)
            await asyncio.sleep(0.01)
        assert bench.shows()["beeps"] == before, "the rig was busy, and here we are"
        free.set()
        await busy
        await until(lambda: beeps_since(bench, before) == 2, "low, low")
        assert bench.shows()["buzzer_hz"] == SIGNALS["wrong"].tune[-1].frequency_hz
        assert signaller.shown == "wrong"
        await signaller.close()
        assert beeps_since(bench, before) == 2

    run(story())


def test_a_silent_signal_lets_the_beep_that_says_safe_on_disk_end(
    bench: TwinBench, rig: SignallingRig, threads: OneThread
) -> None:
    async def story() -> None:
        before = bench.shows()["beeps"]
        signaller = Signaller(rig, threads)
        signaller.show("take_away")
        await until(lambda: beeps_since(bench, before) == 1, "it had begun")
        signaller.show("place")
        await until(lambda: beeps_since(bench, before) == 2, "it was heard twice")
        assert lit(bench) == (1, 0)
        await signaller.close()

    run(story())


def test_a_muted_signaller_shows_and_is_silent(
    bench: TwinBench, rig: SignallingRig, threads: OneThread
) -> None:
    async def story() -> None:
        before = bench.shows()["beeps"]
        signaller = Signaller(rig, threads, sound=False)
        signaller.show("fault")
        await until(lambda: lit(bench) == (0, 1), "red was shown")
        signaller.mute(muted=False)
        signaller.show("turn_pile")
        await until(lambda: beeps_since(bench, before) == 1, "it sounded again")
        signaller.mute()
        signaller.show("working")
        await until(lambda: lit(bench) == (1, 1), "amber was shown")
        await signaller.close()
        assert beeps_since(bench, before) == 1

    run(story())


@pytest.fixture
def mortal_bench(tmp_path: Path) -> Iterator[TwinBench]:
    made = TwinBench(tmp_path / "bench", TwinSettings(dpi=50), LEASE_MS)
    made.open()
    yield made
    made.close()


def test_a_lost_rig_is_told_of_once_and_shows_the_last_signal_when_it_is_back(
    mortal_bench: TwinBench, threads: OneThread, caplog: pytest.LogCaptureFixture
) -> None:
    bench = mortal_bench
    rig = SerialRig(str(bench.port), m.BAUD, LEASE_MS, 10.0, lambda _: None)
    rig.open()

    async def story() -> None:
        signaller = Signaller(rig, threads)
        signaller.show("place")
        await until(lambda: lit(bench) == (1, 0), "green was shown")
        bench.close()
        for kind in ("working", "take_away", "wrong"):
            signaller.show(kind)
            await asyncio.sleep(0.01)
            await threads.on_rig(lambda: None)  # what was asked before has been tried
        bench.open()
        await threads.on_rig(rig.open)
        signaller.refresh()
        await until(lambda: lit(bench) == (0, 1), "red was shown")
        assert bench.shows()["beeps"] == 0, "what was said in vain is not said again"
        await signaller.close()

    try:
        with caplog.at_level(logging.WARNING, "station.scan.signalling"):
            run(story())
    finally:
        rig.close()
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("the operator is not told, the rig does not hear: ")
