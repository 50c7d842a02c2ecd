"""Whether the trainer really works, asked of its parts; and the same in figures for Prometheus."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from ..documents.trainer import TrainerStatus
from ..share.alive import Question
from ..share.metrics import Metric

Look = Callable[[], TrainerStatus]
"""Reads the database; blocks."""


class Health:
    """The organs of a trainer. `metrics` may be called on any thread; all else belongs to the loop."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._status: TrainerStatus | None = None

    def organs(self) -> Mapping[str, Question]:
        """For the watchdog: the database answers."""
        return {"database": self._ask}

    async def _ask(self) -> None:
        self._status = await asyncio.to_thread(self._look)

    def metrics(self) -> Iterator[Metric]:
        """As of the last look, which is some seconds old."""
        status = self._status
        if status is None:
            return
        yield Metric("trainer_events", "Number of the newest event.", status.seq, "counter")
        yield Metric("trainer_parcels", "Parcels that were received.", status.parcels)
        yield Metric("trainer_in_hand", "Parcels under way.", status.in_hand)
        yield Metric("trainer_refused", "Parcels that will never be taken.", status.refused)
        yield Metric("trainer_quarantined", "Files that were put aside.", status.quarantined)
        yield Metric("trainer_blobs_bytes", "Size of all received files.", status.blobs_bytes)
        yield Metric("trainer_disk_free_bytes", "Free on the trainer's disk.", status.disk_free_bytes)
