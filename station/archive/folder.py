"""Scan folders `scans/YYYY/MM/DD/<id>/`: the stack and its manifest, durable before anybody is told."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from station.documents.fault import StationError
from station.documents.frame import FrameRecord
from station.documents.scan import ScanManifest

from .arrays import decode, encode
from .durable import PartFolder

MANIFEST = "manifest.json"
Pixels = NDArray[np.uint8] | NDArray[np.uint16]
_ID = re.compile(r"[0-9a-f]{32}")


def scan_folder(root: Path, scan_id: str, created: datetime) -> Path:
    """Where a scan lives under the data root; the day is the UTC day of `created`.

    Raises:
        ValueError: the identity is not 32 hexadecimal digits, or `created` knows no time zone.
    """
    if not _ID.fullmatch(scan_id):
        raise ValueError(f"{scan_id!r} is not a scan's identity")
    if created.tzinfo is None:
        raise ValueError("the time of a scan needs its time zone")
    return root / "scans" / created.astimezone(UTC).strftime("%Y/%m/%d") / scan_id


class ScanWriter:
    """Stores the frames of one scan as they come; nothing of it is visible until `commit`."""

    def __init__(self, root: Path, scan_id: str, created: datetime) -> None:
        self.scan_id = scan_id
        self._part = PartFolder(scan_folder(root, scan_id, created))
        self._records: list[FrameRecord] = []

    def add_frame(
        self,
        light: int | None,
        pixels: Pixels,
        *,
        exposure_us: int,
        sequence: int,
        timestamp_s: float,
        on_us: int | None = None,
        lit_s: float | None = None,
        fingerprint_margin: float | None = None,
        attempts: int = 1,
    ) -> FrameRecord:
        """Store one frame losslessly, uint8 or uint16, (H, W) or (H, W, 3); it is durable when this returns.

        Raises:
            StationError: `disk_full` or `data_unwritable`; the partial folder is gone then.
            ValueError: the pixels have another type or shape.
        """
        if str(pixels.dtype) not in ("uint8", "uint16") or (pixels.ndim == 3 and pixels.shape[2] != 3):
            raise ValueError(
                f"a frame is uint8 or uint16, (H, W) or (H, W, 3), not {pixels.dtype} {pixels.shape}"
            )
        content = encode(pixels)
        record = FrameRecord(
            light=light,
            file=self._free_name("ambient" if light is None else f"light-{light}"),
            sha256=hashlib.sha256(content).hexdigest(),
            shape=pixels.shape,
            dtype=str(pixels.dtype),
            bytes=len(content),
            exposure_us=exposure_us,
            sequence=sequence,
            timestamp_s=timestamp_s,
            on_us=on_us,
            lit_s=lit_s,
            fingerprint_margin=fingerprint_margin,
            attempts=attempts,
        )
        self._part.write(record.file, content)
        self._records.append(record)
        return record

    def commit(self, manifest: ScanManifest) -> Path:
        """Add the manifest and give the folder its name. When this returns, the scan survives a power cut.

        Raises:
            StationError: `disk_full` or `data_unwritable`; nothing of the scan is left then.
            ValueError: the manifest speaks of another scan or of other frames than were stored.
        """
        if manifest.id != self.scan_id or manifest.frames != tuple(self._records) or not self._records:
            raise ValueError("the manifest does not describe the frames that were stored")
        self._part.commit(manifest.model_dump_json(indent=1).encode())
        return self._part.final

    def discard(self) -> None:
        """Forget the scan and remove what was stored of it; does nothing after `commit`."""
        self._part.discard()
        self._records.clear()

    def _free_name(self, stem: str) -> str:
        bracket = sum(record.file.split(".")[0] == stem for record in self._records)
        return f"{stem}.{bracket + 1}.tif" if bracket else f"{stem}.tif"


def read_manifest(folder: Path) -> ScanManifest:
    """The manifest of a scan folder, with its file names checked.

    Raises:
        StationError: `scan_unreadable`.
    """
    path = folder / MANIFEST
    try:
        manifest = ScanManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise StationError(
            "scan_unreadable", f"{path} is not a scan's manifest: {error.errors()[0]['msg']}"
        ) from error
    for frame in manifest.frames:
        _plain_name(path, frame.file)
    return manifest


def manifest_sha256(folder: Path) -> str:
    """Hash of the folder's manifest, the identity of its content.

    Raises:
        StationError: `scan_unreadable`.
    """
    return hashlib.sha256(_content(folder / MANIFEST)).hexdigest()


def checked_content(path: Path, sha256: str, size: int) -> bytes:
    """The bytes of a stored file, after comparing them with what the manifest says.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    content = _content(path)
    if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
        raise StationError(
            "scan_unreadable", f"{path} is not the file that was stored: its hash does not match the manifest"
        )
    return content


def read_frame(folder: Path, frame: FrameRecord) -> Pixels:
    """One frame of a stack, its hash, shape and type checked.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    path = folder / frame.file
    content = checked_content(path, frame.sha256, frame.bytes)
    try:
        pixels = decode(content)
    except ValueError as error:
        raise StationError("scan_unreadable", f"{path}: {error}") from error
    if pixels.shape != frame.shape or str(pixels.dtype) != frame.dtype:
        raise StationError(
            "scan_unreadable", f"{path} holds {pixels.dtype} {pixels.shape}, not {frame.dtype} {frame.shape}"
        )
    return pixels


def read_stack(folder: Path) -> tuple[ScanManifest, tuple[Pixels, ...]]:
    """A whole stack, in the order of the manifest's frames.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    manifest = read_manifest(folder)
    return manifest, tuple(read_frame(folder, frame) for frame in manifest.frames)


def check_stack(folder: Path, *, hashes: bool) -> ScanManifest:
    """The manifest, after a look at every file: its size, and its hash where asked for.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    manifest = read_manifest(folder)
    if manifest.id != folder.name:
        raise StationError("scan_unreadable", f"{folder} holds the manifest of another scan, {manifest.id}")
    for frame in manifest.frames:
        path = folder / frame.file
        if hashes:
            checked_content(path, frame.sha256, frame.bytes)
        elif not path.is_file() or path.stat().st_size != frame.bytes:
            raise StationError("scan_unreadable", f"{path} is missing or has another size than was stored")
    return manifest


def stored_bytes(folder: Path, manifest: ScanManifest) -> int:
    """What a stack takes on the disk, its manifest included."""
    return sum(frame.bytes for frame in manifest.frames) + (folder / MANIFEST).stat().st_size


def scan_folders(root: Path) -> Iterator[Path]:
    """All complete scan folders under a data root, oldest day first."""
    for folder in sorted((root / "scans").glob("[0-9]*/[0-9]*/[0-9]*/*")):
        if _ID.fullmatch(folder.name) and folder.is_dir():
            yield folder


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error


def _plain_name(manifest: Path, name: str) -> None:
    if Path(name).name != name:
        raise StationError("scan_unreadable", f"{manifest} names a file outside its folder: {name!r}")
