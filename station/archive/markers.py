"""Small files beside a scan's manifest that say what became of it: the operator's word, on the disk.

`withdrawn.json`: it was taken back, for good. `kept.json`: the retention policy leaves it alone, for as long
as the file is there. The catalogue copies both; where the two differ the file holds.
"""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from station.documents.fault import StationError
from station.documents.scan import KeptMark, Withdrawal
from station.share.durable import replace_file, storing, sync_folder

WITHDRAWN = "withdrawn.json"
KEPT = "kept.json"


class Markers(NamedTuple):
    """What the files of one folder say: why it was withdrawn, empty where it was not; whether it is kept."""

    withdrawn: str
    kept: bool


def write_withdrawal(folder: Path, why: str, now: datetime) -> Withdrawal:
    """Note durably that a scan was taken back; a former note stays as it is.

    Raises:
        StationError: `disk_full` or `data_unwritable`.
    """
    path = folder / WITHDRAWN
    if (former := _withdrawal(path)) is not None:
        return former
    note = Withdrawal(scan_id=folder.name, time=now.isoformat(), why=why)
    with storing(path):
        replace_file(path, note.model_dump_json(indent=1).encode())
    return note


def write_kept(folder: Path, keep: bool, now: datetime) -> None:
    """Note durably that a scan is to be kept, or no longer.

    Raises:
        StationError: `disk_full` or `data_unwritable`.
    """
    path = folder / KEPT
    with storing(path):
        if not keep:
            path.unlink(missing_ok=True)
            sync_folder(folder)
        elif not path.exists():
            mark = KeptMark(scan_id=folder.name, time=now.isoformat())
            replace_file(path, mark.model_dump_json(indent=1).encode())


def read_markers(folder: Path) -> Markers:
    """What the files beside the manifest say. A withdrawal that cannot be read counts, with that reason."""
    note = _withdrawal(folder / WITHDRAWN)
    return Markers("" if note is None else note.why, (folder / KEPT).exists())


def _withdrawal(path: Path) -> Withdrawal | None:
    try:
        return Withdrawal.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError:
        # somebody damaged it, but a sound scan never had one
        return Withdrawal(scan_id=path.parent.name, time="", why=f"{path.name} is damaged")
