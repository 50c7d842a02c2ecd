"""The printable targets that ship with the station, handed out."""

from pathlib import Path

from ...share import shared
from ...share.durable import storing


def copy_targets(out: Path) -> tuple[Path, ...]:
    """Copy the targets into a folder; the paths of the copies.

    Raises:
        StationError: `disk_full`, `data_unwritable`.
    """
    folder = shared("calibration")
    sources = sorted(path for suffix in ("svg", "pdf") for path in folder.glob(f"*.{suffix}"))
    with storing(out):
        out.mkdir(parents=True, exist_ok=True)
        for path in sources:
            (out / path.name).write_bytes(path.read_bytes())
    return tuple(out / path.name for path in sources)
