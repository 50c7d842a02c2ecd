"""Records and events of the station in the words of the batch machine."""

from dataclasses import replace

from ...documents.batch import BatchRecord
from ...documents.event import Event as StationEvent
from .events import Rejected
from .naming import Naming
from .state import Batch, Rules, Stored

CARD_FAULTS = (
    "card_",
    "picture_",
    "two_cards",
    "wrong_side",
    "frames_mismatched",
    "stack_unusable",
    "aborted",
)
"""How the codes begin that are the card's or the operator's doing; every other is the station's."""


def rules_of(record: BatchRecord, made: Naming, retakes: int) -> Rules:
    """The rules of a recorded batch."""
    begin = record.begin
    return Rules(
        order=begin.order,
        trigger=begin.trigger,
        pile=begin.pile,
        expected=begin.cards or len(made.rows),
        refuse_known=begin.known == "refuse",
        retakes=retakes,
    )


def resumed(batch: Batch, record: BatchRecord, sides: tuple[Stored, ...]) -> Batch:
    """After a restart: a card whose scan was stored is done with, any other is scanned where it lies."""
    stored = not record.scanning or any(side.scan_id == record.scanning for side in sides)
    batch = replace(batch, noticed=dict(record.noticed), retakes=record.retakes)
    if batch.due is None:
        return replace(batch, phase="finished")
    flip = batch.rules.order == "front_back" and batch.due == "back"
    batch = replace(batch, phase=("flip" if flip else "done") if stored and sides else "lifted")
    return replace(batch, phase="paused", resume_to=batch.phase) if record.paused else batch


def rejected(event: StationEvent) -> Rejected:
    """A scan that failed, for the machine."""
    code = str(event.data.get("code", "internal"))
    return Rejected(
        scan_id=event.cause,
        code=code,
        message=str(event.data.get("message", "")),
        retake=bool(event.data.get("retake", False)) or code == "frames_mismatched",
        ill=not code.startswith(CARD_FAULTS),
        like=str(event.data.get("like", "")),
    )
