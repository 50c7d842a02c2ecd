"""Everything that is stored of a scan, file by file, and the bytes of one: for clients far away."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

from station.documents.fault import StationError
from station.documents.requests import FilePiece, StoredFile

from .folder import MANIFEST, read_manifest
from .markers import KEPT, WITHDRAWN
from .results import read_result, result_numbers

REMEMBERED = 16


def stored_files(folder: Path) -> tuple[StoredFile, ...]:
    """The files of a scan folder and all its results, with the hashes that their manifests say.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    return tuple(_files(folder))


class Shelf:
    """Remembers what lies in the folders asked for last, so that a file in pieces is not looked up for each.

    One thread at a time.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[tuple[int, ...], tuple[StoredFile, ...]]] = OrderedDict()

    def files(self, folder: Path) -> tuple[StoredFile, ...]:
        """See `stored_files`."""
        stamp = _stamp(folder)
        known = self._known.pop(folder, None)
        if known is None or known[0] != stamp:
            known = stamp, stored_files(folder)
        self._known[folder] = known
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known[1]

    def piece(self, folder: Path, file: str, offset: int, length: int) -> tuple[FilePiece, bytes]:
        """See `read_piece`."""
        return read_piece(folder, file, offset, length, self.files(folder))


def _stamp(folder: Path) -> tuple[int, ...]:
    """Changes with every file that comes, goes or is replaced; none is ever written in place."""
    there = (path for path in (folder, folder / "results") if path.is_dir())
    return tuple(path.stat().st_mtime_ns for path in there)


def read_piece(
    folder: Path, file: str, offset: int, length: int, stored: tuple[StoredFile, ...] | None = None
) -> tuple[FilePiece, bytes]:
    """Bytes of one of those files; fewer than `length` at its end, none behind it.

    Args:
        folder: of the scan.
        file: its name there.
        offset: of the first byte.
        length: at most so many.
        stored: what `stored_files` said, where that is known.

    Raises:
        StationError: `not_found`, it is not one of them; `scan_unreadable`.
    """
    found = next((one for one in stored or _files(folder) if one.file == file), None)
    if found is None:
        raise StationError("not_found", f"scan {folder.name} has no file {file!a}")
    path = folder / file
    try:
        with path.open("rb") as opened:
            opened.seek(offset)
            content = opened.read(length)
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    piece = FilePiece(file=file, offset=offset, length=len(content), bytes=found.bytes, sha256=found.sha256)
    return piece, content


def _files(folder: Path) -> Iterator[StoredFile]:
    yield _small(folder, MANIFEST)
    for marker in (WITHDRAWN, KEPT):
        if (folder / marker).is_file():
            yield _small(folder, marker)
    for frame in read_manifest(folder).frames:
        yield StoredFile(file=frame.file, bytes=frame.bytes, sha256=frame.sha256)
    for number in result_numbers(folder):
        under = f"results/{number}"
        yield _small(folder, f"{under}/{MANIFEST}")
        for one in read_result(folder, number).manifest.artifacts:
            yield StoredFile(file=f"{under}/{one.file}", bytes=one.bytes, sha256=one.sha256)


def _small(folder: Path, file: str) -> StoredFile:
    """A file that no manifest names, because it is one or was written later."""
    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    return StoredFile(file=file, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
