"""What a person says of a stored scan: that it does not count, or that it must be kept. Nothing is deleted.

Each is a marker beside the manifest first and a row second, so that a catalogue made anew knows it too.
"""

from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from station.documents.event import Event
from station.documents.fault import StationError
from station.documents.scan import ScanState

from .journal import CAPACITY, Facts
from .markers import write_kept, write_withdrawal
from .models import OutboxRow, ScanRow
from .outbox import Outbox

_TOLD = ("id", "card_id", "side", "name", "state", "folder", "bytes", "simulated")


class MarkedSide(NamedTuple):
    """A stored side with what its row says of its markers."""

    id: str
    folder: str
    unreadable: str
    withdrawn: str
    kept: bool


class Marked(Outbox):
    """Scans with their marks. `root` is the data root."""

    def __init__(
        self, root: Path, url: str, station: str, boot: str, journal_capacity: int = CAPACITY
    ) -> None:
        super().__init__(url, station, boot, journal_capacity)
        self.root = root

    def withdraw(self, scan_id: str, why: str, *, cause: str = "") -> Event | None:
        """The operator takes a stored scan back: event `scan.withdrawn`, and the receiver is told.

        Returns:
            None where it was withdrawn before.

        Raises:
            StationError: `not_found`, `bad_request` where nothing of it is stored, `disk_full` or
                `data_unwritable`.
            ValueError: no reason is given.
        """
        if not why.strip():
            raise ValueError("a withdrawal needs its reason")
        folder, withdrawn, _ = self._marked(scan_id)
        if withdrawn:
            return None
        note = write_withdrawal(folder, why, self._now())
        return self.set_withdrawn(scan_id, note.why, cause=cause)

    def keep(self, scan_id: str, keep: bool = True, *, cause: str = "") -> Event | None:
        """Whether the retention policy must leave a stored scan alone: event `scan.kept`.

        Returns:
            None where it was so before.

        Raises:
            StationError: `not_found`, `bad_request` where nothing of it is stored, `disk_full` or
                `data_unwritable`.
        """
        folder, _, kept = self._marked(scan_id)
        write_kept(folder, keep, self._now())
        return None if kept == keep else self.set_kept(scan_id, keep, cause=cause)

    def set_withdrawn(self, scan_id: str, why: str, *, cause: str = "") -> Event:
        """Copy what the marker says; the scan is queued anew, with the marker in its parcel."""
        with self.transaction() as session:
            row = self._row(session, scan_id)
            row.withdrawn = why
            self._enqueue(session, scan_id)
            return self._tell(session, "scan.withdrawn", row, cause, {"why": why, "batch": row.batch})

    def set_kept(self, scan_id: str, keep: bool, *, cause: str = "") -> Event:
        """Copy what the marker says."""
        with self.transaction() as session:
            row = self._row(session, scan_id)
            row.kept = keep
            return self._tell(session, "scan.kept", row, cause, {"kept": keep})

    def marks(self) -> list[MarkedSide]:
        """What the catalogue says of the markers of every stored side, oldest first."""
        query = select(ScanRow.id, ScanRow.folder, ScanRow.unreadable, ScanRow.withdrawn, ScanRow.kept)
        stored = query.where(ScanRow.station == self.station, ScanRow.folder != "")
        with self.transaction() as session:
            return [MarkedSide(*row) for row in session.execute(stored.order_by(ScanRow.id))]

    def require_removable(self, scan_id: str) -> None:
        """Whether a side may be removed at this moment.

        Raises:
            StationError: `not_found`.
            ValueError: it is marked to be kept, has no folder, or its receiver does not have it.
        """
        with self.transaction() as session:
            row = self._row(session, scan_id, "processed", "failed")
            delivery = session.get(OutboxRow, scan_id)
            if row.kept or not row.folder or delivery is None or delivery.state != "delivered":
                raise ValueError(f"scan {scan_id} must not be removed now")

    def set_removed(self, scan_id: str, why: str, *, cause: str = "") -> Event:
        """The folder is hidden: event `scan.removed`. What was measured stays in the catalogue."""
        with self.transaction() as session:
            row = self._row(session, scan_id)
            event = self._tell(session, "scan.removed", row, cause, {"why": why})
            row.removed, row.folder, row.bytes, row.unreadable = f"{self._time()}: {why}", "", 0, ""
            return event

    def _marked(self, scan_id: str) -> tuple[Path, str, bool]:
        with self.transaction() as session:
            row = self._row(session, scan_id)
            if not row.folder:
                gone = f"its pictures were removed ({row.removed})" if row.removed else f"it is {row.state}"
                raise StationError(
                    "bad_request",
                    f"nothing of scan {scan_id} is stored: {gone}",
                    "Name a scan whose pictures are stored; `station show` lists them.",
                )
            return self.root / row.folder, row.withdrawn, row.kept

    def _row(self, session: Session, scan_id: str, *states: ScanState) -> ScanRow:
        row = session.get(ScanRow, scan_id)
        if row is None or row.station != self.station:
            raise StationError("not_found", f"there is no scan {scan_id}")
        if states and row.state not in states:
            raise ValueError(f"scan {scan_id} is {row.state}, not {' or '.join(states)}")
        return row

    def _tell(
        self, session: Session, kind: str, row: ScanRow, cause: str, facts: Facts | None = None
    ) -> Event:
        told: dict[str, Any] = {name: getattr(row, name) for name in _TOLD}
        return self._record(session, kind, {**told, **(facts or {})}, cause or row.id)
