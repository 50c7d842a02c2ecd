"""The operator's lock: while it is held, only what carries the holder's token changes the station's work.

It ends by itself some time after the holder's last request, so that a client that died locks nobody out, and
it can be stolen, which everybody sees. It does not outlive the process.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..documents.fault import StationError
from ..documents.lock import LockState, LockTake


@dataclass(frozen=True, slots=True)
class _Held:
    name: str
    reason: str
    token: str
    for_s: float
    since: datetime
    until_s: float


class OperatorLock:
    """One lock. `clock` is monotonic, in seconds; `now` the wall clock, for people."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._now = now
        self._held: _Held | None = None

    def _holder(self) -> _Held | None:
        if self._held is not None and self._clock() >= self._held.until_s:
            self._held = None
        return self._held

    def take(self, request: LockTake, key: str = "") -> tuple[str, LockState]:
        """Take the lock; the token, and who held it before.

        Args:
            request: by whom, why, for how long, and whether by force.
            key: the name of the client's key over TCP, which becomes part of the holder's name.

        Raises:
            StationError: `locked`, somebody holds it and it is not to be stolen.
        """
        before = self.show()
        if before.name and not request.steal:
            raise self._refusal()
        token = secrets.token_hex(16)
        name = f"{request.name} ({key})" if key and key != request.name else request.name
        until_s = self._clock() + request.for_s
        self._held = _Held(name, request.reason, token, request.for_s, self._now(), until_s)
        return token, before

    def release(self, token: str) -> LockState:
        """Give the lock back; what it was. One that has ended or was stolen is gone already.

        Raises:
            StationError: `locked`, somebody else holds it.
        """
        before = self.show()
        if self._held is not None and not secrets.compare_digest(self._held.token.encode(), token.encode()):
            raise self._refusal()
        self._held = None
        return before

    def check(self, token: str | None) -> None:
        """Let a request through that changes the station's work; the holder's prolongs the lock.

        Raises:
            StationError: `locked`, somebody else holds it.
        """
        if self._holder() is not None and not self.touch(token):
            raise self._refusal()

    def touch(self, token: str | None) -> bool:
        """Whether this is the holder's token; if so the lock is prolonged."""
        held = self._holder()
        if held is None or token is None or not secrets.compare_digest(held.token.encode(), token.encode()):
            return False
        self._held = replace(held, until_s=self._clock() + held.for_s)
        return True

    def show(self) -> LockState:
        """Who holds it."""
        held = self._holder()
        if held is None:
            return LockState()
        left = timedelta(seconds=held.until_s - self._clock())
        return LockState(
            name=held.name,
            reason=held.reason,
            since=held.since.isoformat(),
            until=(self._now() + left).isoformat(),
        )

    def _refusal(self) -> StationError:
        state = self.show()
        why = f" ({state.reason})" if state.reason else ""
        return StationError("locked", f"{state.name} operates the station since {state.since[:19]}Z{why}")
