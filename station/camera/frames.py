"""What a driver hands out, kept as it came and decoded when somebody asks for pixels."""

import threading
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.fault import StationError

from .interface import Pixels

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PADDING = 64  # bytes behind the end of a picture that some cameras leave


@dataclass(frozen=True, slots=True)
class Layout:
    """How the bytes of a frame are to be read.

    Attributes:
        fourcc: MJPG (still compressed), YUYV, GREY, Y16, or BGR3 for what OpenCV has converted already.
    """

    fourcc: str

    @property
    def bit_depth(self) -> int:
        """8 or 16."""
        return 16 if self.fourcc == "Y16" else 8

    @property
    def compressed(self) -> bool:
        """Whether a frame's bytes are no pixels yet."""
        return self.fourcc == "MJPG"

    def whole(self, raw: NDArray[Any]) -> bool:
        """Whether a frame arrived in full, as far as its bytes tell."""
        if raw.size == 0:
            return False
        if self.fourcc != "MJPG":
            return True
        data = raw.ravel()
        last = data[-_PADDING:].tobytes().rstrip(b"\0")
        return data[:2].tobytes() == _JPEG_START and last.endswith(_JPEG_END)

    def decode(self, raw: NDArray[Any]) -> Pixels | None:
        """RGB (H, W, 3), uint8 or uint16; None when it cannot be."""
        if self.fourcc == "MJPG":
            picture = cv2.imdecode(raw.ravel(), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
            return None if picture is None else cast("Pixels", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        if self.fourcc == "YUYV" and raw.ndim == 3 and raw.shape[2] == 2:
            return cast("Pixels", cv2.cvtColor(raw, cv2.COLOR_YUV2RGB_YUYV))
        if raw.ndim == 2:
            return cast("Pixels", cv2.cvtColor(raw, cv2.COLOR_GRAY2RGB))
        if raw.ndim == 3 and raw.shape[2] == 1:
            return cast("Pixels", cv2.cvtColor(raw[..., 0], cv2.COLOR_GRAY2RGB))
        if raw.ndim == 3 and raw.shape[2] == 3:
            return cast("Pixels", cv2.cvtColor(raw, cv2.COLOR_BGR2RGB))
        return None


class DriverFrame:
    """A `CapturedFrame` of an OpenCV camera."""

    def __init__(self, sequence: int, timestamp_s: float, raw: NDArray[Any], layout: Layout) -> None:
        self.sequence = sequence
        self.timestamp_s = timestamp_s
        self._raw = raw
        self._layout = layout
        self._lock = threading.Lock()
        self._pixels: Pixels | None = None

    @property
    def bit_depth(self) -> int:
        """8 or 16."""
        return 16 if self._raw.dtype == np.uint16 else 8

    def pixels(self) -> Pixels:
        """Codes, RGB (H, W, 3), uint8 or uint16; decoded once.

        Raises:
            StationError: `camera_silent`, the frame is damaged.
        """
        with self._lock:
            if self._pixels is None:
                decoded = self._layout.decode(self._raw)
                if decoded is None:
                    raise StationError(
                        "camera_silent", f"frame {self.sequence} is damaged and cannot be decoded"
                    )
                self._pixels = decoded
            return self._pixels
