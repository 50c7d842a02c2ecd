"""The intake's store: nothing counts before it is whole and has its hash; a restart goes on where it was."""

import resource
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from station.bus.parcel import Chunk, NotNowError, Offer, ParcelFile, ParcelRefusedError
from station.documents.fault import StationError
from station.training import parts
from station.training.intake_store import FileIntakeStore

OfferOf = Callable[..., Offer]
Send = Callable[..., bool]


def offsets(store: FileIntakeStore, offer: Offer) -> dict[str, int]:
    names = {file.sha256: file.name for file in offer.files}
    return {names[need.sha256]: need.offset for need in store.needs(offer)}


def test_a_parcel_is_held_only_after_its_commit(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"manifest.json": b"{}", "frames/ambient.tif": b"pixels"})
    assert offsets(store, offer) == {"manifest.json": 0, "frames/ambient.tif": 0}
    assert send(store, offer, b"{}", file=0)
    assert send(store, offer, b"pix", file=1)
    assert not store.commit(offer)
    assert not store.holds(offer)
    assert send(store, offer, b"els", 3, file=1)
    assert not store.holds(offer)
    assert store.commit(offer)
    assert store.holds(offer)
    (received,) = store.parcels()
    assert received.scan_id == "s1"
    assert {file.name: store.path(file.sha256).read_bytes() for file in received.files} == {
        "manifest.json": b"{}",
        "frames/ambient.tif": b"pixels",
    }


def test_a_reopened_store_goes_on_in_the_middle_of_a_file(
    tmp_path: Path, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"a": b"0123456789"})
    with FileIntakeStore(tmp_path) as store:
        assert send(store, offer, b"0123")
    with FileIntakeStore(tmp_path) as store:
        assert offsets(store, offer) == {"a": 4}
        assert send(store, offer, b"456789", 4)
        assert store.commit(offer)
    with FileIntakeStore(tmp_path) as store:
        assert store.holds(offer)
        assert store.path(offer.files[0].sha256).read_bytes() == b"0123456789"


@pytest.mark.parametrize(("offset", "piece"), [(0, b"0123"), (3, b"3"), (5, b"56"), (4, b"")])
def test_a_chunk_that_does_not_continue_changes_nothing(
    store: FileIntakeStore, offer_of: OfferOf, send: Send, offset: int, piece: bytes
) -> None:
    offer = offer_of({"a": b"0123456789"})
    send(store, offer, b"0123")
    assert not send(store, offer, piece, offset)
    assert offsets(store, offer) == {"a": 4}


def test_a_complete_file_is_not_taken_twice(store: FileIntakeStore, offer_of: OfferOf, send: Send) -> None:
    offer = offer_of({"a": b"same", "b": b"same"})
    assert len(store.needs(offer)) == 1
    assert send(store, offer, b"same")
    assert not send(store, offer, b"same")
    assert store.needs(offer) == ()
    assert store.commit(offer)


def test_an_empty_file_needs_no_chunk(store: FileIntakeStore, offer_of: OfferOf) -> None:
    offer = offer_of({"empty": b""})
    assert store.needs(offer) == ()
    assert store.commit(offer)
    assert store.path(offer.files[0].sha256).read_bytes() == b""


def test_wrong_bytes_are_refused_by_name_and_kept_apart(
    store: FileIntakeStore, offer_of: OfferOf, send: Send, tmp_path: Path
) -> None:
    offer = offer_of({"frames/light3.tif": b"0123456789"})
    send(store, offer, b"01234")
    with pytest.raises(ParcelRefusedError, match=r"frames/light3\.tif: the SHA-256 of its bytes"):
        send(store, offer, b"XXXXX", 5)
    (bad,) = (tmp_path / "store" / "quarantine").iterdir()
    assert bad.read_bytes() == b"01234XXXXX"
    assert not store.path(offer.files[0].sha256).exists()
    assert [parcel for parcel, _ in store.refusals()] == ["p1"]
    assert offsets(store, offer) == {"frames/light3.tif": 0}  # a repaired file gets through


def test_wrong_bytes_of_an_earlier_process_are_not_held_against_the_sender(
    tmp_path: Path, offer_of: OfferOf, send: Send
) -> None:
    """After a power cut a part may have its length and not its bytes."""
    offer = offer_of({"a": b"0123456789"})
    with FileIntakeStore(tmp_path) as store:
        send(store, offer, b"01234")
    (tmp_path / "parts" / offer.files[0].sha256).write_bytes(b"\0\0\0\0\0")
    with FileIntakeStore(tmp_path) as store:
        assert offsets(store, offer) == {"a": 5}
        assert not send(store, offer, b"56789", 5)
        assert offsets(store, offer) == {"a": 0}
        assert send(store, offer, b"0123456789")
        assert store.commit(offer)
        assert store.refusals() == []


def test_a_complete_part_that_was_not_yet_named_is_found(tmp_path: Path, offer_of: OfferOf) -> None:
    offer = offer_of({"a": b"0123456789"})
    with FileIntakeStore(tmp_path) as store:
        (tmp_path / "parts" / offer.files[0].sha256).write_bytes(b"0123456789")
        assert store.needs(offer) == ()
        assert store.commit(offer)


def test_a_part_longer_than_the_file_is_begun_anew(tmp_path: Path, offer_of: OfferOf) -> None:
    offer = offer_of({"a": b"01"})
    with FileIntakeStore(tmp_path) as store:
        (tmp_path / "parts" / offer.files[0].sha256).write_bytes(b"0123456789")
        assert offsets(store, offer) == {"a": 0}


def test_more_bytes_than_were_offered_are_refused(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"a": b"0123"})
    with pytest.raises(ParcelRefusedError, match="a: more came than the 4 bytes"):
        send(store, offer, b"01234")


def test_a_file_that_was_not_offered_is_refused(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    chunk = Chunk(parcel="p1", sha256=offer_of({"b": b"2"}).files[0].sha256, offset=0)
    with pytest.raises(ParcelRefusedError, match="not offered"):
        store.append(offer_of({"a": b"1"}), chunk, b"2")


def test_one_hash_cannot_have_two_sizes(store: FileIntakeStore, offer_of: OfferOf, send: Send) -> None:
    offer = offer_of({"a": b"0123"})
    send(store, offer, b"0123")
    lying = offer.replace(parcel="p2", files=(offer.files[0].replace(bytes=5),))
    with pytest.raises(ParcelRefusedError, match="the manifest says 5 bytes, the file of that hash has 4"):
        store.needs(lying)


def test_a_scan_may_be_delivered_again_with_more_files(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    first = offer_of({"a": b"1"})
    send(store, first, b"1")
    store.commit(first)
    more = offer_of({"a": b"1", "results/2/report.html": b"<p>"})
    assert not store.holds(more)
    assert offsets(store, more) == {"results/2/report.html": 0}
    send(store, more, b"<p>", file=1)
    store.commit(more)
    assert [len(parcel.files) for parcel in store.parcels()] == [1, 2]


def test_a_repeated_commit_makes_no_second_parcel(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"a": b"1"})
    send(store, offer, b"1")
    assert store.commit(offer)
    assert store.commit(offer)
    assert len(store.parcels()) == 1


def test_a_lost_file_is_asked_for_again(store: FileIntakeStore, offer_of: OfferOf, send: Send) -> None:
    offer = offer_of({"a": b"1"})
    send(store, offer, b"1")
    store.commit(offer)
    store.path(offer.files[0].sha256).unlink()
    assert not store.holds(offer)
    assert offsets(store, offer) == {"a": 0}


def test_a_full_disk_is_not_the_parcels_fault(store: FileIntakeStore, offer_of: OfferOf, send: Send) -> None:
    content = b"x" * 300_000
    offer = offer_of({"a": content})
    assert send(store, offer, content[:100_000])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        with pytest.raises(NotNowError, match="File too large"):
            send(store, offer, content[100_000:], 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (offset,) = offsets(store, offer).values()
    assert 100_000 <= offset <= 150_000
    assert send(store, offer, content[offset:], offset)
    assert store.commit(offer)
    assert store.refusals() == []


def test_more_files_at_once_than_may_be_open(store: FileIntakeStore, offer_of: OfferOf, send: Send) -> None:
    contents = {f"f{number}": bytes([number]) * 10 for number in range(40)}
    offer = offer_of(contents)
    for half in (0, 5):
        for number, content in enumerate(contents.values()):
            assert send(store, offer, content[half : half + 5], half, file=number)
    assert store.commit(offer)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../../up", "a\0b", "./a", "a//b", "a/", "x" * 256]
)
def test_names_that_lead_elsewhere_are_no_names(name: str) -> None:
    with pytest.raises(ValidationError):
        ParcelFile(name=name, sha256="0" * 64, bytes=1)


@pytest.mark.parametrize(
    "sha256", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "../" + "0" * 61, "0" * 64 + "\n"]
)
def test_hashes_that_are_none(sha256: str) -> None:
    with pytest.raises(ValidationError):
        ParcelFile(name="a", sha256=sha256, bytes=1)


def test_two_files_of_one_name_are_no_parcel() -> None:
    file = ParcelFile(name="a", sha256="0" * 64, bytes=1)
    with pytest.raises(ValidationError, match="same name"):
        Offer(parcel="p", scan_id="s", files=(file, file))


def test_a_second_store_on_the_folder_is_told_that_it_is_busy(store: FileIntakeStore, tmp_path: Path) -> None:
    with pytest.raises(StationError) as caught:
        FileIntakeStore(tmp_path / "store").open()
    assert caught.value.code == "data_busy"


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "intake.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StationError, match="is damaged") as caught:
        FileIntakeStore(tmp_path).open()
    assert caught.value.code == "catalogue_corrupt"


def test_a_table_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    with FileIntakeStore(tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "intake.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StationError) as caught:
        FileIntakeStore(tmp_path).open()
    assert caught.value.code == "catalogue_drift"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StationError) as caught:
        FileIntakeStore(tmp_path / "file" / "store").open()
    assert caught.value.code == "data_unwritable"


def test_parts_that_are_put_away_for_others_are_not_read_again(
    store: FileIntakeStore, offer_of: OfferOf, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files are under way, the hash of each goes on where it was."""
    monkeypatch.setattr(parts, "OPEN_PARTS", 2)
    monkeypatch.setattr(parts, "hash_of", None)
    contents = {f"f{number}": bytes([number]) * 10 for number in range(20)}
    offer = offer_of(contents)
    for place in range(10):
        for number, content in enumerate(contents.values()):
            assert send(store, offer, content[place : place + 1], place, file=number)
    assert store.commit(offer)


def test_parts_that_are_forgotten_are_read_once_when_they_are_whole(
    store: FileIntakeStore, offer_of: OfferOf, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = parts.hash_of
    monkeypatch.setattr(parts, "KNOWN_PARTS", 2)
    monkeypatch.setattr(parts, "hash_of", lambda path: read.append(path.name) or whole(path))
    contents = {f"f{number}": bytes([number]) * 10 for number in range(5)}
    offer = offer_of(contents)
    for place in range(10):
        for number, content in enumerate(contents.values()):
            assert send(store, offer, content[place : place + 1], place, file=number)
    assert sorted(read) == sorted(file.sha256 for file in offer.files)
    assert store.commit(offer)


def test_threads_that_commit_the_same_parcel_write_it_once(
    store: FileIntakeStore, offer_of: OfferOf, send: Send
) -> None:
    offer = offer_of({"a": b"1"})
    send(store, offer, b"1")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: store.commit(offer), range(8)))
    assert len(store.parcels()) == 1
    assert [event.type for event in store.events_since(0)] == ["parcel.received"]


def test_a_round_that_fails_fails_for_each_of_its_parcels(
    store: FileIntakeStore, offer_of: OfferOf, send: Send, tmp_path: Path
) -> None:
    offer = offer_of({"a": b"1"})
    send(store, offer, b"1")
    folder = store.path(offer.files[0].sha256).parent
    folder.rmdir()
    folder.write_bytes(b"")
    with pytest.raises(NotNowError, match="the trainer's disk refused"):
        store.commit(offer)
    assert store.parcels() == []
