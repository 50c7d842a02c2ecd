"""What the status says beside scans, asked of whoever knows."""

from collections.abc import Callable
from dataclasses import dataclass

from ..documents.batch import BatchState
from ..documents.lock import LockState


def _no_batch() -> BatchState | None:
    return None


def _delivered() -> str:
    return ""


@dataclass
class Standing:
    """Questions that the composition root answers.

    Attributes:
        batch: the open hands-free batch; None: there is none.
        lock: who operates the station.
        delivery: why nothing can be delivered at the moment; empty: nothing is wrong.
    """

    batch: Callable[[], BatchState | None] = _no_batch
    lock: Callable[[], LockState] = LockState
    delivery: Callable[[], str] = _delivered
