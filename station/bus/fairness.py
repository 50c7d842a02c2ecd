"""What the intake keeps in mind of its stations, and what each may have under way. Pure: no socket, no clock.

A station is a connection here, by the identity that the socket gave it.
"""

from collections import OrderedDict
from dataclasses import dataclass

from ..documents.limits import Limits
from .parcel import Offer

Key = tuple[bytes, str]
IN_HAND_S = 60.0


@dataclass(slots=True)
class _Open:
    offer: Offer
    used_s: float


class OpenParcels:
    """Offers that were taken up and not yet committed, within the limits: the one unused for longest goes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: OrderedDict[Key, _Open] = OrderedDict()
        self._files = 0

    def put(self, who: bytes, offer: Offer, now_s: float) -> None:
        """Keep an offer; its station's own oldest make room first."""
        self.take(who, offer.parcel)
        limits = self._limits
        own = [key for key in self._open if key[0] == who]
        for key in own[: max(0, len(own) + 1 - limits.open_parcels_each)]:
            self.take(*key)
        self._open[who, offer.parcel] = _Open(offer, now_s)
        self._files += len(offer.files)
        while len(self._open) > limits.open_parcels or (
            self._files > limits.open_files and len(self._open) > 1
        ):
            self.take(*next(iter(self._open)))

    def get(self, who: bytes, parcel: str, now_s: float) -> Offer | None:
        """The offer, which is in use from now on."""
        found = self._open.get((who, parcel))
        if found is None:
            return None
        found.used_s = now_s
        self._open.move_to_end((who, parcel))
        return found.offer

    def take(self, who: bytes, parcel: str) -> Offer | None:
        """The offer, which is forgotten from now on."""
        found = self._open.pop((who, parcel), None)
        if found is None:
            return None
        self._files -= len(found.offer.files)
        return found.offer

    def in_hand(self, now_s: float) -> int:
        """How many there are of which something was heard within a minute."""
        return sum(now_s - one.used_s <= IN_HAND_S for one in tuple(self._open.values()))


@dataclass(slots=True)
class _Share:
    chunks: int
    seen_s: float


class Credit:
    """Chunks that may be under way, divided evenly among the stations that are active.

    All of them together have at most `credit_in_all`, or one each where they are more. A station that comes
    later gets what is left and grows to its share as the others are cut down to theirs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shares: dict[bytes, _Share] = {}

    def grant(self, who: bytes, now_s: float) -> int:
        """How many chunks a station may begin with."""
        self._shares.pop(who, None)
        self._forget(now_s)
        self._shares[who] = _Share(0, now_s)
        granted = max(1, min(self._even(), self._limits.credit_in_all - self._given()))
        self._shares[who].chunks = granted
        return granted

    def answers(self, who: bytes, now_s: float) -> int:
        """How many credits to give back for a chunk that was taken: one; none to cut down, two to add."""
        share = self._shares.get(who)
        if share is None:
            return 1
        share.seen_s = now_s
        even = self._even()
        if share.chunks > even:
            share.chunks -= 1
            return 0
        if share.chunks < even and self._given() < self._limits.credit_in_all:
            share.chunks += 1
            return 2
        return 1

    def done(self, who: bytes) -> None:
        """The station has nothing under way."""
        self._shares.pop(who, None)

    def _even(self) -> int:
        limits = self._limits
        return max(1, min(limits.credit_chunks, limits.credit_in_all // max(1, len(self._shares))))

    def _given(self) -> int:
        return sum(share.chunks for share in self._shares.values())

    def _forget(self, now_s: float) -> None:
        idle_s = self._limits.credit_idle_s
        self._shares = {who: one for who, one in self._shares.items() if now_s - one.seen_s <= idle_s}


class Tries:
    """How often parcels failed for a reason of their own; the newest of them."""

    def __init__(self, most: int, kept: int = 1_000) -> None:
        self._most = most
        self._kept = kept
        self._failed: OrderedDict[str, int] = OrderedDict()

    def failed(self, parcel: str) -> bool:
        """Count one more; whether it was the last that is allowed."""
        count = self._failed.pop(parcel, 0) + 1
        if count >= self._most:
            return True
        self._failed[parcel] = count
        while len(self._failed) > self._kept:
            self._failed.popitem(last=False)
        return False

    def succeeded(self, parcel: str) -> None:
        """Forget it."""
        self._failed.pop(parcel, None)
