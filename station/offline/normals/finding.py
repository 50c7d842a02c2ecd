"""Whether a source is a stored scan, and where it lies."""

import re
from pathlib import Path

from ...archive.folder import MANIFEST, scan_folders
from ...documents.fault import StationError


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; there is none whose name is too long."""
    try:
        return path.exists()
    except OSError:
        return False


def stored_folder(source: str, data: Path) -> Path | None:
    """The folder of a stored scan, None where the source is none.

    Args:
        source: a scan's folder, its identity, or the beginning of it.
        data: folder of all data of this station.

    Raises:
        StationError: `not_found`, no scan or several have this identity.
    """
    path = Path(source)
    if is_there(path) or not re.fullmatch(r"[0-9a-f]{6,32}", source):
        return path if is_there(path / MANIFEST) else None
    found = [folder for folder in scan_folders(data) if folder.name.startswith(source)]
    if len(found) != 1:
        raise StationError(
            "not_found", f"{len(found) or 'no'} scans in {data} have an identity like {source}"
        )
    return found[0]
