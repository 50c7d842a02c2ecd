"""Parameters and results of the methods of `control` that the client knows by name."""

from typing import Annotated

from pydantic import Field, StringConstraints

from .base import Document, StrictDocument
from .limits import LIMITS
from .plan import Side

Identity = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class NoParams(StrictDocument):
    """For methods that take none."""


class Accepted(Document):
    """The answer of a method that has started something or has nothing to tell."""

    accepted: bool = True


class ScanStart(StrictDocument):
    """`scan.start`. Without `card_id` the card is a new one."""

    side: Side
    card_id: Identity | None = None
    name: str = Field(default="", max_length=200)


class ScanStarted(Document):
    """The scan's identity; it is the `cause` of the events that follow."""

    scan_id: str


class ScanGet(StrictDocument):
    """`scan.get`."""

    id: Identity


class ScanReprocess(StrictDocument):
    """`scan.reprocess`.

    Attributes:
        scans: identities or their beginnings, of at least six digits; None: all that are stored and not
            computed with this profile and this release yet.
        profile: name, or absolute path of a TOML on the daemon's machine; empty: the one in use.
    """

    scans: tuple[Identity, ...] | None = Field(default=None, min_length=1)
    profile: str = Field(default="", max_length=4_000)


class LeftOut(Document):
    """A scan that is not computed again, and why."""

    id: str
    why: str


class Reprocessing(Document):
    """What is going to be computed again, oldest first, with which profile, and what is not."""

    profile: str
    profile_sha256: str
    scans: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


class ScanFile(StrictDocument):
    """`scan.file`: bytes of one file of a scan, which follow the reply in a frame of their own.

    Attributes:
        file: its name within the scan's folder, such as `manifest.json` or `results/1/normals.tif`.
        length: at most so many bytes; fewer come at the file's end.
    """

    id: Identity
    file: str = Field(min_length=1, max_length=255)
    offset: int = Field(default=0, ge=0)
    length: int = Field(default=LIMITS.file_piece_bytes, ge=1, le=LIMITS.file_piece_bytes)


class FilePiece(Document):
    """What `scan.file` answers: of which file the bytes are, and the size and hash of the whole."""

    file: str
    offset: int
    length: int
    bytes: int
    sha256: str


class StoredFile(Document):
    """A file of a scan, by its name within the scan's folder."""

    file: str
    bytes: int
    sha256: str


class ScanFiles(Document):
    """What `scan.files` answers: everything that is stored of a scan."""

    id: str
    files: tuple[StoredFile, ...]


class ScanKeep(StrictDocument):
    """`scan.keep`: whether the retention policy must leave it alone."""

    id: Identity
    keep: bool = True


class ScanWithdraw(StrictDocument):
    """`scan.withdraw`: the operator takes a stored scan back. Nothing of it is deleted."""

    id: Identity
    why: str = Field(min_length=1, max_length=500, pattern=r"\S")


class ScanList(StrictDocument):
    """`scan.list`: the newest first."""

    limit: int = Field(default=20, ge=1, le=1_000)


class EventsSince(StrictDocument):
    """`events.since`: events of the journal with a greater `seq`, oldest first, at most `limit`."""

    seq: int = Field(ge=0)
    limit: int = Field(default=LIMITS.page_events, ge=1, le=LIMITS.page_events)
