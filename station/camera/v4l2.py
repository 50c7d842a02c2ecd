"""Controls of a V4L2 camera by ioctl: their range, their value, and an error that names what was refused.

OpenCV sets controls too, but says neither what a camera offers nor why it refused, and leaves out the one
that lets a camera stretch its exposure. Numbers and structures: linux/videodev2.h, linux/v4l2-controls.h.
"""

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from typing import Self

from station.documents.fault import StationError

EXPOSURE_AUTO = 0x009A0901
EXPOSURE_ABSOLUTE = 0x009A0902  # in 100 µs
EXPOSURE_MANUAL = 1
EXPOSURE_DYNAMIC_FRAMERATE = 0x009A0903
GAIN = 0x00980913
AUTO_GAIN = 0x00980912
AUTO_WHITE_BALANCE = 0x0098090C
WHITE_BALANCE_TEMPERATURE = 0x0098091A
GAMMA = 0x00980910
SHARPNESS = 0x0098091B
BACKLIGHT_COMPENSATION = 0x0098091C
FOCUS_AUTO = 0x009A090C

_GONE = (errno.ENODEV, errno.EBADF, errno.ENXIO)

EXPOSURE_UNIT_US = 100

_QUERY = struct.Struct("<II32siiiiIII")
_CONTROL = struct.Struct("<Ii")
_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_REQUEST = struct.Struct("<IIII4x")
_VIDIOC_QUERYCAP = 0x80685600
_VIDIOC_REQBUFS = 0xC0145608
_VIDIOC_QUERYCTRL = 0xC0445624
_VIDIOC_G_CTRL = 0xC008561B
_VIDIOC_S_CTRL = 0xC008561C
_DISABLED = 0x0001
_READ_ONLY = 0x0004
_NEXT = 0x80000000  # asks for the control behind the one named
_WITH_VALUE = (1, 2, 3, 8, 9)  # integer, boolean, menu, bit mask, menu of integers
_CAN_CAPTURE = 0x1 | 0x1000  # one plane, several planes
_HAS_DEVICE_CAPABILITIES = 0x80000000
_CAPTURE, _MMAP = 1, 1


@dataclass(frozen=True, slots=True)
class Range:
    """What a control offers."""

    name: str
    least: int
    most: int
    step: int
    usual: int


class Controls:
    """The controls of one device, through a file descriptor of their own. `open` opens, `close` closes."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1

    def open(self) -> Self:
        """Open the device.

        Raises:
            StationError: `camera_missing`, with the system's reason.
        """
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise StationError("camera_missing", f"{self._path}: {_reason(error)}") from error
        return self

    def close(self) -> None:
        """Close it; may be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def card(self) -> str:
        """What the device calls itself.

        Raises:
            StationError: `camera_missing`, it is no camera, or none that gives pictures.
        """
        data = bytearray(_CAPABILITY.size)
        if not self._ioctl(_VIDIOC_QUERYCAP, data):
            raise StationError("camera_missing", f"{self._path} is no camera")
        _, card, _, _, of_all, of_this = _CAPABILITY.unpack(data)
        if not (of_this if of_all & _HAS_DEVICE_CAPABILITIES else of_all) & _CAN_CAPTURE:
            raise StationError(
                "camera_missing", f"{self._path} gives no pictures; a camera may have several such devices"
            )
        return str(card.split(b"\0")[0].decode("utf-8", "replace"))

    def busy(self) -> bool:
        """Whether another program has the device's buffers. Not to be asked while this one streams.

        Raises:
            StationError: `camera_missing`, the device is gone.
        """
        try:
            fcntl.ioctl(self._fd, _VIDIOC_REQBUFS, bytearray(_REQUEST.pack(0, _CAPTURE, _MMAP, 0)), True)
        except OSError as error:
            if error.errno in _GONE:
                raise StationError("camera_missing", f"{self._path}: {_reason(error)}") from error
            return error.errno == errno.EBUSY
        return False

    def range(self, control: int) -> Range | None:
        """What the camera offers; None when it lacks the control or cannot change it.

        Raises:
            StationError: `camera_missing`, the device is gone.
        """
        return self._query(control)[1]

    def offered(self) -> dict[int, Range]:
        """Every control that can be changed, by its number; a driver that cannot list them has none here.

        Raises:
            StationError: `camera_missing`, the device is gone.
        """
        found: dict[int, Range] = {}
        number, offered = self._query(_NEXT)
        while number:
            if offered is not None:
                found[number] = offered
            last = number
            number, offered = self._query(number | _NEXT)
            if number <= last:  # a driver that does not know the question would answer the same for ever
                break
        return found

    def _query(self, control: int) -> tuple[int, Range | None]:
        """The number that was answered for, 0 if none, and what it offers."""
        query = bytearray(_QUERY.pack(control, 0, b"", 0, 0, 0, 0, 0, 0, 0))
        if not self._ioctl(_VIDIOC_QUERYCTRL, query):
            return 0, None
        number, kind, name, least, most, step, usual, flags, _, _ = _QUERY.unpack(query)
        if flags & (_DISABLED | _READ_ONLY) or kind not in _WITH_VALUE:
            return number, None
        return number, Range(name.split(b"\0")[0].decode("ascii", "replace"), least, most, step, usual)

    def get(self, control: int) -> int:
        """Its value now.

        Raises:
            StationError: `camera_refused`, it cannot be read; `camera_missing`.
        """
        data = bytearray(_CONTROL.pack(control, 0))
        if not self._ioctl(_VIDIOC_G_CTRL, data):
            raise StationError("camera_refused", f"{self._path}: control {control:#x} cannot be read")
        return int(_CONTROL.unpack(data)[1])

    def set(self, control: int, value: int, name: str) -> int:
        """Set it and return what the camera says it is now.

        Raises:
            StationError: `camera_refused`, the camera would not; `camera_missing`.
        """
        if not self._ioctl(_VIDIOC_S_CTRL, bytearray(_CONTROL.pack(control, value))):
            raise StationError("camera_refused", f"{self._path}: {name}: asked {value}, refused")
        return self.get(control)

    def _ioctl(self, request: int, data: bytearray) -> bool:
        try:
            fcntl.ioctl(self._fd, request, data, True)
        except OSError as error:
            if error.errno in _GONE:
                raise StationError("camera_missing", f"{self._path}: {_reason(error)}") from error
            return False
        return True


def _reason(error: OSError) -> str:
    return {
        errno.ENOENT: "there is no such device",
        errno.EACCES: "this user may not open it",
        errno.EBUSY: "another program is using it",
        errno.ENODEV: "the camera was unplugged",
        errno.ENXIO: "the camera was unplugged",
    }.get(error.errno or 0, error.strerror or str(error))


def set_exposure(controls: Controls, exposure_us: int) -> int:
    """Set the exposure time to the nearest the camera offers, and return it.

    Raises:
        StationError: `camera_refused`, it offers none within one unit (100 µs); `camera_missing`.
    """
    if controls.range(EXPOSURE_ABSOLUTE) is None:
        raise StationError("camera_refused", f"exposure: asked {exposure_us} µs, but it cannot be set")
    asked = max(1, round(exposure_us / EXPOSURE_UNIT_US))
    got = controls.set(EXPOSURE_ABSOLUTE, asked, "exposure in 100 µs")
    if abs(got - asked) > 1:
        raise StationError(
            "camera_refused", f"exposure: asked {exposure_us} µs, got {got * EXPOSURE_UNIT_US} µs"
        )
    return got * EXPOSURE_UNIT_US


def set_gain(controls: Controls, gain: float) -> float:
    """Set the gain. V4L2 gives gains no unit: only the camera's least, which is 1.0 here, has a meaning.

    A control's numbers are decibels in one camera, factors in the next and register values in most, so twice
    as much cannot be asked for.

    Raises:
        StationError: `camera_refused`, `camera_missing`.
    """
    if gain != 1.0:
        raise StationError(
            "camera_refused",
            f"gain: asked {gain:g}, but a V4L2 camera's gain has no unit: only 1, its least, can be had",
        )
    offered = controls.range(GAIN)
    if offered is not None and (got := controls.set(GAIN, offered.least, "gain")) != offered.least:
        raise StationError("camera_refused", f"gain: asked {offered.least}, got {got}")
    return 1.0
