"""What the trainer has received: files by their content, and `intake.sqlite`, a table of their parcels.

A row of the table implies its files; both are durable before a parcel is acknowledged.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ..bus.parcel import Chunk, Need, NotNowError, Offer, ParcelFile, ParcelRefusedError
from ..documents.base import Document
from ..documents.fault import StationError
from ..share.durable import make_folders, sync_folder
from .parts import BlobFolder

VERSION = 1
SCHEMA = """
CREATE TABLE parcel (
    digest TEXT PRIMARY KEY, id TEXT NOT NULL, scan_id TEXT NOT NULL, station TEXT NOT NULL,
    files TEXT NOT NULL, received TEXT NOT NULL
) STRICT;
CREATE INDEX parcel_scan ON parcel (scan_id);
CREATE TABLE refusal (
    number INTEGER PRIMARY KEY, parcel_id TEXT NOT NULL, scan_id TEXT NOT NULL, why TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
"""


class Received(Document):
    """A parcel that was acknowledged. `received` is UTC, ISO 8601."""

    id: str
    scan_id: str
    station: str
    received: str
    files: tuple[ParcelFile, ...]


class FileIntakeStore:
    """The durable `IntakeStore` below one folder. Any thread may call its methods; they take turns."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = BlobFolder(root)
        self._turn = threading.Lock()

    def open(self) -> Self:
        """Make the folders, open the table.

        Raises:
            StationError: `data_busy`, `data_unwritable`, `catalogue_drift` or `catalogue_corrupt`.
        """
        try:
            make_folders(self._root)
            self._blobs.open()
        except OSError as error:
            raise StationError("data_unwritable", f"{self._root} cannot be used: {error.strerror}") from error
        path = self._root / "intake.sqlite"
        # SQLite before 3.51.3 can damage a WAL database with two connections: this one is the only one
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            self._prepare(path)
        except BaseException:
            self._database.close()
            raise
        sync_folder(self._root)
        return self

    def close(self) -> None:
        """Close all files."""
        with self._turn:
            self._blobs.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, path: Path) -> None:
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._database.execute(f"PRAGMA {pragma}")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._database.executescript(
                    f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
                )
        except sqlite3.OperationalError as error:
            code = "data_busy" if "locked" in str(error) else "data_unwritable"
            raise StationError(code, f"{path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "Restore the file from a backup; the received files beside it are complete without it."
            raise StationError("catalogue_corrupt", f"{path} is damaged: {error}", hint) from error
        if version > VERSION:
            hint = "Run the release that wrote it, or a later one."
            raise StationError(
                "catalogue_drift", f"{path} is of version {version}, later than this release", hint
            )

    def holds(self, offer: Offer) -> bool:
        """Whether this parcel with these very files was committed before, and the files are still there."""
        with self._guarded():
            query = "SELECT 1 FROM parcel WHERE digest = ?"
            known = self._database.execute(query, (_digest(offer),)).fetchone()
            return known is not None and all(self._blobs.path(file.sha256).exists() for file in offer.files)

    def needs(self, offer: Offer) -> tuple[Need, ...]:
        """The files, each once, that are not complete."""
        with self._guarded(offer):
            files = {file.sha256: file for file in offer.files}
            offsets = {sha256: self._blobs.missing_from(file) for sha256, file in files.items()}
        return tuple(
            Need(sha256=sha256, offset=offset) for sha256, offset in offsets.items() if offset is not None
        )

    def append(self, offer: Offer, chunk: Chunk, content: bytes) -> bool:
        """Write a chunk; see `BlobFolder.append`."""
        with self._guarded(offer):
            file = next((file for file in offer.files if file.sha256 == chunk.sha256), None)
            if file is None:
                raise ParcelRefusedError(f"a file came that was not offered: {chunk.sha256}")
            return self._blobs.append(file, chunk.offset, content)

    def commit(self, offer: Offer) -> bool:
        """Record the parcel when all its files are complete."""
        with self._guarded(offer):
            if any(self._blobs.missing_from(file) is not None for file in offer.files):
                return False
            files = json.dumps([file.model_dump() for file in offer.files])
            row = (_digest(offer), offer.parcel, offer.scan_id, offer.station, files, _now())
            self._database.execute("INSERT OR IGNORE INTO parcel VALUES (?, ?, ?, ?, ?, ?)", row)
            return True

    def parcels(self) -> list[Received]:
        """All that was acknowledged, oldest first."""
        with self._guarded():
            query = "SELECT id, scan_id, station, received, files FROM parcel ORDER BY received, id"
            rows = self._database.execute(query).fetchall()
        names = ("id", "scan_id", "station", "received")
        return [
            Received.model_validate({**dict(zip(names, row[:4], strict=True)), "files": json.loads(row[4])})
            for row in rows
        ]

    def refusals(self) -> list[tuple[str, str]]:
        """Parcel and reason of all that was refused, oldest first."""
        with self._guarded():
            return self._database.execute("SELECT parcel_id, why FROM refusal ORDER BY number").fetchall()

    def path(self, sha256: str) -> Path:
        """Where a received file lies."""
        return self._blobs.path(sha256)

    @contextmanager
    def _guarded(self, offer: Offer | None = None) -> Iterator[None]:
        """One at a time; what the disk refuses is "not now"."""
        with self._turn:
            try:
                with self._recording(offer):
                    yield
            except OSError as error:
                raise NotNowError(f"the trainer's disk refused: {error.strerror}") from error
            except sqlite3.Error as error:
                raise NotNowError(f"the trainer's table of parcels refused: {error}") from error

    @contextmanager
    def _recording(self, offer: Offer | None) -> Iterator[None]:
        """What a parcel is refused for goes into the table."""
        try:
            yield
        except ParcelRefusedError as error:
            if offer is not None:
                query = "INSERT INTO refusal (parcel_id, scan_id, why, time) VALUES (?, ?, ?, ?)"
                self._database.execute(query, (offer.parcel, offer.scan_id, str(error), _now()))
            raise


def _digest(offer: Offer) -> str:
    """Identity of a parcel by what is in it, so that a scan may be delivered again with further results."""
    return hashlib.sha256(offer.model_dump_json().encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()
