"""Files under way: written piece by piece, resumable, and given their final name only when their hash holds.

blobs/ab/<sha256>           complete, checked and durable, read-only
parts/<sha256>              under way
quarantine/<sha256>-<id>    did not have the hash that was claimed

A file is hashed while it comes in. Only one whose hash so far is not known any more, because its bytes are of
an earlier process or there were too many others, is read again, once, when it is complete.
"""

import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..bus.parcel import ParcelFile, ParcelRefusedError
from ..documents.ids import new_id
from ..share.durable import make_folders, sync_folder

OPEN_PARTS = 64
KNOWN_PARTS = 8_192
SYNCS_AT_ONCE = 8
READ_ONLY = 0o444


@dataclass(slots=True)
class _Part:
    """A file under way.

    Attributes:
        length: so many of its bytes are there.
        digest: the hash so far; None: it has to be read again.
        file: where it is open.
        synced: set when it is whole and its hash holds; done when its bytes are durable.
    """

    length: int
    digest: Any
    file: IO[bytes] | None = None
    synced: "Future[None] | None" = None


class BlobFolder:
    """Content-addressed files below `root`. Any thread may call; they take turns, but not while they sync."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._parts: OrderedDict[str, _Part] = OrderedDict()
        self._open: OrderedDict[str, _Part] = OrderedDict()
        self._turn = threading.RLock()

    def open(self) -> None:
        """Make the folders."""
        for name in ("blobs", "parts", "quarantine"):
            make_folders(self._root / name)
        self._make_shelves()
        self._syncing = ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="intake-sync")

    def _make_shelves(self) -> None:
        """All folders that a hash may lead to, at once: so no parcel has to wait for its own."""
        blobs = self._root / "blobs"
        missing = {f"{number:02x}" for number in range(256)} - {path.name for path in blobs.iterdir()}
        for name in missing:
            (blobs / name).mkdir()
        if missing:
            sync_folder(blobs)

    def close(self) -> None:
        """Close the files under way; they stay for the next time."""
        self._syncing.shutdown()
        with self._turn:
            for sha256 in list(self._open):
                self._close(sha256)
            self._parts.clear()

    def path(self, sha256: str) -> Path:
        """Where a complete file lies, or will."""
        return self._root / "blobs" / sha256[:2] / sha256

    def missing_from(self, file: ParcelFile) -> int | None:
        """From which offset on the file is wanted; None when it is complete.

        Raises:
            ParcelRefusedError: a complete file of that hash has another size.
            OSError: the disk refused something.
        """
        with self._turn:
            if self._complete(file):
                return None
            part = self._part(file)
            if part.length < file.bytes:
                return part.length
            return None if self._seal(file, part) else 0

    def append(self, file: ParcelFile, offset: int, content: bytes | memoryview) -> bool:
        """Write a piece; False when it does not continue what is there. The last one completes the file.

        Raises:
            ParcelRefusedError: the file does not have the size or the hash that was claimed.
            OSError: the disk refused something; what was written before stays.
        """
        with self._turn:
            if self._complete(file):
                return False
            part = self._part(file)
            if part.length != offset or not content:
                return False
            if offset + len(content) > file.bytes:
                raise ParcelRefusedError(
                    f"{file.name}: more came than the {file.bytes} bytes of the manifest", file.name
                )
            self._write(file.sha256, part, content)
            return part.length < file.bytes or self._seal(file, part)

    def settle(self, files: Iterable[ParcelFile]) -> bool:
        """Wait until the bytes of whole files are durable, and give them their final names.

        The names are durable when their folders are synced, which is left to the caller. False when a file is
        not whole.

        Raises:
            OSError: the disk refused something; the bytes of that file are gone.
        """
        for file in files:
            with self._turn:
                if self.missing_from(file) is not None:
                    return False
                part = self._parts.get(file.sha256)
            if part is not None and part.synced is not None:
                self._wait(file.sha256, part.synced)
                self._name(file.sha256)
        return True

    def sync_names(self, files: Iterable[ParcelFile]) -> None:
        """Make the final names of settled files durable.

        Raises:
            OSError: the disk refused something.
        """
        folders = sorted({self.path(file.sha256).parent for file in files})
        for _ in self._syncing.map(sync_folder, folders):
            pass

    def _complete(self, file: ParcelFile) -> bool:
        part = self._parts.get(file.sha256)
        if part is not None and part.synced is not None:
            size = part.length
        else:
            try:
                size = self.path(file.sha256).stat().st_size
            except FileNotFoundError:
                return False
        if size != file.bytes:
            raise ParcelRefusedError(
                f"{file.name}: the manifest says {file.bytes} bytes, the file of that hash has {size}",
                file.name,
            )
        return True

    def _part_path(self, sha256: str) -> Path:
        return self._root / "parts" / sha256

    def _part(self, file: ParcelFile) -> _Part:
        part = self._parts.get(file.sha256)
        if part is None or part.length > file.bytes:
            self._close(file.sha256)
            part = self._parts[file.sha256] = self._found(file)
            while len(self._parts) > KNOWN_PARTS:
                self._close(next(iter(self._parts)))
                self._parts.popitem(last=False)
        self._parts.move_to_end(file.sha256)
        return part

    def _found(self, file: ParcelFile) -> _Part:
        """What an earlier time left of the file, begun anew where it cannot be that."""
        path = self._part_path(file.sha256)
        if not path.exists():
            return _Part(0, hashlib.sha256())
        found = path.stat()
        length = found.st_size
        if length > file.bytes or (length < file.bytes and not found.st_mode & stat.S_IWUSR):
            path.unlink()
            length = 0
        return _Part(length, None if length else hashlib.sha256())

    def _write(self, sha256: str, part: _Part, content: bytes | memoryview) -> None:
        opened = self._opened(sha256, part)
        left = memoryview(content)
        try:
            while left:
                left = left[opened.write(left) :]
        except OSError:
            self._close(sha256)
            del self._parts[sha256]  # how much was written shows when it is looked at again
            raise
        if part.digest is not None:
            part.digest.update(content)
        part.length += len(content)

    def _opened(self, sha256: str, part: _Part) -> IO[bytes]:
        if part.file is None:
            while len(self._open) >= OPEN_PARTS:
                self._close(next(iter(self._open)))
            part.file = self._part_path(sha256).open("ab", buffering=0)
            self._open[sha256] = part
        self._open.move_to_end(sha256)
        return part.file

    def _close(self, sha256: str) -> None:
        part = self._open.pop(sha256, None)
        if part is not None and part.file is not None:
            part.file.close()
            part.file = None

    def _seal(self, file: ParcelFile, part: _Part) -> bool:
        path = self._part_path(file.sha256)
        self._close(file.sha256)
        if file.bytes == 0:
            path.touch()  # it came in no piece
        found = part.digest.hexdigest() if part.digest is not None else hash_of(path)
        if found == file.sha256:
            part.synced = self._syncing.submit(_sync, path)
            return True
        del self._parts[file.sha256]
        if part.digest is None:
            # a power cut may have left other bytes than were sent: the sender gets another chance
            path.unlink()
            return False
        aside = f"quarantine/{file.sha256}-{new_id()}"
        path.rename(self._root / aside)
        raise ParcelRefusedError(
            f"{file.name}: the SHA-256 of its bytes is {found}, the manifest says {file.sha256}",
            file.name,
            aside,
        )

    def _wait(self, sha256: str, synced: "Future[None]") -> None:
        try:
            synced.result()
        except OSError:
            # pages that could not be written may pass for clean afterwards: nothing of it is believed
            with self._turn:
                if self._parts.pop(sha256, None) is not None:
                    self._part_path(sha256).unlink(missing_ok=True)
            raise

    def _name(self, sha256: str) -> None:
        with self._turn:
            if self._parts.pop(sha256, None) is None:
                return  # another parcel has the same file and was first
            self._part_path(sha256).rename(self.path(sha256))


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Make a whole file read-only and durable."""
    with path.open("rb") as opened:
        os.fchmod(opened.fileno(), READ_ONLY)
        os.fsync(opened.fileno())
