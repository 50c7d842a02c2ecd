"""The methods `lock.*`, for any service that has an operator."""

from collections.abc import Awaitable, Callable
from typing import Any

from ..documents.lock import LockRelease, LockState, LockTake, LockTaken
from ..documents.requests import Accepted, NoParams
from .lock import OperatorLock
from .method import Method, caller

Tell = Callable[[str, dict[str, Any], str], Awaitable[None]]
"""Write an event: its type, data and cause."""


def lock_methods(lock: OperatorLock, tell: Tell) -> tuple[Method[Any], ...]:
    """Take, release and show; what changes is told to everybody."""

    async def take(params: LockTake) -> LockTaken:
        token, before = lock.take(params, caller().client)
        kind = "lock.stolen" if before.name else "lock.taken"
        told = {**lock.show().model_dump(mode="json"), "before": before.name}
        await tell(kind, told, caller().cause)
        return LockTaken(token=token)

    async def release(params: LockRelease) -> Accepted:
        before = lock.release(params.token)
        if before.name:
            await tell("lock.released", before.model_dump(mode="json"), caller().cause)
        return Accepted()

    async def show(_: NoParams) -> LockState:
        return lock.show()

    return (
        Method(
            "lock.take",
            take,
            LockTake,
            LockTaken,
            "Be the operator: from now on others may look, and only requests with the token change anything.",
            effect="Others are refused with `locked`; `scan.abort` is always allowed.",
        ),
        Method(
            "lock.release", release, LockRelease, Accepted, "Let others operate again.", effect="The lock."
        ),
        Method("lock.show", show, NoParams, LockState, "Who operates the station."),
    )
