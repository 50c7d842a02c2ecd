"""What station and intake say to each other: a parcel is offered, sent in chunks, committed.

Every message is one JSON frame; a chunk's bytes follow in a second one. All are safe to repeat:

    offer        -> wants (which files, from which offset, how many chunks at once) | acknowledged | ...
    chunk        -> took (gives back one credit) | again | ...
    commit       -> acknowledged (everything is durable) | again | ...

`again` means: the intake knows nothing of this parcel (any more) or is at another place; offer it anew. Each
may also be answered with `refused`: never, for the reason given; or `deferred`: not now, for a reason that is
not the parcel's fault.
"""

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
    """The manifest of a parcel."""

    type: Literal["offer"] = "offer"
    parcel: Identity
    scan_id: Identity
    station: str = Field(default="", max_length=64)
    files: tuple[ParcelFile, ...] = Field(max_length=LIMITS.parcel_files)

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
    """Not now. `parcel` is empty when the message was not understood at all."""

    type: Literal["deferred"] = "deferred"
    parcel: str
    why: str


ToIntake = Offer | Chunk | Commit
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

    async def next(self) -> Parcel | None:
        """The oldest entry that waits, or None. It is the same one until its state changes."""

    async def sending(self, parcel_id: str) -> None:
        """The intake has taken up the offer."""

    async def delivered(self, parcel_id: str) -> None:
        """The intake has it durably; follows `sending`."""

    async def refused(self, parcel_id: str, why: str) -> None:
        """It cannot be delivered as it is, for this reason; it is not to be tried again."""

    async def requeued(self, parcel_id: str, why: str) -> None:
        """After `sending`, the attempt was cut short; the entry waits again."""


class ParcelRefusedError(Exception):
    """The parcel itself is at fault; the message is one sentence."""


class NotNowError(Exception):
    """The parcel may be fine, but it cannot be taken now; the message is one sentence."""


class IntakeStore(Protocol):
    """Where the intake puts what it gets. Calls come one at a time, from a thread of the intake's own.

    Each may raise `ParcelRefusedError` or `NotNowError`.
    """

    def holds(self, offer: Offer) -> bool:
        """Whether this very parcel was committed before."""

    def needs(self, offer: Offer) -> tuple[Need, ...]:
        """What is missing of it."""

    def append(self, offer: Offer, chunk: Chunk, content: bytes) -> bool:
        """Write a chunk where it belongs; False when it does not fit what is there."""

    def commit(self, offer: Offer) -> bool:
        """Make the whole parcel durable; False when something is missing."""
