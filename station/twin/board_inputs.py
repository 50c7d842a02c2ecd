"""Contacts of the software board: they bounce, and count once they have been steady. Pure; times in ns."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Literal

from .board_parts import MS

InputName = Literal["button 0", "button 1", "card"]
STEADY_NS = 5 * MS
BOUNCES = 5
"""Changes of a contact that bounces, a millisecond apart; the last one stays."""


@dataclass(slots=True)
class _Contact:
    level: bool = False
    steady: bool = False
    since_ns: int = 0

    def due_ns(self) -> int | None:
        return None if self.level == self.steady else self.since_ns + STEADY_NS

    def move(self, level: bool, at_ns: int) -> None:
        if level != self.level:
            self.level, self.since_ns = level, at_ns


@dataclass(slots=True)
class Inputs:
    """What is done to the contacts, and what the board takes for it."""

    _contacts: dict[InputName, _Contact] = field(
        default_factory=lambda: {"button 0": _Contact(), "button 1": _Contact(), "card": _Contact()}
    )
    _moves: list[tuple[int, int, InputName, bool]] = field(default_factory=list)
    _count: int = 0

    def move(self, name: InputName, level: bool, at_ns: int) -> None:
        """From then on the contact is closed, or open."""
        self._count += 1
        heappush(self._moves, (at_ns, self._count, name, level))

    def bounce(self, name: InputName, level: bool, at_ns: int) -> None:
        """The same, with a contact that bounces first."""
        for number in range(BOUNCES):
            self.move(name, level == (number % 2 == 0), at_ns + number * MS)

    def restart(self, now_ns: int) -> None:
        """The board was reset: it knows of nothing, what is held stays held."""
        for contact in self._contacts.values():
            contact.steady, contact.since_ns = False, now_ns

    @property
    def wake_ns(self) -> int | None:
        """When something moves, or has been steady."""
        times = [self._moves[0][0]] if self._moves else []
        times += [due for contact in self._contacts.values() if (due := contact.due_ns()) is not None]
        return min(times, default=None)

    def advance(self, now_ns: int) -> Iterator[tuple[InputName, bool]]:
        """What has counted up to now, in order; however late this is called, each moment is its own."""
        while (next_ns := self.wake_ns) is not None and next_ns <= now_ns:
            for name, contact in self._contacts.items():
                if contact.due_ns() == next_ns:
                    contact.steady = contact.level
                    yield name, contact.level
            while self._moves and self._moves[0][0] == next_ns:
                _, _, name, level = heappop(self._moves)
                self._contacts[name].move(level, next_ns)
