"""The virtual device without sockets and without a clock: ioctls in, answers out, a queue of buffers."""

import errno
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from . import wire
from .wire import Filled, PixelFormat

Answer = tuple[int, bytes]
_INVALID: Answer = (errno.EINVAL, b"")
_MOST_BUFFERS = 32
_NEXT = 0x80000000  # in a query: the control behind the one named

EXPOSURE_AUTO, EXPOSURE_ABSOLUTE = 0x009A0901, 0x009A0902
MANUAL = 1


@dataclass(slots=True)
class Control:
    """One control: its range, its value, and what it does when it is set.

    Attributes:
        refuses: every setting fails with EIO, as with cameras that announce what they do not have.
        sticks_at: the camera accepts any value and keeps this one.
    """

    name: str
    least: int
    most: int
    step: int
    usual: int
    value: int
    refuses: bool = False
    sticks_at: int | None = None


def usual_controls() -> dict[int, Control]:
    """What a common webcam has, as it comes from the shop: everything automatic."""
    return {
        0x0098090C: Control("White Balance, Automatic", 0, 1, 1, 1, 1),
        0x00980910: Control("Gamma", 72, 500, 1, 220, 220),
        0x00980913: Control("Gain", 16, 255, 1, 64, 64),
        0x0098091A: Control("White Balance Temperature", 2800, 6500, 1, 4600, 3333),
        0x0098091B: Control("Sharpness", 0, 15, 1, 6, 6),
        0x0098091C: Control("Backlight Compensation", 0, 2, 1, 1, 1),
        0x08001001: Control("3D Noise Reduction", 1, 4, 1, 3, 3),  # a maker's own
        EXPOSURE_AUTO: Control("Auto Exposure", 0, 3, 1, 3, 3),
        EXPOSURE_ABSOLUTE: Control("Exposure Time, Absolute", 1, 5000, 1, 157, 157),
        0x009A0903: Control("Exposure, Dynamic Framerate", 0, 1, 1, 0, 1),
    }


@dataclass(slots=True)
class Offer:
    """What the camera can do: sizes per format (the first of each is its usual one), and its pace.

    Attributes:
        captures: false: a device that is no source of pictures, as a camera has one for metadata.
    """

    formats: dict[str, list[tuple[int, int]]] = field(
        default_factory=lambda: {"YUYV": [(640, 480), (320, 240)], "MJPG": [(640, 480), (1280, 720)]}
    )
    period_us: int = 33_333
    card: str = "Virtual camera"
    captures: bool = True


class Device:
    """State of the camera. One opener at a time may own its buffers; anybody may ask and set controls.

    Not safe from several threads: the server's one thread uses it.
    """

    def __init__(self, offer: Offer, controls: dict[int, Control]) -> None:
        self.offer = offer
        self.controls = controls
        self._at_power_on = {number: control.value for number, control in controls.items()}
        self.power_on()
        self.owner: int | None = None
        self.streaming = False
        self._memory: list[int] = []
        self._queued: deque[int] = deque()

    def power_on(self) -> None:
        """Forget what anybody has set."""
        fourcc = next(iter(self.offer.formats))
        self.format = PixelFormat(*self.offer.formats[fourcc][0], fourcc)
        self.period_us = self.offer.period_us
        for number, value in self._at_power_on.items():
            self.controls[number].value = value

    @property
    def exposure_us(self) -> int:
        """What the sensor does now; an automatic one wanders about a third of the period."""
        mode, time = self.controls.get(EXPOSURE_AUTO), self.controls.get(EXPOSURE_ABSOLUTE)
        if mode is None or time is None or mode.value != MANUAL:
            return self.period_us // 3
        return 100 * time.value

    def call(self, who: int, request: int, data: bytes) -> Answer:
        """Answer one ioctl of one opener: errno and the structure back."""
        handler = _HANDLERS.get(request)
        return handler(self, who, data) if handler is not None else (errno.ENOTTY, b"")

    def memory(self, offset: int, length: int) -> int | None:
        """Descriptor of the buffer at an offset."""
        index, rest = divmod(offset, self.format.size_image)
        fits = rest == 0 and index < len(self._memory) and length <= self.format.size_image
        return self._memory[index] if fits else None

    def fill(
        self, picture: bytes, stamp_ns: int, sequence: int, *, at_start: bool, damaged: bool = False
    ) -> bytes | None:
        """Put a picture into the oldest queued buffer: what the owner is told; None without a buffer."""
        if not self.streaming or not self._queued:
            return None
        index, used = self._queued.popleft(), picture[: self.format.size_image]
        os.pwrite(self._memory[index], used, 0)
        filled = Filled(len(used), stamp_ns, sequence, at_start, damaged)
        return wire.write_buffer(index, self.format.size_image, filled=filled)

    def forget(self, who: int) -> None:
        """An opener has closed."""
        if self.owner == who:
            self._free()
            self.owner = None

    def _free(self) -> None:
        self.streaming = False
        self._queued.clear()
        for fd in self._memory:
            os.close(fd)
        self._memory.clear()

    def _query_capability(self, _who: int, _data: bytes) -> Answer:
        return 0, wire.capability(self.offer.card, self.offer.captures)

    def _describe_format(self, _who: int, data: bytes) -> Answer:
        described = wire.format_description(data, list(self.offer.formats))
        return _INVALID if described is None else (0, described)

    def _describe_input(self, _who: int, data: bytes) -> Answer:
        described = wire.input_description(data)
        return _INVALID if described is None else (0, described)

    def _get_input(self, _who: int, _data: bytes) -> Answer:
        return 0, bytes(4)

    def _set_input(self, _who: int, data: bytes) -> Answer:
        return (0, data) if data == bytes(4) else _INVALID

    def _get_format(self, _who: int, data: bytes) -> Answer:
        return _INVALID if wire.read_format(data) is None else (0, wire.write_format(self.format))

    def _try_format(self, _who: int, data: bytes) -> Answer:
        asked = wire.read_format(data)
        return _INVALID if asked is None else (0, wire.write_format(self._nearest(asked)))

    def _set_format(self, _who: int, data: bytes) -> Answer:
        asked = wire.read_format(data)
        if asked is None:
            return _INVALID
        if self._memory:
            return errno.EBUSY, b""
        self.format = self._nearest(asked)
        return 0, wire.write_format(self.format)

    def _nearest(self, asked: PixelFormat) -> PixelFormat:
        fourcc = asked.fourcc if asked.fourcc in self.offer.formats else next(iter(self.offer.formats))
        sizes = self.offer.formats[fourcc]
        size = min(sizes, key=lambda one: abs(one[0] - asked.width) + abs(one[1] - asked.height))
        return PixelFormat(*size, fourcc)

    def _get_pace(self, _who: int, _data: bytes) -> Answer:
        return 0, wire.write_period_us(self.period_us)

    def _set_pace(self, _who: int, data: bytes) -> Answer:
        self.period_us = max(self.offer.period_us, wire.read_period_us(data))
        return 0, wire.write_period_us(self.period_us)

    def _request_buffers(self, who: int, data: bytes) -> Answer:
        count, memory = wire.read_request(data)
        if memory != wire.MMAP:
            return _INVALID
        if self.owner not in (None, who) or self.streaming:
            return errno.EBUSY, b""
        self._free()
        count = min(count, _MOST_BUFFERS)
        for index in range(count):
            fd = os.memfd_create(f"buffer {index}", os.MFD_CLOEXEC)
            os.ftruncate(fd, self.format.size_image)
            self._memory.append(fd)
        self.owner = who if count else None
        return 0, wire.write_request(count)

    def _query_buffer(self, _who: int, data: bytes) -> Answer:
        index = wire.read_index(data)
        if index >= len(self._memory):
            return _INVALID
        return 0, wire.write_buffer(index, self.format.size_image, queued=index in self._queued)

    def _queue_buffer(self, who: int, data: bytes) -> Answer:
        index = wire.read_index(data)
        if who != self.owner or index >= len(self._memory) or index in self._queued:
            return _INVALID
        self._queued.append(index)
        return 0, wire.write_buffer(index, self.format.size_image, queued=True)

    def _stream_on(self, who: int, data: bytes) -> Answer:
        if who != self.owner:
            return _INVALID
        self.streaming = True
        return 0, data

    def _stream_off(self, who: int, data: bytes) -> Answer:
        if self.owner not in (None, who):
            return _INVALID
        self.streaming = False
        self._queued.clear()
        return 0, data

    def _query_control(self, _who: int, data: bytes) -> Answer:
        asked = wire.read_query(data)
        if asked & _NEXT:
            asked = next(wire.ids_behind(asked & ~_NEXT, list(self.controls)), 0)
        control = self.controls.get(asked)
        if control is None:
            return _INVALID
        offers = (control.least, control.most, control.step, control.usual)
        return 0, wire.write_query(asked, control.name, offers)

    def _get_control(self, _who: int, data: bytes) -> Answer:
        asked, _ = wire.read_control(data)
        control = self.controls.get(asked)
        return _INVALID if control is None else (0, wire.write_control(asked, control.value))

    def _set_control(self, _who: int, data: bytes) -> Answer:
        asked, value = wire.read_control(data)
        control = self.controls.get(asked)
        if control is None:
            return _INVALID
        if control.refuses:
            return errno.EIO, b""
        mode = self.controls.get(EXPOSURE_AUTO)
        if asked == EXPOSURE_ABSOLUTE and mode is not None and mode.value != MANUAL:
            return errno.EACCES, b""
        if not control.least <= value <= control.most:
            return errno.ERANGE, b""
        control.value = value if control.sticks_at is None else control.sticks_at
        return 0, wire.write_control(asked, control.value)


_HANDLERS: dict[int, Callable[[Device, int, bytes], Answer]] = {
    wire.QUERYCAP: Device._query_capability,
    wire.ENUM_FMT: Device._describe_format,
    wire.ENUMINPUT: Device._describe_input,
    wire.G_INPUT: Device._get_input,
    wire.S_INPUT: Device._set_input,
    wire.G_FMT: Device._get_format,
    wire.TRY_FMT: Device._try_format,
    wire.S_FMT: Device._set_format,
    wire.G_PARM: Device._get_pace,
    wire.S_PARM: Device._set_pace,
    wire.REQBUFS: Device._request_buffers,
    wire.QUERYBUF: Device._query_buffer,
    wire.QBUF: Device._queue_buffer,
    wire.STREAMON: Device._stream_on,
    wire.STREAMOFF: Device._stream_off,
    wire.QUERYCTRL: Device._query_control,
    wire.G_CTRL: Device._get_control,
    wire.S_CTRL: Device._set_control,
}
