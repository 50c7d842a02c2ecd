"""The virtual device on its sockets: a thread with the sensor's clock, and faults on demand."""

import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .device import Control, Device, Offer, usual_controls
from .encode import Picture, encode
from .pace import FreeRunning, Pace, Shot, Shots, Timing
from .wire import MAP, PixelFormat

Expose = Callable[[int, int, int, PixelFormat], Picture]
"""(sequence, start of the first row's exposure in monotonic ns, exposure in µs, format) -> RGB (H, W, 3)."""
Note = Callable[[Shot, int, bool], None]
"""A frame was exposed, its stamp in ns, and whether there was a buffer for it."""

_HELLO = struct.Struct("<cQ")
_CALL = struct.Struct("<I")
_ERROR = struct.Struct("<i")
_MAP = struct.Struct("<QQ")
_MOST = 2048
_ENOENT, _EINVAL = 2, 22
_LATE_NS = 500_000_000  # a frame this much behind its time is left out, not made up


@dataclass(slots=True)
class Faults:
    """What is wrong with the camera now.

    Attributes:
        plugged: the cable is in.
        silent: no frame is finished any more.
        cut_to: of every frame only this share of its bytes arrives; compressed ones are handed out like
            that, as real drivers do.
        keeps_short: so are uncompressed ones, marked as damaged, with an old frame's bytes behind theirs.
            Newer kernels do that; older ones keep such frames to themselves.
    """

    plugged: bool = True
    silent: bool = False
    cut_to: float | None = None
    keeps_short: bool = False


class V4l2Server:
    """Serves one virtual camera to processes that were started with the preloaded library.

    The constructor touches nothing. One thread does everything; the methods may be called from any other.

    Args:
        path: of the unix socket.
        expose: makes the picture of a frame; called when its last row was exposed, not before.
        offer: formats, sizes and pace.
        controls: by id; None: those of a common webcam.
        timing: how long things take.
        pace: when frames begin; None: by the sensor's own clock.
        note: is told of every frame that was exposed.
        known_until_ns: up to when it is known what burned; None: whenever it is asked.
    """

    def __init__(
        self,
        path: Path,
        expose: Expose,
        *,
        offer: Offer | None = None,
        controls: dict[int, Control] | None = None,
        timing: Timing | None = None,
        pace: Pace | None = None,
        note: Note | None = None,
        known_until_ns: Callable[[], int] | None = None,
    ) -> None:
        self._path = path
        self._expose = expose
        self._note = note
        self._known_until_ns = known_until_ns or time.monotonic_ns
        self._timing = timing or Timing()
        self._shots = Shots(pace or FreeRunning(), self._timing)
        self.device = Device(offer or Offer(), controls if controls is not None else usual_controls())
        self._events: dict[int, socket.socket] = {}
        self._faults = Faults()
        self.counts: Counter[str] = Counter()
        """Frames: `delivered`; `dropped`, no buffer was queued; `missed`, this process came too late."""

    def open(self) -> None:
        """Listen."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self._path))
        self._listener.listen(16)
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, self._obey)
        self._running = True
        self._orders: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="virtual camera", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and let go of everybody."""
        self._order(self._stop)
        self._thread.join()

    def unplug(self) -> None:
        """Fault: the cable is pulled; every descriptor is dead, and the path leads nowhere."""
        self._order(self._pull)

    def plug(self) -> None:
        """The cable is back, and with it a camera with its own settings."""
        self.change(Device.power_on)
        self._set(plugged=True)

    def silence(self, silent: bool = True) -> None:
        """Fault: no frame is finished any more."""
        self._set(silent=silent)

    def truncate(self, share: float | None, keeps_short: bool = False) -> None:
        """Fault: see `Faults.cut_to` and `keeps_short`; None: frames are whole again."""
        self._set(cut_to=share, keeps_short=keeps_short)

    def change(self, work: Callable[[Device], None]) -> None:
        """Let the thread do something to the device.

        Raises:
            KeyError: it spoke of a control that there is not.
        """
        self._order(lambda: work(self.device))

    def _set(self, **values: object) -> None:
        def change() -> None:
            for name, value in values.items():
                setattr(self._faults, name, value)

        self._order(change)

    def _order(self, order: Callable[[], None]) -> None:
        """Have the thread do it; what that raises is raised here."""
        result: Future[None] = Future()

        def obeyed() -> None:
            try:
                order()
            except KeyError as error:
                result.set_exception(error)
            else:
                result.set_result(None)

        with self._lock:
            self._orders.append(obeyed)
        self._wake.send(b"!")
        result.result()

    def _obey(self, connection: socket.socket) -> None:
        connection.recv(4096)
        with self._lock:
            orders, self._orders = self._orders, []
        for order in orders:
            order()

    def _run(self) -> None:
        try:
            while self._running:
                for key, _ in self._selector.select(self._patience_s()):
                    key.data(key.fileobj)
                self._sensor()
        finally:
            self._pull()
            for connection in (self._listener, self._woken, self._wake):
                connection.close()
            self._selector.close()
            self._path.unlink(missing_ok=True)

    def _stop(self) -> None:
        self._running = False

    def _pull(self) -> None:
        self._faults.plugged = False
        for key in list(self._selector.get_map().values()):
            if key.data not in (self._accept, self._obey):
                self._drop(key.fileobj)  # type: ignore[arg-type]
        for token in list(self._events):
            self._events.pop(token).close()
            self.device.forget(token)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        hello = connection.recv(_MOST)
        if len(hello) != _HELLO.size:
            connection.close()
            return
        kind, token = _HELLO.unpack(hello)
        if kind == b"E":
            self._events[token] = connection
            return
        connection.send(_ERROR.pack(0 if self._faults.plugged else _ENOENT))
        self._selector.register(connection, selectors.EVENT_READ, lambda one: self._serve(one, token))

    def _serve(self, connection: socket.socket, token: int) -> None:
        try:
            message = connection.recv(_MOST)
        except OSError:
            message = b""
        if not message:
            self._drop(connection)
            self.device.forget(token)
            if (event := self._events.pop(token, None)) is not None:
                event.close()
            return
        (request,), data = _CALL.unpack_from(message), message[_CALL.size :]
        if request == MAP:
            self._hand_over(connection, data)
            return
        was_streaming = self.device.streaming
        error, answer = self.device.call(token, request, data)
        if self.device.streaming and not was_streaming:
            self._shots.begin(time.monotonic_ns())
        connection.send(_ERROR.pack(error) + answer)

    def _hand_over(self, connection: socket.socket, data: bytes) -> None:
        memory = self.device.memory(*_MAP.unpack(data))
        if memory is None:
            connection.send(_ERROR.pack(_EINVAL))
        else:
            socket.send_fds(connection, [_ERROR.pack(0) + data], [memory])

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()

    def _patience_s(self) -> float | None:
        if not self.device.streaming:
            return None
        now_ns = time.monotonic_ns()
        return max(0.0, (self._shots.wake_ns(now_ns) - now_ns) / 1e9)

    def _sensor(self) -> None:
        """Finish the frames that are due."""
        if not self.device.streaming:
            return
        now_ns = time.monotonic_ns()
        self._shots.advance(now_ns, self.device.exposure_us, self.device.period_us)
        for shot in self._shots.arrived(now_ns, self._known_until_ns()):
            if now_ns - self._shots.due_ns(shot) > _LATE_NS:
                self.counts["missed"] += 1
            elif not self._faults.silent:
                self._finish(shot)

    def _finish(self, shot: Shot) -> None:
        chosen = self.device.format
        picture = self._expose(shot.sequence, shot.start_ns, shot.exposure_us, chosen)
        if shot.number <= self._timing.warm_up:
            picture = np.full_like(picture, np.iinfo(picture.dtype).max)
        data, damaged = self._over_the_cable(encode(picture, chosen.fourcc), chosen.fourcc)
        if data is None:
            return
        stamp_ns = self._shots.stamp_ns(shot)
        at_start = self._timing.stamps == "start"
        told = self.device.fill(data, stamp_ns, shot.sequence, at_start=at_start, damaged=damaged)
        if self._note is not None:
            self._note(shot, stamp_ns, told is not None)
        self.counts["dropped" if told is None else "delivered"] += 1
        if told is not None and self.device.owner in self._events:
            with suppress(OSError):  # it has just gone; its control connection will say so
                self._events[self.device.owner].send(told)

    def _over_the_cable(self, data: bytes, fourcc: str) -> tuple[bytes | None, bool]:
        """What arrives of a frame, and whether the driver knows that it is damaged; None: it keeps it."""
        if self._faults.cut_to is None:
            return data, False
        short = data[: int(len(data) * self._faults.cut_to)]
        if fourcc == "MJPG":
            return short, False
        return (short, True) if self._faults.keeps_short else (None, True)
