"""Which side of a card lies up, and which way round? Told from what the accepted sides had in common.

Cards of one game share a frame. Cell by cell of the layout, mean and spread of the accepted sides say what
that is; a face is held against both sides and both ways up, as if cells were independent Gaussians. They are
not, so a lead is no probability: its bound was chosen on the twin (`tests/benchmarks/recognition.py`).

Limits: each side has one mean. Piles of several games widen the spread until less can be told, and a back
that is the same either way up leaves the way up open.
"""

from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.documents.plan import Side

from .appearance import LAYOUT_SHAPE, Look

FEWEST = 8
"""Sides of a kind to be known, before it is said which side a face is."""
UPRIGHT_FEWEST = 12
"""The same for the way up, where less differs: the rim of 8 cards may be of one colour by chance."""
SIDE_LEAD = 1.0
"""Of the better side over the other, mean over the cells. The right one leads by 1.8 and more after 8."""
TURN_LEAD = 0.5
"""Of the better way up over the other. The right one leads by 0.9 after 12 cards, but for 1 in 100."""
STRANGE = 4.0
"""Spreads beyond what the accepted sides showed when they were new: from there on it is no such side. The
twin's own stay below 3."""
_LEVELS = 24.0  # the spread that a cell is believed to have before anything was seen,
_WORTH = 1.0  # as if that had been found in so many sides
_LEAST_LEVELS = 6.0  # light and place change that much of a cell by themselves
_LIMIT = 50.0  # seven spreads squared: a glint counts no more than that
_LEAST_SPREAD = 0.2  # of the misfits of a few sides that happened to be alike

_SIDES: tuple[Side, Side] = ("front", "back")
_Cells = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SideVerdict:
    """What the layout says. None: not assessed, too little is known or it does not stand out.

    Attributes:
        turned: whether it lies upside down, against most of the sides learned from.
        side_lead, turn_lead: by how much the better hypothesis fits better.
        strangeness: by how many spreads it fits each known side worse than new sides of it used to.
    """

    side: Side | None
    turned: bool | None
    side_lead: float
    turn_lead: float
    strangeness: dict[Side, float]


class Lesson(NamedTuple):
    """What `Sides.remember` did, for `forget`: whether it turned the look, and its misfit when it was new."""

    turned: bool
    misfit: float | None


class Sides:
    """What fronts and backs have in common. Not for several threads at once."""

    def __init__(self) -> None:
        self._kinds: dict[Side, _Kind] = {side: _Kind() for side in _SIDES}

    def known(self, side: Side) -> int:
        """How many sides of this kind were learned from."""
        return self._kinds[side].count

    def remember(self, side: Side, look: Look) -> Lesson:
        """Learn from an accepted side; one that lies upside down for certain is turned first."""
        kind = self._kinds[side]
        misfits = kind.misfits(look) if kind.count >= FEWEST else None
        turn = misfits is not None and kind.knows_upright and misfits[0] - misfits[1] >= TURN_LEAD
        lesson = Lesson(turn, None if misfits is None else min(misfits))
        kind.add(look, lesson, 1)
        return lesson

    def forget(self, side: Side, look: Look, lesson: Lesson) -> None:
        """Undo a `remember`."""
        self._kinds[side].add(look, lesson, -1)

    def judge(self, look: Look) -> SideVerdict:
        """Which side it is and which way up."""
        misfits = {side: kind.misfits(look) for side, kind in self._kinds.items() if kind.count >= FEWEST}
        strangeness = {side: self._kinds[side].strangeness(min(found)) for side, found in misfits.items()}
        ranked = sorted(misfits, key=lambda side: min(misfits[side]))
        if not ranked:
            return SideVerdict(None, None, 0.0, 0.0, strangeness)
        best = ranked[0]
        lead = min(misfits[ranked[1]]) - min(misfits[best]) if len(ranked) == 2 else 0.0
        upright, upside_down = misfits[best]
        side = best if lead >= SIDE_LEAD and strangeness[best] < STRANGE else None
        turn_lead, kind = abs(upright - upside_down), self._kinds[best]
        told = kind.knows_upright and turn_lead >= TURN_LEAD and strangeness[best] < STRANGE
        turned = (upside_down < upright) != kind.mostly_turned if told else None
        return SideVerdict(side, turned, lead, turn_lead, strangeness)


class _Kind:
    """One side: sums over its layouts (exact, so that a look can be taken out again) and over its misfits."""

    def __init__(self) -> None:
        self.count = 0
        self._turned = 0
        self._sum = np.zeros(LAYOUT_SHAPE, np.int64)
        self._squares = np.zeros(LAYOUT_SHAPE, np.int64)
        self._misfits: list[float] = []

    @property
    def knows_upright(self) -> bool:
        """Whether enough were seen to say which way up one lies."""
        return self.count >= UPRIGHT_FEWEST

    @property
    def mostly_turned(self) -> bool:
        """Whether most of them lay the other way up than the first ones, which set what upright is."""
        return 2 * self._turned > self.count

    def add(self, look: Look, lesson: Lesson, sign: int) -> None:
        layout = (look.layout[::-1, ::-1] if lesson.turned else look.layout).astype(np.int64)
        self.count += sign
        self._turned += sign * lesson.turned
        self._sum += sign * layout
        self._squares += sign * layout**2
        if lesson.misfit is not None and sign > 0:
            self._misfits.append(lesson.misfit)
        elif lesson.misfit is not None:
            self._misfits.remove(lesson.misfit)

    def misfits(self, look: Look) -> tuple[float, float]:
        """Of the face as it lies, and turned by half a turn: twice the negative logarithm of a likelihood."""
        mean = self._sum / self.count
        found = self._squares - self.count * mean**2 + _WORTH * _LEVELS**2
        variance = found / (self.count + _WORTH) + _LEAST_LEVELS**2
        layout = look.layout.astype(np.float64)
        return _misfit(layout, mean, variance), _misfit(layout[::-1, ::-1], mean, variance)

    def strangeness(self, misfit: float) -> float:
        """Spreads beyond the usual; infinitely little while too few were new to something known."""
        if len(self._misfits) < FEWEST:
            return -inf
        usual = np.array(self._misfits)
        return float((misfit - usual.mean()) / max(float(usual.std()), _LEAST_SPREAD))


def _misfit(layout: _Cells, mean: _Cells, variance: _Cells) -> float:
    return float(np.mean(np.minimum((layout - mean) ** 2 / variance, _LIMIT) + np.log(variance)))
