"""The scan machine: a pure table `(state, event) -> (state, effects)`.

```
idle --Start--> preparing --Prepared--> exposing --Exposed--> verifying --Verified--> judging
                                         ^ |   | more to take   | suspects are       |
                                         | +---+                | retaken            Judged
                                         +----------------------+                    | | with problems
                                                                                     | +----> idle
      every phase --Failed or Abort--> idle               idle <--Stored-- storing <-+
```

What is taken in one go is up to the timing, one exposure or all that are pending; what was missed stays
pending. Reached, while exposing, only tells how far it is. A stack with which the judge has a problem is
refused before anything of it is stored, and before the beep. The machine holds no clock and does no I/O: the
runner performs the effects and answers each with an event. An event that does not belong to the phase (an
answer that comes after an abort) changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from ..documents.judgement import Likeness, Problem
from ..documents.plan import ScanPlan, Timing
from .schedule import Exposure, Light, batch_of, exposures_of

Phase = Literal["idle", "preparing", "exposing", "verifying", "judging", "storing"]


@dataclass(frozen=True, slots=True)
class ScanState:
    """Where a scan stands. `pending` is still to be taken, `takes` is how often each was tried."""

    phase: Phase = "idle"
    scan_id: str = ""
    plan: ScanPlan = field(default_factory=ScanPlan)
    pending: tuple[Exposure, ...] = ()
    takes: tuple[tuple[Exposure, int], ...] = ()

    @property
    def batch(self) -> tuple[Exposure, ...]:
        """What is being taken in one go (meaningful while exposing)."""
        return batch_of(self.pending, self.plan.timing)

    @property
    def light(self) -> Light:
        """The first light in hand (meaningful while exposing)."""
        return self.pending[0].light if self.pending else None

    def takes_of(self, exposure: Exposure) -> int:
        """How often this one was tried."""
        return dict(self.takes).get(exposure, 0)


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Somebody asked for a scan."""

    scan_id: str
    plan: ScanPlan


@dataclass(frozen=True, slots=True)
class Prepared:
    """The camera is configured, and it is clear how lights and frames are held together."""

    timing: Timing


@dataclass(frozen=True, slots=True)
class Reached:
    """An exposure is being taken, or its frame has come; nothing is judged yet."""

    exposure: Exposure


@dataclass(frozen=True, slots=True)
class Suspect:
    """An exposure whose frame is missing or does not count, and why."""

    exposure: Exposure
    why: str


@dataclass(frozen=True, slots=True)
class Exposed:
    """A batch was tried: frames whose every row was exposed as it should be, and what was missed."""

    taken: tuple[Exposure, ...]
    missed: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """The illumination fingerprints of the whole stack were looked at."""

    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """The stack was looked at as a picture of a card.

    Attributes:
        problems: what speaks against storing it, the most telling first.
        likeness: the earlier scan that it resembles, welcome or not.
    """

    problems: tuple[Problem, ...] = ()
    likeness: Likeness | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """The stack is durable: files synced, row committed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something broke: a device, the disk, or the stack itself. `code` is in the fault catalogue."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Somebody asked to stop."""

    why: str = "asked for"


Event = Start | Prepared | Reached | Exposed | Verified | Judged | Stored | Failed | Abort

# --- effects --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepare:
    """Configure the camera and decide the timing. Answered by Prepared or Failed."""

    plan: ScanPlan


@dataclass(frozen=True, slots=True)
class Expose:
    """Take one frame for each of these. Answered by Exposed or Failed."""

    batch: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class VerifyStack:
    """Look at the fingerprints. Answered by Verified or Failed."""


@dataclass(frozen=True, slots=True)
class JudgeStack:
    """Look at the card in the pictures. Answered by Judged or Failed."""


@dataclass(frozen=True, slots=True)
class StoreStack:
    """Make the stack durable. Answered by Stored or Failed."""


@dataclass(frozen=True, slots=True)
class LightsOff:
    """All lights off, whatever happened. Not answered."""


@dataclass(frozen=True, slots=True)
class Beep:
    """Tell the operator that the card may be taken away. Not answered."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Something the world should know of: an event of the bus.

    That a scan was begun or is stored is told by the transaction that makes it so.

    Attributes:
        retake: of a failure: whether taking the card again as it lies may mend it.
        like: of a failure: the earlier scan that the card resembles, where that is the matter.
        likeness: of `scan.likeness`.
    """

    type: str
    step: str = ""
    code: str = ""
    message: str = ""
    retake: bool = False
    like: str = ""
    likeness: Likeness | None = None


Effect = Prepare | Expose | VerifyStack | JudgeStack | StoreStack | LightsOff | Beep | Tell
Outcome = tuple[ScanState, tuple[Effect, ...]]


def _go_on(state: ScanState) -> Outcome:
    """Take what is pending, or verify when nothing is left."""
    if not state.pending:
        return replace(state, phase="verifying"), (LightsOff(), Tell("scan.step", "verifying"), VerifyStack())
    return replace(state, phase="exposing"), (Expose(state.batch),)


def _end(code: str, message: str, *, retake: bool = False, like: str = "") -> Outcome:
    failure = Tell("scan.failed", code=code, message=message, retake=retake, like=like)
    return ScanState(), (LightsOff(), failure)


def _start(_: ScanState, event: Start) -> Outcome:
    fresh = ScanState("preparing", event.scan_id, event.plan, pending=exposures_of(event.plan))
    return fresh, (Prepare(event.plan),)


def _prepared(state: ScanState, event: Prepared) -> Outcome:
    return _go_on(replace(state, plan=state.plan.replace(timing=event.timing)))


def _reached(state: ScanState, event: Reached) -> Outcome:
    return state, (Tell("scan.step", str(event.exposure)),) if event.exposure in state.batch else ()


def _exposed(state: ScanState, event: Exposed) -> Outcome:
    tried = (*event.taken, *(suspect.exposure for suspect in event.missed))
    if set(tried) != set(state.batch):
        return state, ()
    takes = {**dict(state.takes), **{one: state.takes_of(one) + 1 for one in tried}}
    left = tuple(one for one in state.pending if one not in event.taken)
    return _retake(replace(state, pending=left, takes=tuple(takes.items())), event.missed)


def _retake(state: ScanState, suspects: tuple[Suspect, ...]) -> Outcome:
    """Go on with what is pending, unless one of the suspects was tried often enough."""
    for suspect in suspects:
        taken = state.takes_of(suspect.exposure)
        if taken >= state.plan.attempts_per_light:
            return _end(
                "frames_mismatched", f"{suspect.exposure}: {suspect.why}, in each of {taken} attempts"
            )
    why = tuple(Tell("scan.retake", str(one.exposure), message=one.why) for one in suspects)
    state, effects = _go_on(state)
    return state, (*why, *effects)


def _verified(state: ScanState, event: Verified) -> Outcome:
    if not event.suspects:
        return replace(state, phase="judging"), (Tell("scan.step", "judging"), JudgeStack())
    pending = tuple(suspect.exposure for suspect in event.suspects)
    return _retake(replace(state, pending=pending), event.suspects)


def _judged(state: ScanState, event: Judged) -> Outcome:
    told = (Tell("scan.likeness", likeness=event.likeness),) if event.likeness else ()
    if not event.problems:
        return replace(state, phase="storing"), (*told, Tell("scan.step", "storing"), StoreStack())
    worst = event.problems[0]
    ended, effects = _end(worst.code, worst.message, retake=worst.retake, like=worst.like)
    return ended, (*told, *effects)


def _stored(_: ScanState, __: Stored) -> Outcome:
    return ScanState(), (Beep(),)


def _failed(_: ScanState, event: Failed) -> Outcome:
    return _end(event.code, event.message)


def _abort(state: ScanState, event: Abort) -> Outcome:
    return _end("aborted", f"the scan was aborted during {state.phase}: {event.why}")


RUNNING: tuple[Phase, ...] = ("preparing", "exposing", "verifying", "judging", "storing")

TABLE: dict[tuple[Phase, type[Event]], Callable[..., Outcome]] = {
    ("idle", Start): _start,
    ("preparing", Prepared): _prepared,
    ("exposing", Reached): _reached,
    ("exposing", Exposed): _exposed,
    ("verifying", Verified): _verified,
    ("judging", Judged): _judged,
    ("storing", Stored): _stored,
    **{(phase, Failed): _failed for phase in RUNNING},
    # once storing has begun the card's pictures are worth more than the abort
    **{(phase, Abort): _abort for phase in RUNNING if phase != "storing"},
}


def step(state: ScanState, event: Event) -> Outcome:
    """The next state and what to do; a pair that is not in the table changes nothing."""
    transition = TABLE.get((state.phase, type(event)))
    return transition(state, event) if transition else (state, ())
