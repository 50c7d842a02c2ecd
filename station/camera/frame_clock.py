"""When a free-running camera exposes, learned from the stamps of the frames that have come. Pure.

A stamp that contradicts the others came late and is set aside; when several in a row do, the camera has begun
anew, and so does the clock.
"""

from dataclasses import dataclass, replace

from ..documents.profile import CameraProfile
from .frame_lines import FEWEST, Line, Seen, agreement, certain, counted, usual_period_s
from .interface import CameraMode

KEPT = 64
LONGEST_S = 20.0
"""Older stamps are forgotten: the clocks of camera and machine drift against each other."""
ENOUGH = 12
"""Frames without which nothing is said: among fewer a late stamp passes for another period."""
ENOUGH_AGAIN = 4
"""The same where the period is known from before."""
IN_A_ROW = 3
"""Stamps off the grid, one after another, that mean a new beginning if they agree with each other."""
AT_LAST = 8
"""As many mean it whether they agree or not; so do as many that skip frames by their stamps alone."""
CONFIRMED = 16
"""Frames from which on a grid's period is remembered after a new beginning."""
LATE_SHARE = 0.125
"""Of stamps set aside, above which the bound of the jitter is not to be believed."""
FLOOR_S = 50e-6
"""Least jitter reckoned with: rounding of stamps, and drift."""
PERIOD_DRIFT = 100e-6
"""Relative change of the period reckoned with between one beginning and the next."""


@dataclass(frozen=True, slots=True)
class Stamping:
    """What a driver's stamps say.

    Attributes:
        after_s: usual time from the start of the first row's exposure to the stamp.
        jitter_s: by how much it may lie before or after that.
    """

    after_s: float
    jitter_s: float

    @classmethod
    def of(cls, camera: CameraProfile, mode: CameraMode) -> "Stamping | None":
        """As the profile knows it for this mode; None: it does not."""
        if camera.stamp_at == "unknown":
            return None
        span_us = mode.exposure_us + mode.readout_us if camera.stamp_at == "end" else 0
        return cls((span_us + camera.stamp_delay_us) / 1e6, camera.stamp_jitter_us / 1e6)

    def start_s(self, timestamp_s: float) -> float:
        """When the first row's exposure began, to within the jitter."""
        return timestamp_s - self.after_s


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of the monotonic clock, and how wrong it may be at most."""

    at_s: float
    error_s: float


@dataclass(frozen=True, slots=True)
class Grid:
    """What is known of the starts of all frames, as a value.

    Frames are counted as the driver numbers them, from the first that was seen on; where a driver drops
    frames without leaving gaps in its numbers, its numbers fall behind.

    Attributes:
        epoch: grids of different epochs count differently.
        frame, at_s: number and rough start of the reference frame.
        lines: corners of the polygon of all straight lines that agree with the stamps.
    """

    epoch: int
    frame: int
    at_s: float
    lines: tuple[Line, ...]

    @property
    def period_s(self) -> float:
        """From frame to frame."""
        return _middle([period for _, period in self.lines])[0]

    def start(self, frame: int) -> Moment:
        """When the exposure of the frame's first row begins."""
        at, error = _middle([offset + period * (frame - self.frame) for offset, period in self.lines])
        return Moment(self.at_s + at, error)

    def frame_at(self, start_s: float) -> int:
        """The frame whose start is nearest."""
        offset = _middle([offset for offset, _ in self.lines])[0]
        return self.frame + round((start_s - self.at_s - offset) / self.period_s)

    def next_after(self, when_s: float) -> int:
        """The first frame that certainly starts at this moment or later."""
        frame = self.frame_at(when_s) - 1
        while (start := self.start(frame)).at_s - start.error_s < when_s:
            frame += 1
        return frame


class FrameClock:
    """Fed with every frame in order, answers when frames start. Needs no camera and no time of its own.

    Args:
        stamping: what the stamps say.
    """

    def __init__(self, stamping: Stamping) -> None:
        self.stamping = stamping
        self._jitter_s = max(stamping.jitter_s, FLOOR_S)
        self._seen: tuple[Seen, ...] = ()
        self._grid: Grid | None = None
        self._period_s: tuple[float, float] | None = None
        self._off = 0
        self._uneven = 0
        self._certain = 0
        self._late = 0
        self._epoch = 0

    @property
    def grid(self) -> Grid | None:
        """What is known now; None: too little, or stamps that contradict each other."""
        doubtful = self._late > LATE_SHARE * self._certain
        enough = ENOUGH if self._period_s is None else ENOUGH_AGAIN
        return None if self._certain < enough or doubtful else self._grid

    def feed(self, sequence: int, timestamp_s: float) -> None:
        """Learn from one frame."""
        start_s = self.stamping.start_s(timestamp_s)
        if self._seen and not self._countable(start_s):
            self._begin_anew(())
        grid = self._grid
        self._seen = (
            *(one for one in self._seen[1 - KEPT :] if start_s - one.start_s <= LONGEST_S),
            Seen(sequence, grid.frame_at(start_s) if grid else sequence, start_s),
        )
        if grid is None:
            self._seen = counted(self._seen)
        self._solve()
        self._watch(timestamp_s)

    def lies_on(self, grid: Grid, timestamp_s: float) -> bool:
        """Whether a frame's stamp is one that its place on the grid allows."""
        start_s = self.stamping.start_s(timestamp_s)
        due = grid.start(grid.frame_at(start_s))
        return abs(start_s - due.at_s) <= due.error_s + self._jitter_s

    def _countable(self, start_s: float) -> bool:
        """Whether it is certain how many frames lie between the last and this one."""
        if abs(start_s - self._seen[-1].start_s) > LONGEST_S:
            return False
        grid = self._grid
        return grid is None or grid.start(grid.frame_at(start_s)).error_s < grid.period_s / 4

    def _watch(self, timestamp_s: float) -> None:
        """Notice when the camera has begun anew."""
        on_grid = self._grid is None or self.lies_on(self._grid, timestamp_s)
        even = self._seen[-1] in certain(self._seen[-2:])
        self._off = 0 if on_grid else self._off + 1
        self._uneven = 0 if even else self._uneven + 1
        newest = counted(self._seen[-IN_A_ROW:])
        if max(self._off, self._uneven) >= AT_LAST or (self._off >= IN_A_ROW and self._agree(newest)):
            self._begin_anew(newest)

    def _agree(self, seen: tuple[Seen, ...]) -> bool:
        even = len(certain(seen)) == len(seen)
        return even and agreement(seen, self._jitter_s, usual_period_s(seen)).late == 0

    def _begin_anew(self, seen: tuple[Seen, ...]) -> None:
        """Forget where frames start, but not how far apart they are, unless that has changed too."""
        if self._grid is not None and self.grid is not None and self._certain >= CONFIRMED:
            periods = [period for _, period in self._grid.lines]
            self._period_s = min(periods) * (1 - PERIOD_DRIFT), max(periods) * (1 + PERIOD_DRIFT)
        self._grid, self._off, self._uneven, self._certain, self._late = None, 0, 0, 0, 0
        self._epoch += 1
        self._seen = tuple(replace(one) for one in seen)
        self._solve()

    def _solve(self) -> None:
        seen = certain(self._seen)
        if len(seen) < FEWEST:
            return
        guess_s = self._grid.period_s if self._grid else usual_period_s(seen)
        found = agreement(seen, self._jitter_s, guess_s, self._period_s)
        newest = seen[-1]
        self._certain, self._late = len(seen), found.late
        self._grid = Grid(self._epoch, newest.frame, newest.start_s, found.corners)


def _middle(values: list[float]) -> tuple[float, float]:
    """Middle and half width of what the values span."""
    low, high = min(values), max(values)
    return (low + high) / 2, (high - low) / 2
