"""The scan machine: a pure table `(state, event) -> (state, effects)`.

```
idle --Start--> lighting --Lit--> exposing --Exposed--> lighting ... --> verifying --Verified--> storing
--Stored--> idle ^                                                         | +------------------------
suspects are retaken -----------+ every phase --Failed or Abort--> idle, lights off
```

It holds no clock and does no I/O: the runner performs the effects and answers each with an event. An event
that does not belong to the phase (an answer that comes after an abort) changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from ..documents.plan import ScanPlan

Light = int | None
"""0-based light, None is ambient (all off)."""

Phase = Literal["idle", "lighting", "exposing", "verifying", "storing"]


@dataclass(frozen=True, slots=True)
class ScanState:
    """Where a scan stands. `pending` are the lights still to be taken, `takes` how often each was taken."""

    phase: Phase = "idle"
    scan_id: str = ""
    plan: ScanPlan = field(default_factory=ScanPlan)
    pending: tuple[Light, ...] = ()
    takes: tuple[tuple[Light, int], ...] = ()

    @property
    def light(self) -> Light:
        """The light in hand (meaningful while lighting or exposing)."""
        return self.pending[0] if self.pending else None

    def takes_of(self, light: Light) -> int:
        """How often this light was taken."""
        return dict(self.takes).get(light, 0)


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Somebody asked for a scan."""

    scan_id: str
    plan: ScanPlan


@dataclass(frozen=True, slots=True)
class Lit:
    """The board acknowledged the light."""

    light: Light


@dataclass(frozen=True, slots=True)
class Exposed:
    """A frame whose every row was exposed under this light has been taken."""

    light: Light


@dataclass(frozen=True, slots=True)
class Suspect:
    """A frame that does not look like its light, and why."""

    light: Light
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The illumination fingerprints of the whole stack were looked at."""

    suspects: tuple[Suspect, ...] = ()


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


Event = Start | Lit | Exposed | Verified | Stored | Failed | Abort

# --- effects --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SwitchTo:
    """Light exactly this light. Answered by Lit or Failed."""

    light: Light
    max_on_ms: int


@dataclass(frozen=True, slots=True)
class Expose:
    """Take one frame under the light that burns. Answered by Exposed or Failed."""

    light: Light


@dataclass(frozen=True, slots=True)
class VerifyStack:
    """Look at the fingerprints. Answered by Verified or Failed."""


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
    """

    type: str
    step: str = ""
    code: str = ""
    message: str = ""


Effect = SwitchTo | Expose | VerifyStack | StoreStack | LightsOff | Beep | Tell
Outcome = tuple[ScanState, tuple[Effect, ...]]


def _name(light: Light) -> str:
    return "ambient" if light is None else f"light {light}"


def _next_light(state: ScanState) -> Outcome:
    """Go on with the first pending light, or verify when none is left."""
    if not state.pending:
        return replace(state, phase="verifying"), (LightsOff(), Tell("scan.step", "verifying"), VerifyStack())
    light = state.light
    return (
        replace(state, phase="lighting"),
        (Tell("scan.step", _name(light)), SwitchTo(light, state.plan.max_on_ms)),
    )


def _end(state: ScanState, code: str, message: str) -> Outcome:
    del state
    return ScanState(), (LightsOff(), Tell("scan.failed", code=code, message=message))


def _start(_: ScanState, event: Start) -> Outcome:
    fresh = ScanState("lighting", event.scan_id, event.plan, pending=(None, *event.plan.lights))
    return _next_light(fresh)


def _lit(state: ScanState, event: Lit) -> Outcome:
    if event.light != state.light:
        return state, ()
    return replace(state, phase="exposing"), (Expose(event.light),)


def _exposed(state: ScanState, event: Exposed) -> Outcome:
    if event.light != state.light:
        return state, ()
    takes = {**dict(state.takes), event.light: state.takes_of(event.light) + 1}
    return _next_light(replace(state, pending=state.pending[1:], takes=tuple(takes.items())))


def _verified(state: ScanState, event: Verified) -> Outcome:
    if not event.suspects:
        return replace(state, phase="storing"), (Tell("scan.step", "storing"), StoreStack())
    spent = [s for s in event.suspects if state.takes_of(s.light) >= state.plan.attempts_per_light]
    if spent:
        taken = state.takes_of(spent[0].light)
        return _end(
            state,
            "frames_mismatched",
            f"{_name(spent[0].light)}: {spent[0].why}, in each of {taken} attempts",
        )
    retaken, effects = _next_light(replace(state, pending=tuple(s.light for s in event.suspects)))
    told = tuple(Tell("scan.retake", _name(s.light), message=s.why) for s in event.suspects)
    return retaken, (*told, *effects)


def _stored(_: ScanState, __: Stored) -> Outcome:
    return ScanState(), (Beep(),)


def _failed(state: ScanState, event: Failed) -> Outcome:
    return _end(state, event.code, event.message)


def _abort(state: ScanState, event: Abort) -> Outcome:
    return _end(state, "aborted", f"the scan was aborted during {state.phase}: {event.why}")


RUNNING: tuple[Phase, ...] = ("lighting", "exposing", "verifying", "storing")

TABLE: dict[tuple[Phase, type[Event]], Callable[..., Outcome]] = {
    ("idle", Start): _start,
    ("lighting", Lit): _lit,
    ("exposing", Exposed): _exposed,
    ("verifying", Verified): _verified,
    ("storing", Stored): _stored,
    **{(phase, Failed): _failed for phase in RUNNING},
    # once storing has begun the card's pictures are worth more than the abort
    **{(phase, Abort): _abort for phase in RUNNING if phase != "storing"},
}


def step(state: ScanState, event: Event) -> Outcome:
    """The next state and what to do; a pair that is not in the table changes nothing."""
    transition = TABLE.get((state.phase, type(event)))
    return transition(state, event) if transition else (state, ())
