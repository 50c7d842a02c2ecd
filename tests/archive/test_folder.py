"""Scan folders: whole or not there, and what was changed behind our back is noticed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from station.archive.folder import (
    ScanWriter,
    check_stack,
    read_manifest,
    read_stack,
    scan_folder,
    scan_folders,
)
from station.documents.fault import StationError
from station.documents.ids import new_id
from station.documents.scan import ScanManifest

Manifests = Callable[..., ScanManifest]
Pictures = Callable[..., np.ndarray]
Store = Callable[..., tuple[ScanManifest, Path]]

CREATED = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("shape", [(70, 50), (70, 50, 3)])
def test_what_is_stored_is_read_back(
    root: Path, pictures: Pictures, manifests: Manifests, dtype: str, shape: tuple[int, ...]
) -> None:
    writer = ScanWriter(root, new_id(), CREATED)
    frames = [pictures(k, shape, dtype) for k in range(3)]
    records = [
        writer.add_frame(light, frame, exposure_us=100, sequence=7, timestamp_s=1.25, lit_s=1.0, attempts=2)
        for light, frame in zip((None, 0, 5), frames, strict=True)
    ]
    assert [record.file for record in records] == ["ambient.tif", "light-0.tif", "light-5.tif"]
    folder = writer.commit(manifests(writer, records))
    assert folder == root / "scans/2026/11/22" / writer.scan_id
    manifest, stack = read_stack(folder)
    assert manifest == manifests(writer, records)
    assert [frame.dtype for frame in stack] == [np.dtype(dtype)] * 3
    for stored, taken in zip(stack, frames, strict=True):
        np.testing.assert_array_equal(stored, taken)


def test_brackets_of_one_light_get_their_own_files(root: Path, pictures: Pictures) -> None:
    writer = ScanWriter(root, new_id(), CREATED)
    names = [
        writer.add_frame(light, pictures(0), exposure_us=us, sequence=1, timestamp_s=0).file
        for light, us in ((1, 100), (1, 400), (1, 1600), (11, 100))
    ]
    assert names == ["light-1.tif", "light-1.2.tif", "light-1.3.tif", "light-11.tif"]
    writer.discard()


def test_nothing_is_visible_before_commit_nor_after_discard(root: Path, pictures: Pictures) -> None:
    writer = ScanWriter(root, new_id(), CREATED)
    assert not root.exists()
    writer.add_frame(None, pictures(0), exposure_us=1, sequence=1, timestamp_s=0)
    assert list(scan_folders(root)) == []
    assert len(list(root.glob("scans/*/*/*/*.part/*.tif"))) == 1
    writer.discard()
    writer.discard()
    assert list(root.glob("scans/*/*/*/*")) == []


def test_a_manifest_of_other_frames_is_refused(root: Path, pictures: Pictures, manifests: Manifests) -> None:
    writer = ScanWriter(root, new_id(), CREATED)
    record = writer.add_frame(None, pictures(0), exposure_us=1, sequence=1, timestamp_s=0)
    for records in ([], [record, record], [record.replace(sha256="0" * 64)]):
        with pytest.raises(ValueError, match="does not describe"):
            writer.commit(manifests(writer, records))
    other = manifests(writer, [record]).replace(id=new_id())
    with pytest.raises(ValueError, match="does not describe"):
        writer.commit(other)
    writer.commit(manifests(writer, [record]))


def test_a_scan_is_never_overwritten(root: Path, store: Store, pictures: Pictures) -> None:
    manifest, folder = store()
    writer = ScanWriter(root, manifest.id, datetime.fromisoformat(manifest.created))
    with pytest.raises(ValueError, match="exists already"):
        writer.add_frame(None, pictures(0), exposure_us=1, sequence=1, timestamp_s=0)
    writer.discard()
    assert read_stack(folder)[0] == manifest


@pytest.mark.parametrize("scan_id", ["", "../../etc/passwd", "0" * 31, "G" * 32, "0" * 32 + "/x"])
def test_an_identity_is_no_path(root: Path, scan_id: str) -> None:
    with pytest.raises(ValueError, match="identity"):
        scan_folder(root, scan_id, CREATED)


def test_a_time_without_its_zone_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        scan_folder(root, new_id(), CREATED.replace(tzinfo=None))


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8)])
def test_other_pixels_are_refused(root: Path, pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a frame is"):
        ScanWriter(root, new_id(), CREATED).add_frame(0, pixels, exposure_us=1, sequence=1, timestamp_s=0)


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _edit(path: Path, change: Callable[[dict], object]) -> None:
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


DAMAGES = {
    "flipped bit": ("light-0.tif", lambda folder: _flip_a_byte(folder / "light-0.tif")),
    "frame missing": ("light-0.tif", lambda folder: (folder / "light-0.tif").unlink()),
    "frame is a folder": (
        "light-0.tif",
        lambda folder: ((folder / "light-0.tif").unlink(), (folder / "light-0.tif").mkdir()),
    ),
    "frame cut": ("ambient.tif", lambda folder: (folder / "ambient.tif").write_bytes(b"")),
    "no manifest": ("manifest.json", lambda folder: (folder / "manifest.json").unlink()),
    "manifest cut": ("manifest.json", lambda folder: (folder / "manifest.json").write_text('{"id": ')),
    "manifest of a later form": (
        "manifest.json",
        lambda folder: _edit(folder / "manifest.json", lambda tree: tree.update(schema_version=2)),
    ),
    "shape changed": (
        "ambient.tif",
        lambda folder: _edit(folder / "manifest.json", lambda tree: tree["frames"][0].update(shape=[5, 5])),
    ),
    "type changed": (
        "ambient.tif",
        lambda folder: _edit(folder / "manifest.json", lambda tree: tree["frames"][0].update(dtype="uint16")),
    ),
    "path out of the folder": (
        "manifest.json",
        lambda folder: _edit(
            folder / "manifest.json", lambda tree: tree["frames"][0].update(file="../x.tif")
        ),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_the_file_named(store: Store, damage: str) -> None:
    _, folder = store()
    name, harm = DAMAGES[damage]
    harm(folder)
    with pytest.raises(StationError, match=name.replace(".", r"\.")) as caught:
        read_stack(folder)
    assert caught.value.code == "scan_unreadable"


def test_a_quick_check_sees_missing_files_and_a_full_one_changed_bytes(store: Store) -> None:
    _, folder = store()
    _flip_a_byte(folder / "light-1.tif")
    check_stack(folder, hashes=False)
    with pytest.raises(StationError, match=r"light-1\.tif"):
        check_stack(folder, hashes=True)
    (folder / "light-1.tif").unlink()
    with pytest.raises(StationError, match=r"light-1\.tif"):
        check_stack(folder, hashes=False)


def test_a_manifest_in_another_scans_folder_is_noticed(store: Store) -> None:
    _, folder = store()
    moved = folder.rename(folder.with_name("0" * 32))
    with pytest.raises(StationError, match="another scan"):
        check_stack(moved, hashes=False)


def test_a_manifest_with_more_in_it_than_we_know_is_read(store: Store) -> None:
    manifest, folder = store()
    _edit(folder / "manifest.json", lambda tree: tree.update(invented_later=[1, 2]))
    assert read_manifest(folder) == manifest
