"""Files taken by a second name: which are, which are not, and what the archive sees of it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from station.bus.parcel import Offer, ParcelRefusedError
from station.training.intake_store import FileIntakeStore

OfferOf = Callable[..., Offer]
Send = Callable[..., bool]
CONTENT = b"0123456789"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A station's data folder with one file."""
    root = tmp_path / "station"
    (root / "scans" / "s1").mkdir(parents=True)
    (root / "scans" / "s1" / "a.tif").write_bytes(CONTENT)
    return root


@pytest.fixture
def shared(archive: Path, offer_of: OfferOf) -> Callable[..., Offer]:
    """The offer of that file, lying at `place`."""

    def make(place: Path | str = "", root: str = "", content: bytes = CONTENT) -> Offer:
        place = str(place) or str(archive / "scans" / "s1" / "a.tif")
        return offer_of({"a.tif": content}).replace(root=root, places=(place,))

    return make


@pytest.fixture
def store(tmp_path: Path, archive: Path) -> FileIntakeStore:
    with FileIntakeStore(tmp_path / "store", shares=(archive,)) as opened:
        yield opened  # type: ignore[misc]


def test_the_blob_is_the_scans_own_file_and_read_only(
    store: FileIntakeStore, shared: Callable[..., Offer], archive: Path
) -> None:
    offer = shared()
    assert store.share(offer) == 1
    assert store.needs(offer) == ()
    assert store.commit(offer)
    blob, original = store.path(offer.files[0].sha256), archive / "scans" / "s1" / "a.tif"
    assert blob.stat().st_ino == original.stat().st_ino
    assert stat.S_IMODE(blob.stat().st_mode) == 0o444


def test_the_archive_does_not_change_when_the_trainer_deletes_its_blob(
    store: FileIntakeStore, shared: Callable[..., Offer], archive: Path
) -> None:
    offer = shared()
    store.share(offer)
    store.path(offer.files[0].sha256).unlink()
    assert [path.name for path in (archive / "scans" / "s1").iterdir()] == ["a.tif"]
    assert (archive / "scans" / "s1" / "a.tif").read_bytes() == CONTENT


def test_the_blob_stays_when_the_archive_removes_its_scan(
    store: FileIntakeStore, shared: Callable[..., Offer], archive: Path
) -> None:
    offer = shared()
    store.share(offer)
    store.commit(offer)
    (archive / "scans" / "s1" / "a.tif").unlink()
    assert store.holds(offer)
    assert store.path(offer.files[0].sha256).read_bytes() == CONTENT


def test_other_bytes_under_the_offered_path_are_not_taken_and_refused_when_they_are_sent(
    store: FileIntakeStore, shared: Callable[..., Offer], archive: Path, send: Send
) -> None:
    original = archive / "scans" / "s1" / "a.tif"
    original.write_bytes(b"9876543210")
    mode = original.stat().st_mode
    offer = shared()
    assert store.share(offer) == 0
    assert [need.offset for need in store.needs(offer)] == [0]
    with pytest.raises(ParcelRefusedError, match=r"a\.tif: the SHA-256"):
        send(store, offer, b"9876543210")
    assert (original.stat().st_mode, original.stat().st_nlink) == (mode, 1)
    assert not store.path(offer.files[0].sha256).exists()


def test_a_file_of_another_length_is_not_even_read(
    store: FileIntakeStore, shared: Callable[..., Offer]
) -> None:
    assert store.share(shared(content=CONTENT + b"+")) == 0


def outside(archive: Path, tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere"
    path.write_bytes(CONTENT)
    return path


def upwards(archive: Path, tmp_path: Path) -> Path:
    outside(archive, tmp_path)
    return archive / "scans" / ".." / ".." / "elsewhere"


def linked_file(archive: Path, tmp_path: Path) -> Path:
    path = archive / "scans" / "s1" / "link.tif"
    path.symlink_to(outside(archive, tmp_path))
    return path


def linked_folder(archive: Path, tmp_path: Path) -> Path:
    (archive / "scans" / "s2").symlink_to(archive / "scans" / "s1")
    return archive / "scans" / "s2" / "a.tif"


def pipe(archive: Path, tmp_path: Path) -> Path:
    path = archive / "scans" / "s1" / "pipe"
    os.mkfifo(path)
    return path


def folder(archive: Path, tmp_path: Path) -> Path:
    return archive / "scans" / "s1"


def nothing(archive: Path, tmp_path: Path) -> Path:
    return archive / "scans" / "s1" / "gone.tif"


def relative(archive: Path, tmp_path: Path) -> Path:
    return Path("scans/s1/a.tif")


def null(archive: Path, tmp_path: Path) -> Path:
    return archive / "scans" / "a\0b"


WRONG = [outside, upwards, linked_file, linked_folder, pipe, folder, nothing, relative, null]


@pytest.mark.parametrize("place", WRONG)
def test_what_is_no_plain_file_below_a_trusted_folder_has_to_be_sent(
    store: FileIntakeStore,
    shared: Callable[..., Offer],
    archive: Path,
    tmp_path: Path,
    place: Callable[[Path, Path], Path],
    send: Send,
) -> None:
    offer = shared(place(archive, tmp_path))
    assert store.share(offer) == 0
    assert send(store, offer, CONTENT)
    assert store.commit(offer)


def test_files_of_another_user_are_left_alone(
    store: FileIntakeStore, shared: Callable[..., Offer], archive: Path
) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(archive / "scans" / "s1" / "a.tif", 12_345, -1)
    assert store.share(shared()) == 0


@pytest.mark.parametrize(("catalogue", "taken"), [(True, 1), (False, 0)])
def test_a_folder_that_the_offer_names_is_trusted_only_as_a_stations_data_folder(
    tmp_path: Path, archive: Path, shared: Callable[..., Offer], catalogue: bool, taken: int
) -> None:
    if catalogue:
        (archive / "catalogue.sqlite3").touch()
    with FileIntakeStore(tmp_path / "store") as store:
        assert store.share(shared(root=str(archive))) == taken


def test_each_file_is_decided_by_itself(
    store: FileIntakeStore, archive: Path, tmp_path: Path, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"a.tif": CONTENT, "b.tif": b"b"})
    places = (str(archive / "scans" / "s1" / "a.tif"), str(tmp_path / "b.tif"))
    offer = offer.replace(places=places)
    assert store.share(offer) == 1
    assert [need.sha256 for need in store.needs(offer)] == [offer.files[1].sha256]
    assert send(store, offer, b"b", file=1)
    assert store.commit(offer)


def test_the_way_it_came_makes_no_other_parcel(store: FileIntakeStore, shared: Callable[..., Offer]) -> None:
    offer = shared()
    store.share(offer)
    store.commit(offer)
    assert store.holds(offer.replace(places=(), root=""))
