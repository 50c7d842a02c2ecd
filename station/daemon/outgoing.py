"""The outbox of the catalogue as delivery wants to see it: parcels of files."""

from pathlib import Path

from ..archive.catalogue import Catalogue
from ..archive.folder import MANIFEST, manifest_sha256, read_manifest
from ..archive.results import latest_result
from ..bus.parcel import Parcel, SourceFile
from ..documents.event import Event
from ..documents.fault import StationError
from ..scan.journal import Journal


class Outgoing:
    """A scan's stack, and its newest result once there is one. Implements `bus.parcel.DeliverySource`."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self._root = root
        self._journal = journal

    async def next(self) -> Parcel | None:
        """The oldest parcel that waits.

        A scan whose files cannot be read is refused with the reason, and the next one looked at.
        """
        while (entry := await self._journal.ask(lambda catalogue: catalogue.next_delivery())) is not None:
            try:
                return parcel_of(self._root / entry.folder)
            except StationError as error:
                await self.refused(entry.scan_id, str(error))
        return None

    async def sending(self, parcel_id: str) -> None:
        """The intake has taken up the offer."""
        await self._journal.write(lambda catalogue: catalogue.mark_sending(scan_of(parcel_id)))

    async def delivered(self, parcel_id: str) -> None:
        """The intake has it.

        A scan that was queued anew in the meantime, for a fresh result, stays queued.
        """

        def mark(catalogue: Catalogue) -> Event | None:
            scan_id = scan_of(parcel_id)
            still = catalogue.scan(scan_id).delivery == "sending"
            return catalogue.mark_delivered(scan_id, f"parcel {parcel_id}") if still else None

        await self._journal.write(mark)

    async def refused(self, parcel_id: str, why: str) -> None:
        """It will not be tried again."""
        await self._journal.write(lambda catalogue: catalogue.mark_refused(scan_of(parcel_id), why))

    async def requeued(self, parcel_id: str, why: str) -> None:
        """The attempt was cut short."""

        def mark(catalogue: Catalogue) -> Event | None:
            still = catalogue.scan(scan_of(parcel_id)).delivery == "sending"
            return catalogue.requeue(scan_of(parcel_id), why) if still else None

        await self._journal.write(mark)


def scan_of(parcel_id: str) -> str:
    """The scan of a parcel; the other half counts its results."""
    return parcel_id.partition("-")[0]


def parcel_of(folder: Path) -> Parcel:
    """The files of a stored scan, with the hashes that its manifests say.

    Raises:
        StationError: `scan_unreadable`.
    """
    manifest = read_manifest(folder)
    files = [_manifest_file(folder, MANIFEST)]
    files += [SourceFile(one.file, folder / one.file, one.sha256, one.bytes) for one in manifest.frames]
    result = latest_result(folder)
    number = 0
    if result is not None:
        number = result.manifest.number
        under = f"results/{number}"
        files.append(_manifest_file(result.folder, f"{under}/{MANIFEST}"))
        files += [
            SourceFile(f"{under}/{one.file}", result.folder / one.file, one.sha256, one.bytes)
            for one in result.manifest.artifacts
        ]
    return Parcel(id=f"{folder.name}-{number}", scan_id=folder.name, files=tuple(files))


def _manifest_file(folder: Path, name: str) -> SourceFile:
    path = folder / MANIFEST
    return SourceFile(name, path, manifest_sha256(folder), path.stat().st_size)
