"""One connection to the catalogue's database, which nobody else has while it is open.

SQLite: write-ahead log with a sync at every commit; exclusive locking, chosen before the log is, keeps a
second daemon out and needs no shared memory. PostgreSQL: an advisory lock with the station's name does the
same.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from station.documents.fault import StationError
from station.documents.ids import new_id

FILE = "catalogue.sqlite3"
FILE_SUFFIXES = ("", "-wal", "-journal")
BUSY_TIMEOUT_S = 0.5
_SQLITE_CODES = {
    "SQLITE_BUSY": "data_busy",
    "SQLITE_LOCKED": "data_busy",
    "SQLITE_FULL": "disk_full",
    "SQLITE_IOERR": "data_unwritable",
    "SQLITE_READONLY": "data_unwritable",
    "SQLITE_CANTOPEN": "data_unwritable",
    "SQLITE_PERM": "data_unwritable",
    "SQLITE_CORRUPT": "catalogue_corrupt",
    "SQLITE_NOTADB": "catalogue_corrupt",
}


def default_url(root: Path) -> str:
    """The embedded catalogue of a data root."""
    return f"sqlite:///{root / FILE}"


def sqlite_file(url: str) -> Path | None:
    """The file behind a URL; None where a server holds the catalogue."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def new_copy(root: Path) -> Path:
    """Where a copy of the catalogue, made for somebody who asked, is written."""
    return root / f"catalogue.copy-{new_id()}.sqlite3"


def copies_of_catalogue(root: Path) -> list[Path]:
    """Copies whose owners did not remove them."""
    return sorted(root.glob("catalogue.copy-*"))


@contextmanager
def hold_alone(file: Path) -> Iterator[None]:
    """Keep a SQLite file, whole or damaged, from being opened by anybody else.

    Raises:
        StationError: `data_busy`, somebody has it open.
    """
    connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            connection.close()
            raise StationError("data_busy", f"another process has opened {file}") from error
    except sqlite3.DatabaseError:
        pass  # damaged, and therefore not open in any daemon: no daemon keeps a file it cannot read
    try:
        yield
    finally:
        connection.close()


def make_engine(url: str, station: str) -> Engine:
    """An engine with at most one connection; nothing is opened yet."""
    embedded = sqlite_file(url) is not None
    arguments: dict[str, Any] = {}
    if embedded:
        # Without an isolation level the driver leaves BEGIN to us, which makes DDL part of the transaction
        # too.
        arguments = {"isolation_level": None, "timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
    engine = create_engine(
        url,
        connect_args=arguments,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=not embedded,
        json_serializer=partial(json.dumps, allow_nan=False),
    )
    event.listen(engine, "connect", _prepare_sqlite if embedded else partial(_lock_station, station))
    if embedded:
        event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Name what the database refused.

    Raises:
        StationError: `data_busy`, `disk_full`, `data_unwritable`, `catalogue_corrupt` or `catalogue_absent`.
    """
    try:
        yield
    except DBAPIError as error:
        name = getattr(error.orig, "sqlite_errorname", "")
        code = next((code for prefix, code in _SQLITE_CODES.items() if name.startswith(prefix)), None)
        if code is None and (
            error.connection_invalidated or (sqlite_file(url) is None and not error.statement)
        ):
            code = "catalogue_absent"
        if code is None:
            raise
        where = make_url(url).render_as_string(hide_password=True)
        if code == "data_busy":
            raise StationError(code, f"another process has opened the catalogue {where}") from error
        said = str(error.orig).splitlines()[0]
        raise StationError(code, f"the catalogue {where} refused: {said}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401
    try:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")  # takes the lock now, and for as long as the connection lives
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _lock_station(station: str, connection: Any, _record: object) -> None:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_lock(%s, %s)",
            (zlib.crc32(b"station") >> 1, zlib.crc32(station.encode()) >> 1),
        )
        locked = cursor.fetchone()[0]
    connection.commit()
    if not locked:
        connection.close()
        raise StationError(
            "data_busy", f"another daemon has opened the catalogue for the station {station!r}"
        )
