"""Parcels of small files for the tests of the intake's store."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.bus.parcel import Chunk, Offer, ParcelFile
from station.training.intake_store import FileIntakeStore

Send = Callable[..., bool]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FileIntakeStore]:
    """An open store in `tmp_path/store`."""
    with FileIntakeStore(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def offer_of() -> Callable[..., Offer]:
    """`offer_of({"name": b"content"})` is the offer of a parcel with these files."""

    def make(contents: dict[str, bytes], parcel: str = "p1", scan_id: str = "s1") -> Offer:
        files = tuple(
            ParcelFile(name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
            for name, content in contents.items()
        )
        return Offer(parcel=parcel, scan_id=scan_id, station="bench", files=files)

    return make


@pytest.fixture
def send() -> Send:
    """`send(store, offer, content, offset)` appends one chunk to the file of that content's hash."""

    def append(store: FileIntakeStore, offer: Offer, piece: bytes, offset: int = 0, file: int = 0) -> bool:
        chunk = Chunk(parcel=offer.parcel, sha256=offer.files[file].sha256, offset=offset)
        return store.append(offer, chunk, piece)

    return append
