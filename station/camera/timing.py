"""How lights and frames can be held together, with what is known of both. Pure.

All of it in microseconds. A free-running camera begins to expose the first row of a frame at its start and
the last row a readout later; every row is exposed for the exposure time.
"""

from dataclasses import dataclass

from ..documents.plan import Timing
from ..documents.profile import CameraProfile
from .interface import CameraMode

DARK_US = 500
"""Between the lights of neighbouring frames; a board asks for less."""
SLACK_US = 100
"""What a light needs to reach its brightness, and the rounding of a programme's steps."""
USEFUL_SHARE = 0.4
"""Of the exposure, in light, that makes a strobed frame worth its time.

Two strobed frames take as long as one light of an alternate programme; from half the exposure on they gather
more light than it does, and somewhat below one strobed frame is still worth more than the time of another.
"""
LATENCY_US = 500
"""From the edge of the trigger to the exposure of the first row, at most."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of frames and board before the first light.

    Attributes:
        mode: what the camera does.
        period_us: from frame to frame, from the stamps.
        margin_us: by how much an edge of a light may lie before or after its place among the rows, at most.
    """

    mode: CameraMode
    period_us: float
    margin_us: float


def without_clock(
    mode: CameraMode, camera: CameraProfile, *, wire: bool, programmable: bool
) -> Timing | None:
    """The timing where no clock of the frames decides it; None: one is needed."""
    if not programmable:
        return gated(mode, "the board runs no exposure programmes")
    if wire:
        return _triggered(mode)
    if camera.stamp_at == "unknown":
        return gated(mode, "the profile does not say which event of a frame the driver stamps")
    if mode.period_us <= 0:
        return gated(mode, "the camera does not tell its period")
    if mode.exposure_us > mode.period_us:
        return gated(
            mode,
            f"the exposure of {_ms(mode.exposure_us)} is longer than the period of {_ms(mode.period_us)}",
        )
    return None


def decide(known: Known) -> Timing:
    """The quickest way that the margins leave: one frame for a light, or two, or as many as it takes."""
    if known.margin_us <= spare_us(known, 1):
        return _whole(known)
    if known.mode.exposure_us > 0 and strobe_us(known) >= USEFUL_SHARE * known.mode.exposure_us:
        return _strobe(known)
    if known.margin_us <= spare_us(known, 2):
        return _alternate(known)
    return gated(known.mode, _too_uncertain(known))


def spare_us(known: Known, frames: int) -> float:
    """Room on either side of a light that covers one of so many frames wholly."""
    mode = known.mode
    return (frames * known.period_us - mode.exposure_us - mode.readout_us - DARK_US) / 2


def strobe_us(known: Known) -> float:
    """Time for which a light may burn while all rows are exposed; negative: never."""
    return known.mode.exposure_us - known.mode.readout_us - 2 * known.margin_us


def gated(mode: CameraMode, why: str) -> Timing:
    """Each light burns until a frame has come."""
    return Timing(
        kind="gated",
        why=f"{why}: each light burns until its frame has come",
        period_us=mode.period_us,
        on_us=mode.exposure_us,
    )


def _triggered(mode: CameraMode) -> Timing:
    return Timing(
        kind="triggered",
        why=f"the board's trigger wire makes the camera expose: {_ms(mode.exposure_us)}, rows over "
        f"{_ms(mode.readout_us)}",
        period_us=mode.period_us,
        on_us=mode.exposure_us,
        frames_per_light=1,
    )


def _whole(known: Known) -> Timing:
    mode = known.mode
    return Timing(
        kind="whole",
        why=f"exposure {_ms(mode.exposure_us)}, readout {_ms(mode.readout_us)}, {_margins(known)} and "
        f"{_ms(DARK_US)} of darkness fit into the period of {_ms(known.period_us)}",
        period_us=round(known.period_us),
        on_us=mode.exposure_us,
        frames_per_light=1,
    )


def _strobe(known: Known) -> Timing:
    mode, on_us = known.mode, strobe_us(known)
    return Timing(
        kind="strobe",
        why=f"exposure {_ms(mode.exposure_us)} and readout {_ms(mode.readout_us)} do not fit into the period "
        f"of {_ms(known.period_us)}; all rows are exposed together for "
        f"{_ms(mode.exposure_us - mode.readout_us)}, which {_margins(known)} leave "
        f"{_ms(on_us)} of, {100 * on_us / mode.exposure_us:.0f} % of the light",
        period_us=round(known.period_us),
        on_us=int(on_us),
        frames_per_light=1,
    )


def _alternate(known: Known) -> Timing:
    mode = known.mode
    common_us = mode.exposure_us - mode.readout_us
    common = (
        f"only {_ms(common_us)} of it in all rows together" if common_us > 0 else "never in all rows together"
    )
    return Timing(
        kind="alternate",
        why=f"exposure {_ms(mode.exposure_us)} ({common}), readout {_ms(mode.readout_us)} and "
        f"{_margins(known)} do not fit into the period of {_ms(known.period_us)} but into two",
        period_us=round(known.period_us),
        on_us=mode.exposure_us,
        frames_per_light=2,
    )


def _too_uncertain(known: Known) -> str:
    return (
        f"the clocks of camera and board are too uncertain: {_margins(known)}, where two periods of "
        f"{_ms(known.period_us)} leave {_ms(max(0.0, spare_us(known, 2)))}"
    )


def _margins(known: Known) -> str:
    return f"margins of {_ms(known.margin_us)} on either side"


def _ms(us: float) -> str:
    return f"{us / 1000:.1f} ms"
