"""A client of the daemon of this configuration, with the operator's token of this user where there is one."""

from contextlib import suppress
from pathlib import Path

from ..client import StationClient
from ..config import Settings


def client_of(settings: Settings) -> StationClient:
    """The client, not opened yet."""
    client = StationClient.from_settings(settings)
    with suppress(FileNotFoundError):
        client.operator = token_path(settings).read_text("ascii").strip()
    return client


def token_path(settings: Settings) -> Path:
    """Where `station lock take` leaves the token: the run folder, which only this user may open."""
    return settings.station.data / "run" / "operator"
