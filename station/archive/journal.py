"""The journal: what happened, in order, without holes, across restarts."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from station.documents.event import Event

from .models import EventRow, StationRow
from .store import Store

CAPACITY = 100_000
Facts = Mapping[str, Any]


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Journal(Store):
    """A ring of the newest events of one station."""

    def __init__(
        self,
        url: str,
        station: str,
        boot: str,
        capacity: int = CAPACITY,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(url, station, boot)
        self._capacity = capacity
        self._now = now
        self._monotonic = monotonic

    def append_event(self, kind: str, data: Facts | None = None, cause: str = "") -> Event:
        """Write an event that changes nothing else in the catalogue."""
        with self.transaction() as session:
            return self._record(session, kind, data or {}, cause)

    def events_since(self, seq: int, limit: int = 1000) -> list[Event]:
        """Events after `seq`, oldest first. The first is later than `seq + 1` where the ring lost some."""
        query = select(EventRow).where(EventRow.station == self.station, EventRow.seq > seq)
        with self.transaction() as session:
            rows = session.scalars(query.order_by(EventRow.seq).limit(limit))
            return [Event.model_validate(row, from_attributes=True) for row in rows]

    def head_seq(self) -> int:
        """Number of the newest event, 0 before the first."""
        with self.transaction() as session:
            return session.get_one(StationRow, self.station).head_seq

    def _record(self, session: Session, kind: str, data: Facts, cause: str = "") -> Event:
        """Write an event in the transaction of what it tells. Its data must be expressible in JSON."""
        raised = (
            update(StationRow).where(StationRow.name == self.station).values(head_seq=StationRow.head_seq + 1)
        )
        seq = session.scalars(raised.returning(StationRow.head_seq)).one()
        draft = Event(
            boot=self.boot,
            seq=seq,
            time=self._time(),
            mono_s=self._monotonic(),
            type=kind,
            cause=cause,
            data=dict(data),
        )
        # Published is what is stored: the event as JSON tells it (tuples as lists, NaN as null).
        event = Event.model_validate_json(draft.model_dump_json())
        session.add(EventRow(station=self.station, **event.model_dump(exclude={"v"})))
        lost = EventRow.seq <= seq - self._capacity
        session.execute(delete(EventRow).where(EventRow.station == self.station, lost))
        return event

    def _time(self) -> str:
        return self._now().isoformat()
