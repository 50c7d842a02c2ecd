"""What is asked of the board, what it answers, and what the selftest found."""

from typing import Annotated, Literal

from pydantic import Field

from .base import Document, StrictDocument

TrafficKind = Literal["command", "reply", "event"]
LightNumber = Annotated[int, Field(ge=0, le=7)]
OnTime = Annotated[int, Field(ge=1, le=10_000)]


class RigError(Document):
    """A fault the board remembers; `ticks` of its own clock."""

    fault: str
    step: int | None
    ticks: int


class RigReport(Document):
    """Who the board is and how it is: every figure comes from the board, or from the line to it.

    Attributes:
        clock_rate_hz: ticks per second of this machine's clock; None: not measured yet.
        clock_uncertainty_us: half the shortest round trip.
        heat_ms: of the hottest light; at `heat_max_ms` it is switched off.
        board_counters: of the board's end, since it started; None: it does not measure that.
        host_counters: of this end, since the port was opened.
        errors_total: faults since the board started; `errors` are the last of them, newest first.
    """

    port: str
    board: str
    simulated: bool
    firmware: str
    protocol: str
    schema_hash: str
    reset_cause: str
    boot_nonce: int
    light_count: int
    button_count: int
    lights_at_once: int
    steps_max: int
    max_on_ms: int
    lease_ms: int
    gap_min_us: int
    gap_max_us: int
    exposure_min_us: int
    ticks_hz: int
    clock_rate_hz: float | None
    clock_uncertainty_us: float
    state: str
    burning: tuple[int, ...]
    heat_ms: int
    heat_max_ms: int
    fault: str
    card_present: bool
    buttons_held: tuple[int, ...]
    board_counters: dict[str, int | None]
    host_counters: dict[str, int]
    errors_total: int
    errors: tuple[RigError, ...]


class LightOrder(StrictDocument):
    """One light and no other; it goes off by itself."""

    do: Literal["light"] = "light"
    light: LightNumber
    max_on_ms: OnTime


class LightsOrder(StrictDocument):
    """Several lights, dimmed or not; they go off by themselves."""

    do: Literal["lights"] = "lights"
    lights: tuple[LightNumber, ...] = Field(min_length=1, max_length=8)
    percent: float = Field(default=100.0, gt=0, le=100)
    max_on_ms: OnTime


class BeepOrder(StrictDocument):
    """Sound the buzzer."""

    do: Literal["beep"] = "beep"
    frequency_hz: int = Field(default=2_000, ge=100, le=10_000)
    duration_ms: int = Field(default=80, ge=1, le=2_000)


class IndicatorOrder(StrictDocument):
    """Set status LED and two-coloured indicator."""

    do: Literal["indicator"] = "indicator"
    colour: Literal["off", "green", "amber", "red"]
    pattern: Literal["on", "slow", "fast"] = "on"


class ProgrammeOrder(StrictDocument):
    """Load and start an exposure programme; its steps are reported as events. None is a dark step."""

    do: Literal["programme"] = "programme"
    lights: tuple[LightNumber | None, ...] = Field(min_length=1, max_length=32)
    settle_us: int = Field(default=1_000, ge=0, le=10_000_000)
    expose_us: int = Field(default=10_000, ge=50, le=10_000_000)
    gap_us: int = Field(default=10_000, ge=200, le=10_000_000)
    trigger: bool = False


class PlainOrder(StrictDocument):
    """What takes no figure."""

    do: Literal["off", "status", "errors", "stats", "ping", "clear", "abort"]


RigOrder = Annotated[
    LightOrder | LightsOrder | BeepOrder | IndicatorOrder | ProgrammeOrder | PlainOrder,
    Field(discriminator="do"),
]


class RigAsk(StrictDocument):
    """`rig.ask`."""

    order: RigOrder


class TrafficSince(StrictDocument):
    """`rig.traffic`: entries with a greater number."""

    number: int = Field(ge=0)


class RigTraffic(Document):
    """One message on the line, decoded; `time_s` is Unix time."""

    number: int
    time_s: float
    kind: TrafficKind
    name: str
    text: str


class RigAnswer(Document):
    """What became of an order: the commands it took and their replies; `refused` says why it was not done."""

    traffic: tuple[RigTraffic, ...]
    refused: str = ""


class RigRelease(StrictDocument):
    """`rig.release`: for how long at most the daemon leaves the port alone, and who wants it."""

    for_s: float = Field(gt=0, le=600)
    why: str = Field(default="", max_length=200)


class RigLent(Document):
    """The port is free."""

    port: str
    baud: int


LightState = Literal["good", "dead", "weak", "bright", "misplaced", "unclear", "not_assessed"]
FindingKind = Literal[
    "camera_blind",
    "overexposed",
    "not_dark",
    "stays_on",
    "dead",
    "weak",
    "bright",
    "swapped",
    "misplaced",
    "unclear",
    "too_few",
]


class LightVerdict(Document):
    """One light as the camera sees it.

    Attributes:
        percent: of the brightness that the profile expects of it, against the other lights; None: not
            assessed.
        looks_like: the light whose place in the profile it has; None: not assessed.
    """

    light: int
    state: LightState
    percent: float | None = None
    looks_like: int | None = None


class Finding(Document):
    """Something that is not as it should be: one sentence, and what to do."""

    kind: FindingKind
    lights: tuple[int, ...] = ()
    message: str
    next_step: str


class SelftestReport(Document):
    """What the camera saw of each light.

    Attributes:
        ambient_percent: brightness with all lights off, of that with a middling light; None: no light seen.
        target_percent: brightness of the lit pictures, of that of the calibration's white target.
    """

    passed: bool
    lights: tuple[LightVerdict, ...]
    findings: tuple[Finding, ...] = ()
    ambient_percent: float | None = None
    target_percent: float | None = None
    simulated: bool = False
    profile: str = ""


class SelftestStarted(Document):
    """The selftest's identity; it is the `cause` of the event `rig.tested` that ends it."""

    test_id: str
