"""Batches on disk: `batches/<id>.json`, each replaced durably, so that a restart goes on at the same card."""

from pathlib import Path

from pydantic import ValidationError

from ...documents.batch import BatchRecord
from ...documents.fault import StationError
from ...share.durable import make_folders, replace_file, storing


class BatchMemory:
    """The records below a data root."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "batches"

    def save(self, record: BatchRecord) -> None:
        """Durable when this returns.

        Raises:
            StationError: `disk_full` or `data_unwritable`.
        """
        path = self._folder / f"{record.id}.json"
        with storing(path):
            make_folders(self._folder)
            replace_file(path, record.model_dump_json(indent=2).encode() + b"\n")

    def open_one(self) -> BatchRecord | None:
        """The newest batch, if it was not finished.

        Raises:
            StationError: `scan_unreadable`, its record is damaged.
        """
        newest = max(self._folder.glob("*.json"), default=None, key=lambda path: path.name)
        if newest is None:
            return None
        try:
            record = BatchRecord.model_validate_json(newest.read_bytes())
        except (OSError, ValidationError) as error:
            raise StationError(
                "scan_unreadable",
                f"the record of the newest batch, {newest}, cannot be read",
                "Restore it from a backup, or remove it: its scans are kept, and a new batch can begin.",
            ) from error
        return None if record.finished else record
