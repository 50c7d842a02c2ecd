"""Results `results/<n>/` inside a scan folder: each computation of a stored stack, never overwritten."""

import hashlib
import re
from pathlib import Path

from pydantic import ValidationError

from station.documents.fault import StationError
from station.documents.scan import Artifact, ResultManifest

from .arrays import Array, Encoding, decode, encode
from .durable import PartFolder
from .folder import MANIFEST, checked_content, manifest_sha256

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class ResultWriter:
    """Stores what was computed from one stack, under the next free number; invisible until `commit`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._artifacts: list[Artifact] = []
        self._part: PartFolder | None = None
        self._number = 0

    @property
    def number(self) -> int:
        """The number this result is going to have."""
        self._opened()
        return self._number

    def add_array(self, name: str, array: Array, encoding: Encoding = "plain") -> Artifact:
        """Store an image as `<name>.tif`; lossless unless another encoding of `arrays` is asked for.

        The artifact's shape and type are those of the array that `StoredResult.array` gives back.

        Raises:
            StationError: `disk_full` or `data_unwritable`; the partial result is gone then.
            ValueError: the encoding cannot hold this array, or the name is taken.
        """
        return self._add(name, f"{name}.tif", encode(array, encoding), array.shape, str(array.dtype))

    def add_file(self, name: str, content: bytes) -> Artifact:
        """Store a file as it is, such as `report.html`; its name is the artifact's name too.

        Raises:
            StationError: `disk_full` or `data_unwritable`; the partial result is gone then.
            ValueError: the name is taken or not a plain file name.
        """
        return self._add(name, name, content, None, None)

    def commit(self, manifest: ResultManifest) -> ResultManifest:
        """Give the result its number; returns the manifest as stored: `number` and `artifacts` filled in.

        Raises:
            StationError: `disk_full` or `data_unwritable` (nothing of the result is left then), or
                `scan_unreadable`.
            ValueError: the manifest belongs to another stack.
        """
        part = self._opened()
        if manifest.scan_id != self._folder.name or manifest.parent_sha256 != manifest_sha256(self._folder):
            raise ValueError(
                f"the manifest of result {self._number} belongs to another stack than {self._folder}"
            )
        final = manifest.replace(number=self._number, artifacts=tuple(self._artifacts))
        part.commit(final.model_dump_json(indent=1).encode())
        return final

    def discard(self) -> None:
        """Remove what was stored of the result; does nothing after `commit`."""
        if self._part is not None:
            self._part.discard()
        self._artifacts.clear()

    def _opened(self) -> PartFolder:
        if self._part is None:
            self._number = max(result_numbers(self._folder), default=0) + 1
            self._part = PartFolder(result_folder(self._folder, self._number))
        return self._part

    def _add(
        self, name: str, file: str, content: bytes, shape: tuple[int, ...] | None, dtype: str | None
    ) -> Artifact:
        taken = {MANIFEST, *(artifact.file for artifact in self._artifacts)}
        if not _FILE.fullmatch(file) or file in taken:
            raise ValueError(f"{file!r} is taken, or not a plain file name")
        digest = hashlib.sha256(content).hexdigest()
        artifact = Artifact(name=name, file=file, sha256=digest, bytes=len(content), shape=shape, dtype=dtype)
        self._opened().write(file, content)
        self._artifacts.append(artifact)
        return artifact


class StoredResult:
    """A result on disk. Files are read, and their hashes checked, only when asked for."""

    def __init__(self, folder: Path, manifest: ResultManifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def array(self, name: str) -> Array:
        """A stored image, decoded.

        Raises:
            KeyError: there is no such artifact.
            StationError: `scan_unreadable`, naming the file.
        """
        artifact = self._artifact(name)
        path = self.folder / artifact.file
        try:
            array = decode(self.content(name))
        except ValueError as error:
            raise StationError("scan_unreadable", f"{path}: {error}") from error
        if array.shape != artifact.shape or str(array.dtype) != artifact.dtype:
            raise StationError(
                "scan_unreadable",
                f"{path} holds {array.dtype} {array.shape}, not {artifact.dtype} {artifact.shape}",
            )
        return array

    def content(self, name: str) -> bytes:
        """The bytes of a stored file.

        Raises:
            KeyError: there is no such artifact.
            StationError: `scan_unreadable`, naming the file.
        """
        artifact = self._artifact(name)
        return checked_content(self.folder / artifact.file, artifact.sha256, artifact.bytes)

    def _artifact(self, name: str) -> Artifact:
        return {artifact.name: artifact for artifact in self.manifest.artifacts}[name]


def result_folder(folder: Path, number: int) -> Path:
    """Where result `number` of a scan folder lies."""
    return folder / "results" / str(number)


def result_numbers(folder: Path) -> list[int]:
    """Numbers of the complete results, ascending."""
    results = folder / "results"
    if not results.is_dir():
        return []
    return sorted(int(path.name) for path in results.iterdir() if path.name.isdecimal() and path.is_dir())


def read_result(folder: Path, number: int) -> StoredResult:
    """One result of a scan folder; its manifest is checked, its files are when they are read.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    path = result_folder(folder, number) / MANIFEST
    try:
        manifest = ResultManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StationError("scan_unreadable", f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise StationError(
            "scan_unreadable", f"{path} is not a result's manifest: {error.errors()[0]['msg']}"
        ) from error
    if manifest.number != number or manifest.scan_id != folder.name:
        raise StationError(
            "scan_unreadable", f"{path} belongs to result {manifest.number} of scan {manifest.scan_id}"
        )
    for artifact in manifest.artifacts:
        if not _FILE.fullmatch(artifact.file):
            raise StationError(
                "scan_unreadable", f"{path} names a file outside its folder: {artifact.file!r}"
            )
    return StoredResult(path.parent, manifest)


def latest_result(folder: Path) -> StoredResult | None:
    """The newest complete result, None where there is none yet.

    Raises:
        StationError: `scan_unreadable`, naming the file.
    """
    numbers = result_numbers(folder)
    return read_result(folder, numbers[-1]) if numbers else None
