"""The list of keys that may come in over TCP, kept without a daemon: it holds for every later connection."""

from pathlib import Path

from ..bus.keys import KeyRing, write_client_key
from ..config import Settings


def ring(settings: Settings) -> KeyRing:
    """The keys of a station."""
    return KeyRing(settings.station.data / "keys")


def add_key(settings: Settings, name: str, out: Path) -> None:
    """Let a client in and write its key file; nothing is let in where that cannot be written.

    Raises:
        StationError: `bad_request`, the name is taken or none; `data_unwritable`.
    """
    keys = ring(settings)
    key = keys.add(name)
    try:
        write_client_key(key, out)
    except BaseException:
        keys.remove(name)
        raise
