"""What the live picture tells, many times a second."""

from typing import Literal

from .base import Document

SeenKind = Literal["empty", "moving", "still", "unclear"]
"""empty: the bare mat; moving: something changes, a hand or a card; still: something lies there and has
not moved for a while; unclear: it cannot be told, the message says why (no light, no picture of the empty
mat yet)."""


class Seen(Document):
    """One look.

    Attributes:
        covered_percent: share of the picture that does not look like the bare mat.
        pieces: separate things that lie there; two cards are 2.
        whole: whether all of it lies within the picture.
        still_s: for how long nothing has moved.
        same: it lies still, and as it lay when the eye last made room for a scan.
        sequence: number of the look; grows.
    """

    kind: SeenKind
    message: str = ""
    covered_percent: float = 0.0
    pieces: int = 0
    whole: bool = True
    still_s: float = 0.0
    same: bool = False
    sequence: int = 0
