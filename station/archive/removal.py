"""A stored side removed so that a kill at any moment leaves it whole or gone, and the catalogue right.

The folder is renamed to `<id>.gone`, durably; then the row says so, with its event, in one transaction; then
the files are deleted. A `.gone` folder is one whose removal was decided: a start, or a rebuild, finishes it.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from station.documents.event import Event
from station.documents.fault import StationError
from station.share.durable import storing, sync_folder

from .catalogue import Catalogue

GONE = ".gone"


def hide(root: Path, catalogue: Catalogue, scan_id: str, why: str) -> tuple[Event, Path]:
    """Take a side out of the archive; what it was delivered as stays in the catalogue: `scan.removed`.

    Returns:
        The event, and the folder to hand to `delete`.

    Raises:
        StationError: `data_unwritable`, `disk_full`, `not_found` or `scan_unreadable`; the side is as it was
            then.
        ValueError: it is not delivered (any more) or is marked to be kept.
    """
    catalogue.require_removable(scan_id)
    folder = root / catalogue.scan(scan_id).folder
    gone = folder.with_name(folder.name + GONE)
    if not folder.is_dir() or gone.exists():
        raise StationError("scan_unreadable", f"{folder} is not there, or {gone.name} stands beside it")
    with storing(folder):
        folder.rename(gone)
        try:
            sync_folder(folder.parent)
            return catalogue.set_removed(scan_id, why), gone
        except BaseException:
            with suppress(OSError):
                gone.rename(folder)
            raise


def delete(gone: Path) -> None:
    """Delete the files of a hidden side.

    Raises:
        StationError: `data_unwritable`; the next start goes on with it.
    """
    with storing(gone):
        shutil.rmtree(gone)
        sync_folder(gone.parent)


def gone_folders(root: Path) -> Iterator[Path]:
    """Sides whose removal was decided and is not finished."""
    yield from sorted((root / "scans").glob(f"[0-9]*/[0-9]*/[0-9]*/*{GONE}"))


def finish(catalogue: Catalogue, gone: Path) -> Event | None:
    """Finish a removal that was cut short.

    Returns:
        The event, where the catalogue did not know yet.

    Raises:
        StationError: what `delete` and the catalogue raise.
    """
    scan_id, event = gone.name.removesuffix(GONE), None
    try:
        known = catalogue.scan(scan_id)
    except StationError as error:
        if error.code != "not_found":
            raise
    else:
        if known.folder == gone.with_name(scan_id).relative_to(catalogue.root).as_posix():
            event = catalogue.set_removed(scan_id, "finished at a start", cause="recovery")
    delete(gone)
    return event


def freed_bytes(folder: Path) -> int:
    """What the disk gains when a folder goes: files that have another name elsewhere do not count."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(stat.st_blocks * 512 for stat in stats if stat.st_nlink == 1)
