"""When the virtual sensor begins its frames: by its own clock, or when the board's trigger rises. Pure."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from .lit import TRIGGER

Stamps = Literal["start", "arrival"]
POLL_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Timing:
    """How a camera behaves in time; none of it is told to its user.

    Attributes:
        readout_us, transfer_us: from the first row's exposure to the last row's, and then to the arrival.
        stamps: what the driver stamps: the start of the first row's exposure, or the arrival.
        jitter_us: by how much a stamp may lie before or after that.
        hold_us: by how much longer a finished frame is held back, so that whoever writes the light log has
            noted everything.
        lag_frames: frames after which a new exposure time takes effect.
        warm_up: frames at the beginning of a stream that show nothing of use.
        trigger_delay_us: from the trigger's edge to the first row's exposure.
        seed: of the jitter.
    """

    readout_us: int = 5_000
    transfer_us: int = 2_000
    stamps: Stamps = "start"
    jitter_us: int = 0
    hold_us: int = 0
    lag_frames: int = 0
    warm_up: int = 0
    trigger_delay_us: int = 20
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame that has begun. `number` counts from 1 in each stream, `sequence` always."""

    sequence: int
    number: int
    start_ns: int
    exposure_us: int


class Pace(Protocol):
    """Says when frames begin."""

    def begin(self, now_ns: int) -> None:
        """A stream begins."""
        ...

    def begun(self, now_ns: int, exposure_us: int, period_us: int) -> Iterator[int]:
        """Starts, in monotonic ns, of the frames that have begun since it was last asked."""
        ...

    def wake_ns(self, now_ns: int) -> int:
        """When to ask again."""
        ...


class FreeRunning:
    """One frame after the other; a long exposure stretches the period."""

    def __init__(self) -> None:
        self._next_ns = 0

    def begin(self, now_ns: int) -> None:
        """See `Pace`."""
        self._next_ns = now_ns

    def begun(self, now_ns: int, exposure_us: int, period_us: int) -> Iterator[int]:
        """See `Pace`."""
        while self._next_ns <= now_ns:
            start_ns = self._next_ns
            self._next_ns += 1_000 * max(period_us, exposure_us)
            yield start_ns

    def wake_ns(self, now_ns: int) -> int:
        """See `Pace`."""
        del now_ns
        return self._next_ns


class LogTail(Protocol):
    """What `Triggered` needs of a light log."""

    def news(self) -> list[tuple[int, int]]:
        """Edges (ns, mask) since it was last asked, oldest first."""
        ...


class Triggered:
    """A frame for each rise of the trigger line, unless the sensor is still busy with the one before."""

    def __init__(self, tail: LogTail, timing: Timing) -> None:
        self._tail = tail
        self._delay_ns = 1_000 * timing.trigger_delay_us
        self._readout_us = timing.readout_us
        self._high = False
        self._free_ns = 0
        self.refused = 0
        """Rises that came too early."""

    def begin(self, now_ns: int) -> None:
        """See `Pace`; what rose before does not count."""
        del now_ns
        self._rises()
        self._free_ns = 0

    def begun(self, now_ns: int, exposure_us: int, period_us: int) -> Iterator[int]:
        """See `Pace`; the sensor is busy for the exposure, or for the period it needs for a readout."""
        del now_ns
        for rise_ns in self._rises():
            if rise_ns < self._free_ns:
                self.refused += 1
                continue
            start_ns = rise_ns + self._delay_ns
            self._free_ns = start_ns + 1_000 * max(exposure_us, self._readout_us)
            yield start_ns
        del period_us

    def wake_ns(self, now_ns: int) -> int:
        """See `Pace`; the log has to be looked at."""
        return now_ns + POLL_NS

    def _rises(self) -> list[int]:
        rises = []
        for when_ns, mask in self._tail.news():
            high = bool(mask & TRIGGER)
            if high and not self._high:
                rises.append(when_ns)
            self._high = high
        return rises


class Shots:
    """Frames under way, from their beginning to their arrival."""

    def __init__(self, pace: Pace, timing: Timing) -> None:
        self._pace = pace
        self._timing = timing
        self._chance = random.Random(timing.seed)  # noqa: S311 - a seeded disturbance, no secret
        self._exposures: deque[int] = deque(maxlen=timing.lag_frames + 1)
        self._under_way: deque[Shot] = deque()
        self._sequence = 0
        self._number = 0

    def begin(self, now_ns: int) -> None:
        """A stream begins; what was under way is forgotten."""
        self._under_way.clear()
        self._exposures.clear()
        self._number = 0
        self._pace.begin(now_ns)

    def advance(self, now_ns: int, exposure_us: int, period_us: int) -> None:
        """Begin the frames whose time has come, with the settings of now."""
        for start_ns in self._pace.begun(now_ns, exposure_us, period_us):
            self._sequence += 1
            self._number += 1
            self._exposures.append(exposure_us)
            self._under_way.append(Shot(self._sequence, self._number, start_ns, self._exposures[0]))

    def arrived(self, now_ns: int, known_until_ns: int) -> Iterator[Shot]:
        """Frames that are there by now, in order, as far as it is known what light they saw."""
        while self._under_way:
            first = self._under_way[0]
            if self.due_ns(first) > now_ns or self._end_ns(first) > known_until_ns:
                return
            yield self._under_way.popleft()

    def due_ns(self, shot: Shot) -> int:
        """When a frame is handed over, at the earliest."""
        return self._arrival_ns(shot) + 1_000 * self._timing.hold_us

    def wake_ns(self, now_ns: int) -> int:
        """When something happens next."""
        wake_ns = self._pace.wake_ns(now_ns)
        if not self._under_way:
            return wake_ns
        due_ns = self.due_ns(self._under_way[0])
        return min(wake_ns, due_ns if due_ns > now_ns else now_ns + POLL_NS)

    def stamp_ns(self, shot: Shot) -> int:
        """What the driver stamps, whole microseconds as V4L2 has them."""
        event_ns = shot.start_ns if self._timing.stamps == "start" else self._arrival_ns(shot)
        jitter_us = self._chance.uniform(-self._timing.jitter_us, self._timing.jitter_us)
        return round(event_ns / 1_000 + jitter_us) * 1_000

    def _end_ns(self, shot: Shot) -> int:
        return shot.start_ns + 1_000 * (shot.exposure_us + self._timing.readout_us)

    def _arrival_ns(self, shot: Shot) -> int:
        timing = self._timing
        return shot.start_ns + 1_000 * (shot.exposure_us + timing.readout_us + timing.transfer_us)
