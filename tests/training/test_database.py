"""The trainer's database: earlier rows stay, events and changes are one, the ring is bounded."""

import sqlite3
from pathlib import Path

import pytest

from station.documents.event import Event
from station.documents.trainer import IntakePage
from station.training.database import Database
from station.training.intake_store import FileIntakeStore

VERSION_1 = """
CREATE TABLE parcel (
    digest TEXT PRIMARY KEY, id TEXT NOT NULL, scan_id TEXT NOT NULL, station TEXT NOT NULL,
    files TEXT NOT NULL, received TEXT NOT NULL
) STRICT;
CREATE INDEX parcel_scan ON parcel (scan_id);
CREATE TABLE refusal (
    number INTEGER PRIMARY KEY, parcel_id TEXT NOT NULL, scan_id TEXT NOT NULL, why TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
INSERT INTO parcel VALUES
    ('d2', 'p2', 's2', 'hall', '[{"name": "a", "sha256": "aa", "bytes": 5}]', '2026-02-02T00:00:00+00:00'),
    ('d1', 'p1', 's1', 'bench',
     '[{"name": "a", "sha256": "aa", "bytes": 5}, {"name": "b", "sha256": "bb", "bytes": 7}]',
     '2026-01-01T00:00:00+00:00'),
    ('d3', 'p3', 's3', 'bench', '[]', '2026-03-03T00:00:00+00:00');
INSERT INTO refusal VALUES (1, 'p0', 's0', 'no', '2026-01-01T00:00:00+00:00');
PRAGMA user_version = 1;
"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    told: list[Event] = []
    opened = Database(tmp_path / "intake.sqlite", "boot", told.append, capacity=10).open()
    opened.told = told  # type: ignore[attr-defined]
    yield opened  # type: ignore[misc]
    opened.close()


def test_a_store_of_the_first_version_keeps_every_row(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "intake.sqlite")
    old.executescript(VERSION_1)
    old.close()
    for _ in range(2):  # the second opening finds it migrated
        with FileIntakeStore(tmp_path) as store:
            assert [(one.id, one.number) for one in store.parcels()] == [("p1", 1), ("p2", 2), ("p3", 3)]
            assert [file.sha256 for file in store.parcels()[0].files] == ["aa", "bb"]
            (refusal,) = store.refusal_page(IntakePage()).refusals
            assert (refusal.parcel, refusal.why, refusal.station) == ("p0", "no", "")
            status = store.status(0)
    assert (status.parcels, status.refused, status.blobs_bytes) == (3, 1, 12)
    assert [(one.name, one.parcels, one.last[:4]) for one in status.stations] == [
        ("bench", 2, "2026"),
        ("hall", 1, "2026"),
    ]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    old = sqlite3.connect(path)
    old.executescript(VERSION_1.replace("CREATE INDEX parcel_scan ON parcel (scan_id);", ""))
    old.close()
    with pytest.raises(Exception, match="parcel_scan"):
        Database(path).open()
    found = sqlite3.connect(path)
    assert found.execute("PRAGMA user_version").fetchone() == (1,)
    assert found.execute("SELECT count(*) FROM parcel").fetchone() == (3,)
    found.close()


def test_an_event_is_told_after_its_change_and_counted_on(database: Database) -> None:
    with database.transaction() as change:
        change.record("a.b", {"x": 1}, "cause")
        assert database.told == []  # type: ignore[attr-defined]
    (event,) = database.told  # type: ignore[attr-defined]
    assert (event.seq, event.boot, event.type, event.cause, event.data) == (
        1,
        "boot",
        "a.b",
        "cause",
        {"x": 1},
    )
    with database.reading() as change:
        assert change.events_since(0, 10) == [event]


def test_a_change_that_fails_leaves_neither_row_nor_event(database: Database) -> None:
    with pytest.raises(sqlite3.Error), database.transaction() as change:  # noqa: PT012 - what it undoes
        change.record("a", {})
        change.execute("no such statement")
    with database.transaction() as change:
        assert change.head() == 0
        change.record("b", {})
    assert [event.type for event in database.told] == ["b"]  # type: ignore[attr-defined]


def test_the_ring_keeps_the_newest_and_the_count_goes_on(database: Database) -> None:
    for number in range(25):
        with database.transaction() as change:
            change.record("n", {"n": number})
    with database.reading() as change:
        assert [event.seq for event in change.events_since(0, 100)] == list(range(16, 26))
        assert [event.data["n"] for event in change.events_since(23, 1)] == [23]
        assert change.head() == 25


def test_pages_lead_from_the_newest_to_the_oldest_and_miss_none(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "intake.sqlite")
    old.executescript(VERSION_1)
    old.close()
    with FileIntakeStore(tmp_path) as store:
        first = store.parcel_page(IntakePage(limit=2))
        last = store.parcel_page(IntakePage(limit=2, before=first.before))
    assert [one.id for one in first.parcels] == ["p3", "p2"]
    assert [one.id for one in last.parcels] == ["p1"]
    assert last.before is None
