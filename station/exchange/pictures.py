"""Photographs: PNG, TIFF and JPEG of 8 or 16 bits, grey or colour; RGB inside."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from .files import content_of, sha256_of, store, unreadable

Codes = NDArray[np.uint8] | NDArray[np.uint16]
Kind = Literal["png", "tiff", "jpeg"]
_BEGINNINGS: dict[bytes, Kind] = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as its file holds it.

    Attributes:
        codes: uint8 or uint16, (H, W) or (H, W, 3), row 0 at the top; an alpha channel is left away, and a
            note in the file that it is to be turned is not followed.
        kind: of file.
        sha256: of the file.
    """

    codes: Codes
    kind: Kind
    sha256: str


def read_picture(path: Path) -> Picture:
    """Read one.

    Raises:
        StationError: `source_unreadable`: no such file, damaged, or neither PNG, TIFF nor JPEG of 8 or 16
            bits.
    """
    content = content_of(path)
    kind = next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), None)
    if kind is None:
        raise unreadable(f"{path} is neither PNG, TIFF nor JPEG")
    codes = _of_tiff(path, content) if kind == "tiff" else _of_opencv(path, content)
    if codes.dtype not in (np.uint8, np.uint16):
        raise unreadable(f"{path} holds {codes.dtype} values, not codes of 8 or 16 bits")
    return Picture(np.ascontiguousarray(codes), kind, sha256_of(content))


def write_png(path: Path, codes: Codes) -> None:
    """Write (H, W) or RGB (H, W, 3) codes of 8 or 16 bits.

    Raises:
        StationError: `output_unwritable`.
    """
    turned: NDArray[Any] = codes if codes.ndim == 2 else np.ascontiguousarray(codes[..., ::-1])
    done, content = cv2.imencode(".png", turned)
    if not done:
        raise ValueError(f"{codes.dtype} {codes.shape} cannot be a PNG")
    store(path, content.tobytes())


def write_tiff(path: Path, values: NDArray[np.float32], description: str) -> None:
    """Write float32 (H, W) or (H, W, 3) as an uncompressed TIFF that every image program reads.

    Raises:
        StationError: `output_unwritable`.
    """
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        np.ascontiguousarray(values, np.float32),
        photometric="rgb" if values.ndim == 3 else "minisblack",
        description=description,
        metadata=None,
        software=False,
    )
    store(path, buffer.getvalue())


def _of_opencv(path: Path, content: bytes) -> NDArray[Any]:
    with _quiet():
        codes = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if codes is None:
        raise unreadable(f"{path} is damaged: it cannot be decoded")
    return np.asarray(codes) if codes.ndim == 2 else np.asarray(codes[..., 2::-1])


def _of_tiff(path: Path, content: bytes) -> NDArray[Any]:
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            codes = np.asarray(file.pages.first.asarray())
            planes_first = file.pages.first.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    except Exception as error:  # damaged bytes make tifffile and its codecs raise anything
        raise unreadable(f"{path} is damaged: it cannot be decoded") from error
    if codes.ndim == 3 and planes_first:
        codes = np.moveaxis(codes, 0, 2)
    if codes.ndim == 2:
        return codes
    if codes.ndim != 3 or codes.shape[2] not in (1, 2, 3, 4):
        raise unreadable(f"{path} holds an image of shape {codes.shape}, neither grey nor RGB")
    return codes[..., 0] if codes.shape[2] < 3 else codes[..., :3]


@contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV writes to stderr what we say ourselves."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
