"""Short frames that a driver hands out as whole ones: their end is an old frame's, still in the buffer.

Linux marks such buffers as damaged, but OpenCV hands them on without a word, whenever uvcvideo does not drop
them itself (its parameter `nodrop`). A picture's end that is bit for bit that of an earlier frame was not
taken anew: a sensor's noise does not repeat itself.
"""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIXELS = 128  # a lost packet is about a thousand bytes
_BUFFERS = 10  # as many as OpenCV ever asks a driver for
_LIVELY_CODES = 2.0  # of 8 bit; what varies less may be dark or clipped, and so the same every time


class Tails:
    """Remembers how the latest frames ended."""

    def __init__(self) -> None:
        self._latest: deque[bytes] = deque(maxlen=_BUFFERS)

    def stale(self, raw: NDArray[Any]) -> bool:
        """Whether an uncompressed frame (H, W[, C]), uint8 or uint16, ends as one of the latest did."""
        tail = raw.reshape(raw.shape[0] * raw.shape[1], -1)[-_PIXELS:]
        lively = _LIVELY_CODES * (np.iinfo(tail.dtype).max // 255)
        content = tail.tobytes()
        every_second = tail[::2]  # in YUYV the two of a pair are unlike even where the picture is plain
        repeated = content in self._latest and float(every_second.std(axis=0).max()) > lively
        self._latest.append(content)
        return repeated
