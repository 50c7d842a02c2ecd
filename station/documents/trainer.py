"""What the trainer says of itself and of the parcels that it was sent."""

from pydantic import Field

from .base import Document, StrictDocument
from .limits import LIMITS


class KnownStation(Document):
    """A station that has sent parcels, by the name that it gives itself.

    Attributes:
        last: UTC, ISO 8601: when its newest parcel was received or refused.
        parcels: how many were received.
        refused: how many were refused.
    """

    name: str
    last: str
    parcels: int
    refused: int


class TrainerStatus(Document):
    """The one atomic answer to "what is going on" of the trainer.

    Attributes:
        boot: identity of the trainer's run.
        seq: the newest event that this answer covers.
        quiescent: no parcel is in hand.
        in_hand: parcels that were offered and are neither received nor refused yet; one of which nothing was
            heard for a minute does not count.
        parcels: how many were received.
        blobs_bytes: size of all received files, each content once.
        stations: those seen last; `stations_in_all` were seen ever.
        refused: parcels that will never be taken as they are, see `intake.refusals`.
        quarantined: refused files that were put aside.
    """

    boot: str
    seq: int
    version: str
    pid: int
    quiescent: bool
    in_hand: int = 0
    parcels: int = 0
    blobs_bytes: int = 0
    stations: tuple[KnownStation, ...] = ()
    stations_in_all: int = 0
    refused: int = 0
    quarantined: int = 0
    disk_free_bytes: int = 0
    data: str = ""


class ReceivedFile(Document):
    """One file of a received parcel; its content lies in `blobs/` of the trainer's folder under its hash."""

    name: str
    sha256: str
    bytes: int


class Received(Document):
    """A parcel that was acknowledged. `received` is UTC, ISO 8601; `number` grows with every parcel."""

    number: int = 0
    id: str
    scan_id: str
    station: str
    received: str
    files: tuple[ReceivedFile, ...]


class Refusal(Document):
    """A parcel, or one file of it, that was refused for good.

    Attributes:
        number: grows with every refusal.
        station: as it calls itself.
        file: name of the file that was at fault, empty where it was none.
        time: UTC, ISO 8601.
        quarantined: where the file lies that was put aside, relative to the trainer's folder; or empty.
    """

    number: int
    parcel: str
    scan_id: str
    station: str
    file: str
    why: str
    time: str
    quarantined: str


class IntakePage(StrictDocument):
    """`intake.parcels` and `intake.refusals`: the newest first, of those with a number below `before`."""

    before: int | None = Field(default=None, ge=1)
    limit: int = Field(default=20, ge=1, le=LIMITS.page_parcels)


class ParcelPage(Document):
    """Parcels, the newest first. `before` asks for the page that follows; None: this was the last."""

    parcels: tuple[Received, ...]
    before: int | None = None


class RefusalPage(Document):
    """Refusals, the newest first. `before` asks for the page that follows; None: this was the last."""

    refusals: tuple[Refusal, ...]
    before: int | None = None
