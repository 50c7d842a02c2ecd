"""Whether the daemon really works, asked of its parts; and the same in figures for Prometheus."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..documents.event import Status
from ..scan.journal import Journal
from ..scan.runner import ScanRunner
from ..scan.service import ScanService
from ..share.alive import Question
from ..share.metrics import Metric

READY = ("ready", "simulated")


@dataclass(frozen=True, slots=True)
class Parts:
    """What is asked."""

    service: ScanService
    runner: ScanRunner
    journal: Journal


class Health:
    """The organs of a daemon. `metrics` may be called on any thread; all else belongs to the loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._status: Status | None = None
        self._commit_s: float | None = None

    def organs(self) -> Mapping[str, Question]:
        """For the watchdog: the database commits, the devices' threads answer, and the status can be told."""
        runner = self._parts.runner
        return {
            "database": self._commit,
            "rig thread": lambda: runner.on_rig(lambda: None),
            "camera thread": lambda: runner.on_camera(lambda: None),
            "status": self._look,
        }

    async def _commit(self) -> None:
        began_s = time.monotonic()
        await self._parts.journal.ask(lambda catalogue: catalogue.beat())
        self._commit_s = time.monotonic() - began_s

    async def _look(self) -> None:
        self._status = await self._parts.service.status()

    def metrics(self) -> Iterator[Metric]:
        """As of the last look, which is some seconds old."""
        status = self._status
        if status is None:
            return
        yield Metric("sides", "Sides that are stored.", status.scans)
        yield Metric("events", "Number of the newest event.", status.seq, "counter")
        yield Metric("undelivered", "Sides that wait to be delivered.", status.undelivered)
        yield Metric("to_compute", "Sides that wait for their maps.", len(status.processing))
        yield Metric("disk_free_bytes", "Free on the data folder's disk.", status.disk_free_bytes)
        yield Metric("room_sides", "Sides that still fit.", status.room_for_sides)
        yield Metric("accepts_cards", "1: a card would be accepted.", not status.not_ready)
        yield Metric("quiescent", "1: nothing runs and nothing waits.", status.quiescent)
        yield Metric("commit_seconds", "Duration of the last commit.", self._commit_s)
        for name, device in (("rig", status.rig), ("camera", status.camera)):
            labels = (("device", name),)
            yield Metric("device_ready", "1: it answers.", device.state in READY, labels=labels)
        if status.batch is not None:
            for side, count in (("front", status.batch.fronts), ("back", status.batch.backs)):
                yield Metric("batch_sides", "Of the open batch.", count, labels=(("side", side),))
            for code, times in status.batch.noticed.items():
                yield Metric("batch_noticed", "Refusals of the open batch.", times, labels=(("code", code),))
