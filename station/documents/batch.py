"""A hands-free batch: what is asked for, where it stands, and what it tells the operator."""

from typing import Literal

from pydantic import Field

from .base import Document, StrictDocument
from .plan import Side

BatchOrder = Literal["front_back", "fronts_then_backs", "fronts", "backs"]
"""front_back: each card is turned over in place; fronts_then_backs: a pile of fronts, then the pile turned
over as a whole, so that its backs come in the same order; the other two: one side only."""

BatchTrigger = Literal["picture", "sensor", "pedal"]
"""What starts a scan: the live picture alone; the card sensor and a still picture; the pedal (button 0)."""

BatchPhase = Literal[
    "empty", "arriving", "settled", "scanning", "done", "flip", "lifted", "trouble", "paused", "finished"
]
"""empty: the mat is free; arriving: something moves; settled: it lies still; scanning: lights and frames;
done: the pictures are safe, take the card away; flip: the front is safe, turn the card over; lifted: the
card is being taken away or turned; trouble: something is wrong, see `Trouble`; paused; finished: all is
said and done."""

SignalKind = Literal[
    "place", "working", "take_away", "flip", "turn_pile", "wrong", "again", "fault", "paused", "finished"
]
"""What the operator hears and sees. place: put the next side down; working: hands off; again: the scan is
being repeated, hands off; wrong: look at the screen, the card must change; fault: the station itself needs
help."""


class BatchBegin(StrictDocument):
    """`batch.begin`.

    Attributes:
        pile: cards of a pile, after which fronts_then_backs turns to the backs by itself; 0: the second
            button or `batch.turn` says when.
        naming: of each card: text with fields in braces, such as `{set} {number:03d}`; `n` counts the
            cards of the batch, `date` is today's, every other is a column of the set list.
        set_list: a CSV table with a header, one row a card, in the order in which they come; empty: none.
        cards: how many are expected; 0: as many as the set list has, without one any number.
        known: what becomes of a card that was scanned before: `notice` tells and scans it, `refuse` asks
            for it to be put down a second time first.
    """

    order: BatchOrder = "front_back"
    trigger: BatchTrigger = "picture"
    pile: int = Field(default=0, ge=0, le=10_000)
    naming: str = Field(default="", max_length=200)
    set_list: str = Field(default="", max_length=800_000)
    cards: int = Field(default=0, ge=0, le=1_000_000)
    known: Literal["notice", "refuse"] = "refuse"


class Trouble(Document):
    """Why a batch does not go on: a fault's code, a sentence, and what the operator is to do."""

    code: str
    message: str
    next_step: str


class BatchSide(Document):
    """One side that the batch has stored. `undone`: it was withdrawn afterwards."""

    scan_id: str
    card_id: str
    side: Side
    name: str = ""
    undone: bool = False


class BatchState(Document):
    """Where a batch stands: what `batch.state` answers, and the data of each event `batch.phase`.

    Attributes:
        due: the side that is to lie under the camera next; None: nothing is.
        card_id, name: of the card that is due.
        number: of that card within the batch, from 1.
        fronts, backs: stored and not undone.
        noticed: how often each fault's code was noticed.
        retakes: scans that were repeated.
        waiting_backs: cards of the pile whose backs are still to come.
        expected: cards that are to come in all; 0: not known.
    """

    id: str
    order: BatchOrder
    trigger: BatchTrigger = "picture"
    phase: BatchPhase
    signal: SignalKind
    due: Side | None
    card_id: str = ""
    name: str = ""
    number: int = 1
    fronts: int = 0
    backs: int = 0
    waiting_backs: int = 0
    expected: int = 0
    retakes: int = 0
    noticed: dict[str, int] = Field(default_factory=dict)
    trouble: Trouble | None = None
    last: BatchSide | None = None


class BatchRecord(Document):
    """`batches/<id>.json` in the data folder: what of a batch the stored sides do not tell.

    Attributes:
        begun, finished: UTC, ISO 8601; `finished` is empty while the batch is open.
        paused: whether it was paused.
        turned_at: numbers of fronts after which the operator turned the pile by hand.
        scanning: the newest scan that was begun; if it is not stored, its card lies there still.
        noticed, retakes: counted so far.
    """

    schema_version: Literal[1] = 1
    id: str
    begin: BatchBegin
    begun: str
    finished: str = ""
    paused: bool = False
    turned_at: tuple[int, ...] = ()
    scanning: str = ""
    noticed: dict[str, int] = Field(default_factory=dict)
    retakes: int = 0
