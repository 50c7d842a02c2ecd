"""Where a hands-free batch stands, and how a stored side moves it on. Pure values."""

from dataclasses import dataclass, field, replace

from ...documents.batch import (
    BatchOrder,
    BatchPhase,
    BatchSide,
    BatchState,
    BatchTrigger,
    SignalKind,
    Trouble,
)
from ...documents.plan import Side

REMEMBERED = 200
"""Sides that can be undone, newest last."""


SIGNALS: dict[BatchPhase, SignalKind] = {
    "empty": "place",
    "arriving": "place",
    "settled": "working",
    "scanning": "working",
    "done": "take_away",
    "flip": "flip",
    "lifted": "place",
    "trouble": "wrong",
    "paused": "paused",
    "finished": "finished",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What was asked for and does not change; see `documents.batch.BatchBegin`. `expected` 0: not known."""

    order: BatchOrder = "front_back"
    trigger: BatchTrigger = "picture"
    pile: int = 0
    expected: int = 0
    refuse_known: bool = True
    retakes: int = 3


@dataclass(frozen=True, slots=True)
class Stored:
    """A side that is safe on disk."""

    scan_id: str
    card_id: str
    side: Side


@dataclass(frozen=True, slots=True)
class Batch:
    """The machine's state.

    Attributes:
        due: the side that is to come next; None: nothing is.
        card_id: of the card whose back is due; empty: the card is a new one.
        cards: begun and not undone.
        waiting: cards of the pile whose backs are still to come, in order.
        stored: the newest sides that count.
        retaken: how often the scan in hand was repeated.
        welcome: the earlier scan that the next card may look like, because the operator insists.
        trouble: why it does not go on; it stays to be read until the next scan begins.
        station_ill: whether that is the station's own fault.
        pausing, finishing: to be paused, or over, as soon as the scan in hand has ended.
        sensed: whether the card sensor sees a card.
        left: the phase that a movement ended; it comes back if nothing was changed.
        undone: whether the newest side was just taken back.
        turning: whether the operator is to turn the pile over before the next side.
    """

    rules: Rules
    phase: BatchPhase = "lifted"
    due: Side | None = "front"
    card_id: str = ""
    cards: int = 0
    waiting: tuple[str, ...] = ()
    stored: tuple[Stored, ...] = ()
    fronts: int = 0
    backs: int = 0
    scan_id: str = ""
    retaken: int = 0
    retakes: int = 0
    welcome: str = ""
    trouble: Trouble | None = None
    station_ill: bool = False
    pausing: bool = False
    finishing: bool = False
    undone: bool = False
    sensed: bool = False
    left: BatchPhase | None = None
    turning: bool = False
    resume_to: BatchPhase = "lifted"
    noticed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def fresh(cls, rules: Rules) -> "Batch":
        """Nothing stored yet. Whatever is seen first decides."""
        return cls(rules, due="back" if rules.order == "backs" else "front")

    @property
    def number(self) -> int:
        """Of the card that is due, from 1."""
        if self.card_id and self.rules.order == "fronts_then_backs":
            return self.cards - len(self.waiting) + 1
        return self.cards + (not self.card_id)

    @property
    def signal(self) -> SignalKind:
        """What the operator is to perceive."""
        if self.phase == "trouble":
            return "fault" if self.station_ill else "wrong"
        if self.turning and self.phase in ("done", "lifted", "empty"):
            return "turn_pile"
        if self.retaken and self.phase in ("arriving", "settled", "scanning"):
            return "again"
        return "place" if self.undone and self.phase == "done" else SIGNALS[self.phase]

    def told(self, batch_id: str, name: str) -> BatchState:
        """For the world; `name` is that of the card that is due."""
        last = self.stored[-1] if self.stored else None
        return BatchState(
            id=batch_id,
            order=self.rules.order,
            trigger=self.rules.trigger,
            phase=self.phase,
            signal=self.signal,
            due=self.due,
            card_id=self.card_id,
            name=name,
            number=self.number,
            fronts=self.fronts,
            backs=self.backs,
            waiting_backs=len(self.waiting),
            expected=self.rules.expected,
            retakes=self.retakes,
            noticed=dict(self.noticed),
            trouble=self.trouble,
            last=last and BatchSide(scan_id=last.scan_id, card_id=last.card_id, side=last.side),
        )


def advanced(batch: Batch, new: Stored) -> Batch:
    """The batch after one more side was stored; its phase is for the machine to choose."""
    front = new.side == "front"
    grown = replace(
        batch,
        stored=(*batch.stored, new)[-REMEMBERED:],
        fronts=batch.fronts + front,
        backs=batch.backs + (not front),
        cards=batch.cards + opens_card(batch.rules, new.side),
        scan_id="",
        retaken=0,
        welcome="",
        trouble=None,
        turning=False,
        undone=False,
    )
    return _after_front(grown, new) if front else _after_back(grown)


def opens_card(rules: Rules, side: Side) -> bool:
    """Whether a side is the first of its card."""
    return side == "front" or rules.order == "backs"


def _after_front(batch: Batch, new: Stored) -> Batch:
    match batch.rules.order:
        case "front_back":
            return replace(batch, due="back", card_id=new.card_id)
        case "fronts_then_backs":
            batch = replace(batch, waiting=(*batch.waiting, new.card_id), card_id="")
            full = len(batch.waiting) == batch.rules.pile or batch.cards == batch.rules.expected
            return turned(batch) if full else batch
        case _:
            return _next_card(batch)


def _after_back(batch: Batch) -> Batch:
    if batch.rules.order == "fronts_then_backs":
        left = batch.waiting[1:]
        if left:
            return replace(batch, waiting=left, card_id=left[0])
        batch = replace(batch, waiting=())
    return _next_card(batch)


def _next_card(batch: Batch) -> Batch:
    done = 0 < batch.rules.expected <= batch.cards
    due: Side | None = None if done else "back" if batch.rules.order == "backs" else "front"
    return replace(batch, due=due, card_id="")


def turned(batch: Batch) -> Batch:
    """From the fronts of a pile to its backs."""
    return replace(batch, due="back", card_id=batch.waiting[0], turning=True)


def restored(rules: Rules, sides: tuple[Stored, ...], turned_at: tuple[int, ...] = ()) -> Batch:
    """The batch as its stored sides tell it, oldest first, withdrawn ones left out.

    Args:
        rules: of the batch.
        sides: what is on disk.
        turned_at: numbers of fronts at which the operator turned the pile by hand.
    """
    batch = Batch.fresh(rules)
    for side in sides:
        if side.side == "back" and batch.due == "front" and batch.waiting:
            batch = turned(batch)
        batch = advanced(batch, side)
        if batch.fronts in turned_at and batch.due == "front" and batch.waiting:
            batch = turned(batch)
    return batch
