"""What the trainer has received: files by their content, and the tables of their parcels.

A row implies its files; both are durable before a parcel is acknowledged. Parcels that are committed at the
same time share their syncs: one round syncs the folders and writes the rows of all of them.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from .. import __version__
from ..bus.parcel import Abandon, Chunk, Need, NotNowError, Offer, ParcelRefusedError
from ..documents.event import Event
from ..documents.fault import StationError
from ..documents.limits import LIMITS
from ..documents.trainer import IntakePage, ParcelPage, Received, RefusalPage, TrainerStatus
from ..share.durable import make_folders, sync_folder
from . import intake_rows, sharing
from .database import Database, Listener
from .parts import BlobFolder
from .rounds import Rounds

FILE = "intake.sqlite"


class FileIntakeStore:
    """The durable `IntakeStore` below one folder. Any thread may call its methods.

    Args:
        root: the trainer's folder.
        boot: identity of this run, for the events.
        tell: called with each event once it is durable, in the thread that caused it.
        shares: data folders of stations on this machine, whose files may be taken by a second name.
    """

    def __init__(
        self, root: Path, boot: str = "", tell: Listener | None = None, shares: Sequence[Path] = ()
    ) -> None:
        self._root = root
        self._boot = boot
        self._shares = shares
        self._blobs = BlobFolder(root)
        self._database = Database(root / FILE, boot, tell)
        self._rounds = Rounds(self._make_durable)

    def open(self) -> Self:
        """Make the folders, open the table.

        Raises:
            StationError: `data_busy`, `data_unwritable`, `catalogue_drift` or `catalogue_corrupt`.
        """
        try:
            make_folders(self._root)
            self._database.open()
            try:
                self._blobs.open()
                sync_folder(self._root)
            except BaseException:
                self._database.close()
                raise
        except OSError as error:
            raise StationError("data_unwritable", f"{self._root} cannot be used: {error.strerror}") from error
        return self

    def close(self) -> None:
        """Close all files."""
        self._blobs.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def holds(self, offer: Offer) -> bool:
        """Whether this parcel with these very files was committed before, and the files are still there."""
        with _guarded(), self._database.reading() as change:
            known = intake_rows.holds(change, offer)
        return known and all(self._blobs.path(file.sha256).exists() for file in offer.files)

    def needs(self, offer: Offer) -> tuple[Need, ...]:
        """The files, each once, that are not complete."""
        with self._refusing(offer):
            files = {file.sha256: file for file in offer.files}
            offsets = {sha256: self._blobs.missing_from(file) for sha256, file in files.items()}
        return tuple(
            Need(sha256=sha256, offset=offset) for sha256, offset in offsets.items() if offset is not None
        )

    def share(self, offer: Offer) -> int:
        """Take what lies on this machine by a second name; see `sharing.share`."""
        with self._refusing(offer):
            return sharing.share(offer, self._blobs, self._shares)

    def append(self, offer: Offer, chunk: Chunk, content: bytes | memoryview) -> bool:
        """Write a chunk; see `BlobFolder.append`."""
        with self._refusing(offer):
            file = next((file for file in offer.files if file.sha256 == chunk.sha256), None)
            if file is None:
                raise ParcelRefusedError(f"a file came that was not offered: {chunk.sha256}")
            return self._blobs.append(file, chunk.offset, content)

    def commit(self, offer: Offer) -> bool:
        """Make the parcel durable and record it, when all its files are complete; waits for a round."""
        with self._refusing(offer):
            if not self._blobs.settle(offer.files):
                return False
            self._rounds.join(offer)
            return True

    def _make_durable(self, offers: list[Offer]) -> None:
        """One round: the names of all files, then all rows in one transaction."""
        self._blobs.sync_names(file for offer in offers for file in offer.files)
        with self._database.transaction() as change:
            for offer in offers:
                intake_rows.receive(change, offer)

    def refuse(self, offer: Offer, why: str) -> None:
        """Write down that this parcel is given up."""
        self._refused(offer, ParcelRefusedError(why))

    def abandoned(self, message: Abandon) -> None:
        """Write down that the station has given a parcel up."""
        with _guarded(), self._database.transaction() as change:
            about = {"parcel_id": message.parcel, **message.model_dump(include={"scan_id", "station", "why"})}
            intake_rows.refuse(change, {**about, "file": "", "quarantined": ""})

    def parcels(self) -> list[Received]:
        """All that was acknowledged, oldest first."""
        with self._database.reading() as change:
            return intake_rows.all_parcels(change)

    def parcel_page(self, page: IntakePage) -> ParcelPage:
        """The newest parcels, page by page."""
        with self._database.reading() as change:
            return intake_rows.parcels(change, page)

    def refusals(self) -> list[tuple[str, str]]:
        """Parcel and reason of all that was refused, oldest first."""
        with self._database.reading() as change:
            return change.execute("SELECT parcel_id, why FROM refusal ORDER BY number").fetchall()

    def refusal_page(self, page: IntakePage) -> RefusalPage:
        """The newest refusals, page by page."""
        with self._database.reading() as change:
            return intake_rows.refusals(change, page)

    def events_since(self, seq: int, limit: int = LIMITS.page_events) -> list[Event]:
        """Events of the journal after a number, oldest first."""
        with self._database.reading() as change:
            return change.events_since(seq, limit)

    def head_seq(self) -> int:
        """Number of the newest event, 0 before the first."""
        with self._database.reading() as change:
            return change.head()

    def status(self, in_hand: int) -> TrainerStatus:
        """The trainer's status; how many parcels are in hand knows whoever receives them."""
        disk = os.statvfs(self._root)
        status = TrainerStatus(
            boot=self._boot,
            seq=0,
            version=__version__,
            pid=os.getpid(),
            quiescent=in_hand == 0,
            in_hand=in_hand,
            disk_free_bytes=disk.f_bavail * disk.f_frsize,
            data=str(self._root),
        )
        with self._database.reading() as change:
            return intake_rows.counted(change, status, LIMITS.page_stations)

    def path(self, sha256: str) -> Path:
        """Where a received file lies."""
        return self._blobs.path(sha256)

    @contextmanager
    def _refusing(self, offer: Offer) -> Iterator[None]:
        """What a parcel is refused for goes into the table; what the disk refuses is "not now"."""
        with _guarded():
            try:
                yield
            except ParcelRefusedError as error:
                self._refused(offer, error)
                raise

    def _refused(self, offer: Offer, error: ParcelRefusedError) -> None:
        about = {
            "parcel_id": offer.parcel,
            "scan_id": offer.scan_id,
            "station": offer.station,
            "file": error.file,
            "why": str(error),
            "quarantined": error.quarantined,
        }
        with self._database.transaction() as change:
            intake_rows.refuse(change, about)


@contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotNowError(f"the trainer's disk refused: {error.strerror}") from error
    except sqlite3.Error as error:
        raise NotNowError(f"the trainer's table of parcels refused: {error}") from error
