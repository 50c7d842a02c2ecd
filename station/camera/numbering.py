"""Numbers of frames: OpenCV keeps the driver's to itself, so gaps are told from the stamps. Pure."""

from collections import deque
from statistics import median

_FEWEST = 5
_MOST = 15


class Numbering:
    """Counts frames; where stamps leave room for frames that never came, the number jumps.

    The usual distance of two stamps is the median of the last few, so it follows a camera that is slower
    than it says, and a stamp that comes early or late is no gap. As long as most frames arrive, a jump is the
    driver's.

    Args:
        gaps_show: false: stamps tell nothing, frames are only counted.
    """

    def __init__(self, gaps_show: bool) -> None:
        self._gaps_show = gaps_show
        self._number = 0
        self._newest_s: float | None = None
        self._distances: deque[float] = deque(maxlen=_MOST)

    def number(self, stamp_s: float) -> int:
        """Of a frame with this stamp."""
        distance_s = 0.0 if self._newest_s is None else stamp_s - self._newest_s
        self._newest_s = stamp_s
        self._number += self._steps(distance_s)
        if distance_s > 0:
            self._distances.append(distance_s)
        return self._number

    def restart(self) -> None:
        """The pace may be another from here on."""
        self._distances.clear()
        self._newest_s = None

    def _steps(self, distance_s: float) -> int:
        if not self._gaps_show or len(self._distances) < _FEWEST:
            return 1
        return max(1, round(distance_s / median(self._distances)))
