"""What station and intake say to each other: a parcel is offered, sent in chunks, committed.

Every message is one JSON frame; a chunk's bytes follow in a second one. All are safe to repeat:

    offer        -> wants (which files, from which offset, how many chunks at once) | acknowledged | ...
    chunk        -> took (gives back one credit) | again | ...
    commit       -> acknowledged (everything is durable) | again | ...
    abandon      -> refused (written down; the station gives the parcel up)

`again` means: the intake knows nothing of this parcel (any more) or is at another place; offer it anew. Each
may also be answered with `refused`: never, for the reason given; or `deferred`: not now, for a reason that is
not the parcel's fault, or, with the scope `parcel`, one that is: the next one may well be taken.

`took` gives back one credit. A credit is taken away by a chunk without an answer, and added by a second one:
so the intake divides what may be under way among the stations that are active.

An offer may say where its files lie on the machine that both run on. An intake that can takes them by a
second name of the same file; what it does not want to know of, or cannot take, it asks for as usual.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from ..documents.base import Document
from ..documents.limits import LIMITS

Identity = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ParcelFile(Document):
    """One file of a parcel. `name` is relative, with forward slashes."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    sha256: Sha256
    bytes: int = Field(ge=0)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or "\0" in self.name or str(path) != self.name:
            raise ValueError(f"{self.name!a} is not a plain relative name")
        return self


class Offer(Document):
    """The manifest of a parcel.

    `places` are absolute paths, one for each file, on the machine that both run on, below the data folder
    `root` of the station; empty where that is not so.
    """

    type: Literal["offer"] = "offer"
    parcel: Identity
    scan_id: Identity
    station: str = Field(default="", max_length=64)
    files: tuple[ParcelFile, ...] = Field(max_length=LIMITS.parcel_files)
    root: str = ""
    places: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        return self


class Chunk(Document):
    """Bytes of a file from `offset` on; they are the second frame."""

    type: Literal["chunk"] = "chunk"
    parcel: Identity
    sha256: Sha256
    offset: int = Field(ge=0)


class Commit(Document):
    """All was sent: make it durable and say so."""

    type: Literal["commit"] = "commit"
    parcel: Identity


class Abandon(Document):
    """The station will not try this parcel again: it cannot read it, or failed too often."""

    type: Literal["abandon"] = "abandon"
    parcel: Identity
    scan_id: Identity
    station: str = Field(default="", max_length=64)
    why: str = Field(max_length=1_000)


class Need(Document):
    """A file that the intake does not have yet, and how much of it it has."""

    sha256: Sha256
    offset: int


class Wants(Document):
    """What to send, and how many chunks may be under way at once."""

    type: Literal["wants"] = "wants"
    parcel: str
    needs: tuple[Need, ...]
    credit: int = Field(ge=1)


class Took(Document):
    """A chunk was written (not yet durable)."""

    type: Literal["took"] = "took"
    parcel: str


class Acknowledged(Document):
    """The parcel is durable."""

    type: Literal["acknowledged"] = "acknowledged"
    parcel: str


class Again(Document):
    """Offer the parcel anew."""

    type: Literal["again"] = "again"
    parcel: str


class Refused(Document):
    """The parcel will never be taken."""

    type: Literal["refused"] = "refused"
    parcel: str
    why: str


class Deferred(Document):
    """Not now. `parcel` is empty when the message was not understood at all.

    `scope`: whether nothing can be taken now, or this parcel for a reason of its own.
    """

    type: Literal["deferred"] = "deferred"
    parcel: str
    why: str
    scope: Literal["intake", "parcel"] = "intake"


ToIntake = Offer | Chunk | Commit | Abandon
FromIntake = Wants | Took | Acknowledged | Again | Refused | Deferred
to_intake: TypeAdapter[ToIntake] = TypeAdapter(Annotated[ToIntake, Field(discriminator="type")])
from_intake: TypeAdapter[FromIntake] = TypeAdapter(Annotated[FromIntake, Field(discriminator="type")])


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file on the sender's disk. `name` is what the receiver calls it."""

    name: str
    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one outbox entry wants delivered."""

    id: str
    scan_id: str
    files: tuple[SourceFile, ...]


class DeliverySource(Protocol):
    """The outbox, as delivery sees it. Each change is durable when the call returns."""

    async def next(self, but: Collection[str] = ()) -> Parcel | None:
        """The oldest entry that waits, or None. It is the same one until its state changes.

        Args:
            but: parcels that were put off; they are passed over.
        """

    async def sending(self, parcel_id: str) -> None:
        """The intake has taken up the offer."""

    async def delivered(self, parcel_id: str) -> None:
        """The intake has it durably; follows `sending`."""

    async def refused(self, parcel_id: str, why: str) -> None:
        """It cannot be delivered as it is, for this reason; it is not to be tried again."""

    async def requeued(self, parcel_id: str, why: str) -> None:
        """After `sending`, the attempt was cut short; the entry waits again."""


class ParcelRefusedError(Exception):
    """The parcel itself is at fault; the message is one sentence.

    Attributes:
        file: name of the file that is at fault, if it is one.
        quarantined: where the receiver has put that file aside, relative to its folder; empty: nowhere.
    """

    def __init__(self, message: str, file: str = "", quarantined: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.quarantined = quarantined


class NotNowError(Exception):
    """The parcel may be fine, but it cannot be taken now; the message is one sentence."""


class ParcelDeferredError(NotNowError):
    """This parcel cannot be taken now for a reason of its own; others may well be."""


class IntakeStore(Protocol):
    """Where the intake puts what it gets. `append` is called by one thread, the others by several at once.

    Each may raise `NotNowError`, and those that take an offer `ParcelRefusedError`, of which the store has
    kept a record.
    """

    def holds(self, offer: Offer) -> bool:
        """Whether this very parcel was committed before."""

    def share(self, offer: Offer) -> int:
        """Take what can be taken from `offer.places`; how many files that were."""

    def needs(self, offer: Offer) -> tuple[Need, ...]:
        """What is missing of it."""

    def append(self, offer: Offer, chunk: Chunk, content: bytes | memoryview) -> bool:
        """Write a chunk where it belongs; False when it does not fit what is there."""

    def commit(self, offer: Offer) -> bool:
        """Make the whole parcel durable; False when something is missing. Waits as long as that takes."""

    def refuse(self, offer: Offer, why: str) -> None:
        """Keep a record that this parcel is given up, for this reason."""

    def abandoned(self, message: Abandon) -> None:
        """Keep a record that the station has given a parcel up."""
