"""A stored stack computed again: a further result by the profile that is named, and what is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station.archive.catalogue import Place
from station.archive.folder import MANIFEST
from station.archive.results import read_result, result_numbers
from station.calibrate.profile import LoadedProfile, load_profile
from station.calibrate.store import save
from station.documents.fault import StationError
from station.scan.reprocess import select
from station.scan.stored import compute_stored

[STORED] = (Path(__file__).parents[1] / "fixtures" / "daemon-v1").iterdir()
TWIN = load_profile("twin")
OTHER = "01a207e71b077f4d8b5247075aa2e962"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what the first release stored, with its result."""
    copy = tmp_path / "scans" / STORED.name
    shutil.copytree(STORED, copy)
    return copy


@pytest.fixture
def places(folder: Path, tmp_path: Path) -> dict[str, Place]:
    return {folder.name: Place("processed", folder.relative_to(tmp_path).as_posix(), "")}


@pytest.fixture
def better(tmp_path: Path) -> LoadedProfile:
    """The twin's profile, named otherwise and with a flat field a tenth brighter."""
    document = TWIN.profile.replace(name="better")
    path = save(tmp_path / "profiles", document, {"flat": TWIN.flat * TWIN.flat.dtype.type(1.1)})
    return load_profile(str(path))


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Alter the manifest of a stored scan."""
    path = folder / MANIFEST
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


def test_a_further_result_names_its_profile_and_the_former_one_keeps_every_byte(
    folder: Path, better: LoadedProfile
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    compute_stored(folder, TWIN)
    made = compute_stored(folder, better)
    assert {path: path.read_bytes() for path in before} == before
    assert result_numbers(folder) == [1, 2, 3]
    assert (made.number, made.profile, made.profile_sha256) == (3, "better", better.sha256)
    assert better.sha256.encode() in read_result(folder, 3).content("report.html")
    second, third = (read_result(folder, number) for number in (2, 3))
    assert second.manifest.profile_sha256 == TWIN.sha256
    inside = second.array("valid") & third.array("valid")
    ratio = third.array("albedo")[inside].mean() / second.array("albedo")[inside].mean()
    assert ratio == pytest.approx(1 / 1.1, rel=0.02)  # the other profile really was at work


def test_all_leaves_out_what_the_profile_has_computed_and_a_named_scan_is_computed_again(
    folder: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    first = select(tmp_path, places, None, TWIN)
    assert (first.scans, first.left_out) == ((folder.name,), ())
    compute_stored(folder, TWIN)
    again = select(tmp_path, places, None, TWIN)
    assert again.scans == ()
    assert "result 2 is by this profile" in again.left_out[0].why
    assert select(tmp_path, places, (folder.name[:8],), TWIN).scans == (folder.name,)


def test_a_scan_is_named_by_as_much_of_its_identity_as_it_takes(
    folder: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    twice = {**places, OTHER: places[folder.name]}
    for wanted, said in ((folder.name[:10], "2 scans"), ("ffffffff", "no scans"), ("01a", "no scans")):
        with pytest.raises(StationError, match=f"{said} have an identity like {wanted}") as refused:
            select(tmp_path, twice, (wanted,), TWIN)
        assert refused.value.code == "not_found"
    assert select(tmp_path, places, (folder.name, folder.name[:9]), TWIN).scans == (folder.name,)


def cropped(tree: dict[str, Any]) -> None:
    tree["frames"][0]["shape"] = [308, 308, 3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree["provenance"].update(simulated=False, board="ATmega328P"), "rig's is ATmega"),
        (lambda tree: tree["plan"].update(lights=[0, 1, 9]), "knows lights 0 to 7, not light 9"),
        (cropped, "not 308 x 308"),
    ],
)
def test_a_stack_of_another_rig_is_refused_in_one_sentence(
    change: Callable[[dict[str, Any]], Any], said: str, folder: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    changed(folder, change)
    with pytest.raises(StationError, match="was taken by another rig") as refused:
        select(tmp_path, places, (folder.name,), TWIN)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    found = select(tmp_path, places, None, TWIN)
    assert found.scans == ()
    assert said in found.left_out[0].why


def test_what_has_no_stack_or_cannot_be_read_is_said(
    folder: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    gone = {OTHER: Place("failed", "", ""), folder.name: replace_place(places[folder.name], "a file is gone")}
    whys = [one.why for one in select(tmp_path, gone, None, TWIN).left_out]
    assert whys == [f"scan {OTHER} has no stored stack", "a file is gone"]


def replace_place(place: Place, unreadable: str) -> Place:
    return place._replace(unreadable=unreadable)


def test_a_computation_that_fails_leaves_no_result(folder: Path) -> None:
    blind = replace(TWIN, profile=TWIN.profile.replace(lights=TWIN.profile.lights[:4]), flat=TWIN.flat[:4])
    with pytest.raises(StationError, match="the profile knows 4"):
        compute_stored(folder, blind)
    assert result_numbers(folder) == [1]
