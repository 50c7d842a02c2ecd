"""Frames: sequence number, type and payload, made safe for a serial line.

The format is described at the head of `firmware/protocol.toml`.
"""

from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass

from . import cobs
from .messages import FRAME_MAX_BYTES, PAYLOAD_MAX_BYTES, WIRE_MAX_BYTES

CRC_SEED = 0xFFFF
_OVERHEAD = 4  # seq, type, two bytes of checksum


def checksum(data: bytes, seed: int = CRC_SEED) -> int:
    """CRC-16/CCITT-FALSE; its check value over b"123456789" is 0x29B1."""
    return crc_hqx(data, seed)


@dataclass(frozen=True, slots=True)
class Frame:
    """What lies between two zeros, unstuffed and checked."""

    seq: int
    type: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes for the line, closing zero included.

        Raises:
            ValueError: the payload does not fit.
        """
        if len(self.payload) > PAYLOAD_MAX_BYTES:
            raise ValueError(f"{len(self.payload)} bytes of payload, {PAYLOAD_MAX_BYTES} fit")
        body = bytes((self.seq, self.type)) + self.payload
        return cobs.encode(body + checksum(body).to_bytes(2, "big")) + b"\0"


@dataclass(slots=True)
class LineCounts:
    """What came in. Everything that was not a valid frame is counted in one of the last three."""

    frames_ok: int = 0
    bad_checksum: int = 0
    bad_stuffing: int = 0
    too_long: int = 0

    @property
    def frames_bad(self) -> int:
        """All that was refused."""
        return self.bad_checksum + self.bad_stuffing + self.too_long


class FrameReader:
    """Bytes in any portions in, frames out. Garbage costs the frames it touches and no other."""

    def __init__(self) -> None:
        self.counts = LineCounts()
        self._pending = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`."""
        return list(self._frames(data))

    def _frames(self, data: bytes) -> Iterator[Frame]:
        *ended, rest = data.split(b"\0")
        for piece in ended:
            self._append(piece)
            frame = self._close()
            if frame is not None:
                yield frame
        self._append(rest)

    def _append(self, piece: bytes) -> None:
        room = WIRE_MAX_BYTES - len(self._pending)
        if len(piece) >= room:  # the closing zero has no place any more
            self._skipping = True
        self._pending += piece[:room]

    def _close(self) -> Frame | None:
        stuffed, skipping = bytes(self._pending), self._skipping
        self._pending.clear()
        self._skipping = False
        if skipping:
            self.counts.too_long += 1
            return None
        if not stuffed:  # two zeros in a row are no frame and no fault
            return None
        return self._check(stuffed)

    def _check(self, stuffed: bytes) -> Frame | None:
        try:
            body = cobs.decode(stuffed)
        except ValueError:
            self.counts.bad_stuffing += 1
            return None
        if not _OVERHEAD <= len(body) <= FRAME_MAX_BYTES or checksum(body) != 0:
            self.counts.bad_checksum += 1
            return None
        self.counts.frames_ok += 1
        return Frame(body[0], body[1], body[2:-2])
