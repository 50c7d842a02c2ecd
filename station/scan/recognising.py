"""Is it the side that was due, the right way up, and was this card here before?

A front that looks like an earlier one is the same print: the very card, or another copy of it. Backs of one
game look alike whatever the card, so a back is held against the one just before only, and is the same only
where it is far nearer to it than to any other back known. That finds the twin's back that is put down twice
in a row, because it bears the card's name, after some cards; never one that was here earlier. Which side
lies up is told by the designs that the sides of a game share: the nearest faces known, and the layout. What
cannot be told is no problem: nothing is said of it.

The wrong side is noticed from the first known back on, and a front in place of a back from some eight known
fronts on; the very card just before is noticed at once. Where no back is known yet (the first pile of fronts
at a new station), a face that is unlike everything counts as the other side after 20 sides: a front of a
quite different design is refused then, too.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from station.archive.appearances import Seen
from station.card.appearance import BITS, VERSION, Look, from_document, look_at, to_document
from station.card.recognition import DISTANT_KIN, KIN, SAME, Library, Match
from station.card.sides import Lesson, Sides, SideVerdict
from station.documents.event import Event
from station.documents.judgement import Appearance, Expected, Likeness, Problem
from station.documents.plan import Side
from station.documents.scan import ScanManifest

NEARER = 30
"""Bits by which the side seen must be nearer than the other one."""
UNLIKE_FEWEST = 20
"""Sides known of one kind, with none of the other, from which on a face unlike all of them is the other."""
UNLIKE = 2.5
"""Spreads of the layout by which such a face must stand apart, besides having no kin."""
AGAIN_BITS = 20
"""Up to which a back can be the one just before. The twin's differ in 15 at most when they are taken again
(24 cards), and in 24 at least from those of other cards (4.5 million pairs)."""
AGAIN = 3
"""Times as near as any other card's back it must be, too. This guards backs that differ in nothing but their
cut: by its four widths some 1 in 3^4 of the nearest pairs should be that much alike. Not measured."""
CROWD = 8
"""Backs of other cards and of the same design that must be known for that."""
_SEARCHED = 32
_NEVER = BITS + 1


class Recognised(NamedTuple):
    """What speaks against the side, which earlier scan it resembles, and what it looks like."""

    problems: tuple[Problem, ...]
    likeness: Likeness | None
    appearance: Appearance


@dataclass(frozen=True, slots=True)
class _Known:
    card_id: str
    side: Side
    look: Look
    lesson: Lesson


@dataclass(frozen=True, slots=True)
class _Found:
    """What is near a face, on each side, and what its layout says."""

    near: dict[Side, tuple[Match, ...]]
    verdict: SideVerdict

    def distance(self, side: Side) -> int:
        return self.near[side][0].distance if self.near[side] else _NEVER

    def side(self) -> Side | None:
        """The side that lies up."""
        front, back = self.distance("front"), self.distance("back")
        if min(front, back) <= KIN and abs(front - back) >= NEARER:
            return "front" if front < back else "back"
        told = self.verdict.side
        return told if told is not None and self.distance(told) <= DISTANT_KIN else None


class Recogniser:
    """All faces that were stored, and what is to be said of a new one. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._libraries: dict[Side, Library] = {"front": Library(), "back": Library()}
        self._sides = Sides()

    def load(self, entries: Iterable[Seen]) -> int:
        """Remember what the catalogue has, oldest first (`Catalogue.appearances`); how many could not be.

        An appearance that another version of the station made cannot be compared.
        """
        left_out = 0
        for seen in entries:
            if seen.appearance.version == VERSION:
                self.remember(seen.scan_id, seen.card_id, seen.side, seen.appearance)
            else:
                left_out += 1
        return left_out

    def judge(self, face: NDArray[np.float32], expected: Expected) -> Recognised:
        """Look at a face.

        Args:
            face: float32 (H, W, 3), linear light, RGB, rectified (`card.rectify`) so that the card fills it,
                best at 76 to 100 dots per inch: (264, 189) to (346, 248) pixels. Best is the sum of the lit
                frames less the ambient one: glints, and the way that the light falls off, average out.
            expected: which side is due, and what of it is checked.

        Raises:
            ValueError: the face is too small or dark throughout, see `card.appearance.look_at`.
        """
        look = look_at(face)
        with self._lock:
            near = {side: library.nearest(look, _SEARCHED) for side, library in self._libraries.items()}
            found = _Found(near, self._sides.judge(look))
            problems, likeness = self._judge(found, expected)
        return Recognised(problems, likeness, to_document(look))

    def remember(self, scan_id: str, card_id: str, side: Side, appearance: Appearance) -> None:
        """A side was stored. One that is remembered already is replaced.

        Raises:
            ValueError: its appearance is of another version, or damaged.
        """
        look = from_document(appearance)
        self.forget(scan_id)
        with self._lock:
            self._known[scan_id] = _Known(card_id, side, look, self._sides.remember(side, look))
            self._libraries[side].add(scan_id, look)

    def stored(self, manifest: ScanManifest) -> None:
        """A stack has become durable; one that was not looked at is not known."""
        if manifest.appearance is not None:
            self.remember(manifest.id, manifest.card_id, manifest.side, manifest.appearance)

    def happened(self, event: Event) -> None:
        """Hear what the journal tells: what was withdrawn or removed is forgotten."""
        if event.type in ("scan.withdrawn", "scan.removed"):
            self.forget(str(event.data["id"]))

    def forget(self, scan_id: str) -> None:
        """A side was withdrawn: nothing is held against it any more. An unknown one changes nothing."""
        with self._lock:
            known = self._known.pop(scan_id, None)
            if known is not None:
                self._libraries[known.side].remove(scan_id)
                self._sides.forget(known.side, known.look, known.lesson)

    def _judge(self, found: _Found, expected: Expected) -> tuple[tuple[Problem, ...], Likeness | None]:
        seen, due = found.side(), expected.side
        likeness = self._likeness(found, seen or due or _nearer(found), expected.after)
        if due is not None and (seen not in (None, due) or self._unlike(found, due)):
            return (self._wrong_side(due, likeness, expected.after),), likeness
        known = self._here_before(likeness, expected)
        turned = self._upside_down(found, seen or due) if expected.upright else None
        return tuple(problem for problem in (known, turned) if problem is not None), likeness

    def _unlike(self, found: _Found, due: Side) -> bool:
        """Whether only the side due is known, and this has nothing of it."""
        other: Side = "back" if due == "front" else "front"
        return (
            not self._libraries[other]
            and self._sides.known(due) >= UNLIKE_FEWEST
            and found.distance(due) > DISTANT_KIN
            and found.verdict.strangeness[due] >= UNLIKE
        )

    def _likeness(self, found: _Found, side: Side | None, after: str) -> Likeness | None:
        """The nearest earlier face of this print; among several, the one just before."""
        near = found.near[side] if side is not None else ()
        same = [match for match in near if match.distance <= SAME]
        if not same or (side == "back" and not self._is_again(near, after)):
            return None
        match = next((one for one in same if self._just_before(one.key, after)), same[0])
        known = self._known[match.key]
        return Likeness(
            scan_id=match.key,
            card_id=known.card_id,
            side=known.side,
            distance=match.distance,
            bits=BITS,
            turned=match.turned,
        )

    def _is_again(self, near: tuple[Match, ...], after: str) -> bool:
        """Whether the nearest back is the one just before, and nearer than backs of other cards ever are."""
        first, card_id = near[0], self._known[near[0].key].card_id
        others = [m.distance for m in near if m.distance <= KIN and self._known[m.key].card_id != card_id]
        return (
            first.distance <= AGAIN_BITS
            and self._just_before(first.key, after)
            and len(others) >= CROWD
            and first.distance * AGAIN <= min(others)
        )

    def _just_before(self, scan_id: str, after: str) -> bool:
        """Whether it is the scan just before, or the other side of that card."""
        if scan_id == after:
            return True
        before = self._known.get(after)
        return before is not None and self._known[scan_id].card_id == before.card_id

    def _wrong_side(self, due: Side, likeness: Likeness | None, after: str) -> Problem:
        other = "back" if due == "front" else "front"
        message = f"the {other} lies up where a {due} was due"
        if likeness is not None and self._just_before(likeness.scan_id, after):
            message += ": the card was not turned over"
        return Problem(code="wrong_side", message=message, like=likeness.scan_id if likeness else "")

    def _here_before(self, likeness: Likeness | None, expected: Expected) -> Problem | None:
        if likeness is None:
            return None
        like = likeness.scan_id
        if self._just_before(like, expected.after):
            return Problem(code="card_again", message="it looks like the card just before", like=like)
        if expected.accept_known:
            return None
        return Problem(code="card_known", message="it looks like a card scanned before", like=like)

    def _upside_down(self, found: _Found, side: Side | None) -> Problem | None:
        if side is None or found.distance(side) > DISTANT_KIN:
            return None
        message = "it lies the other way up than the cards before"
        return Problem(code="card_upside_down", message=message) if found.verdict.turned else None


def _nearer(found: _Found) -> Side | None:
    front, back = found.distance("front"), found.distance("back")
    return None if front == back else "front" if front < back else "back"
