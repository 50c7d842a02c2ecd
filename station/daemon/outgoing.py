"""The outbox of the catalogue as delivery wants to see it: parcels of files."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from ..archive.catalogue import Catalogue
from ..archive.folder import MANIFEST, manifest_sha256, read_manifest
from ..archive.markers import WITHDRAWN
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
        self._sent: Parcel | None = None

    async def next(self, but: Collection[str] = ()) -> Parcel | None:
        """The oldest parcel that waits and is none of `but`.

        A scan whose files cannot be read is refused with the reason, and the next one looked at.
        """
        put_off = {scan_of(parcel_id) for parcel_id in but}
        while (entry := await self._journal.ask(lambda it: it.next_delivery(put_off))) is not None:
            try:
                self._sent = parcel_of(self._root / entry.folder)
            except StationError as error:
                await self.refused(entry.scan_id, str(error))
            else:
                return self._sent
        return None

    async def sending(self, parcel_id: str) -> None:
        """The intake has taken up the offer."""
        await self._journal.write(lambda catalogue: catalogue.mark_sending(scan_of(parcel_id)))

    async def delivered(self, parcel_id: str) -> None:
        """The intake has it.

        A scan that was queued anew in the meantime, for a fresh result, stays queued; one to which something
        came between the look at its folder and the offer is queued again.
        """

        def mark(catalogue: Catalogue) -> Event | None:
            scan = catalogue.scan(scan_of(parcel_id))
            if scan.delivery != "sending":
                return None
            if self._outdated(self._root / scan.folder, parcel_id):
                return catalogue.requeue(scan.id, "there is more of it by now")
            return catalogue.mark_delivered(scan.id, f"parcel {parcel_id}")

        await self._journal.write(mark)

    def _outdated(self, folder: Path, parcel_id: str) -> bool:
        sent = self._sent
        if sent is None or sent.id != parcel_id:
            return False
        try:
            return parcel_of(folder).files != sent.files
        except StationError:
            return False  # what can no longer be read was read in time

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
    """The files of a stored scan, with the hashes that its manifests say; `withdrawn.json` comes last.

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
    files += _withdrawal(folder)
    return Parcel(id=f"{folder.name}-{number}", scan_id=folder.name, files=tuple(files))


def _manifest_file(folder: Path, name: str) -> SourceFile:
    path = folder / MANIFEST
    return SourceFile(name, path, manifest_sha256(folder), path.stat().st_size)


def _withdrawal(folder: Path) -> list[SourceFile]:
    path = folder / WITHDRAWN
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    return [SourceFile(WITHDRAWN, path, hashlib.sha256(content).hexdigest(), len(content))]
