"""Backups: made beside a running daemon or without one, verified, and brought back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..archive.backup import back_up
from ..archive.catalogue import Catalogue
from ..archive.database import FILE, new_copy
from ..archive.recovery import recover
from ..archive.restoring import restore, verify
from ..config import Settings
from ..documents.backup import BackupReport
from ..scan.recorder import SOFTWARE

__all__ = ["make", "restore", "verify"]


def make(settings: Settings, target: Path, config: Path, asked: Callable[[], str] | None) -> BackupReport:
    """A further backup in `target`.

    Args:
        settings: of the station.
        target: folder of the backups.
        config: where station.toml is.
        asked: has the daemon write a copy of the catalogue and returns its path, empty: a server holds it;
            None: there is no daemon.

    Raises:
        StationError: see `archive.backup.back_up`; what the catalogue refuses.
    """

    @contextmanager
    def copies() -> Iterator[Path | None]:
        copy = _own_copy(settings) if asked is None else asked()
        try:
            yield Path(copy) if copy else None
        finally:
            if copy:
                Path(copy).unlink(missing_ok=True)

    return back_up(
        settings.station.data,
        target.expanduser().absolute(),
        settings.station.name,
        SOFTWARE,
        copies,
        config=config,
        leave_out=(settings.trainer_data,),
    )


def _own_copy(settings: Settings) -> str:
    root = settings.station.data
    if not (root / FILE).is_file():
        return ""
    with Catalogue(root, station=settings.station.name) as catalogue:
        recover(root, catalogue)
        path = new_copy(root)
        return str(path) if catalogue.copy_to(path) else ""
