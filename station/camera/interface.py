"""What the rest of the house knows of a camera."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class CameraMode:
    """What the camera was told, and after `configure` what it really does (read back)."""

    width_px: int
    height_px: int
    exposure_us: int
    gain: float
    period_us: int = 0
    readout_us: int = 0


@dataclass(frozen=True, slots=True)
class HeldControls:
    """What a camera's controls were set to by `configure`.

    Attributes:
        values: by the name that the driver gives it, as it was read back.
        refused: what would not go to its neutral value and so may change the picture, a sentence for each.
    """

    values: dict[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """What opened."""

    source: str
    name: str
    bit_depth: int
    simulated: bool


class CapturedFrame(Protocol):
    """A frame as the driver handed it out.

    Attributes:
        sequence: the driver's frame number; it grows, and jumps where frames were dropped.
        timestamp_s: the driver's stamp on the monotonic clock: somewhere between the start of the first row's
            exposure and the arrival of the last row.
    """

    @property
    def sequence(self) -> int:
        """See the class."""
        ...

    @property
    def timestamp_s(self) -> float:
        """See the class."""
        ...

    def pixels(self) -> Pixels:
        """Codes, RGB, (H, W, 3) uint8 or uint16; decoded only when asked for. Safe from any thread."""
        ...


class Camera(Protocol):
    """The eye. All calls block and belong to one thread; the constructor touches nothing.

    A capture thread of the camera's own always drains the driver. Every call raises `StationError` with
    `camera_missing`, `camera_silent` or `camera_refused`.
    """

    def open(self) -> CameraInfo:
        """Open the device and begin to drain it."""
        ...

    def configure(self, mode: CameraMode) -> CameraMode:
        """Set exposure, gain and size, read back and return what holds now."""
        ...

    def controls(self) -> HeldControls:
        """What the last `configure` left the camera's other controls at; empty where there are none."""
        ...

    def frames(self) -> Iterator[CapturedFrame]:
        """Frames in order as they arrive, endless; waits for the next; `camera_silent` when none comes."""
        ...

    def close(self) -> None:
        """Release the device. Never raises."""
        ...


def full_scale(dtype: np.dtype[Any]) -> int:
    """Highest code of a frame's type."""
    return int(np.iinfo(dtype).max)
