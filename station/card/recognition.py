"""Which of the faces seen before is this? A search through the bits of all of them.

Measured on the twin by `tests/benchmarks/recognition.py`, where all cards share one frame:

- of 3,000 different fronts, which are 4.5 million pairs, no pair is as near as `SAME`; the nearest two
  differ in 179 bits of 1024. From one pair in a thousand at 267 bits to one in a million at 198 the tail is
  straight in the logarithm; drawn on, 1.3 pairs in 10^8 are as near as `SAME`: a new card among 10,000 known
  ones is taken for one of them once in some 7,000 times.
- a front taken again differs in 47 bits, at most 132 of 400 cards, with a registration of 0.1 mm and light
  that falls off otherwise and is half to twice as bright; with a glint in 79, at most 147. Misplaced by 0.3
  mm along each axis (standard deviation), 12 % differ in more than `SAME` and are missed. Rendered through
  the twin's camera and found by its outline, 24 cards differed in 5 bits, at most 10.
- a front and a back differ in 433 bits at least (9 million pairs, either way up); unrelated pictures in 505,
  with a spread of 14.

Backs of one game are alike: those of the twin come as near as 24 bits, though each bears its card's name.
`SAME` says nothing of backs; see `scan.recognising`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .appearance import BITS, Look, turned

SAME = 150
"""Bits that differ, up to which two faces are the same print."""
KIN = 400
"""Bits that differ, up to which two faces have a design in common, 7 deviations below unrelated ones."""
DISTANT_KIN = 430
"""Up to which they may have; the nearest of 10,000 unrelated faces is 448 bits away."""
_WORDS = BITS // 64
_FIRST = 64


class Match(NamedTuple):
    """A face in the library.

    Attributes:
        distance: differing bits.
        turned: whether it lay the other way up than the look that was asked for.
    """

    key: str
    distance: int
    turned: bool


class Library:
    """Faces by key. Not for several threads at once."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._places: dict[str, int] = {}
        self._packed: NDArray[np.uint64] = np.zeros((_FIRST, _WORDS), np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def add(self, key: str, look: Look) -> None:
        """Keep a face; under a key that is there already, in place of that one."""
        place = self._places.setdefault(key, len(self._keys))
        if place == len(self._keys):
            self._keys.append(key)
        if place == len(self._packed):
            self._packed = np.concatenate([self._packed, np.zeros_like(self._packed)])
        self._packed[place] = look.bits.view(np.uint64)

    def remove(self, key: str) -> None:
        """Forget a face; without one of this key nothing changes."""
        place = self._places.pop(key, None)
        if place is None:
            return
        last = self._keys.pop()
        if last != key:
            self._keys[place], self._places[last] = last, place
            self._packed[place] = self._packed[len(self._keys)]

    def nearest(self, look: Look, count: int = 1) -> tuple[Match, ...]:
        """The most similar faces, nearest first; either way up."""
        upright, upside_down = self._distances(look), self._distances(turned(look))
        best = np.minimum(upright, upside_down)
        count = min(count, len(best))
        if count == 0:
            return ()
        few = np.argpartition(best, count - 1)[:count]
        chosen = few[np.argsort(best[few], kind="stable")]
        return tuple(Match(self._keys[k], int(best[k]), bool(upside_down[k] < upright[k])) for k in chosen)

    def _distances(self, look: Look) -> NDArray[np.int64]:
        differing = self._packed[: len(self._keys)] ^ look.bits.view(np.uint64)
        return np.asarray(np.bitwise_count(differing).sum(axis=1), np.int64)
