"""Numbers and structures of linux/videodev2.h, 64-bit little endian, as far as they are needed here."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass


def _code(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


_W, _R, _WR = 1, 2, 3
MAP = 0  # not an ioctl: the library asks for a buffer's memory
QUERYCAP = _code(_R, 0, 104)
ENUM_FMT = _code(_WR, 2, 64)
G_FMT, S_FMT, TRY_FMT = _code(_WR, 4, 208), _code(_WR, 5, 208), _code(_WR, 64, 208)
REQBUFS = _code(_WR, 8, 20)
QUERYBUF, QBUF = _code(_WR, 9, 88), _code(_WR, 15, 88)
STREAMON, STREAMOFF = _code(_W, 18, 4), _code(_W, 19, 4)
G_PARM, S_PARM = _code(_WR, 21, 204), _code(_WR, 22, 204)
ENUMINPUT = _code(_WR, 26, 80)
G_INPUT, S_INPUT = _code(_R, 38, 4), _code(_WR, 39, 4)
G_CTRL, S_CTRL, QUERYCTRL = _code(_WR, 27, 8), _code(_WR, 28, 8), _code(_WR, 36, 68)

CAPTURE = 1  # buffer type
MMAP = 1  # memory
_CAN_CAPTURE, _CAN_GIVE_METADATA, _CAN_STREAM = 0x1, 0x00800000, 0x04000000
_HAS_DEVICE_CAPABILITIES = 0x80000000
_FLAGS_MAPPED, _FLAGS_QUEUED, _FLAGS_DONE, _FLAGS_ERROR = 0x1, 0x2, 0x4, 0x40
_FLAGS_MONOTONIC, _FLAGS_START_OF_EXPOSURE = 0x2000, 0x10000

_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_FMTDESC = struct.Struct("<III32sI16x")
_INPUT = struct.Struct("<I32sIIIQII12x")
_FORMAT = struct.Struct("<I4xIIIIIII172x")
_PARM = struct.Struct("<IIIIIII176x")
_REQUEST = struct.Struct("<IIII4x")
_BUFFER = struct.Struct("<IIIII4xqq16xIIQIII4x")
_CONTROL = struct.Struct("<Ii")
_QUERY = struct.Struct("<II32siiiiI8x")
_TIME_PER_FRAME = 0x1000
_NO_FIELD, _SRGB = 1, 8


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What a frame is: size and four characters."""

    width: int
    height: int
    fourcc: str

    @property
    def bytes_per_line(self) -> int:
        """0 where lines have no fixed length."""
        return {"YUYV": 2, "GREY": 1, "Y16": 2}.get(self.fourcc, 0) * self.width

    @property
    def size_image(self) -> int:
        """Bytes that a buffer must hold."""
        return self.bytes_per_line * self.height or 2 * self.width * self.height + 4096


def fourcc_number(fourcc: str) -> int:
    """Four characters as V4L2 numbers them."""
    return int.from_bytes(fourcc.ljust(4).encode("ascii"), "little")


def fourcc_text(number: int) -> str:
    """The characters of a number, trailing blanks cut off."""
    return number.to_bytes(4, "little").decode("latin-1").rstrip()


def capability(card: str, captures: bool) -> bytes:
    """`struct v4l2_capability`."""
    can = _CAN_STREAM | (_CAN_CAPTURE if captures else _CAN_GIVE_METADATA)
    names = b"uvcvideo", card.encode()[:31], b"usb-virtual-1"
    return _CAPABILITY.pack(*names, 0x060000, can | _HAS_DEVICE_CAPABILITIES, can)


def format_description(data: bytes, fourccs: list[str]) -> bytes | None:
    """`struct v4l2_fmtdesc`; None behind the last one."""
    index, kind, *_ = _FMTDESC.unpack(data)
    if index >= len(fourccs) or kind != CAPTURE:
        return None
    name = fourccs[index]
    return _FMTDESC.pack(index, kind, int(name == "MJPG"), name.encode(), fourcc_number(name))


def input_description(data: bytes) -> bytes | None:
    """`struct v4l2_input`; there is one."""
    if int.from_bytes(data[:4], "little") != 0:
        return None
    return _INPUT.pack(0, b"Camera 1", 2, 0, 0, 0, 0, 0)


def read_format(data: bytes) -> PixelFormat | None:
    """From `struct v4l2_format`; None for another type than capture."""
    kind, width, height, fourcc, *_ = _FORMAT.unpack(data)
    return PixelFormat(width, height, fourcc_text(fourcc)) if kind == CAPTURE else None


def write_format(chosen: PixelFormat) -> bytes:
    """`struct v4l2_format`."""
    return _FORMAT.pack(
        CAPTURE, chosen.width, chosen.height, fourcc_number(chosen.fourcc), _NO_FIELD,
        chosen.bytes_per_line, chosen.size_image, _SRGB,
    )  # fmt: skip


def read_period_us(data: bytes) -> int:
    """From `struct v4l2_streamparm`; 0: whatever you like."""
    _, _, _, numerator, denominator, _, _ = _PARM.unpack(data)
    return round(1e6 * numerator / denominator) if denominator else 0


def write_period_us(period_us: int) -> bytes:
    """`struct v4l2_streamparm`."""
    return _PARM.pack(CAPTURE, _TIME_PER_FRAME, 0, period_us, 1_000_000, 0, 2)


def read_request(data: bytes) -> tuple[int, int]:
    """Count and memory from `struct v4l2_requestbuffers`."""
    count, _, memory, _ = _REQUEST.unpack(data)
    return count, memory


def write_request(count: int) -> bytes:
    """`struct v4l2_requestbuffers`."""
    return _REQUEST.pack(count, CAPTURE, MMAP, 1)


def read_index(data: bytes) -> int:
    """Which buffer a `struct v4l2_buffer` speaks of."""
    return int(_BUFFER.unpack(data)[0])


@dataclass(frozen=True, slots=True)
class Filled:
    """What the driver says of a finished buffer."""

    used: int
    stamp_ns: int
    sequence: int
    at_start: bool
    damaged: bool = False


def write_buffer(index: int, length: int, *, queued: bool = False, filled: Filled | None = None) -> bytes:
    """`struct v4l2_buffer`."""
    flags = _FLAGS_MAPPED | _FLAGS_MONOTONIC | (_FLAGS_QUEUED if queued else 0)
    if filled is None:
        return _BUFFER.pack(index, CAPTURE, 0, flags, 0, 0, 0, 0, MMAP, index * length, length, 0, 0)
    flags |= _FLAGS_DONE | (_FLAGS_START_OF_EXPOSURE if filled.at_start else 0)
    flags |= _FLAGS_ERROR if filled.damaged else 0
    seconds, rest = divmod(filled.stamp_ns, 10**9)
    return _BUFFER.pack(
        index, CAPTURE, filled.used, flags, _NO_FIELD, seconds, rest // 1000, filled.sequence, MMAP,
        index * length, length, 0, 0,
    )  # fmt: skip


def read_control(data: bytes) -> tuple[int, int]:
    """Id and value from `struct v4l2_control`."""
    control, value = _CONTROL.unpack(data)
    return control, value


def write_control(control: int, value: int) -> bytes:
    """`struct v4l2_control`."""
    return _CONTROL.pack(control, value)


def read_query(data: bytes) -> int:
    """Id from `struct v4l2_queryctrl`."""
    return int(_QUERY.unpack(data)[0])


def write_query(control: int, name: str, offers: tuple[int, int, int, int], flags: int = 0) -> bytes:
    """`struct v4l2_queryctrl`; `offers` is least, most, step, usual."""
    return _QUERY.pack(control, 1, name.encode()[:31], *offers, flags)


def ids_behind(control: int, known: list[int]) -> Iterator[int]:
    """Controls after this one, for a query that asks for the next."""
    return (other for other in sorted(known) if other > control)
