"""Results: numbered, apart from the stack, never overwritten."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from station.archive.results import ResultWriter, latest_result, read_result, result_numbers
from station.documents.fault import StationError
from station.documents.scan import ResultManifest, ScanManifest

Compute = Callable[[Path], ResultManifest]
Drafts = Callable[[Path], ResultManifest]
Store = Callable[..., tuple[ScanManifest, Path]]


def test_a_result_is_read_back(store: Store, drafts: Drafts) -> None:
    _, folder = store()
    assert latest_result(folder) is None
    writer = ResultWriter(folder)
    assert writer.number == 1
    normals = np.broadcast_to(np.float32([0, 0.6, 0.8]), (6, 5, 3))
    mask = np.eye(6, 5, dtype=bool)
    writer.add_array("normals", normals, "normals")
    writer.add_array("mask", mask)
    writer.add_file("report.html", b"<p>a report</p>")
    assert latest_result(folder) is None
    final = writer.commit(drafts(folder))
    assert [artifact.file for artifact in final.artifacts] == ["normals.tif", "mask.tif", "report.html"]
    stored = latest_result(folder)
    assert stored is not None
    assert stored.manifest == final == read_result(folder, 1).manifest
    np.testing.assert_allclose(stored.array("normals"), normals, atol=2e-5)
    np.testing.assert_array_equal(stored.array("mask"), mask)
    assert stored.array("mask").dtype == bool
    assert stored.content("report.html") == b"<p>a report</p>"
    with pytest.raises(KeyError):
        stored.array("height")


def test_a_second_result_stands_beside_the_first(store: Store, compute: Compute) -> None:
    _, folder = store()
    first, second = compute(folder), compute(folder)
    assert (first.number, second.number) == (1, 2)
    assert result_numbers(folder) == [1, 2]
    assert read_result(folder, 1).manifest == first
    newest = latest_result(folder)
    assert newest is not None
    assert newest.manifest == second


def test_ten_comes_after_nine(store: Store, compute: Compute) -> None:
    _, folder = store()
    (folder / "results" / "9").mkdir(parents=True)
    assert compute(folder).number == 10
    assert result_numbers(folder) == [9, 10]


def test_what_a_killed_computation_left_is_replaced(store: Store, compute: Compute) -> None:
    _, folder = store()
    left = folder / "results" / "1.part"
    left.mkdir(parents=True)
    (left / "albedo.tif").write_bytes(b"half")
    assert compute(folder).number == 1
    assert not left.exists()
    stored = read_result(folder, 1)
    assert stored.array("albedo").shape == (5, 4, 3)


def test_discard_leaves_nothing(store: Store) -> None:
    _, folder = store()
    writer = ResultWriter(folder)
    writer.add_file("report.html", b"x")
    writer.discard()
    assert list((folder / "results").iterdir()) == []


def test_a_result_of_another_stack_is_refused(store: Store, drafts: Drafts) -> None:
    _, folder = store()
    writer = ResultWriter(folder)
    writer.add_file("report.html", b"x")
    with pytest.raises(ValueError, match="another stack"):
        writer.commit(drafts(folder).replace(parent_sha256="0" * 64))
    with pytest.raises(ValueError, match="another stack"):
        writer.commit(drafts(folder).replace(scan_id="0" * 32))
    writer.discard()


@pytest.mark.parametrize("name", ["report.html", "manifest.json", "../x", "a/b", "", ".hidden", "a\n"])
def test_a_name_is_plain_and_used_once(store: Store, name: str) -> None:
    _, folder = store()
    writer = ResultWriter(folder)
    writer.add_file("report.html", b"x")
    with pytest.raises(ValueError, match="plain file name"):
        writer.add_file(name, b"y")
    writer.discard()


def test_damage_is_noticed_when_the_file_is_read(store: Store, compute: Compute) -> None:
    _, folder = store()
    compute(folder)
    (folder / "results/1/report.html").write_bytes(b"<p>a rep0rt</p>")
    (folder / "results/1/albedo.tif").unlink()
    stored = read_result(folder, 1)
    with pytest.raises(StationError, match=r"report\.html") as caught:
        stored.content("report.html")
    assert caught.value.code == "scan_unreadable"
    with pytest.raises(StationError, match=r"albedo\.tif"):
        stored.array("albedo")


@pytest.mark.parametrize("change", [{"number": 2}, {"scan_id": "f" * 32}, {"schema_version": 9}])
def test_a_manifest_of_something_else_is_refused(store: Store, compute: Compute, change: dict) -> None:
    _, folder = store()
    compute(folder)
    path = folder / "results/1/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StationError, match=r"results/1/manifest\.json") as caught:
        latest_result(folder)
    assert caught.value.code == "scan_unreadable"


def test_an_artifact_outside_the_folder_is_refused(store: Store, compute: Compute) -> None:
    _, folder = store()
    compute(folder)
    path = folder / "results/1/manifest.json"
    path.write_text(path.read_text().replace('"report.html"', '"../../manifest.json"'))
    with pytest.raises(StationError, match="outside its folder"):
        read_result(folder, 1)


def test_a_missing_result_is_named(store: Store) -> None:
    _, folder = store()
    with pytest.raises(StationError, match=r"results/3/manifest\.json"):
        read_result(folder, 3)
