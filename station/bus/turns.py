"""Whose request is served next, so that nobody who asks for much keeps the others waiting. Pure."""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Line(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    in_work: int = 0


class Turns(Generic[T]):
    """Peers take turns, one request each; of one peer only some are in work at once, the rest waits its turn.

    Args:
        at_once: requests in work altogether.
        of_one: requests of one peer in work.
        waiting: requests of one peer that wait besides.
    """

    def __init__(self, at_once: int, of_one: int, waiting: int) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._waiting = waiting
        self._lines: dict[bytes, _Line[T]] = {}
        self._due: deque[bytes] = deque()
        self._in_work = 0

    def offer(self, peer: bytes, request: T) -> bool:
        """Queue a request; False: too many of this peer's wait, it is not taken."""
        line = self._lines.setdefault(peer, _Line())
        if len(line.waiting) >= self._waiting:
            return False
        line.waiting.append(request)
        self._consider(peer, line)
        return True

    def next(self) -> tuple[bytes, T] | None:
        """The next to be worked on, until `done`; None: nothing waits, or enough is in work."""
        if not self._due or self._in_work >= self._at_once:
            return None
        peer = self._due.popleft()
        line = self._lines[peer]
        request = line.waiting.popleft()
        line.in_work += 1
        self._in_work += 1
        self._consider(peer, line)
        return peer, request

    def done(self, peer: bytes) -> None:
        """A request of this peer is no longer in work."""
        line = self._lines[peer]
        line.in_work -= 1
        self._in_work -= 1
        if not line.in_work and not line.waiting:
            del self._lines[peer]
        else:
            self._consider(peer, line)

    def forget(self, peer: bytes) -> None:
        """Whatever of this peer's waits is not served."""
        line = self._lines.get(peer)
        if line is None:
            return
        line.waiting.clear()
        if peer in self._due:
            self._due.remove(peer)
        if not line.in_work:
            del self._lines[peer]

    def _consider(self, peer: bytes, line: _Line[T]) -> None:
        if line.waiting and line.in_work < self._of_one and peer not in self._due:
            self._due.append(peer)
