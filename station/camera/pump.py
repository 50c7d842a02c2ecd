"""The capture thread: it alone touches the `cv2.VideoCapture`, and it always drains the driver."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import cv2
from numpy.typing import NDArray

from station.documents.fault import StationError

from .frames import DriverFrame, Layout
from .numbering import Numbering
from .source import Source
from .tail import Tails

T = TypeVar("T")

_KEPT = 4  # newest frames; older ones are of no use to anybody
_RETRIES = 3
_RETRY_S = 0.05


class _Order(Generic[T]):
    """Something to be done by the capture thread between two frames."""

    def __init__(self, work: Callable[[cv2.VideoCapture], T], ignore: int) -> None:
        self.work = work
        self.ignore = ignore
        self.done = threading.Event()
        self.result: T | None = None
        self.error: StationError | None = None


class Pump:
    """Frames of one open capture, newest kept, from its thread to whoever takes them.

    The constructor touches nothing; `start` begins, `close` ends the thread and releases the capture.

    Args:
        capture: open; from `start` on only the thread touches it.
        source: of the capture.
        silent_after_s: how long to wait for a frame.
        gaps_show: the stamps are the driver's and come at an even pace, see `Numbering`.
        driver: frames come straight from a driver's buffers, see `Tails`.
    """

    def __init__(
        self,
        capture: cv2.VideoCapture,
        source: Source,
        silent_after_s: float,
        *,
        gaps_show: bool,
        driver: bool,
    ) -> None:
        self._capture = capture
        self._source = source
        self._silent_after_s = silent_after_s
        self._changed = threading.Condition()
        self._frames: deque[DriverFrame] = deque()
        self._orders: deque[_Order[Any]] = deque()
        self._layout = Layout("BGR3")
        self._stopping = False
        self._ended: StationError | None = None
        self._numbering = Numbering(gaps_show)
        self._tails = Tails() if driver else None
        self._damaged = 0
        self._newest_s = float("-inf")
        self._ignored = 0
        self._thread = threading.Thread(target=self._run, name=f"camera {source.text}", daemon=True)

    def start(self, work: Callable[[cv2.VideoCapture], T], *, ignore: int = 0) -> T:
        """Begin to drain, with this work before the first frame, as `do` does it between two.

        Ordered any later, it would wait for a frame that a triggered camera does not give by itself.

        Raises:
            StationError: from `work`, or `camera_silent`, `camera_missing`.
        """
        order = self._order(work, ignore)
        self._thread.start()
        return self._outcome(order)

    def close(self) -> None:
        """End the thread; waits for the driver's current frame, or for it to give up on one."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def take(self) -> DriverFrame:
        """The oldest frame that is kept, or the next to come.

        Raises:
            StationError: `camera_silent`, none came in time; `camera_missing`, the source is gone.
        """
        with self._changed:
            self._await_frame()
            frame = self._frames.popleft()
            self._changed.notify_all()
            return frame

    def peek(self) -> DriverFrame:
        """The same frame without taking it."""
        with self._changed:
            self._await_frame()
            return self._frames[0]

    def _await_frame(self) -> None:
        deadline = time.monotonic() + self._silent_after_s
        while not self._frames:
            self._raise_if_ended()
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._silent()
            self._changed.wait(left)

    def do(self, work: Callable[[cv2.VideoCapture], T], *, ignore: int = 0) -> T:
        """Let the capture thread work on the capture between two frames; forget frames from before.

        Args:
            work: what is to be done; a `StationError` it raises is raised here.
            ignore: how many frames after it are not to be trusted yet.

        Raises:
            StationError: from `work`, or `camera_silent`, `camera_missing`.
        """
        return self._outcome(self._order(work, ignore))

    def _order(self, work: Callable[[cv2.VideoCapture], T], ignore: int) -> _Order[T]:
        order = _Order(work, ignore)
        with self._changed:
            self._raise_if_ended()
            self._orders.append(order)
            self._changed.notify_all()
        return order

    def _outcome(self, order: _Order[T]) -> T:
        if not order.done.wait(self._silent_after_s):
            raise self._silent()
        if order.error is not None:
            raise order.error
        return cast("T", order.result)

    @property
    def bit_depth(self) -> int:
        """Of the frames to come, as far as their format tells."""
        return self._layout.bit_depth

    def expect(self, layout: Layout) -> None:
        """How the frames from now on are to be read; call it from within `do`."""
        self._layout = layout

    def _raise_if_ended(self) -> None:
        if self._ended is not None:
            raise StationError(self._ended.code, str(self._ended))

    def _silent(self) -> StationError:
        for_s = f"for {self._silent_after_s:g} s"
        said = f"{self._source.text} gave no frame {for_s}"
        if self._damaged:
            said = f"{self._source.text} gave no whole frame {for_s}, but {self._damaged} damaged ones"
        return StationError("camera_silent", said)

    def _run(self) -> None:
        try:
            while not self._stopping and self._ended is None:
                self._work_off_orders()
                self._capture_one()
        finally:
            self._capture.release()
            with self._changed:
                if self._ended is None:
                    self._ended = StationError("camera_missing", f"{self._source.text} is closed")
                self._refuse_orders(self._ended)
                self._changed.notify_all()

    def _work_off_orders(self) -> None:
        while self._orders:
            order = self._orders.popleft()
            try:
                order.result = order.work(self._capture)
            except StationError as error:
                order.error = error
            if self._source.live:
                with self._changed:
                    self._frames.clear()
            if order.ignore:
                self._numbering.restart()
            self._ignored = order.ignore
            order.done.set()

    def _refuse_orders(self, error: StationError) -> None:
        while self._orders:
            order = self._orders.popleft()
            order.error = error
            order.done.set()

    def _capture_one(self) -> None:
        if not self._source.live and not self._wait_for_room():
            return
        if not self._grab():
            return
        arrived_s = time.monotonic()
        stamp_s = self._source.stamp_s(self._capture, arrived_s)
        raw = self._retrieve()
        if stamp_s <= self._newest_s:  # the same buffer once more
            return
        self._newest_s = stamp_s
        number = self._numbering.number(stamp_s)
        if raw is None or not self._whole(raw):
            self._damaged += 1
        elif self._ignored > 0:
            self._ignored -= 1
        else:
            self._damaged = 0
            self._keep(DriverFrame(number, stamp_s, raw, self._layout))

    def _whole(self, raw: NDArray[Any]) -> bool:
        stale = self._tails is not None and not self._layout.compressed and self._tails.stale(raw)
        return not stale and self._layout.whole(raw)

    def _retrieve(self) -> NDArray[Any] | None:
        try:
            ok, raw = self._capture.retrieve()
        except cv2.error:  # what OpenCV makes of some damaged frames
            return None
        return raw if ok else None

    def _keep(self, frame: DriverFrame) -> None:
        with self._changed:
            if len(self._frames) >= _KEPT:
                self._frames.popleft()
            self._frames.append(frame)
            self._changed.notify_all()

    def _wait_for_room(self) -> bool:
        """A recording waits for its reader: nothing of it is dropped."""
        with self._changed:
            if len(self._frames) >= _KEPT and not self._orders and not self._stopping:
                self._changed.wait()
            return len(self._frames) < _KEPT

    def _grab(self) -> bool:
        """Take the next frame from the driver; says in `_ended` when there will be none any more."""
        for _ in range(_RETRIES):
            began_s = time.monotonic()
            if self._capture.grab():
                return True
            waited_s = time.monotonic() - began_s
            if self._source.timed_out(waited_s, self._silent_after_s):
                self._ended = self._source.after_silence(self._silent())
                return False
            if not self._source.may_come_back():
                break
            with self._changed:
                if self._stopping or self._changed.wait_for(lambda: self._stopping, _RETRY_S):
                    return False
        self._ended = StationError("camera_missing", self._source.lost())
        return False
