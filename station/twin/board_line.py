"""A bad cable: what it does to the frames of the software board. Pure and seeded; times in ns."""

import random
from collections import deque
from dataclasses import dataclass

END = b"\0"


@dataclass(slots=True)
class LineFaults:
    """What the cable does. The percentages hold for each frame, in both directions."""

    drop_percent: float = 0.0
    corrupt_percent: float = 0.0
    repeat_percent: float = 0.0
    delay_ns: int = 0
    mute: bool = False


class BadLine:
    """Both directions of the cable. On a bad one, bytes that end no frame wait until one does."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - faults are to be repeatable, not secret
        self.faults = LineFaults()
        self._begun = b""
        self._held: deque[tuple[int, bytes]] = deque()

    def to_board(self, data: bytes) -> bytes:
        """What arrives at the board."""
        *whole, self._begun = (self._begun + data).split(END)
        if not self._damaging:
            passed = END.join([*whole, self._begun])
            self._begun = b""
            return passed
        return b"".join(self._damage(frame + END) for frame in whole)

    def to_host(self, frame: bytes, now_ns: int) -> None:
        """Put a frame on its way to the host."""
        if not self.faults.mute:
            self._held.append((now_ns + self.faults.delay_ns, self._damage(frame)))

    def noise(self, count: int, now_ns: int) -> None:
        """Send the host bytes that mean nothing."""
        self._held.append((now_ns, self._chance.randbytes(count)))

    def due(self, now_ns: int) -> bytes:
        """What reaches the host now."""
        out = b""
        while self._held and self._held[0][0] <= now_ns:
            out += self._held.popleft()[1]
        return out

    @property
    def wake_ns(self) -> int | None:
        """When `due` has something."""
        return self._held[0][0] if self._held else None

    @property
    def _damaging(self) -> bool:
        return any((self.faults.drop_percent, self.faults.corrupt_percent, self.faults.repeat_percent))

    def _damage(self, frame: bytes) -> bytes:
        if self._happens(self.faults.drop_percent):
            return b""
        if self._happens(self.faults.corrupt_percent):
            frame = self._corrupt(frame)
        return frame * 2 if self._happens(self.faults.repeat_percent) else frame

    def _happens(self, percent: float) -> bool:
        return percent > 0 and self._chance.uniform(0, 100) < percent

    def _corrupt(self, frame: bytes) -> bytes:
        at = self._chance.randrange(len(frame))
        return frame[:at] + bytes((frame[at] ^ 1 << self._chance.randrange(8),)) + frame[at + 1 :]
