"""The operator's script: which card he puts down when, how quickly, and with which mistake. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from ..documents.operating import Mistake, Order
from ..documents.plan import Side
from .chance import stream

QUICKEST_S, SLOWEST_S = 0.15, 2.5


@dataclass(frozen=True, slots=True)
class Act:
    """One side that is to lie under the camera.

    Attributes:
        seed, copy: of the card.
        side: that is due.
        mistake: how he gets it wrong at first.
        spare: the card was scanned before and does not belong here: a mistake of its own.
        pause_s: before he reaches out.
        move_s: how long his hands are in the picture.
    """

    seed: int
    side: Side
    copy: int = 0
    mistake: Mistake | None = None
    spare: bool = False
    pause_s: float = 0.0
    move_s: float = 0.0


def script(
    seed: int, cards: int, order: Order, *, first: int = 1, pile: int = 0, careful: int = 5,
    distinct: int = 0,
    mistakes: Mapping[Mistake, float] | None = None,
) -> tuple[Act, ...]:  # fmt: skip
    """What he is going to do; see `documents.operating.Operate` for the parameters."""
    acts = _sides([first + k % (distinct or cards) for k in range(cards)], order, pile or cards)
    free = {k for k, act in enumerate(acts) if act.seed >= first + careful}
    rates = dict(mistakes or {})
    for kind, eligible in _ELIGIBLE.items():
        places = [k for k in sorted(free) if eligible(acts, k)]
        chosen = _choice(seed, kind, places, rates.get(kind, 0.0))
        free.difference_update(chosen)
        for k in chosen:
            acts[k] = replace(acts[k], mistake=kind)
    with_spares = _with_spares(seed, acts, rates, first + careful)
    return tuple(_paced(seed, k, act) for k, act in enumerate(with_spares))


def _sides(seeds: list[int], order: Order, pile: int) -> list[Act]:
    if order == "front_back":
        return [Act(card, side) for card in seeds for side in _BOTH]
    piles = [seeds[k : k + pile] for k in range(0, len(seeds), pile)]
    return [Act(card, side) for cards in piles for side in _BOTH for card in cards]


_BOTH: tuple[Side, ...] = ("front", "back")


def _turned_in_place(acts: list[Act], k: int) -> bool:
    return k > 0 and acts[k].side == "back" and acts[k - 1].seed == acts[k].seed


_ELIGIBLE: dict[Mistake, Callable[[list[Act], int], bool]] = {
    "not_turned": _turned_in_place,
    "wrong_side": lambda acts, k: not _turned_in_place(acts, k),
    "upside_down": lambda _acts, _k: True,
    "two_cards": lambda acts, k: not _turned_in_place(acts, k) and k + 1 < len(acts),
    "sleeve": lambda acts, k: not _turned_in_place(acts, k),
    "hand": lambda _acts, _k: True,
    "jostle": lambda _acts, _k: True,
}


def _choice(seed: int, kind: Mistake, places: list[int], rate: float) -> list[int]:
    count = floor(rate * len(places))
    if not count:
        return []
    return [int(k) for k in stream(seed, "mistake", kind).choice(np.array(places), count, replace=False)]


def _with_spares(seed: int, acts: list[Act], rates: Mapping[Mistake, float], careful: int) -> list[Act]:
    """Fronts that come once more, just after they were done with, or some cards later."""
    before = [k for k, act in enumerate(acts) if act.side == "front" and act.seed > careful]
    same = set(_choice(seed, "same_again", before, rates.get("same_again", 0.0)))
    rest = [k for k in before if k not in same]
    later = set(_choice(seed, "again_later", rest, rates.get("again_later", 0.0)))
    found: list[Act] = []
    for k, act in enumerate(acts):
        fronts = [other for other in acts[:k] if other.side == "front"]
        if k in same:
            found.append(replace(fronts[-1], mistake="same_again", spare=True))
        elif k in later:
            older = fronts[: max(1, len(fronts) - 2)]
            chosen = older[int(stream(seed, "which", k).integers(len(older)))]
            found.append(replace(chosen, mistake="again_later", spare=True))
        found.append(act)
    return found


def _paced(seed: int, k: int, act: Act) -> Act:
    rng = stream(seed, "pace", k)
    pause_s = float(np.clip(rng.lognormal(np.log(0.5), 0.6), QUICKEST_S, SLOWEST_S))
    return replace(act, pause_s=pause_s, move_s=float(rng.uniform(0.3, 0.7)))
