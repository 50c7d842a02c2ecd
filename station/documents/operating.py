"""The scripted operator of the digital twin: what he is to do, and his truthful diary."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Document, StrictDocument
from .plan import Side

Mistake = Literal[
    "wrong_side",
    "not_turned",
    "same_again",
    "again_later",
    "jostle",
    "hand",
    "sleeve",
    "two_cards",
    "upside_down",
]
"""wrong_side: the other side lies up; not_turned: told to turn the card over, he puts it back as it lay;
same_again: the card just scanned comes once more; again_later: so does one from before; jostle: he bumps it
in the middle of the scan; hand: he leaves his hand in the picture; sleeve: the card is in its sleeve still;
two_cards: another one sticks to it; upside_down: it lies turned by half a turn."""

Order = Literal["front_back", "fronts_then_backs"]
Deed = Literal[
    "put_down",
    "put_again",
    "put_aside",
    "take_away",
    "turn_over",
    "turn_pile",
    "turn_round",
    "unsleeve",
    "separate",
    "jostle",
    "hand_away",
    "scanned",
]
"""put_again: the same card, taken up and put down properly; put_aside: a card that does not belong, and the
next one is put down; scanned: what lay there when a scan was captured."""


class Operate(StrictDocument):
    """`twin.operate`: cards with the seeds from `first` on pass under the simulated camera.

    Attributes:
        seed: of the script: its paces and its mistakes.
        order: as that of the batch.
        pile: cards of a pile in `fronts_then_backs`, as that of the batch; 0: all of them.
        pace: stretches all his times; 0: he takes none.
        mistakes: of each kind, at most for this share of the sides where it can be made.
        distinct: so many different cards only, again and again; 0: every card is another one.
        careful: cards at the beginning without mistakes, while the station learns what sides look like.
    """

    seed: int = Field(default=1, ge=0)
    cards: int = Field(ge=1, le=10_000)
    first: int = Field(default=1, ge=0)
    order: Order = "front_back"
    pile: int = Field(default=0, ge=0)
    pace: float = Field(default=1.0, ge=0, le=100)
    mistakes: dict[Mistake, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    distinct: int = Field(default=0, ge=0)
    careful: int = Field(default=5, ge=0)


class DiaryEntry(Document):
    """One thing the operator did, and what lies there from then on.

    Attributes:
        at_s: on the monotonic clock.
        seed, copy_number, side: of the card; `seed` None: nothing lies there.
        turned: it lies upside down.
        also: seed of a second card that lies there.
        hand: whether his hand is left in the picture.
        spare: the card does not belong there: it was scanned before.
        mistake: the planted mistake that this deed is.
        signal, code: what made him do it: the station's signal, and the code of its trouble.
        scan_id: of `scanned`.
    """

    at_s: float
    did: Deed
    seed: int | None = None
    copy_number: int = 0
    side: Side = "front"
    turned: bool = False
    sleeve: bool = False
    also: int | None = None
    hand: bool = False
    spare: bool = False
    mistake: Mistake | None = None
    signal: str = ""
    code: str = ""
    scan_id: str = ""


class DiaryRead(StrictDocument):
    """`twin.diary`: entries from number `since` on."""

    since: int = Field(default=0, ge=0)
    limit: int = Field(default=1_000, ge=1, le=10_000)


class Diary(Document):
    """What the operator has done so far.

    Attributes:
        done: whether he has played his whole script.
        sides: that his script brings under the camera, the spare ones not counted.
        planted: mistakes in his script.
        made: mistakes that he got round to; a jostle may come too late.
        entries: those that were asked for.
        total: of all entries.
    """

    done: bool
    sides: int
    planted: dict[Mistake, int]
    made: dict[Mistake, int]
    entries: tuple[DiaryEntry, ...]
    total: int


class Prepare(StrictDocument):
    """`twin.prepare`: render pictures of these cards, and of the bare mat, for `twin.served`.

    Attributes:
        exposure_us, gain, look_percent: as in `scan` and `batch`; frames taken otherwise are rendered anew.
    """

    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    sides: tuple[Side, ...] = ("front", "back")
    exposure_us: int = Field(default=15_000, gt=0)
    gain: float = Field(default=1.0, gt=0)
    look_percent: float = Field(default=25.0, gt=0, le=100)


class Prepared(Document):
    """`twin.prepared`: how far that is.

    Attributes:
        wanted, ready: things, the bare mat among them.
        fault: why it ended early.
        bytes: of all pictures in memory.
        served, rendered: frames looked at that came from memory, and that did not.
    """

    done: bool = True
    wanted: int = 0
    ready: int = 0
    fault: str = ""
    bytes: int = 0
    served: int = 0
    rendered: int = 0
