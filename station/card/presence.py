"""What lies on the mat, from one small picture after another: nothing, something that moves or lies still."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.live import Seen, SeenKind

from .bare import all_around, followed, may_be_mat, unlike
from .change import Image, Mask, Noise, even, light_of, lit_alike, moved, row_gains
from .mat import CELL_MM, foreground
from .pieces import Lying, lying

MOVED_MM2 = 25.0
"""What changes within less than this is no hand and no card; a card pushed by 0.3 mm changes more."""
MOVED_SHARE = 0.06
"""Of its light, by which a cell changes at least; the drift of lamps from one picture to the next is less."""
FEWEST = 4
"""Pictures of something still before it is judged by itself: over so many the lights' flicker is even."""
DARK_CODES = 1.5
"""Median of a picture, in 8-bit codes, below which no light burns; a dark mat has 8."""
_NEWEST = 0.1  # weight of the newest picture, where nothing moves


@dataclass
class _Under:
    """What is known of one lighting, all of it as `even` makes it.

    Attributes:
        rest: mean of what has lain there since something moved; at_s: its newest picture; count: of them.
        mat: the bare mat; None: not seen yet.
        alone: what `rest` shows by itself, without a picture of the mat; None: not looked yet.
    """

    rest: Image
    newest: Image
    at_s: float
    noise: Noise
    count: int = 1
    mat: Image | None = None
    alone: Mask | None = None

    def begin(self, picture: Image, at_s: float) -> None:
        """Something has moved: what was known of what lies there is out of date."""
        self.rest, self.count, self.alone = picture, 1, None
        self.newest, self.at_s = picture, at_s

    def go_on(self, picture: Image, at_s: float) -> None:
        """Nothing has moved."""
        self.count += 1
        weight = max(1 / self.count, _NEWEST)
        self.rest = self.rest + np.float32(weight) * (picture - self.rest)
        self.newest, self.at_s = picture, at_s

    def disturbed(self, picture: Image) -> bool:
        """Whether a picture is not of what has lain there."""
        return self.differs(picture, self.rest)

    def differs(self, picture: Image, reference: Image) -> bool:
        """Whether two pictures of this lighting show different things."""
        expected = lit_alike(reference, row_gains(picture, reference))
        mask = moved(picture, expected, self.noise.of(expected), MOVED_SHARE).astype(np.uint8)
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return float(np.count_nonzero(opened)) * CELL_MM**2 >= MOVED_MM2


class Presence:
    """Learns by itself what the bare mat looks like under each lighting, and follows its slow changes.

    The mat counts as bare where nothing of a picture differs from a smooth surface: a card that lies there at
    the start is none. Pictures of one lighting are compared with each other only.

    Args:
        px_per_mm: of the pictures, on the mat.
        still_s: for so long must nothing move before it lies still.
    """

    def __init__(self, px_per_mm: float = 1 / CELL_MM, still_s: float = 0.25) -> None:
        self._scale = 1 / (px_per_mm * CELL_MM)
        self._still_s = still_s
        self._by: dict[Hashable, _Under] = {}
        self._moved_s = -np.inf
        self._stirred = False
        self._marked: dict[Hashable, Image] = {}
        self._last = Seen(kind="unclear", message="nothing has been seen yet")

    def see(self, picture: NDArray[Any], at_s: float, lighting: Hashable) -> Seen:
        """Judge the next picture (h, w) or (h, w, 3): uint8, or float in 8-bit codes after black level.

        Args:
            picture: the whole of what the camera sees.
            at_s: when it was exposed, on any clock that grows.
            lighting: which lights burned; pictures of different lighting are never compared.
        """
        grey = _cells(picture, self._scale)
        sequence = self._last.sequence + 1
        if float(np.median(grey)) < DARK_CODES:
            self._moved_s = at_s
            seen = Seen(kind="unclear", message="the picture is dark: no light burns", sequence=sequence)
        else:
            seen = self._judged(even(grey), at_s, lighting).replace(sequence=sequence)
        self._last = seen
        return seen

    def mark(self) -> None:
        """Remember what lies there now: `Seen.same` tells whether it still does."""
        now = {key: under.rest for key, under in self._by.items() if under.at_s >= self._moved_s}
        self._marked = now if self._last.kind == "still" else {}

    def _judged(self, picture: Image, at_s: float, lighting: Hashable) -> Seen:
        if not self._by:
            self._moved_s = at_s
        under = self._by.get(lighting)
        if under is None or (disturbed := self._disturbed(under, picture, at_s)) is None:
            under, disturbed = self._turn_to(lighting, picture, at_s), False
        if disturbed:
            self._moved_s, self._stirred = at_s, True
            under.begin(picture, at_s)
        still_s = at_s - self._moved_s
        if disturbed or still_s < self._still_s:
            return self._moving(under, still_s)
        seen = self._settled(under, still_s)
        marked = self._marked.get(lighting)
        same = seen.kind == "still" and marked is not None and not under.differs(under.newest, marked)
        return seen.replace(same=same)

    def _disturbed(self, under: _Under, picture: Image, at_s: float) -> bool | None:
        """Whether something has moved since the last picture of this lighting; None: that cannot be told."""
        if self._moved_s > under.at_s:
            return None
        disturbed = under.disturbed(picture)
        if under.count == 1 or not disturbed:
            under.noise.learn(picture, under.newest)
        if not disturbed:
            under.go_on(picture, at_s)
        return disturbed

    def _turn_to(self, lighting: Hashable, picture: Image, at_s: float) -> _Under:
        """The first picture of a lighting, or the first since something moved under another one."""
        under = self._by.get(lighting)
        if under is None:
            under = self._by[lighting] = _Under(picture, picture, at_s, Noise())
        under.begin(picture, at_s)
        return under

    def _moving(self, under: _Under, still_s: float) -> Seen:
        if under.mat is None:
            if not (self._stirred or self._known):
                return self._last.replace(message="the mat has not been watched for long enough yet")
            return self._last.replace(kind="moving", message="", still_s=round(still_s, 3))
        return _seen("moving", lying(unlike(under.newest, under.mat, under.noise)), still_s)

    def _settled(self, under: _Under, still_s: float) -> Seen:
        found = self._found(under)
        if found is None:
            return self._last.replace(still_s=round(still_s, 3))
        mask, what = found
        if under.mat is not None:
            under.mat = followed(under.mat, under.newest, mask)
        return _seen("still" if what.pieces else "empty", what, still_s)

    def _found(self, under: _Under) -> tuple[Mask, Lying] | None:
        """What lies there; None: it must be watched longer."""
        if under.mat is not None:
            mask = unlike(under.rest, under.mat, under.noise)
            if not all_around(mask):
                return mask, lying(mask)
        if under.count < FEWEST:
            return None
        if under.alone is None:
            under.alone = foreground(light_of(under.rest))
        what = lying(under.alone)
        if what.pieces:
            return under.alone, what
        if under.mat is None and self._known and self._last.kind == "still":
            return None  # a card as dark as the mat, of which another lighting tells
        if under.mat is None or may_be_mat(under.rest, under.mat):
            under.mat = under.rest
        return under.alone, what

    @property
    def _known(self) -> bool:
        """Whether the bare mat was seen under any lighting."""
        return any(under.mat is not None for under in self._by.values())


def _seen(kind: SeenKind, what: Lying, still_s: float) -> Seen:
    return Seen(
        kind=kind,
        covered_percent=round(100 * what.covered, 2),
        pieces=what.pieces,
        whole=what.whole,
        still_s=round(still_s, 3),
    )


def _cells(picture: NDArray[Any], scale: float) -> Image:
    """Brightness in cells of `CELL_MM`."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=2, dtype=np.float32)
    cells = np.asarray(grey, np.float32)
    height, width = (round(size * scale) for size in cells.shape)
    if (height, width) == cells.shape:
        return cells
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_AREA), np.float32)
