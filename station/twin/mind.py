"""What the operator makes of the station's signals: pure, `(mind, signal) -> (mind, moves)`.

He knows what he perceives and what his hands do, nothing else: the signal, the reason on the screen, and what
lies before him. His mistakes are his script's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..documents.batch import SignalKind
from ..documents.operating import Deed, Mistake
from ..documents.plan import Side
from .acts import Act
from .chance import stream

CROOKED_MM, CROOKED_DEG = 1.2, 1.0
"""How differently a card lies each time it is put down."""
BUMP_MM, BUMP_DEG, BUMP_LIGHTS = (1.0, 4.0), (0.5, 3.0), (2, 6)
OTHER: dict[Side, Side] = {"front": "back", "back": "front"}
DONE_WITH: tuple[SignalKind, ...] = ("take_away", "flip", "turn_pile")
"""Said of a card that nobody worked at since it was put down, they mean the one before: that was put down
unseen, or the station has begun anew."""
SAME = ("card_again", "card_known")
"""What the station says of a card it has scanned before."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What lies on the mat.

    Attributes:
        nudge: see `CardSpec`.
        also: seed of a second card, upon the first.
        spare: see `Act`.
    """

    seed: int
    side: Side
    copy: int = 0
    turned: bool = False
    sleeve: bool = False
    nudge: tuple[float, float, float] = (0.0, 0.0, 0.0)
    also: int | None = None
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of his hands.

    Attributes:
        did: what.
        laid: what lies there afterwards; None: nothing.
        mistake: the planted one that it is.
        pause_s: before it.
        move_s: how long his hands are in the picture.
        bare: the mat is free for a moment between.
        stays: he leaves his hand there.
        lights: how many single lights of a scan he has seen by then; 0: he does not wait for any.
    """

    did: Deed
    laid: Laid | None
    mistake: Mistake | None = None
    pause_s: float = 0.0
    move_s: float = 0.0
    bare: bool = False
    stays: bool = False
    lights: int = 0


@dataclass(frozen=True, slots=True)
class Mind:
    """Where he is.

    Attributes:
        acts: his script.
        at: the act that he is busy with; -1: none yet.
        laid: what lies there.
        hand: whether he has left his hand there.
        bumped: whether this act's jostle is over.
        worked: whether the station worked since he last put something down.
        tries: how often he has put something down; it makes each time a little different.
        heard: the last signal and its code.
        done: the script is played, or the batch is over.
    """

    acts: tuple[Act, ...]
    at: int = -1
    laid: Laid | None = None
    hand: bool = False
    bumped: bool = False
    worked: bool = False
    tries: int = 0
    heard: tuple[str, str] = ("", "")
    done: bool = False

    @property
    def act(self) -> Act:
        """The one that he is busy with."""
        return self.acts[self.at]


Reaction = tuple[Mind, tuple[Move, ...]]


def react(mind: Mind, signal: SignalKind, code: str = "") -> Reaction:
    """What he does upon a signal; said twice in a row, it is no news."""
    if mind.done or (signal, code) == mind.heard:
        return mind, ()
    mind = replace(mind, heard=(signal, code))
    if signal in DONE_WITH and mind.laid and not mind.worked:
        return _mended(mind, "put_again", mind.laid)
    reaction = _REACTIONS.get(signal)
    return reaction(mind, code) if reaction else (mind, ())


def withdraw(mind: Mind) -> Reaction:
    """He notices by himself that his hand is still there."""
    if not mind.hand:
        return mind, ()
    return replace(mind, hand=False), (Move("hand_away", mind.laid),)


def _place(mind: Mind, _: str) -> Reaction:
    """While something lies there, this only says that the station saw it come."""
    return (mind, ()) if mind.laid else _advance(mind, "put_down")


def _working(mind: Mind, _: str) -> Reaction:
    mind = replace(mind, worked=True)
    if mind.at < 0 or mind.laid is None or mind.act.mistake != "jostle" or mind.bumped:
        return mind, ()
    rng = stream(mind.act.seed, "bump", mind.tries)
    x, y, turn = mind.laid.nudge
    right, up = rng.choice((-1, 1), 2) * rng.uniform(*BUMP_MM, 2)
    laid = replace(mind.laid, nudge=(x + float(right), y + float(up), turn + float(rng.uniform(*BUMP_DEG))))
    move = Move("jostle", laid, "jostle", lights=int(rng.integers(*BUMP_LIGHTS)))
    return replace(mind, laid=laid, bumped=True), (move,)


def _take_away(mind: Mind, _: str) -> Reaction:
    """Next, please. If the station does without the back of this card, so does he."""
    return _advance(replace(mind, at=mind.at + 1) if _turns_next(mind) else mind, "put_down")


def _flip(mind: Mind, _: str) -> Reaction:
    if mind.laid is None or _turns_next(mind):
        return _advance(mind, "turn_over")
    return _mended(mind, "turn_over", replace(mind.laid, side=OTHER[mind.laid.side]))


def _turn_pile(mind: Mind, _: str) -> Reaction:
    turned = Move("turn_pile", None, move_s=mind.act.move_s if mind.at >= 0 else 0.0)
    mind, moves = _advance(replace(mind, laid=None), "put_down")
    return mind, (turned, *moves)


def _finished(mind: Mind, _: str) -> Reaction:
    moves = (Move("take_away", None, pause_s=mind.act.pause_s, move_s=mind.act.move_s),) if mind.laid else ()
    return replace(mind, done=True, laid=None, hand=False), moves


def _wrong(mind: Mind, code: str) -> Reaction:
    """He looks at the reason, then at the card, and mends what he sees; else he puts it down once more."""
    laid = mind.laid
    if laid is None or mind.hand:
        return withdraw(mind)
    if laid.spare and code in SAME:
        return _advance(mind, "put_aside")
    wrong = [fix for fix in _FIXES if fix[2](laid, mind.act)]
    for fix in sorted(wrong, key=lambda fix: code not in fix[1]):  # what the screen names comes first
        return _mended(mind, fix[0], fix[3](laid))
    return _mended(mind, "put_again", laid)


_FIXES: tuple[tuple[Deed, tuple[str, ...], Callable[[Laid, Act], bool], Callable[[Laid], Laid]], ...] = (
    (
        "separate",
        ("two_cards",),
        lambda laid, _: laid.also is not None,
        lambda laid: replace(laid, also=None),
    ),
    (
        "unsleeve",
        ("card_glare", "picture_clipped"),
        lambda laid, _: laid.sleeve,
        lambda laid: replace(laid, sleeve=False),
    ),
    (
        "turn_over",
        ("wrong_side", *SAME),
        lambda laid, act: laid.side != act.side,
        lambda laid: replace(laid, side=OTHER[laid.side]),
    ),
    (
        "turn_round",
        ("card_upside_down",),
        lambda laid, _: laid.turned,
        lambda laid: replace(laid, turned=False),
    ),
)
"""How a card is set right, the codes that ask for it, whether it has to be, and what it is like then."""

_REACTIONS: dict[SignalKind, Callable[[Mind, str], Reaction]] = {
    "place": _place,
    "working": _working,
    "take_away": _take_away,
    "flip": _flip,
    "turn_pile": _turn_pile,
    "wrong": _wrong,
    "again": lambda mind, _: withdraw(replace(mind, worked=True)),
    "finished": _finished,
}
"""On the others he keeps his hands off."""


def _turns_next(mind: Mind) -> bool:
    """Whether the card that lies there is to be turned over in its place next."""
    if mind.at < 0 or mind.at + 1 >= len(mind.acts):
        return False
    now, then = mind.act, mind.acts[mind.at + 1]
    return not now.spare and (now.seed, now.side, then.seed, then.side) == (
        now.seed,
        "front",
        now.seed,
        "back",
    )


def _advance(mind: Mind, did: Deed) -> Reaction:
    if mind.at + 1 >= len(mind.acts):
        return _finished(mind, "")
    act = mind.acts[mind.at + 1]
    laid = _laid(act, mind.tries)
    stays = act.mistake == "hand"
    move = Move(
        did,
        laid,
        None if act.mistake == "jostle" else act.mistake,
        act.pause_s,
        act.move_s,
        bare=_looks_alike(laid, mind.laid),
        stays=stays,
    )
    return replace(
        mind, at=mind.at + 1, laid=laid, hand=stays, bumped=False, worked=False, tries=mind.tries + 1
    ), (move,)


def _mended(mind: Mind, did: Deed, laid: Laid) -> Reaction:
    laid = replace(laid, nudge=_crooked(mind.act, mind.tries))
    move = Move(did, laid, None, mind.act.pause_s, mind.act.move_s, bare=did != "separate")
    return replace(mind, laid=laid, worked=False, tries=mind.tries + 1), (move,)


def _laid(act: Act, tries: int) -> Laid:
    mistake = act.mistake
    return Laid(
        act.seed,
        OTHER[act.side] if mistake in ("wrong_side", "not_turned") else act.side,
        act.copy,
        turned=mistake == "upside_down",
        sleeve=mistake == "sleeve",
        nudge=_crooked(act, tries),
        also=act.seed + 1 if mistake == "two_cards" else None,
        spare=act.spare,
    )


def _crooked(act: Act, tries: int) -> tuple[float, float, float]:
    x, y, turn = stream(act.seed, act.side, "put down", tries).uniform(-1, 1, 3)
    return float(x) * CROOKED_MM, float(y) * CROOKED_MM, float(turn) * CROOKED_DEG


def _looks_alike(laid: Laid, before: Laid | None) -> bool:
    """Whether only the free mat between shows that something was done."""
    return before is not None and (laid.seed, laid.side, laid.copy) == (before.seed, before.side, before.copy)
