"""Whether the station would accept a card now: asked before each card, never in the middle of one.

A pure decision (`refusal`) over facts, and the shell that gathers them.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..archive.catalogue import Catalogue
from ..archive.room import Room, measure
from ..documents.event import DeviceStatus
from ..documents.fault import StationError
from ..documents.ids import new_id
from ..share.durable import storing, sync_folder
from .journal import Journal

JUMP_S = 60.0
"""A wall clock that was set by more than this since the start has jumped."""
PROBE_S = 5.0
"""How often at most the disk is really written to."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on.

    Attributes:
        room: of the disk.
        undelivered, depth: scans that wait to be delivered, and how many may.
        jumped_s: by how much the wall clock was set since the start, forwards or back.
        newest: when the newest stored scan was made; None: there is none.
        now: the wall clock, UTC.
    """

    room: Room
    undelivered: int
    depth: int
    jumped_s: float
    newest: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What the catalogue says, of one moment: `per_side` in bytes, `newest` when the newest scan was made."""

    undelivered: int
    newest: datetime | None
    per_side: int | None


def look(catalogue: Catalogue) -> Seen:
    """Ask the catalogue, in its own thread."""
    newest = catalogue.scans(1)
    made = datetime.fromisoformat(newest[0].created) if newest else None
    return Seen(catalogue.undelivered(), made, catalogue.bytes_per_side())


def refusal(facts: Facts) -> StationError | None:
    """Why no card is accepted; None: one is."""
    try:
        facts.room.admit()
    except StationError as error:
        return error
    if facts.undelivered >= facts.depth:
        return StationError(
            "outbox_full", f"{facts.undelivered} scans wait to be delivered, {facts.depth} may"
        )
    if abs(facts.jumped_s) > JUMP_S:
        way = "forwards" if facts.jumped_s > 0 else "back"
        return StationError(
            "clock_jumped", f"the clock was set {way} by {_duration(abs(facts.jumped_s))} since the start"
        )
    if facts.newest is not None and (facts.newest - facts.now).total_seconds() > JUMP_S:
        behind = _duration((facts.newest - facts.now).total_seconds())
        return StationError(
            "clock_jumped", f"the clock says {facts.now:%Y-%m-%d %H:%M} UTC, {behind} before the newest scan"
        )
    return None


def unwell(**parts: DeviceStatus) -> StationError | None:
    """Which part keeps cards out; None: none does."""
    for name, seen in parts.items():
        if seen.state in ("lost", "fault"):
            state = "lost" if seen.state == "lost" else "in fault"
            return StationError("not_ready", f"the {name} is {state}: {seen.evidence}")
    return None


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"


def boot_s() -> float:
    """Seconds that no setting of the clock touches, times of sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """The wall clock, held against one that nobody sets."""

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = boot_s,
    ) -> None:
        self.wall = wall
        self._steady = steady
        self._offset_s = self._now_s()
        self.accepted = False

    def _now_s(self) -> float:
        return self.wall().timestamp() - self._steady()

    @property
    def jumped_s(self) -> float:
        """By how much it was set since the start, or since it was accepted."""
        return self._now_s() - self._offset_s

    @property
    def jumped(self) -> bool:
        """Whether it was set by so much that nothing may rest on it until somebody accepts it."""
        return abs(self.jumped_s) > JUMP_S

    def accept(self) -> None:
        """The time that it says now is right, whatever was stored before."""
        self._offset_s = self._now_s()
        self.accepted = True


class Admission:
    """Gathers the facts for one data root. All methods belong to the loop."""

    def __init__(
        self, root: Path, reserve_mb: int, depth: int, journal: Journal, clock: Clock | None = None
    ) -> None:
        self._root = root
        self._reserve_mb = reserve_mb
        self._depth = depth
        self._journal = journal
        self.clock = clock or Clock()
        self._probed_s: float | None = None
        self._unwritable: StationError | None = None

    async def admit(self) -> None:
        """Accept one more side.

        Raises:
            StationError: `disk_full`, `data_unwritable`, `outbox_full`, `clock_jumped`; or what the catalogue
                says.
        """
        problem = await self._problem(await self._journal.ask(look))
        if problem is not None:
            raise problem

    async def why_not(self, seen: Seen | None = None) -> str:
        """The same in one sentence; empty: a card is welcome. Without `seen` the catalogue is asked."""
        try:
            problem = await self._problem(await self._journal.ask(look) if seen is None else seen)
        except StationError as error:
            return str(error)
        return "" if problem is None else str(problem)

    def room(self, seen: Seen) -> Room:
        """What the disk has left.

        Raises:
            StationError: `data_unwritable`, the data root is not there.
        """
        return measure(self._root, self._reserve_mb, seen.per_side)

    async def _problem(self, seen: Seen) -> StationError | None:
        return refusal(self._facts(seen)) or await self._probed()

    def _facts(self, seen: Seen) -> Facts:
        return Facts(
            room=self.room(seen),
            undelivered=seen.undelivered,
            depth=self._depth,
            jumped_s=self.clock.jumped_s,
            newest=None if self.clock.accepted else seen.newest,
            now=self.clock.wall(),
        )

    async def _probed(self) -> StationError | None:
        """What the last try to write said; it is repeated where it is old."""
        now_s = time.monotonic()
        if self._probed_s is None or now_s - self._probed_s >= PROBE_S:
            self._probed_s = now_s  # whoever asks meanwhile is answered with the last try
            try:
                await asyncio.to_thread(probe, self._root)
            except StationError as error:
                self._unwritable = error
            else:
                self._unwritable = None
        return self._unwritable


def probe(root: Path) -> None:
    """Really write, sync and remove a small file where scans are going to lie.

    Raises:
        StationError: `disk_full` or `data_unwritable`.
    """
    if not root.is_dir():
        raise StationError("data_unwritable", f"the data folder {root} is gone; is its disk mounted?")
    path = root / f".probe-{os.getpid()}-{new_id()}"
    with storing(root):
        try:
            with path.open("xb") as file:
                file.write(bytes(4_096))
                file.flush()
                os.fsync(file.fileno())
        finally:
            path.unlink(missing_ok=True)
        sync_folder(root)
