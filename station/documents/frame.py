"""One stored picture with the light it was taken under and its times."""

from .base import Document

AMBIENT: None = None
"""The value of `light` when all lights are off."""


class FrameRecord(Document):
    """A frame of the stack as it lies on disk.

    Attributes:
        light: 0-based light, None for ambient.
        file: name inside the scan folder.
        sha256: of the file's bytes.
        shape: (H, W) or (H, W, C).
        dtype: numpy name, `uint8` or `uint16`.
        sequence: the camera's frame number.
        timestamp_s: the driver's stamp on the monotonic clock of the machine that scanned.
        on_us: time for which each row saw the light; None: for the whole exposure.
        lit_s: when the board's acknowledgement of the light arrived, same clock; None for ambient.
        fingerprint_margin: how much better this light explains the picture than the next best light does
            (difference of correlations, 0 to 2); None for ambient.
        attempts: how many frames were looked at until this one was accepted.
    """

    light: int | None
    file: str
    sha256: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    exposure_us: int
    sequence: int
    timestamp_s: float
    on_us: int | None = None
    lit_s: float | None = None
    fingerprint_margin: float | None = None
    attempts: int = 1
