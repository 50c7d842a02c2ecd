"""The catalogue: what was scanned and how far it is; an index of the scan folders, and the journal.

Every change of state and its event are one transaction. What changes something returns the event, for the
caller to publish now that it is durable. Every method raises `StationError` where the database refuses, see
`database.translated`.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from station.documents.event import Event
from station.documents.ids import new_id
from station.documents.plan import Side
from station.documents.scan import ResultManifest, ScanManifest, ScanState, ScanSummary

from . import appearances
from .database import default_url
from .folder import manifest_sha256, stored_bytes
from .journal import CAPACITY, Facts
from .models import OutboxRow, ResultRow, ScanRow
from .retention import StoredSide
from .summaries import UNREADABLE, report_path, summaries
from .withdrawal import Marked

RECENT_SIDES = 100


class Place(NamedTuple):
    """State of a scan, its folder (relative, empty while none is stored), and why that is unreadable."""

    state: ScanState
    folder: str
    unreadable: str


class Catalogue(Marked):
    """The catalogue of one station; without a `url` it lies in the data root `root`, as SQLite."""

    def __init__(
        self,
        root: Path,
        url: str | None = None,
        station: str = "station",
        boot: str = "",
        journal_capacity: int = CAPACITY,
    ) -> None:
        super().__init__(root, url or default_url(root), station, boot or new_id(), journal_capacity)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin_scan(
        self,
        scan_id: str,
        card_id: str,
        side: Side,
        name: str,
        created: datetime,
        *,
        simulated: bool,
        batch: str = "",
        cause: str = "",
    ) -> Event:
        """A scan begins: state `capturing`, event `scan.started`.

        Raises:
            ValueError: there is a scan of this identity.
        """
        with self.transaction() as session:
            if session.get(ScanRow, scan_id) is not None:
                raise ValueError(f"there is a scan {scan_id} already")
            row = ScanRow(id=scan_id, station=self.station, card_id=card_id, side=side, name=name)
            row.state, row.created, row.simulated = "capturing", created.isoformat(), simulated
            row.folder, row.bytes, row.manifest_sha256, row.stages_s = "", 0, "", {}
            row.batch = batch
            row.reason = row.unreadable = ""
            session.add(row)
            return self._tell(session, "scan.started", row, cause)

    def captured(
        self, manifest: ScanManifest, folder: Path, *, cause: str = "", facts: Facts | None = None
    ) -> Event:
        """The committed folder enters the catalogue and the outbox: event `scan.captured`.

        When this returns, the scan may be acknowledged.

        Raises:
            ValueError: the scan is not being captured.
        """
        with self.transaction() as session:
            row = self._row(session, manifest.id, "capturing")
            return self._capture(session, row, manifest, folder, cause, facts)

    def adopt(self, manifest: ScanManifest, folder: Path) -> Event:
        """A complete folder which the catalogue does not know enters it: event `scan.captured`."""
        with self.transaction() as session:
            row = session.get(ScanRow, manifest.id) or ScanRow(id=manifest.id, station=self.station)
            event = self._capture(session, row, manifest, folder, "", {"adopted": True})
            if session.scalar(select(func.count()).where(ResultRow.scan_id == row.id)):
                row.state = "processed"  # it had been removed, and is back
            return event

    def failed(self, scan_id: str, reason: str, *, cause: str = "", facts: Facts | None = None) -> Event:
        """Capturing or processing failed for good: event `scan.failed`. What is on the disk stays there.

        Raises:
            ValueError: the scan is neither being captured nor waiting to be processed.
        """
        return self._end(scan_id, ("capturing", "captured"), "failed", reason, cause, facts)

    def interrupted(self, scan_id: str, reason: str) -> Event:
        """The daemon died in mid-scan: event `scan.interrupted`.

        Raises:
            ValueError: the scan is not being captured.
        """
        return self._end(
            scan_id, ("capturing",), "interrupted", reason, "", {"code": "interrupted", "message": reason}
        )

    def processed(
        self,
        manifest: ResultManifest,
        *,
        deliver: bool = False,
        cause: str = "",
        facts: Facts | None = None,
    ) -> Event:
        """A committed result enters the catalogue: event `scan.processed`.

        `deliver` queues the scan (again).

        Raises:
            ValueError: the scan's stack was never stored.
        """
        with self.transaction() as session:
            row = self._row(session, manifest.scan_id, "captured", "processed", "failed")
            if not row.folder:
                raise ValueError(f"scan {row.id} has no stored stack")
            report = report_path(row.folder, manifest)
            stored = manifest.model_dump(mode="json")
            session.add(ResultRow(scan_id=row.id, number=manifest.number, manifest=stored, report=report))
            row.state, row.reason = "processed", ""
            row.bytes += sum(artifact.bytes for artifact in manifest.artifacts)
            if deliver:
                self._enqueue(session, row.id)
            told = {"number": manifest.number, "report": report, **(facts or {})}
            return self._tell(session, "scan.processed", row, cause, told)

    def mark_unreadable(self, scan_id: str, sentence: str) -> Event:
        """The folder is gone or damaged, which the scan's reason says now: event `scan.unreadable`."""
        with self.transaction() as session:
            row = self._row(session, scan_id)
            row.unreadable = sentence
            delivery = session.get(OutboxRow, scan_id)
            if delivery is not None and delivery.state in ("queued", "sending"):
                delivery.state, delivery.detail = "refused", UNREADABLE + sentence
            return self._tell(session, "scan.unreadable", row, "recovery", {"reason": UNREADABLE + sentence})

    def mark_readable(self, scan_id: str) -> Event:
        """The folder is back: event `scan.readable`."""
        with self.transaction() as session:
            row = self._row(session, scan_id)
            row.unreadable = ""
            delivery = session.get(OutboxRow, scan_id)
            if delivery is not None and delivery.detail.startswith(UNREADABLE):
                self._enqueue(session, scan_id)
            return self._tell(session, "scan.readable", row, "recovery")

    def scan(self, scan_id: str) -> ScanSummary:
        """One scan with its newest result.

        Raises:
            StationError: `not_found`.
        """
        with self.transaction() as session:
            return summaries(session, [self._row(session, scan_id)])[0]

    def scans(self, limit: int = 50, before: str | None = None) -> list[ScanSummary]:
        """Newest first; `before` is the identity after which the next page goes on."""
        query = select(ScanRow).where(ScanRow.station == self.station)
        if before is not None:
            query = query.where(ScanRow.id < before)
        with self.transaction() as session:
            return summaries(session, list(session.scalars(query.order_by(ScanRow.id.desc()).limit(limit))))

    def batch_sides(self, batch: str) -> list[ScanSummary]:
        """What is stored of a hands-free batch and was not withdrawn, oldest first."""
        query = select(ScanRow).where(ScanRow.station == self.station, ScanRow.batch == batch)
        counted = query.where(ScanRow.folder != "", ScanRow.withdrawn == "")
        with self.transaction() as session:
            return summaries(session, list(session.scalars(counted.order_by(ScanRow.id))))

    def pending_processing(self) -> list[str]:
        """Scans that are stored, readable and have no result yet, oldest first."""
        query = select(ScanRow.id).where(ScanRow.station == self.station, ScanRow.state == "captured")
        with self.transaction() as session:
            return list(session.scalars(query.where(ScanRow.unreadable == "").order_by(ScanRow.id)))

    def places(self) -> dict[str, Place]:
        """Where every scan of this station lies, by identity, oldest first."""
        query = select(ScanRow.id, ScanRow.state, ScanRow.folder, ScanRow.unreadable)
        with self.transaction() as session:
            rows = session.execute(query.where(ScanRow.station == self.station).order_by(ScanRow.id))
            return {row.id: Place(row.state, row.folder, row.unreadable) for row in rows}

    def results(self) -> set[tuple[str, int]]:
        """Scan and number of every result."""
        query = select(ResultRow.scan_id, ResultRow.number).join(ScanRow)
        with self.transaction() as session:
            found = session.execute(query.where(ScanRow.station == self.station))
            return {(scan_id, number) for scan_id, number in found}

    def stored_sides(self) -> list[StoredSide]:
        """Every side with a folder, oldest first, as the retention policy wants to see it."""
        newest = (
            select(ResultRow.scan_id, func.max(ResultRow.number).label("number"))
            .group_by(ResultRow.scan_id)
            .subquery()
        )
        query = (
            select(ScanRow, OutboxRow, newest.c.number)
            .outerjoin(OutboxRow, OutboxRow.scan_id == ScanRow.id)
            .outerjoin(newest, newest.c.scan_id == ScanRow.id)
            .where(ScanRow.station == self.station, ScanRow.folder != "")
            .order_by(ScanRow.id)
        )
        with self.transaction() as session:
            return [_stored(*found) for found in session.execute(query)]

    def count(self) -> int:
        """How many sides are stored."""
        query = select(func.count()).where(ScanRow.station == self.station, ScanRow.folder != "")
        with self.transaction() as session:
            return session.scalar(query) or 0

    def bytes_per_side(self) -> int | None:
        """Mean bytes of the newest 100 stored sides, results included; None when nothing is stored yet."""
        query = select(ScanRow.bytes).where(ScanRow.station == self.station, ScanRow.folder != "")
        with self.transaction() as session:
            sizes = list(session.scalars(query.order_by(ScanRow.id.desc()).limit(RECENT_SIDES)))
        return round(sum(sizes) / len(sizes)) if sizes else None

    def appearances(self) -> Iterator[appearances.Seen]:
        """What every stored side looks like that was looked at and counts, oldest first, page by page.

        Sides that were withdrawn, or whose folder was removed, do not count.
        """
        after = ""
        while True:
            with self.transaction() as session:
                found = appearances.page(session, self.station, after)
            yield from found
            if len(found) < appearances.PAGE:
                return
            after = found[-1].scan_id

    def _capture(
        self,
        session: Session,
        row: ScanRow,
        manifest: ScanManifest,
        folder: Path,
        cause: str,
        facts: Facts | None,
    ) -> Event:
        row.card_id, row.side, row.name = manifest.card_id, manifest.side, manifest.name
        row.created, row.simulated = manifest.created, manifest.provenance.simulated
        row.batch = manifest.batch
        row.state, row.reason, row.unreadable, row.removed = "captured", "", "", ""
        row.folder = folder.relative_to(self.root).as_posix()
        row.bytes, row.manifest_sha256 = stored_bytes(folder, manifest), manifest_sha256(folder)
        row.stages_s = dict(manifest.stages_s)
        session.add(row)
        session.flush()
        appearances.keep(session, manifest)
        self._enqueue(session, row.id)
        told = {"manifest_sha256": row.manifest_sha256, **(facts or {})}
        return self._tell(session, "scan.captured", row, cause, told)

    def _end(
        self,
        scan_id: str,
        allowed: tuple[ScanState, ...],
        state: ScanState,
        reason: str,
        cause: str,
        facts: Facts | None,
    ) -> Event:
        with self.transaction() as session:
            row = self._row(session, scan_id, *allowed)
            row.state, row.reason = state, reason
            return self._tell(session, f"scan.{state}", row, cause, {"reason": reason, **(facts or {})})


def _stored(row: ScanRow, delivery: OutboxRow | None, newest: int | None) -> StoredSide:
    number = re.search(r"-(\d+)$", delivery.detail) if delivery is not None else None
    return StoredSide(
        id=row.id,
        created=row.created,
        bytes=row.bytes,
        state=row.state,
        batch=row.batch,
        kept=row.kept,
        unreadable=row.unreadable,
        delivery=delivery.state if delivery is not None else "none",
        delivered=int(number[1]) if number else None,
        newest=newest or 0,
    )
