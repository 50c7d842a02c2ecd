"""All checks in one order: what a person mends first comes first."""

from datetime import UTC, datetime

from ...calibrate.store import profile_in_use
from ...config import Settings
from ...documents.doctor import Check
from ...documents.fault import StationError
from .clock import clock, synchronised
from .folders import disk, privacy, writing
from .holdings import Holdings, catalogue_checks, outbox, profile, trainer
from .versions import firmware, versions


def examined(
    settings: Settings, devices: tuple[Check, ...], held: Holdings | StationError | None, board: str | None
) -> tuple[Check, ...]:
    """Look at everything but the devices. Takes a second or two; not for the loop.

    Args:
        settings: of the station.
        devices: what was found of board and camera.
        held: what the catalogue says, why it says nothing, or None: there is none yet.
        board: its firmware, None: it was not asked.
    """
    root, now = settings.station.data, datetime.now(UTC)
    known = held if isinstance(held, Holdings) else None
    per_side = None if known is None else known.bytes_per_side
    return (
        *devices,
        *privacy(root, settings.bus.folder or root / "run"),
        writing(root),
        disk(root, settings.station.reserve_mb, per_side),
        *clock(now, None if known is None else known.newest, synchronised()),
        *_stored(settings, held),
        trainer(settings.endpoint("intake")),
        _profile(settings, now),
        *versions(),
        firmware(board),
    )


def _stored(settings: Settings, held: Holdings | StationError | None) -> list[Check]:
    if held is None:
        return [Check(name="catalogue", state="ok", said="it is made at the first start")]
    if isinstance(held, StationError):
        return [Check(name="catalogue", state="bad", said=str(held), next_step=held.hint)]
    return [*catalogue_checks(settings.station.data, held), outbox(held)]


def _profile(settings: Settings, now: datetime) -> Check:
    try:
        return profile(profile_in_use(settings).profile, now)
    except StationError as error:
        return Check(name="profile", state="bad", said=str(error), next_step=error.hint)
