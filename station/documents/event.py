"""Events and the one atomic status."""

from typing import Any, Literal

from pydantic import Field

from .ageing import Ageing
from .base import Document
from .batch import BatchState
from .lock import LockState

MachineState = Literal["idle", "capturing", "storing", "batch", "paused", "fault"]


class Event(Document):
    """One line of the journal.

    Attributes:
        boot: identity of the daemon's run; a new one means: take a snapshot again.
        seq: grows by one with every event, across restarts.
        time: UTC, ISO 8601.
        mono_s: the monotonic clock of the daemon's machine.
        type: dotted, such as `scan.captured`; it is the topic too.
        cause: id of the request or scan that brought it about; of a request over TCP, after the name of
            its key and a colon.
    """

    v: Literal[1] = 1
    boot: str
    seq: int
    time: str
    mono_s: float
    type: str
    cause: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class DeviceStatus(Document):
    """Rig or camera as last seen. `evidence` says what was seen and when."""

    state: Literal["unknown", "ready", "lost", "simulated", "fault"]
    name: str = ""
    evidence: str = ""


class Status(Document):
    """The one atomic answer to "what is going on".

    `quiescent` is true only when nothing runs, nothing waits to be processed and nothing waits to be
    delivered, and no hands-free batch is open. `calibration` is what the newest scans say of the profile;
    `delivery` why nothing can be delivered at the moment; `not_ready` why no card would be accepted now.
    Both are empty where all is well.
    """

    boot: str
    seq: int
    version: str
    pid: int
    state: MachineState
    quiescent: bool
    simulated: bool
    scanning: str | None = None
    step: str = ""
    processing: tuple[str, ...] = ()
    undelivered: int = 0
    rig: DeviceStatus
    camera: DeviceStatus
    fault: str | None = None
    scans: int = 0
    bytes_per_side: int | None = None
    room_for_sides: int | None = None
    disk_free_bytes: int = 0
    profile: str = ""
    calibration: Ageing = Ageing()
    data: str = ""
    batch: BatchState | None = None
    lock: LockState = LockState()
    delivery: str = ""
    not_ready: str = ""
