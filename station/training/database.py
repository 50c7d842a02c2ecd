"""The trainer's own database, one file: what it received, what it refused, and its journal of events.

A change and the events that tell of it are one transaction. Who listens is told after the commit, in the
order of the journal.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ..documents.event import Event
from ..documents.fault import StationError
from .migrations import VERSION, migration

CAPACITY = 100_000
Listener = Callable[[Event], None]


class Change:
    """One transaction. What is recorded is told to the listener when it is durable."""

    def __init__(self, connection: sqlite3.Connection, boot: str, capacity: int) -> None:
        self._connection = connection
        self._boot = boot
        self._capacity = capacity
        self.recorded: list[Event] = []

    def execute(self, statement: str, values: tuple[Any, ...] | dict[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(statement, values)

    def head(self) -> int:
        """Number of the newest event, 0 before the first."""
        (seq,) = self.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        return int(seq)

    def record(self, kind: str, data: Mapping[str, Any], cause: str = "") -> None:
        """Write an event of this change; the ring forgets its oldest."""
        event = Event(
            boot=self._boot,
            seq=self.head() + 1,
            time=now(),
            mono_s=time.monotonic(),
            type=kind,
            cause=cause,
            data=dict(data),
        )
        row = (event.seq, event.boot, event.time, event.mono_s, kind, cause, json.dumps(event.data))
        self.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self.execute("DELETE FROM event WHERE seq <= ?", (event.seq - self._capacity,))
        self.recorded.append(event)

    def events_since(self, seq: int, limit: int) -> list[Event]:
        """Events after `seq`, oldest first."""
        names = ("seq", "boot", "time", "mono_s", "type", "cause")
        query = (
            "SELECT seq, boot, time, mono_s, type, cause, data FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        rows = self.execute(query, (seq, limit)).fetchall()
        return [Event(**dict(zip(names, row[:-1], strict=True)), data=json.loads(row[-1])) for row in rows]


class Database:
    """The connection; any thread may use it, they take turns.

    Args:
        path: the file, made if need be.
        boot: identity of this run, for the events.
        tell: called with each event in the thread that changed something; it must not wait.
        capacity: how many events the journal keeps.
    """

    def __init__(
        self, path: Path, boot: str = "", tell: Listener | None = None, capacity: int = CAPACITY
    ) -> None:
        self._path = path
        self._boot = boot
        self._tell = tell
        self._capacity = capacity
        self._turn = threading.Lock()

    def open(self) -> Self:
        """Open, and bring the tables to this release's version.

        Raises:
            StationError: `data_busy`, `data_unwritable`, `catalogue_drift` or `catalogue_corrupt`.
        """
        # SQLite before 3.51.3 can damage a WAL database with two connections: this one is the only one
        self._connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=1.0
        )
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        return self

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._connection.close()

    def _prepare(self) -> None:
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version < VERSION:
                self._migrate(version)
        except sqlite3.OperationalError as error:
            code = "data_busy" if "locked" in str(error) else "data_unwritable"
            raise StationError(code, f"{self._path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "Restore the file from a backup; the received files beside it are complete without it."
            raise StationError("catalogue_corrupt", f"{self._path} is damaged: {error}", hint) from error
        if version > VERSION:
            raise StationError(
                "catalogue_drift",
                f"{self._path} is of version {version}, later than this release",
                "Run the release that wrote it, or a later one.",
            )

    def _migrate(self, version: int) -> None:
        try:
            self._connection.executescript(f"BEGIN IMMEDIATE;\n{migration(version)}\nCOMMIT;")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def transaction(self) -> Iterator[Change]:
        """A change that is durable when the block ends, or did not happen."""
        with self._turn:
            change = Change(self._connection, self._boot, self._capacity)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield change
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            if self._tell is not None:
                for event in change.recorded:
                    self._tell(event)

    @contextmanager
    def reading(self) -> Iterator[Change]:
        """Questions that see one state, and write nothing."""
        with self._turn:
            self._connection.execute("BEGIN")
            try:
                yield Change(self._connection, self._boot, self._capacity)
            finally:
                self._connection.execute("ROLLBACK")


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()
