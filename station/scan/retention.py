"""What the retention policy says of a catalogue and its disk at this moment."""

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path

from ..archive.catalogue import Catalogue
from ..archive.removal import freed_bytes
from ..archive.retention import StoredSide, in_words, to_remove
from ..archive.room import measure
from ..config import RetentionSettings
from ..documents.retention import RetentionPlan


def planned(
    root: Path,
    rows: list[StoredSide],
    places: dict[str, str],
    settings: RetentionSettings,
    *,
    open_batch: str | None = None,
    busy: AbstractSet[str] = frozenset(),
) -> RetentionPlan:
    """The plan for rows of the catalogue; looks at the disk. See `archive.retention.to_remove`.

    Args:
        root: folder of all data.
        rows: every stored side.
        places: its folder, relative to the root.
        settings: the policy.
        open_batch: see `to_remove`.
        busy: see `to_remove`.

    Raises:
        StationError: `data_unwritable`, the data root is not there.
    """
    if not in_words(settings):
        return RetentionPlan(policy="", stored=len(rows))
    return to_remove(
        rows,
        settings,
        datetime.now(UTC),
        measure(root, 0, None).free_bytes,
        lambda row: freed_bytes(root / places[row.id]),
        open_batch=open_batch,
        busy=busy,
    )


def rows_and_places(catalogue: Catalogue) -> tuple[list[StoredSide], dict[str, str]]:
    """What `planned` needs of the catalogue."""
    return catalogue.stored_sides(), {
        scan_id: place.folder for scan_id, place in catalogue.places().items() if place.folder
    }
