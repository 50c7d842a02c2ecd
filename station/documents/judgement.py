"""Whether a taken stack is worth keeping, told before it is stored and before the card is given back."""

from typing import Literal

from pydantic import Field

from .base import Document
from .plan import Side

ProblemCode = Literal[
    "card_moved",
    "picture_blurred",
    "picture_clipped",
    "two_cards",
    "card_not_found",
    "card_glare",
    "card_upside_down",
    "wrong_side",
    "card_again",
    "card_known",
]


class Expected(Document):
    """What whoever asked for the scan knows of the card.

    Attributes:
        side: that must lie up; None: not checked.
        after: the scan just before this one, to notice the same card put down twice; empty: none.
        accept_known: whether a card that was scanned before is welcome.
        upright: whether a card that lies upside down is refused.
        welcome: the earlier scan that it may look like although `accept_known` is false; empty: none.
    """

    side: Side | None = None
    after: str = ""
    accept_known: bool = True
    upright: bool = False
    welcome: str = ""


class Problem(Document):
    """One thing that speaks against a stack.

    Attributes:
        retake: whether taking it again as it lies may mend it; else the card must be touched.
        like: the earlier scan that it resembles, where that is the matter.
    """

    code: ProblemCode
    message: str
    retake: bool = False
    like: str = ""


class Likeness(Document):
    """An earlier scan whose face looks the same.

    Attributes:
        distance: differing bits of the fingerprint, of `bits`.
        same_copy: whether it is the very same piece of cardboard; None: not assessed.
    """

    scan_id: str
    card_id: str
    side: Side
    distance: int
    bits: int
    turned: bool = False
    same_copy: bool | None = None


class Judgement(Document):
    """What the judge found; without problems the stack is stored.

    `likeness` is told even where it is welcome.
    """

    problems: tuple[Problem, ...] = ()
    likeness: Likeness | None = None
    figures: dict[str, float] = Field(default_factory=dict)


class Appearance(Document):
    """What a side looks like, small enough to be kept of every scan and compared with all others.

    Attributes:
        version: of how it is made; only equal ones are compared.
        bits: the fingerprint, hexadecimal.
        layout: the coarse picture, base64 of uint8, row by row.
    """

    version: int
    bits: str = Field(pattern=r"^([0-9a-f]{2})*$")
    layout: str = Field(pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")
