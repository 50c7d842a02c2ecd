"""The operator's lock: one person works the station at a time, and everybody sees who."""

from pydantic import Field

from .base import Document, StrictDocument


class LockTake(StrictDocument):
    """`lock.take`. `steal` takes it from whoever holds it; they are told by the event `lock.stolen`."""

    name: str = Field(min_length=1, max_length=64)
    reason: str = Field(default="", max_length=200)
    for_s: float = Field(
        default=600, gt=0, le=86_400, description="it ends this long after its holder's last request"
    )
    steal: bool = False


class LockTaken(Document):
    """The token that goes into the member `operator` of each request while the lock is held."""

    token: str


class LockRelease(StrictDocument):
    """`lock.release`."""

    token: str = Field(max_length=64)


class LockState(Document):
    """Who holds the lock, since when (UTC, ISO 8601) and until when at least; all empty: nobody."""

    name: str = ""
    reason: str = ""
    since: str = ""
    until: str = ""
