"""The straight lines "start = offset + period * number" that agree with the stamps of frames. Pure.

Every stamp says: this frame's first row began to be exposed here, give or take the jitter of stamps. Each
such sentence cuts a strip out of the plane of all lines; what is left is a convex polygon, and its extent at
any frame number is the exact bound of what is known (set membership; Milanese and Vicino, 1991). No
assumption on the distribution of the jitter is needed, only its bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

Line = tuple[float, float]
"""Start of the newest frame after the newest stamp, and period, both in seconds."""
FEWEST = 3
"""Frames that can be counted by their stamps."""
FAR_S = 1.0
FIRST_GUESS = 0.1
"""By how much the period may differ from the median distance of the first stamps, relative."""
CLEARLY = 0.25
"""Of a period: a stamp nearer than this to a frame's place belongs to no other frame."""
TOUCHING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame by the driver's number, by ours, and its start as its stamp has it."""

    sequence: int
    frame: int
    start_s: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Corners of the polygon of lines that agree, and how many stamps were set aside as late."""

    corners: tuple[Line, ...]
    late: int


def usual_period_s(seen: Sequence[Seen]) -> float:
    """Median distance of neighbours, by the driver's numbers."""
    pairs = pairwise(seen)
    return median((b.start_s - a.start_s) / max(1, b.sequence - a.sequence) for a, b in pairs)


def counted(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Frames numbered by their stamps: as most of them lie on one grid."""
    if len(seen) < FEWEST:
        return tuple(seen)
    period_s = usual_period_s(seen)
    every = [_counted_from(seen, first, period_s) for first in seen]
    return max(every, key=lambda one: one[0])[1]


def _counted_from(seen: Sequence[Seen], first: Seen, period_s: float) -> tuple[int, tuple[Seen, ...]]:
    """How many agree with the first, and all numbered by their distance from the last before that agrees."""
    last, agreeing, numbered = replace(first, frame=first.sequence), 0, []
    for one in seen:
        distance = (one.start_s - last.start_s) / period_s
        numbered.append(replace(one, frame=last.frame + round(distance)))
        if abs(distance - round(distance)) < CLEARLY:
            agreeing += 1
            last = max(last, numbered[-1], key=lambda seen: seen.start_s)
    return agreeing, tuple(numbered)


def certain(seen: Sequence[Seen]) -> tuple[Seen, ...]:
    """Those that stamps and the driver's numbers place alike, relative to a neighbour.

    A frame that lies further on by its stamp than by its number follows frames that were dropped without a
    gap, or was stamped late by a period: the next one will tell.
    """
    ahead = [None, *(one.frame - one.sequence for one in seen), None]
    return tuple(
        one for one, (before, own, after) in zip(seen, _triples(ahead), strict=True) if own in (before, after)
    )


def _triples(values: Sequence[int | None]) -> Iterator[tuple[int | None, int | None, int | None]]:
    return zip(values, values[1:], values[2:], strict=False)


def agreement(
    seen: Sequence[Seen], jitter_s: float, guess_s: float, period_s: tuple[float, float] | None = None
) -> Agreement:
    """The lines that agree with the stamps, around the newest of them.

    What is wrong with a stamp is that it came late, so the earliest are believed first, and one that leaves
    no line is set aside. Another may be late by too little to be seen, and two where one was seen: each stamp
    that keeps the lines from being earlier is left out once, and what can be without it is counted in.

    Args:
        seen: two frames at least, numbered.
        jitter_s: by how much a punctual stamp may be off.
        guess_s: about the period.
        period_s: what the period was known to be; used if it fits the guess.
    """
    start = _all_lines(guess_s, period_s)
    ordered = sorted(seen, key=lambda one: one.start_s - one.frame * guess_s)
    corners, punctual = _cut_out(start, ordered, seen[-1], jitter_s, ())
    late = len(ordered) - len(punctual)
    doubts = _Doubts(start, punctual, seen[-1], jitter_s)
    corners = corners + doubts.spread(corners, (), 2 if late else 1)
    return Agreement(tuple(corners), late)


@dataclass(frozen=True, slots=True)
class _Doubts:
    """What could be if some of the stamps that are taken for punctual were not."""

    start: list[Line]
    punctual: list[Seen]
    newest: Seen
    jitter_s: float

    def spread(self, corners: list[Line], doubted: tuple[Seen, ...], depth: int) -> list[Line]:
        """Corners of the polygons without each, or each pair, of the stamps that bind."""
        found: list[Line] = []
        for one in self.punctual:
            if one not in doubted and _binds(one, self.newest, self.jitter_s, corners):
                doubting = (*doubted, one)
                wider = _cut_out(self.start, self.punctual, self.newest, self.jitter_s, doubting)[0]
                found += wider
                if depth > 1:
                    found += self.spread(wider, doubting, depth - 1)
        return found


def _all_lines(guess_s: float, period_s: tuple[float, float] | None) -> list[Line]:
    low, high = guess_s * (1 - FIRST_GUESS), guess_s * (1 + FIRST_GUESS)
    if period_s is not None and low < period_s[0] and period_s[1] < high:
        low, high = period_s
    return [(-FAR_S, low), (FAR_S, low), (FAR_S, high), (-FAR_S, high)]


def _cut_out(
    corners: list[Line], ordered: Sequence[Seen], newest: Seen, jitter_s: float, doubted: tuple[Seen, ...]
) -> tuple[list[Line], list[Seen]]:
    """The polygon and the stamps that made it; the doubted have no say about how early lines may be."""
    punctual = []
    for one in ordered:
        at, start_s = one.frame - newest.frame, one.start_s - newest.start_s
        left = _cut(corners, at, start_s + jitter_s, 1)
        if one not in doubted:
            left = _cut(left, at, start_s - jitter_s, -1)
        if left:
            corners = left
            punctual.append(one)
    return corners, punctual


def _binds(one: Seen, newest: Seen, jitter_s: float, corners: Sequence[Line]) -> bool:
    at, earliest_s = one.frame - newest.frame, one.start_s - newest.start_s - jitter_s
    return min(offset + period * at for offset, period in corners) < earliest_s + TOUCHING_S


def _cut(corners: list[Line], at: int, limit_s: float, sign: int) -> list[Line]:
    """The part of a polygon where `sign * (offset + period * at - limit) <= 0` (Sutherland, Hodgman)."""
    beyond = [sign * (offset + period * at - limit_s) for offset, period in corners]
    kept: list[Line] = []
    for index, here in enumerate(corners):
        before, b, h = corners[index - 1], beyond[index - 1], beyond[index]
        if (b < 0 < h) or (h < 0 < b):
            share = b / (b - h)
            kept.append(
                (before[0] + share * (here[0] - before[0]), before[1] + share * (here[1] - before[1]))
            )
        if h <= 0:
            kept.append(here)
    return kept
