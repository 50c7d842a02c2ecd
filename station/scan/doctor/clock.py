"""The clock of this machine: identities and the order of scans depend on it."""

import ctypes
from datetime import UTC, datetime, timedelta

from ...documents.doctor import Check

SLACK = timedelta(minutes=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this software was written; a clock without its battery begins at 1970 or at its build."""
_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_TIMEX_BYTES = 256  # struct timex has 208; all zero asks and changes nothing


def clock(now: datetime, newest: datetime | None, synchronised: bool | None) -> list[Check]:
    """Judge the time.

    Args:
        now: what the clock says.
        newest: when the newest scan was made, None where there is none.
        synchronised: what the system says of its clock, None: nothing.
    """
    return [_time(now, newest), _synchronised(synchronised)]


def _time(now: datetime, newest: datetime | None) -> Check:
    said = f"it is {now:%Y-%m-%d %H:%M:%S} UTC"
    if now < LONG_AGO:
        return _wrong(f"{said}, which cannot be")
    if newest is not None and now < newest - SLACK:
        behind = newest - now
        return _wrong(f"{said}, {_span(behind)} before the newest scan was made")
    return Check(name="clock", state="ok", said=said)


def _wrong(said: str) -> Check:
    return Check(
        name="clock",
        state="bad",
        said=said,
        next_step="Set the clock (`timedatectl set-ntp true`, or `date -s`), then look again.",
    )


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"


def _synchronised(known: bool | None) -> Check:
    if known is None:
        return Check(
            name="time service", state="ok", said="the system does not say whether one sets the clock"
        )
    if known:
        return Check(name="time service", state="ok", said="the clock is kept by a time service")
    return Check(
        name="time service",
        state="warn",
        said="no time service keeps the clock",
        next_step="Switch one on: `timedatectl set-ntp true`; without a network, check `date` now and then.",
    )


def synchronised() -> bool | None:
    """Whether the kernel takes its clock for synchronised; None where it may not be asked."""
    try:
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED
