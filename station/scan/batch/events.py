"""What the batch machine hears, and what it wants done."""

from dataclasses import dataclass

from ...documents.live import SeenKind
from ...documents.plan import Side

# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saw:
    """What the live picture shows now; `same`: it lies as it lay when the last scan began."""

    kind: SeenKind
    same: bool = False


@dataclass(frozen=True, slots=True)
class CardSensed:
    """The card sensor."""

    present: bool


@dataclass(frozen=True, slots=True)
class Pedal:
    """Go on: scan what lies there, or try again."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A scan has begun."""

    scan_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No scan was begun: the station is not ready for a card."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Captured:
    """The side is safe on disk."""

    scan_id: str
    card_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The scan failed, and nothing of it was stored.

    Attributes:
        retake: whether taking it again as it lies may mend it.
        ill: whether the station itself failed, not the card.
        like: the earlier scan that the card looks like, where that is the matter.
    """

    scan_id: str
    code: str
    message: str
    retake: bool = False
    ill: bool = False
    like: str = ""


@dataclass(frozen=True, slots=True)
class Well:
    """What the station missed is there again."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody wants a break."""


@dataclass(frozen=True, slots=True)
class Resume:
    """And wants to go on."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The newest stored side does not count."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The pile of fronts is complete: their backs come now."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The batch is over."""


Event = (
    Saw
    | CardSensed
    | Pedal
    | Begun
    | Refused
    | Captured
    | Rejected
    | Well
    | Pause
    | Resume
    | Undo
    | Turn
    | Finish
)

# --- effects --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BeginScan:
    """Scan what lies there. Answered by Begun or Refused.

    `card_id` empty: a new card. `after`: the scan just before, to notice the same card twice.
    """

    side: Side
    card_id: str
    after: str
    welcome: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take a stored side back. Not answered."""

    scan_id: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something was wrong with a card; to be told. Not answered."""

    code: str
    message: str
    scan_id: str
    like: str = ""


Effect = BeginScan | Withdraw | Noticed
