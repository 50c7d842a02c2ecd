"""The batch machine: a pure table `(phase, event) -> (state, effects)`; docs/batch.md draws it.

The live picture tells what lies under the camera (`Saw`), the scan service what became of a scan, people
what they want. The machine holds no clock and does no I/O; the runner performs the effects and answers
`BeginScan` with `Begun` or `Refused` before anything else, and a scan with `Captured` or `Rejected`. An event
that does not belong to the phase changes nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from ...documents.batch import BatchPhase, Trouble
from ...documents.fault import fault
from .events import (
    BeginScan,
    Begun,
    Captured,
    CardSensed,
    Effect,
    Event,
    Finish,
    Noticed,
    Pause,
    Pedal,
    Refused,
    Rejected,
    Resume,
    Saw,
    Turn,
    Undo,
    Well,
    Withdraw,
)
from .state import Batch, Stored, advanced, opens_card, turned

INSIST = ("card_known", "card_again")
"""What the operator may insist on, by putting the card down once more."""

Outcome = tuple[Batch, tuple[Effect, ...]]


def _to(batch: Batch, phase: BatchPhase) -> Outcome:
    return replace(batch, phase=phase), ()


def _begin(batch: Batch) -> Outcome:
    if batch.due is None:
        return _to(batch, "finished")
    after = batch.stored[-1].scan_id if batch.stored else ""
    begin = BeginScan(batch.due, batch.card_id, after, batch.welcome)
    return replace(batch, phase="settled", turning=False, left=None), (begin,)


def _settled(batch: Batch) -> Outcome:
    """Something new lies still."""
    trigger = batch.rules.trigger
    at_once = trigger == "picture" or (trigger == "sensor" and batch.sensed)
    return _begin(batch) if at_once else _to(batch, "settled")


def _saw_free(batch: Batch, event: Saw) -> Outcome:
    """Where whatever lies still is to be scanned: empty, arriving, lifted."""
    match event.kind:
        case "still" if event.same and batch.left is not None:
            return replace(batch, phase=batch.left, left=None), ()  # a hand that passed over it
        case "still":
            return _settled(batch)
        case "empty":
            return replace(batch, phase="empty", retaken=0, left=None), ()
        case "moving":
            return _to(batch, "lifted" if batch.phase == "lifted" else "arriving")
        case _:
            return batch, ()


def _saw_waiting(batch: Batch, event: Saw) -> Outcome:
    """Settled, and the pedal or the sensor is to say when."""
    if event.kind in ("moving", "empty") and batch.rules.trigger != "picture":
        return _to(batch, "arriving" if event.kind == "moving" else "empty")
    return batch, ()


def _saw_done(batch: Batch, event: Saw) -> Outcome:
    """The card that lies there is done with: only once something moved can another lie there."""
    if event.kind == "moving":
        return replace(batch, phase="lifted", left=batch.phase), ()
    return _to(batch, "empty") if event.kind == "empty" else (batch, ())


def _saw_trouble(batch: Batch, event: Saw) -> Outcome:
    return (batch, ()) if batch.station_ill else _saw_done(batch, event)


def _sensed(batch: Batch, event: CardSensed) -> Outcome:
    batch = replace(batch, sensed=event.present)
    if batch.rules.trigger != "sensor":
        return batch, ()
    if batch.phase == "settled":
        return _begin(batch) if event.present else _to(batch, "lifted")
    return _to(batch, "arriving") if event.present and batch.phase == "empty" else (batch, ())


def _pedal(batch: Batch, _: Pedal) -> Outcome:
    return _begin(batch)


def _begun(batch: Batch, event: Begun) -> Outcome:
    return replace(batch, phase="scanning", scan_id=event.scan_id, trouble=None, station_ill=False), ()


def _troubled(batch: Batch, code: str, message: str, *, ill: bool, like: str = "") -> Batch:
    return replace(
        batch,
        phase="trouble",
        scan_id="",
        retaken=0,
        trouble=Trouble(code=code, message=message, next_step=fault(code).next_step),
        station_ill=ill,
        welcome=like if code in INSIST else "",
    )


def _refused(batch: Batch, event: Refused) -> Outcome:
    return _ended(_troubled(batch, event.code, event.message, ill=True))


def _rejected(batch: Batch, event: Rejected) -> Outcome:
    if event.scan_id != batch.scan_id:
        return batch, ()
    noticed = Noticed(event.code, event.message, event.scan_id, event.like)
    counted = {**batch.noticed, event.code: batch.noticed.get(event.code, 0) + 1}
    batch = replace(batch, noticed=counted)
    if event.retake and not event.ill and batch.retaken < batch.rules.retakes:
        again = replace(
            batch, phase="arriving", scan_id="", retaken=batch.retaken + 1, retakes=batch.retakes + 1
        )
        return _ended(again)[0], (noticed,)
    troubled = _troubled(batch, event.code, event.message, ill=event.ill, like=event.like)
    return _ended(troubled)[0], (noticed,)


def _captured(batch: Batch, event: Captured) -> Outcome:
    if event.scan_id != batch.scan_id or batch.due is None:
        return batch, ()
    batch = advanced(batch, Stored(event.scan_id, event.card_id, batch.due))
    phase: BatchPhase = (
        "finished"
        if batch.due is None
        else "flip"
        if batch.rules.order == "front_back" and batch.due == "back"
        else "done"
    )
    return _ended(replace(batch, phase=phase))


def _ended(batch: Batch) -> Outcome:
    """After a scan: what was asked for meanwhile."""
    if batch.finishing:
        return _finish(batch, Finish())
    if not batch.pausing or batch.phase == "finished":
        return replace(batch, pausing=False), ()
    return replace(batch, phase="paused", pausing=False, resume_to=batch.phase), ()


def _well(batch: Batch, _: Well) -> Outcome:
    """Go on where the fault stopped it: what lies there was not stored."""
    if not batch.station_ill:
        return batch, ()
    return replace(batch, phase="lifted", station_ill=False, left=None), ()


def _pause(batch: Batch, _: Pause) -> Outcome:
    return replace(batch, phase="paused", resume_to=batch.phase, left=None), ()


def _pause_later(batch: Batch, _: Pause) -> Outcome:
    return replace(batch, pausing=True), ()


def _resume(batch: Batch, _: Resume) -> Outcome:
    stays = batch.resume_to in ("done", "flip", "trouble")
    return _to(batch, batch.resume_to if stays else "lifted")


def _undo(batch: Batch, _: Undo) -> Outcome:
    """One side less; what lies there is only scanned again once it was moved."""
    if not batch.stored:
        return batch, ()
    last = batch.stored[-1]
    step = replace(
        batch,
        due=last.side,
        card_id=last.card_id if last.side == "back" and batch.rules.order != "backs" else "",
        stored=batch.stored[:-1],
        waiting=_waiting_before(batch, last),
        fronts=batch.fronts - (last.side == "front"),
        backs=batch.backs - (last.side == "back"),
        cards=batch.cards - opens_card(batch.rules, last.side),
        trouble=None,
        station_ill=False,
        turning=False,
        undone=True,
        retaken=0,
        welcome="",
        left=None,
    )
    kept: BatchPhase = "paused" if batch.phase == "paused" else "done"
    return replace(step, phase=kept, resume_to="done"), (Withdraw(last.scan_id),)


def _waiting_before(batch: Batch, last: Stored) -> tuple[str, ...]:
    if batch.rules.order != "fronts_then_backs":
        return ()
    if last.side == "back":
        return (last.card_id, *batch.waiting)
    return tuple(card for card in batch.waiting if card != last.card_id)


def _turn(batch: Batch, _: Turn) -> Outcome:
    if batch.rules.order != "fronts_then_backs" or batch.due != "front" or not batch.waiting:
        return batch, ()
    return turned(batch), ()


def _finish(batch: Batch, _: Finish) -> Outcome:
    return replace(batch, phase="finished", due=None), ()


def _finish_later(batch: Batch, _: Finish) -> Outcome:
    """The scan in hand still counts."""
    return replace(batch, finishing=True), ()


QUIET: tuple[BatchPhase, ...] = ("empty", "arriving", "settled", "done", "flip", "lifted", "trouble")
FREE: tuple[BatchPhase, ...] = ("empty", "arriving", "lifted")

TABLE: dict[tuple[BatchPhase, type[Event]], Callable[..., Outcome]] = {
    **{(phase, Saw): _saw_free for phase in FREE},
    ("settled", Saw): _saw_waiting,
    ("done", Saw): _saw_done,
    ("flip", Saw): _saw_done,
    ("trouble", Saw): _saw_trouble,
    **{(phase, CardSensed): _sensed for phase in get_args(BatchPhase)},
    ("settled", Pedal): _pedal,
    ("trouble", Pedal): _pedal,
    ("settled", Begun): _begun,
    ("settled", Refused): _refused,
    ("scanning", Captured): _captured,
    ("scanning", Rejected): _rejected,
    ("trouble", Well): _well,
    **{(phase, Pause): _pause for phase in QUIET},
    ("scanning", Pause): _pause_later,
    ("paused", Resume): _resume,
    **{(phase, Undo): _undo for phase in (*QUIET, "paused")},
    **{(phase, Turn): _turn for phase in (*QUIET, "paused")},
    **{(phase, Finish): _finish for phase in (*QUIET, "paused")},
    ("scanning", Finish): _finish_later,
}


def step(batch: Batch, event: Event) -> Outcome:
    """The next state and what to do; a pair that is not in the table changes nothing."""
    transition = TABLE.get((batch.phase, type(event)))
    return transition(batch, event) if transition else (batch, ())
