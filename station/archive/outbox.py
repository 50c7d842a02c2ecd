"""The outbox: scans that others have to get, at least once; receivers know by its hash what they have."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from station.documents.base import Document
from station.documents.event import Event
from station.documents.scan import DeliveryState

from .journal import Journal
from .models import OutboxRow, ScanRow


class Delivery(Document):
    """A scan to send. `folder` is relative to the data root, `attempts` counts those begun before."""

    scan_id: str
    folder: str
    manifest_sha256: str
    attempts: int
    detail: str
    time: str


class Outbox(Journal):
    """One delivery for each stored scan: `queued`, `sending`, `delivered` or `refused`."""

    def next_delivery(self, but: Collection[str] = ()) -> Delivery | None:
        """The oldest scan that waits to be sent; those of `but` are passed over."""
        query = select(OutboxRow, ScanRow).join(ScanRow, ScanRow.id == OutboxRow.scan_id)
        waiting = query.where(OutboxRow.station == self.station, OutboxRow.state == "queued")
        if but:
            waiting = waiting.where(OutboxRow.scan_id.not_in(but))
        with self.transaction() as session:
            found = session.execute(waiting.order_by(OutboxRow.scan_id).limit(1)).first()
            return None if found is None else _delivery(*found)

    def undelivered(self) -> int:
        """How many scans are neither delivered nor refused."""
        return len(self._scans_in("queued", "sending"))

    def unfinished_deliveries(self) -> list[str]:
        """Scans whose sending was begun and not ended, oldest first."""
        return self._scans_in("sending")

    def mark_sending(self, scan_id: str) -> Event:
        """An attempt begins: event `delivery.sending`.

        Raises:
            ValueError: the scan does not wait to be sent.
        """
        return self._deliver(scan_id, ("queued",), "sending", "")

    def mark_delivered(self, scan_id: str, detail: str = "") -> Event:
        """The receiver has it durably: event `delivery.delivered`.

        Raises:
            ValueError: the scan is not being sent.
        """
        return self._deliver(scan_id, ("sending",), "delivered", detail)

    def mark_refused(self, scan_id: str, detail: str) -> Event:
        """It will not be tried again, for the reason given: event `delivery.refused`.

        Raises:
            ValueError: the scan neither waits nor is being sent.
        """
        return self._deliver(scan_id, ("queued", "sending"), "refused", detail)

    def requeue(self, scan_id: str, detail: str = "") -> Event:
        """An attempt failed, or somebody wants it sent again: event `delivery.queued`.

        Raises:
            ValueError: the scan waits already, or has nothing to deliver.
        """
        return self._deliver(scan_id, ("sending", "delivered", "refused"), "queued", detail)

    def _enqueue(self, session: Session, scan_id: str) -> None:
        row = session.get(OutboxRow, scan_id)
        if row is None:
            row = OutboxRow(scan_id=scan_id, station=self.station, attempts=0)
            session.add(row)
        row.state, row.detail, row.time = "queued", "", self._time()

    def _deliver(
        self, scan_id: str, allowed: tuple[DeliveryState, ...], state: DeliveryState, detail: str
    ) -> Event:
        with self.transaction() as session:
            row = session.get(OutboxRow, scan_id)
            if row is None or row.state not in allowed:
                found = "not in the outbox" if row is None else row.state
                raise ValueError(f"scan {scan_id} is {found}, its delivery cannot become {state}")
            row.state, row.detail, row.time = state, detail, self._time()
            row.attempts += state == "sending"
            told = {"id": scan_id, "state": state, "attempts": row.attempts, "detail": detail}
            return self._record(session, f"delivery.{state}", told, scan_id)

    def _scans_in(self, *states: DeliveryState) -> list[str]:
        query = select(OutboxRow.scan_id).where(OutboxRow.station == self.station)
        chosen = query.where(OutboxRow.state.in_(states))
        with self.transaction() as session:
            return list(session.scalars(chosen.order_by(OutboxRow.scan_id)))


def _delivery(row: OutboxRow, scan: ScanRow) -> Delivery:
    return Delivery(
        scan_id=row.scan_id,
        folder=scan.folder,
        manifest_sha256=scan.manifest_sha256,
        attempts=row.attempts,
        detail=row.detail,
        time=row.time,
    )
