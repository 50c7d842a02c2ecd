"""What the stored sides look like is in the catalogue, and comes back from the scan folders alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from station.archive import appearances
from station.archive.appearances import Seen
from station.archive.catalogue import Catalogue
from station.archive.folder import ScanWriter
from station.archive.models import ScanRow
from station.archive.recovery import rebuild
from station.documents.ids import new_id
from station.documents.judgement import Appearance
from station.documents.scan import ScanManifest
from tests.archive.conftest import CREATED

LOOK = Appearance(version=1, bits="00ff10", layout="AAECAw==")
Manifests = Callable[..., ScanManifest]


@pytest.fixture
def store_looked_at(root: Path, catalogue: Catalogue, manifests: Manifests, pictures: Callable) -> Callable:
    """Stores a side with an appearance; returns what the catalogue should say of it."""

    def run(number: int, look: Appearance | None = LOOK) -> Seen:
        writer = ScanWriter(root, new_id(), CREATED)
        card_id = f"card {number}"
        catalogue.begin_scan(writer.scan_id, card_id, "front", "", CREATED, simulated=True)
        records = [writer.add_frame(None, pictures(1), exposure_us=15_000, sequence=0, timestamp_s=0.0)]
        manifest = manifests(writer, records, card_id).replace(appearance=look)
        catalogue.captured(manifest, writer.commit(manifest))
        return Seen(manifest.id, card_id, "front", "", look or LOOK)

    return run


def strike(catalogue: Catalogue, scan_id: str, column: str) -> None:
    with catalogue.transaction() as session:
        session.execute(update(ScanRow).where(ScanRow.id == scan_id).values({column: "why"}))


def test_stored_sides_come_oldest_first(catalogue: Catalogue, store_looked_at: Callable) -> None:
    looks = [LOOK.replace(bits=f"{k:06x}") for k in range(3)]
    expected = [store_looked_at(k, look) for k, look in enumerate(looks)]
    assert list(catalogue.appearances()) == expected


def test_they_come_page_by_page_and_others_may_write_meanwhile(
    catalogue: Catalogue, store_looked_at: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearances, "PAGE", 2)
    expected = [store_looked_at(k) for k in range(4)]
    stream = catalogue.appearances()
    first = next(stream)
    expected.append(store_looked_at(4))
    assert [first, *stream] == expected


def test_a_side_that_was_not_looked_at_is_left_out(catalogue: Catalogue, store_looked_at: Callable) -> None:
    store_looked_at(1, None)
    assert list(catalogue.appearances()) == []


@pytest.mark.parametrize("column", ["withdrawn", "removed"])
def test_what_does_not_count_any_more_is_left_out(
    catalogue: Catalogue, store_looked_at: Callable, column: str
) -> None:
    gone, kept = store_looked_at(1), store_looked_at(2)
    strike(catalogue, gone.scan_id, column)
    assert list(catalogue.appearances()) == [kept]


def test_a_rebuilt_catalogue_has_them_again(
    root: Path, catalogue: Catalogue, store_looked_at: Callable
) -> None:
    expected = [store_looked_at(k) for k in range(2)]
    catalogue.close()
    rebuild(root)
    with Catalogue(root) as again:
        assert list(again.appearances()) == expected
