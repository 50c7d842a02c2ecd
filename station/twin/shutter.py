"""When the simulated sensor exposes, and what its driver stamps: by a clock of its own, or when triggered.

Not locked; its owner does that. Times in nanoseconds of the monotonic clock.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal, Protocol

from station.camera.interface import CameraMode

from .chance import stream
from .sensor import STAMP_DELAY_US

Stamps = Literal["arrival", "start", "handout"]
POLL_NS = 2_000_000
"""How often a triggered camera looks at the light log."""
TRIGGER_DELAY_NS = 100_000
"""From the edge of the trigger to the first row's exposure."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: when its first row begins to be exposed, its stamp, and when it has arrived."""

    first_ns: int
    stamp_ns: int
    arrived_ns: int


class Shutter(Protocol):
    """Frame after frame."""

    def begin(self, mode: CameraMode, now_ns: int) -> None:
        """Start afresh in this mode."""
        ...

    def due_ns(self, now_ns: int) -> int:
        """When to `take` next."""
        ...

    def take(self) -> Shot | None:
        """The frame that has arrived; None: none has after all."""
        ...


class _Stamper:
    """Turns the start of a frame into the frame."""

    def __init__(self, stamps: Stamps, jitter_us: int, seed: int) -> None:
        self._at_start = stamps == "start"
        self._jitter_ns = jitter_us * 1_000
        self._chance = stream(seed, "camera jitter")

    def shot(self, first_ns: int, mode: CameraMode) -> Shot:
        off_ns = int(self._chance.integers(-self._jitter_ns, self._jitter_ns + 1))
        arrived_ns = first_ns + (mode.exposure_us + mode.readout_us + STAMP_DELAY_US) * 1_000
        stamp_ns = (first_ns if self._at_start else arrived_ns) + off_ns
        return Shot(first_ns, stamp_ns, max(arrived_ns, stamp_ns))


class FreeRunning:
    """Exposes at an even pace.

    Args:
        stamps, jitter_us, seed, clock_ppm: see `TwinCamera`.
    """

    def __init__(self, stamps: Stamps, jitter_us: int, seed: int, clock_ppm: float) -> None:
        self._stamper = _Stamper(stamps, jitter_us, seed)
        self._stretch = 1 + clock_ppm / 1e6

    def begin(self, mode: CameraMode, now_ns: int) -> None:
        """See `Shutter`."""
        self._mode, self._start_ns, self._exposed = mode, now_ns, 0
        self._next()

    def due_ns(self, now_ns: int) -> int:
        """See `Shutter`."""
        del now_ns
        return self._shot.arrived_ns

    def take(self) -> Shot:
        """See `Shutter`."""
        shot = self._shot
        self._exposed += 1
        self._next()
        return shot

    def _next(self) -> None:
        after_ns = round(self._exposed * self._mode.period_us * 1_000 * self._stretch)
        self._shot = self._stamper.shot(self._start_ns + after_ns, self._mode)


class Edges(Protocol):
    """Where trigger edges are found."""

    def triggers_ns(self) -> list[int]:
        """When the trigger rose since the last call."""
        ...


class Triggered:
    """Exposes when the board's trigger rises; while it still exposes or reads out it does not notice.

    Args:
        edges: of the trigger.
        stamps, jitter_us, seed: see `TwinCamera`.
    """

    def __init__(self, edges: Edges, stamps: Stamps, jitter_us: int, seed: int) -> None:
        self._edges = edges
        self._stamper = _Stamper(stamps, jitter_us, seed)
        self._shots: deque[Shot] = deque()
        self._busy_ns = 0

    def begin(self, mode: CameraMode, now_ns: int) -> None:
        """See `Shutter`; earlier triggers are forgotten."""
        self._mode, self._busy_ns = mode, now_ns
        self._shots.clear()
        self._edges.triggers_ns()

    def due_ns(self, now_ns: int) -> int:
        """See `Shutter`."""
        for edge_ns in self._edges.triggers_ns():
            first_ns = edge_ns + TRIGGER_DELAY_NS
            if first_ns >= self._busy_ns:
                self._shots.append(self._stamper.shot(first_ns, self._mode))
                self._busy_ns = first_ns + (self._mode.exposure_us + self._mode.readout_us) * 1_000
        return self._shots[0].arrived_ns if self._shots else now_ns + POLL_NS

    def take(self) -> Shot | None:
        """See `Shutter`."""
        return self._shots.popleft() if self._shots else None
