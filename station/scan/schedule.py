"""From exposures to be taken to a board's programme, its moment, and the frames to expect. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..camera.frame_clock import Grid
from ..camera.interface import CameraMode
from ..camera.timing import DARK_US, LATENCY_US, SLACK_US
from ..documents.plan import ScanPlan, Timing
from ..rig.interface import ExposureStep
from ..wire.messages import EXPOSURE_MIN_US, STEPS_MAX

Light = int | None
"""0-based light, None is ambient (all off)."""

PROGRAMME_S = 2.0
"""Longest programme, for nobody can stop it before its end but the board."""
BOARD_RATE = 0.005
"""By how much a board's clock may be fast, relative; ceramic resonators."""
SETTLE_US = 300
"""From a light to the trigger."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one frame is to see: a light for as long as the timing has it, or for a shorter time.

    Attributes:
        light: None: ambient.
        on_us: time for which every row sees the light, for exposure brackets; None: the plan's.
    """

    light: Light
    on_us: int | None = None

    def __str__(self) -> str:
        name = "ambient" if self.light is None else f"light {self.light}"
        return name if self.on_us is None else f"{name} for {self.on_us} µs"


@dataclass(frozen=True, slots=True)
class Window:
    """When a light burns, in microseconds after the frame's first row begins to be exposed."""

    on_us: float
    off_us: float


@dataclass(frozen=True, slots=True)
class Shot:
    """One step of a programme, and the frame that is meant to see it; None: that of its trigger."""

    exposure: Exposure
    frame: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A programme to be run.

    Attributes:
        shots: as many as steps, in order.
        steps: for the board.
        at_s: when the first step begins, monotonic; None: at once.
    """

    shots: tuple[Shot, ...]
    steps: tuple[ExposureStep, ...]
    at_s: float | None

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the frames that are expected."""
        return tuple(shot.frame for shot in self.shots if shot.frame is not None)


def exposures_of(plan: ScanPlan) -> tuple[Exposure, ...]:
    """What the plan asks for: ambient, then each light in full."""
    return (Exposure(None), *(Exposure(light) for light in plan.lights))


def batch_of(pending: Sequence[Exposure], timing: Timing | None) -> tuple[Exposure, ...]:
    """Those of them that are taken in one go: one where lights are gated, else what one programme holds."""
    if timing is None or timing.kind == "gated":
        return tuple(pending[:1])
    frame_s = max(1, timing.period_us) * timing.frames_per_light / 1e6
    return tuple(pending[: max(1, min(STEPS_MAX, int(PROGRAMME_S / frame_s)))])


def window(timing: Timing, mode: CameraMode, exposure: Exposure) -> Window:
    """When a light burns for its frame.

    Raises:
        ValueError: a shorter on-time than the plan's that does not fit into the time all rows have in common.
    """
    span_us = mode.exposure_us + mode.readout_us
    on_us = timing.on_us if timing.kind == "strobe" and exposure.on_us is None else exposure.on_us
    if on_us is None:
        spare_us = (timing.frames_per_light * timing.period_us - span_us - DARK_US) / 2
        return Window(-spare_us, span_us + spare_us)
    if not EXPOSURE_MIN_US <= on_us <= mode.exposure_us - mode.readout_us:
        raise ValueError(
            f"{exposure}: all rows are exposed together for {mode.exposure_us - mode.readout_us} µs"
        )
    return Window((span_us - on_us) / 2, (span_us + on_us) / 2)


def locked(
    exposures: Sequence[Exposure], timing: Timing, mode: CameraMode, grid: Grid, not_before_s: float
) -> Schedule:
    """A programme whose lights keep to the frames of a free-running camera.

    Args:
        exposures: in order; one that needs a frame given up behind it gets it.
        timing: whole, strobe or alternate.
        mode: what the camera does.
        grid: when frames start.
        not_before_s: the board hears of it by then.
    """
    windows = [window(timing, mode, exposure) for exposure in exposures]
    first = grid.next_after(not_before_s - windows[0].on_us / 1e6)
    frames = [first + timing.frames_per_light * k for k in range(len(exposures))]
    starts_us = [grid.start(frame).at_s * 1e6 for frame in frames]
    at_us = starts_us[0] + windows[0].on_us
    edges = [
        (round(start + one.on_us - at_us), round(start + one.off_us - at_us))
        for start, one in zip(starts_us, windows, strict=True)
    ]
    gaps = [after[0] - before[1] for before, after in pairwise(edges)]
    steps = tuple(
        ExposureStep(exposure.light, 0, off - on, gap, trigger=False)
        for exposure, (on, off), gap in zip(exposures, edges, [*gaps, DARK_US], strict=True)
    )
    shots = tuple(Shot(exposure, frame) for exposure, frame in zip(exposures, frames, strict=True))
    return Schedule(shots, steps, at_us / 1e6)


def triggered(exposures: Sequence[Exposure], mode: CameraMode, late_us: int) -> Schedule:
    """A programme whose triggers make the camera expose.

    Args:
        exposures: in order.
        mode: what the camera does; its period is the time it needs from one trigger to the next.
        late_us: by how much a stamp may be late; the next frame begins only after that.
    """
    lit_us = round(triggered_us(mode) * (1 + BOARD_RATE)) + SLACK_US
    rest_us = max(DARK_US, late_us, mode.period_us - SETTLE_US - lit_us)
    steps = tuple(ExposureStep(exposure.light, SETTLE_US, lit_us, rest_us) for exposure in exposures)
    return Schedule(tuple(Shot(exposure, None) for exposure in exposures), steps, None)


def triggered_us(mode: CameraMode) -> float:
    """From the trigger until the last row is done, at most, by whichever clock is slower."""
    return (LATENCY_US + mode.exposure_us + mode.readout_us) * (1 + BOARD_RATE)


def flush(mode: CameraMode, late_us: int) -> Schedule:
    """One dark frame more, so that whoever waits for the last one sees that it is not coming."""
    return triggered((Exposure(None),), mode, late_us)
