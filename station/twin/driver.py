"""The driver's queue of a video device, without the device: a delay line, then a few buffers.

When every buffer holds a frame that nobody took, the next frames are dropped; so after a pause the queue
serves old pictures, then jumps in sequence. That is how V4L2 behaves, and what a scanner has to live with.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class DriverQueue(Generic[T]):
    """Not locked; its owner does that.

    Args:
        buffers: frames that can wait to be taken.
        delay: frames that must arrive after a frame before it may be taken.
    """

    def __init__(self, buffers: int = 4, delay: int = 0) -> None:
        if buffers < 1 or delay < 0:
            raise ValueError("a queue has at least one buffer and no negative delay")
        self._buffers = buffers
        self._delay = delay
        self._line: deque[T] = deque()
        self._ready: deque[T] = deque()
        self.dropped = 0

    def put(self, frame: T) -> None:
        """A frame has arrived from the sensor."""
        self._line.append(frame)
        if len(self._line) <= self._delay:
            return
        due = self._line.popleft()
        if len(self._ready) < self._buffers:
            self._ready.append(due)
        else:
            self.dropped += 1

    def take(self) -> T | None:
        """The oldest waiting frame, its buffer free again; None when none waits."""
        return self._ready.popleft() if self._ready else None

    def clear(self) -> None:
        """The stream was stopped: all buffers come back empty."""
        self._line.clear()
        self._ready.clear()
