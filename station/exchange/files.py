"""Reading and writing with one sentence for whatever goes wrong."""

import hashlib
from pathlib import Path

from ..documents.fault import StationError


def unreadable(sentence: str) -> StationError:
    """The error of everything that is read here."""
    return StationError("source_unreadable", sentence)


def content_of(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        StationError: `source_unreadable`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(f"{path} cannot be read: {error.strerror}") from error


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines of a text that say something, each with its number, stripped.

    UTF-8, with or without its mark; what is not UTF-8 is taken for the older code page of Windows.

    Raises:
        StationError: `source_unreadable`, also where the file is no text at all.
    """
    content = content_of(path)
    if b"\0" in content:
        raise unreadable(f"{path} is no text file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def store(path: Path, content: bytes) -> None:
    """Write a whole file.

    Raises:
        StationError: `output_unwritable`.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise StationError("output_unwritable", f"{path} cannot be written: {error.strerror}") from error


def sha256_of(content: bytes) -> str:
    """Their hash, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
