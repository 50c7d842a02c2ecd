"""Files under way: written piece by piece, resumable, and given their final name only when their hash holds.

blobs/ab/<sha256>           complete, checked and durable
parts/<sha256>              under way
quarantine/<sha256>-<id>    did not have the hash that was claimed
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..bus.parcel import ParcelFile, ParcelRefusedError
from ..documents.ids import new_id
from ..share.durable import make_folders, sync_folder

READ_BYTES = 1 << 20
OPEN_PARTS = 16


@dataclass(slots=True)
class _Part:
    """An open part. `resumed`: it holds bytes of an earlier process, which may not be what was sent."""

    file: IO[bytes]
    length: int
    digest: Any
    resumed: bool


class BlobFolder:
    """Content-addressed files below `root`. Not for several threads at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._parts: dict[str, _Part] = {}

    def open(self) -> None:
        """Make the folders."""
        for name in ("blobs", "parts", "quarantine"):
            make_folders(self._root / name)

    def close(self) -> None:
        """Close the files under way; they stay for the next time."""
        for sha256 in list(self._parts):
            self._close(sha256)

    def path(self, sha256: str) -> Path:
        """Where a complete file lies, or will."""
        return self._root / "blobs" / sha256[:2] / sha256

    def missing_from(self, file: ParcelFile) -> int | None:
        """From which offset on the file is wanted; None when it is complete.

        Raises:
            ParcelRefusedError: a complete file of that hash has another size.
            OSError: the disk refused something.
        """
        if self._complete(file):
            return None
        part = self._open_part(file)
        if part.length < file.bytes:
            return part.length
        return None if self._seal(file, part) else 0

    def append(self, file: ParcelFile, offset: int, content: bytes) -> bool:
        """Write a piece; False when it does not continue what is there. The last one completes the file.

        Raises:
            ParcelRefusedError: the file does not have the size or the hash that was claimed.
            OSError: the disk refused something; what was written before stays.
        """
        if self._complete(file):
            return False
        part = self._open_part(file)
        if part.length != offset or not content:
            return False
        if offset + len(content) > file.bytes:
            raise ParcelRefusedError(f"{file.name}: more came than the {file.bytes} bytes of the manifest")
        try:
            part.file.write(content)
            part.file.flush()
        except OSError:
            self._close(file.sha256)
            raise
        part.digest.update(content)
        part.length += len(content)
        return part.length < file.bytes or self._seal(file, part)

    def _complete(self, file: ParcelFile) -> bool:
        try:
            size = self.path(file.sha256).stat().st_size
        except FileNotFoundError:
            return False
        if size != file.bytes:
            raise ParcelRefusedError(
                f"{file.name}: the manifest says {file.bytes} bytes, the file of that hash has {size}"
            )
        return True

    def _part_path(self, sha256: str) -> Path:
        return self._root / "parts" / sha256

    def _open_part(self, file: ParcelFile) -> _Part:
        known = self._parts.get(file.sha256)
        if known is not None and known.length <= file.bytes:
            return known
        self._close(file.sha256)
        path = self._part_path(file.sha256)
        if path.exists() and path.stat().st_size > file.bytes:
            path.unlink()
        while len(self._parts) >= OPEN_PARTS:
            self._close(next(iter(self._parts)))
        opened = path.open("a+b")
        part = self._parts[file.sha256] = _Part(opened, 0, hashlib.sha256(), resumed=False)
        opened.seek(0)
        while content := opened.read(READ_BYTES):
            part.digest.update(content)
            part.length += len(content)
        part.resumed = part.length > 0
        return part

    def _close(self, sha256: str) -> None:
        part = self._parts.pop(sha256, None)
        if part is not None:
            part.file.close()

    def _seal(self, file: ParcelFile, part: _Part) -> bool:
        os.fsync(part.file.fileno())
        found = part.digest.hexdigest()
        self._close(file.sha256)
        if found == file.sha256:
            self._keep(file.sha256)
            return True
        if part.resumed:
            # a power cut may have left other bytes than were sent: the sender gets another chance
            self._part_path(file.sha256).unlink()
            return False
        self._part_path(file.sha256).rename(self._root / "quarantine" / f"{file.sha256}-{new_id()}")
        raise ParcelRefusedError(
            f"{file.name}: the SHA-256 of its bytes is {found}, the manifest says {file.sha256}"
        )

    def _keep(self, sha256: str) -> None:
        final = self.path(sha256)
        make_folders(final.parent)
        self._part_path(sha256).rename(final)
        sync_folder(final.parent)
