"""The process behind the virtual V4L2 device: sockets, the sensor's clock, and faults on demand."""

import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from .v4l2.device import Control, Device, Offer, usual_controls
from .v4l2.encode import Picture, encode
from .v4l2.wire import MAP, PixelFormat

Expose = Callable[[int, int, int, PixelFormat], Picture]
"""(sequence, start of the first row's exposure in monotonic ns, exposure in µs, format) -> RGB (H, W, 3)."""
Stamps = Literal["start", "arrival"]

_HELLO = struct.Struct("<cQ")
_CALL = struct.Struct("<I")
_ERROR = struct.Struct("<i")
_MAP = struct.Struct("<QQ")
_MOST = 2048
_ENOENT, _EINVAL = 2, 22
_LATE_NS = 50_000_000  # a frame this much behind its time is skipped, not made up


class V4l2Server:
    """Serves one virtual camera to processes that were started with the preloaded library.

    The constructor touches nothing. One thread does everything; the methods may be called from any other.

    Args:
        path: of the unix socket.
        expose: makes the picture of a frame.
        offer: formats, sizes and pace.
        controls: by id; None: those of a common webcam.
        readout_us, transfer_us: from the first row's exposure to the last row's, and then to the arrival.
        stamps: what the driver stamps.
    """

    def __init__(
        self,
        path: Path,
        expose: Expose,
        *,
        offer: Offer | None = None,
        controls: dict[int, Control] | None = None,
        readout_us: int = 5_000,
        transfer_us: int = 2_000,
        stamps: Stamps = "start",
    ) -> None:
        self._path = path
        self._expose = expose
        self._delay_us = readout_us + transfer_us
        self._stamps = stamps
        self.device = Device(offer or Offer(), controls if controls is not None else usual_controls())
        self._events: dict[int, socket.socket] = {}
        self._plugged = True
        self._silent = False
        self._cut_to: float | None = None
        self._sequence = 0
        self._next_ns = 0
        self.dropped = 0
        """Frames for which no buffer was queued."""

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
        self._order(lambda: setattr(self, "_plugged", True))

    def silence(self, silent: bool = True) -> None:
        """Fault: no frame is finished any more."""
        self._order(lambda: setattr(self, "_silent", silent))

    def truncate(self, share: float | None) -> None:
        """Fault: of every frame only this share of its bytes arrives; None: all again.

        Compressed ones are handed out like that, as real drivers do.
        """
        self._order(lambda: setattr(self, "_cut_to", share))

    def _order(self, order: Callable[[], None]) -> None:
        done = threading.Event()

        def obeyed() -> None:
            order()
            done.set()

        with self._lock:
            self._orders.append(obeyed)
        self._wake.send(b"!")
        done.wait()

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
        self._plugged = False
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
        connection.send(_ERROR.pack(0 if self._plugged else _ENOENT))
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
            self._next_ns = time.monotonic_ns()
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

    def _due_ns(self) -> int:
        return self._next_ns + 1000 * (self.device.exposure_us + self._delay_us)

    def _patience_s(self) -> float | None:
        if not self.device.streaming:
            return None
        return max(0.0, (self._due_ns() - time.monotonic_ns()) / 1e9)

    def _sensor(self) -> None:
        """Finish the frames that are due."""
        while self.device.streaming and time.monotonic_ns() >= self._due_ns():
            start_ns, due_ns = self._next_ns, self._due_ns()
            self._next_ns += 1000 * max(self.device.period_us, self.device.exposure_us)
            self._sequence += 1
            if not self._silent and time.monotonic_ns() - due_ns < _LATE_NS:
                self._finish(start_ns, due_ns)

    def _finish(self, start_ns: int, due_ns: int) -> None:
        chosen = self.device.format
        picture = self._expose(self._sequence, start_ns, self.device.exposure_us, chosen)
        data = encode(picture, chosen.fourcc)
        if self._cut_to is not None:
            if chosen.fourcc != "MJPG":
                return  # the kernel's driver knows how long these must be, and keeps short ones to itself
            data = data[: int(len(data) * self._cut_to)]
        stamp_ns = start_ns if self._stamps == "start" else due_ns
        told = self.device.fill(data, stamp_ns, self._sequence, at_start=self._stamps == "start")
        if told is None:
            self.dropped += 1
        elif self.device.owner in self._events:
            with suppress(OSError):  # it has just gone; its control connection will say so
                self._events[self.device.owner].send(told)
