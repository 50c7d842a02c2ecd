"""Which stored sides may go: a pure decision over rows of the catalogue.

Oldest first, and only as many as the settings ask for. Whatever could still be missed stays: what the
receiver does not have in its newest form, what is marked to be kept, what waits to be computed, and the side
that a hands-free batch has in hand.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple

from station.config import RetentionSettings
from station.documents.retention import DueSide, RetentionPlan

GB = 1_000_000_000


class StoredSide(NamedTuple):
    """What the decision must know of a side with a folder.

    `delivered` is the number of the result that the receiver has (0: the stack alone), `newest` that of the
    newest one.
    """

    id: str
    created: str
    bytes: int
    state: str
    batch: str
    kept: bool
    unreadable: str
    delivery: str
    delivered: int | None
    newest: int


def to_remove(
    rows: Sequence[StoredSide],
    settings: RetentionSettings,
    now: datetime,
    free_bytes: int,
    freed: Callable[[StoredSide], int],
    *,
    open_batch: str | None = None,
    busy: AbstractSet[str] = frozenset(),
) -> RetentionPlan:
    """What goes and what stays although it is due.

    Args:
        rows: every stored side, in any order.
        settings: the policy.
        now: with its time zone.
        free_bytes: of the disk.
        freed: what the disk would gain by a side; asked only where `settings.free_gb` decides.
        open_batch: the hands-free batch that runs, empty: none; None: not known, then the newest may be.
        busy: sides that are being computed, or wait for it.
    """
    ordered = sorted(rows, key=lambda row: (row.created, row.id))
    in_hand = _in_hand(ordered, open_batch)
    total = sum(row.bytes for row in ordered)
    going: list[DueSide] = []
    staying: list[DueSide] = []
    for row in ordered:
        due = _due(row, settings, now, total, free_bytes)
        if not due:
            continue
        gain = freed(row) if due == _FREE else 0
        held = _held(row, in_hand, busy) or ("" if due != _FREE or gain else "removing it frees nothing")
        side = DueSide(id=row.id, created=row.created, bytes=row.bytes, due=due, held=held)
        (staying if held else going).append(side)
        if not held:
            total -= row.bytes
            free_bytes += gain or row.bytes
    return RetentionPlan(
        policy=in_words(settings), stored=len(rows), remove=tuple(going), hold=tuple(staying)
    )


_AGE, _MOST, _FREE = "older than keep_days", "the archive is above most_gb", "the disk is below free_gb"


def in_words(settings: RetentionSettings) -> str:
    """The policy in words, empty where nothing is ever removed."""
    parts = [
        f"sides older than {settings.keep_days:g} days go" if settings.keep_days else "",
        f"the archive stays below {settings.most_gb:g} GB" if settings.most_gb else "",
        f"{settings.free_gb:g} GB of the disk stay free" if settings.free_gb else "",
    ]
    return ", ".join(part for part in parts if part)


def _due(row: StoredSide, settings: RetentionSettings, now: datetime, total: int, free_bytes: int) -> str:
    if settings.keep_days and now - datetime.fromisoformat(row.created) > timedelta(settings.keep_days):
        return _AGE
    if settings.most_gb and total > settings.most_gb * GB:
        return _MOST
    if settings.free_gb and free_bytes < settings.free_gb * GB:
        return _FREE
    return ""


def _held(row: StoredSide, in_hand: str, busy: AbstractSet[str]) -> str:
    if row.kept:
        return "it is marked to be kept"
    if row.unreadable:
        return f"its folder cannot be read ({row.unreadable})"
    if row.state not in ("processed", "failed") or row.id in busy:
        return "it waits to be computed"
    if row.delivery != "delivered":
        return "it was not delivered" if row.delivery != "refused" else "the receiver refused it"
    if row.delivered != row.newest:
        return "its newest result was not delivered"
    return "its batch is not finished" if row.id == in_hand else ""


def _in_hand(ordered: Sequence[StoredSide], open_batch: str | None) -> str:
    """The newest side of the batch that runs or, where that is not known, of the newest one."""
    of_batches = [row for row in ordered if row.batch]
    chosen = of_batches[-1].batch if open_batch is None and of_batches else open_batch
    ours = [row.id for row in of_batches if row.batch == chosen]
    return ours[-1] if ours else ""
