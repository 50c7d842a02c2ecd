"""What a scan is going to do, fixed before the first light goes on."""

from typing import Literal

from pydantic import Field

from .base import Document

Side = Literal["front", "back"]
CARD_WIDTH_MM = 63.0
CARD_HEIGHT_MM = 88.0


TimingKind = Literal["gated", "alternate", "whole", "strobe", "triggered"]


class Timing(Document):
    """How lights and frames are held together in time.

    Attributes:
        kind: gated, a light burns until a frame has come that was exposed wholly under it; alternate, locked
            to the frames, every second one is under a light; whole, locked, each frame under its own
            light; strobe, locked, each light burns only within the time in which all rows are exposed;
            triggered, the board makes the camera expose.
        why: one sentence: what led to this kind.
        period_us: from frame to frame, measured from the stamps; 0: not known.
        on_us: time for which each row sees the light.
        frames_per_light: how many frames a light costs.
    """

    kind: TimingKind = "gated"
    why: str = ""
    period_us: int = Field(default=0, ge=0)
    on_us: int = Field(default=0, ge=0)
    frames_per_light: int = Field(default=0, ge=0)


class ScanPlan(Document):
    """A plan is a value: it is stored with each scan so that the stack can be reconstructed again later.

    Attributes:
        lights: 0-based indices, in the order they are lit; the ambient frame comes first.
        exposure_us: exposure time of every frame.
        exposure_why: one sentence: why it is not the one that was asked for; empty: it is.
        gain: analogue gain of the camera, 1.0 is none.
        max_on_ms: longest time the board may keep one light burning in this scan.
        attempts_per_light: frames that may be refused for one light before the scan fails.
        timing: decided when the camera has told its mode; before that, None.
        rectified_dpi: resolution asked for the maps; never above what the camera samples.
    """

    lights: tuple[int, ...] = tuple(range(8))
    exposure_us: int = Field(default=15_000, gt=0)
    exposure_why: str = ""
    gain: float = Field(default=1.0, gt=0)
    max_on_ms: int = Field(default=2_000, gt=0)
    attempts_per_light: int = Field(default=3, ge=1)
    rectified_dpi: int = Field(default=600, ge=50, le=1200)
    timing: Timing | None = None
