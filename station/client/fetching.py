"""Files of a scan over the bus, without a socket: both clients drive the same steps."""

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

from ..documents.fault import StationError
from ..documents.requests import FilePiece, StoredFile


class Ask(NamedTuple):
    """Call this; answered with the result and the bytes that follow it."""

    method: str
    params: dict[str, Any]


Fetching = Generator[Ask, tuple[Any, bytes], bytes]


def fetching(scan_id: str, file: str) -> Fetching:
    """The whole file, piece by piece, held against its hash.

    Raises:
        StationError: the daemon's; `scan_unreadable`, something else arrived than was stored.
    """
    whole = bytearray()
    while True:
        said, content = yield Ask("scan.file", {"id": scan_id, "file": file, "offset": len(whole)})
        piece = FilePiece.model_validate(said)
        whole += content
        if len(whole) >= piece.bytes or not content:
            break
    if len(whole) != piece.bytes or hashlib.sha256(whole).hexdigest() != piece.sha256:
        raise StationError("scan_unreadable", f"{file} of scan {scan_id} did not arrive as it was stored")
    return bytes(whole)


def keep(folder: Path, file: StoredFile, content: bytes) -> Path:
    """Write a fetched file below `folder` under its own name; where it lies.

    Raises:
        StationError: `output_unwritable`.
    """
    path = folder / file.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StationError("output_unwritable", f"{file.file!a} would lie outside {folder}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StationError("output_unwritable", f"{path} cannot be written: {error.strerror}") from error
    return path
