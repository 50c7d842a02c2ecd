"""What every face of the station is built on: `StationClient`, and `AsyncStationClient` for asyncio."""

from typing import TYPE_CHECKING, Any

from .sync import StationClient

if TYPE_CHECKING:
    from .aio import AsyncStationClient

__all__ = ["AsyncStationClient", "StationClient"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the hook's own type
    """Import the asynchronous client only for those who use it: asyncio costs as much as all the rest."""
    if name != "AsyncStationClient":
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from .aio import AsyncStationClient  # noqa: PLC0415

    return AsyncStationClient
