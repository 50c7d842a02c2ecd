"""The open catalogue: one connection, one transaction at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from station.documents.fault import StationError
from station.share.durable import make_folders, storing, sync_folder

from .database import make_engine, sqlite_file, translated
from .models import StationRow
from .schema import check, create_if_empty, current


class Store:
    """The database of one station. Calls from several threads wait for each other.

    Attributes:
        boot: identity of this run, in every event.
        stopped_in_order: whether the run before this one closed the catalogue.
    """

    def __init__(self, url: str, station: str, boot: str) -> None:
        self.station = station
        self.boot = boot
        self.stopped_in_order = True
        self._url = url
        self._lock = threading.RLock()
        self._engine: Engine | None = None

    def open(self) -> Self:
        """Connect, keep others out, create or check the tables; after an unclean stop check the file too.

        Raises:
            StationError: `data_busy`, `data_unwritable`, `disk_full`, `catalogue_drift`, `catalogue_corrupt`
                or `catalogue_absent`.
        """
        file = sqlite_file(self._url)
        if file is not None:
            with storing(file):
                make_folders(file.parent)
        self._engine = make_engine(self._url, self.station)
        try:
            self._prepare(self._engine)
            if file is not None:
                with storing(file):
                    sync_folder(file.parent)
        except BaseException:
            self._dispose()
            raise
        return self

    def close(self) -> None:
        """Note that the stop was in order, and disconnect; does nothing when not open.

        Raises:
            StationError: the note could not be written; the connection is closed nevertheless, and the next
                start checks the file.
        """
        if self._engine is None:
            return
        try:
            with self.transaction() as session:
                session.get_one(StationRow, self.station).clean = True
        finally:
            self._dispose()

    @contextmanager
    def looking(self) -> Iterator[Self]:
        """Open to look only: how the last run stopped stays noted, and nothing is made or changed.

        Raises:
            StationError: see `open`.
        """
        self._engine = make_engine(self._url, self.station)
        try:
            with translated(self._url), self._engine.begin() as connection:
                check(connection)
            yield self
        finally:
            self._dispose()

    def beat(self) -> None:
        """Commit something that changes nothing, to see that the database still takes it.

        Raises:
            StationError: what the database refused, see `database.translated`.
        """
        with self.transaction() as session:
            session.execute(update(StationRow).where(StationRow.name == self.station).values(boot=self.boot))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """All or nothing, and durable when the block has been left.

        Raises:
            StationError: what the database refused, see `database.translated`.
        """
        with self._lock:
            if self._engine is None:
                raise ValueError("the catalogue is not open")
            with translated(self._url), Session(self._engine) as session, session.begin():
                yield session

    def revision(self) -> str:
        """Revision of the tables, as the migrations name it."""
        with self.transaction() as session:
            return current(session.connection()) or ""

    def integrity(self) -> str:
        """What is wrong with the catalogue's file, empty where it is sound or a server holds it."""
        if sqlite_file(self._url) is None:
            return ""
        with self.transaction() as session:
            findings = list(session.scalars(text("PRAGMA integrity_check")))
        return "" if findings == ["ok"] else str(findings[0])

    def copy_to(self, path: Path) -> bool:
        """Write a consistent copy of the whole catalogue into a new file; False where a server holds it.

        Raises:
            StationError: what the database refused, see `database.translated`.
        """
        if sqlite_file(self._url) is None:
            return False
        with self._lock:
            if self._engine is None:
                raise ValueError("the catalogue is not open")
            # outside of any transaction: VACUUM begins its own
            with translated(self._url), self._engine.connect() as connection:
                driver = connection.connection.driver_connection
                connection.rollback()
                if driver is None:
                    raise ValueError("the catalogue has no connection")
                try:
                    driver.execute("VACUUM INTO ?", (str(path),))
                except sqlite3.Error as error:
                    raise DBAPIError.instance("VACUUM INTO", None, error, sqlite3.Error) from error
        return True

    def _prepare(self, engine: Engine) -> None:
        with translated(self._url), engine.begin() as connection:
            create_if_empty(connection)
            check(connection)
        with self.transaction() as session:
            row = session.get(StationRow, self.station)
            self.stopped_in_order = row is None or row.clean
            if row is None:
                session.add(StationRow(name=self.station, head_seq=0, clean=False, boot=self.boot))
            else:
                row.clean, row.boot = False, self.boot
            if not self.stopped_in_order and sqlite_file(self._url) is not None:
                _check_integrity(session, self._url)

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _check_integrity(session: Session, url: str) -> None:
    findings = list(session.scalars(text("PRAGMA integrity_check")))
    if findings != ["ok"]:
        raise StationError("catalogue_corrupt", f"the catalogue {sqlite_file(url)} is damaged: {findings[0]}")
