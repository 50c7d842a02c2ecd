"""How a client follows the station, without a socket: welcome, snapshot, drop what it covers, fill gaps.

`following` is a generator that says what it needs next (`Receive`, `Call`) and what it has found (`Emit`);
the synchronous and the asynchronous client drive the same one.
"""

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError

from ..documents.event import Event, Status
from ..documents.fault import StationError
from ..documents.limits import Limits
from ..documents.rpc import HEARTBEAT, WELCOME, is_transient


class Arrival(NamedTuple):
    """An event as it came in. `blob` is its payload, such as a preview picture."""

    event: Event
    blob: bytes | None = None


class LivePicture(NamedTuple):
    """What the camera sees now: a JPEG, and what the station says of it."""

    jpeg: bytes
    facts: dict[str, Any]


def live_picture(frames: list[bytes]) -> LivePicture:
    """From the frames of `preview`.

    Raises:
        StationError: `bad_request`, they are none.
    """
    try:
        return LivePicture(frames[2], json.loads(frames[1]))
    except (IndexError, ValueError) as error:
        raise StationError("bad_request", f"the daemon sent a preview that is none: {error}") from error


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for the next message of the subscription; answered with its frames, or None: none came in time."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """Ask the daemon; answered with the result."""

    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand this to the user; answered with None."""

    item: Status | Arrival


Steps = Generator[Receive | Call | Emit, Any, NoReturn]
Part = Generator[Receive | Call | Emit, Any, None]


class Follower:
    """The place in the event stream up to which the user has been told everything."""

    def __init__(self, limits: Limits, after: int | None = None) -> None:
        self._limits = limits
        self._boot = ""
        self._seq = after

    def following(self) -> Steps:
        """Run the procedure; it ends only by an error.

        Raises:
            StationError: `daemon_absent` when nothing is heard, and what `status` or `events.since` refuse.
        """
        frames = yield Receive(self._limits.connect_s)
        if frames is None:
            raise StationError(
                "daemon_absent", f"no welcome from the daemon's events within {self._limits.connect_s:g} s"
            )
        yield from self._snapshot()
        while True:
            frames = yield Receive(self._limits.silence_s)
            if frames is None:
                raise StationError(
                    "daemon_absent", f"nothing was heard from the daemon for {self._limits.silence_s:g} s"
                )
            if frames[0] == WELCOME:
                yield from self._snapshot()
            else:
                yield from self._take(_arrival(frames))

    def _take(self, arrival: Arrival) -> Part:
        event = arrival.event
        if not is_transient(event.type) and event.seq <= self._place:
            return
        if event.boot != self._boot:
            yield from self._snapshot()
        if event.type == HEARTBEAT:
            yield from self._fill(event.seq)
        elif is_transient(event.type):
            yield Emit(arrival)
        else:
            yield from self._fill(event.seq - 1)
            yield from self._tell(arrival)

    @property
    def _place(self) -> int:
        return self._seq or 0

    def _tell(self, arrival: Arrival) -> Part:
        if arrival.event.seq > self._place:
            self._seq = arrival.event.seq
            yield Emit(arrival)

    def _snapshot(self) -> Part:
        """What the daemon says now, after what happened since the last place: a restart loses no event."""
        status = Status.model_validate((yield Call("status", {})))
        if self._seq is not None and self._seq <= status.seq:
            yield from self._fill(status.seq)
        self._boot, self._seq = status.boot, status.seq
        yield Emit(status)

    def _fill(self, until: int) -> Part:
        """Fetch what is missing up to `until`; where the journal does not reach, a new snapshot follows."""
        hole = False
        while self._place < until:
            page = yield Call("events.since", {"seq": self._place, "limit": self._limits.page_events})
            events = [Event.model_validate(item) for item in page]
            if not events or events[0].seq > self._place + 1:
                hole = True
            if not events:
                self._seq = until
            for event in events:
                yield from self._tell(Arrival(event))
        if hole:
            yield Emit(Status.model_validate((yield Call("status", {}))))


def _arrival(frames: list[bytes]) -> Arrival:
    try:
        return Arrival(Event.model_validate_json(frames[1]), frames[2] if len(frames) > 2 else None)
    except (IndexError, ValidationError) as error:
        raise StationError(
            "bad_request", f"the daemon sent an event that this client does not understand: {error}"
        ) from error
