"""Firmware images: Intel HEX in, bytes and what the image says of itself out. Pure."""

import re
from dataclasses import dataclass

APPLICATION_BYTES = 32_256
"""What an ATmega328P has beside its bootloader."""
_IDENTITY = re.compile(
    rb"scan-board firmware (\d+)\.(\d+)\.(\d+) protocol (\d+)\.(\d+) schema 0x([0-9A-Fa-f]{8})"
)
_DATA, _END, _SEGMENT, _START_SEGMENT, _LINEAR, _START_LINEAR = range(6)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an image says of itself."""

    version: str
    protocol: str
    schema_hash: int


@dataclass(frozen=True, slots=True)
class Image:
    """What is to be written. `identity` None: it does not say."""

    size_bytes: int
    identity: Identity | None


def read_image(text: str) -> Image:
    """Understand an Intel HEX file.

    Raises:
        ValueError: it is none, it is damaged, or too long for the chip; with the line.
    """
    content = _content(text)
    if not content:
        raise ValueError("it holds no data")
    size = max(content) + 1
    if size > APPLICATION_BYTES:
        raise ValueError(f"it has {size} bytes, the chip has room for {APPLICATION_BYTES}")
    data = bytes(content.get(address, 0xFF) for address in range(size))
    return Image(size, _identity(data))


def _content(text: str) -> dict[int, int]:
    content: dict[int, int] = {}
    base = 0
    for number, line in enumerate(text.split(), 1):
        kind, address, data = _record(line, number)
        if kind == _END:
            return content
        if kind == _DATA:
            content.update({base + address + offset: byte for offset, byte in enumerate(data)})
        elif kind in (_SEGMENT, _LINEAR):
            base = int.from_bytes(data) << (4 if kind == _SEGMENT else 16)
        elif kind not in (_START_SEGMENT, _START_LINEAR):
            raise ValueError(f"line {number} is of an unknown kind {kind}")
    raise ValueError("it is cut off: its last line is missing")


def _record(line: str, number: int) -> tuple[int, int, bytes]:
    try:
        record = bytes.fromhex(line.removeprefix(":")) if line.startswith(":") else b""
    except ValueError:
        record = b""
    if len(record) < 5 or len(record) != record[0] + 5:
        raise ValueError(f"line {number} is not Intel HEX")
    if sum(record) % 256:
        raise ValueError(f"line {number} is damaged: its checksum does not fit")
    return record[3], int.from_bytes(record[1:3]), record[4:-1]


def _identity(data: bytes) -> Identity | None:
    found = _IDENTITY.search(data)
    if found is None:
        return None
    parts = [group.decode() for group in found.groups()]
    return Identity(".".join(parts[:3]), ".".join(parts[3:5]), int(parts[5], 16))
