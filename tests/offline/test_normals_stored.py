"""A stored scan computed again: the same surface as its own result, and exports that say the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from station.archive.results import latest_result
from station.calibrate.profile import load_profile
from station.config import Settings
from station.documents.normals import NormalsReport
from station.documents.scan import Outline
from station.exchange.dome import read_dome
from station.exchange.ptm import read_ptm
from station.offline.normals.request import Request, exports_of
from station.offline.normals.run import run
from station.offline.normals.stored_light import relighting_of
from station.offline.truth import angles_deg
from station.scan.pipeline import CARD_THICKNESS_MM, Stack

TWIN = Path(__file__).parents[2] / "calibration" / "twin.toml"
[STORED] = (Path(__file__).parents[1] / "fixtures" / "daemon-v1").iterdir()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("again") / "out"


@pytest.fixture(scope="module")
def report(out: Path) -> NormalsReport:
    """Of the scan, found by the beginning of its identity."""
    data = out.parent / "data"
    shutil.copytree(STORED, data / "scans" / "2026" / "11" / "23" / STORED.name)
    settings = Settings.model_validate({"station": {"data": data}})
    request = Request(STORED.name[:8], out, exports=exports_of("lp,dome,ptm"))
    return run(request, settings, lambda _: None, lambda _: None)


def test_it_is_the_surface_that_was_stored(report: NormalsReport, out: Path) -> None:
    stored = latest_result(STORED)
    assert stored is not None
    normals = np.load(out / "normals.npy")
    both = np.isfinite(normals[..., 0]) & stored.array("valid").astype(bool)
    assert both.mean() > 0.9
    assert np.median(angles_deg(normals, stored.array("normals"))[both]) < 0.5
    assert np.abs(np.load(out / "height.npy") - stored.array("height_mm"))[both].mean() < 0.02
    assert report.unit == "mm"
    assert report.pitch == pytest.approx(88 / report.shape[0], rel=0.01)
    assert report.figures.valid_percent > 99
    assert report.input.profile == "twin"
    assert [light.number for light in report.input.lights] == list(range(8))


def test_its_pictures_and_lights_give_the_same_surface_again(
    report: NormalsReport, out: Path, tmp_path: Path
) -> None:
    """The way to RelightLab and back; lights taken for far, so that the card's slope errs a little."""
    request = Request(str(out / "lights.lp"), tmp_path / "loop", gamma="srgb", pixel_mm=report.pitch)
    run(request, Settings(), lambda _: None, lambda _: None)
    once, again = np.load(out / "normals.npy"), np.load(tmp_path / "loop" / "normals.npy")
    both = np.isfinite(once[..., 0]) & np.isfinite(again[..., 0])
    assert np.median(angles_deg(once, again)[both]) < 1.0
    albedo = np.nanmedian(np.abs(np.load(out / "albedo.npy") - np.load(tmp_path / "loop" / "albedo.npy")))
    assert albedo < 0.02


def test_lights_stand_around_the_card_in_its_own_frame(report: NormalsReport, out: Path) -> None:
    dome = read_dome(out / "lights.dome")
    assert dome.configuration == "lights3d"
    assert dome.positions_mm is not None
    assert dome.image_width_mm == pytest.approx(63, abs=report.pitch)
    places = np.array([light.vector for light in report.input.lights])
    distance = np.linalg.norm(dome.positions_mm, axis=1)
    assert np.abs(distance - np.linalg.norm(places, axis=1)).max() < 10  # the card lies off centre by less
    np.testing.assert_allclose(dome.directions, dome.positions_mm / distance[:, None], atol=1e-6)


def test_the_lights_of_a_card_that_lies_askew_are_turned_with_it() -> None:
    """Its right-hand side points up the mat, so a light at the mat's right is at the card's bottom."""
    profile = load_profile("twin")
    corners = ((-34.0, -21.5), (-34.0, 41.5), (54.0, 41.5), (54.0, -21.5))  # its middle at (10, 10)
    outline = Outline(corners_mm=corners, width_mm=63, height_mm=88, rotation_deg=90, residual_mm=0)
    dark = np.zeros((2, 3, 3), np.uint8)
    light = relighting_of(Stack(dark, (dark,) * 8, tuple(range(8)), 1), profile, outline, 75)
    for place, turned in zip(profile.profile.lights, light.positions_mm, strict=True):
        x, y, z = place.position_mm
        assert turned == pytest.approx((y - 10, 10 - x, z - CARD_THICKNESS_MM))


def test_the_relightable_picture_shows_the_card(report: NormalsReport, out: Path) -> None:
    ptm = read_ptm(out / "relight.ptm")
    albedo, dome = np.load(out / "albedo.npy"), read_dome(out / "lights.dome")
    facing = dome.directions[0, 2]
    linear = np.clip(np.nan_to_num(albedo) * facing, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    error = np.abs(ptm.relit(dome.directions[0]) / 255 - shown)[np.isfinite(albedo[..., 0])]
    assert np.median(error) < 0.02


def test_pictures_of_an_earlier_run_are_taken_away_and_others_are_not(out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(out, again)
    (again / "light-left.png").touch()
    request = Request(str(STORED), again, lights=(0, 1, 2, 3), exports=exports_of("lp"), force=True)
    run(request, Settings(), lambda _: None, lambda _: None)
    kept = {path.name for path in again.glob("light-*")}
    assert kept == {"light-left.png", "light-0.png", "light-1.png", "light-2.png", "light-3.png"}


def test_fewer_lights_are_enough(tmp_path: Path) -> None:
    request = Request(str(STORED), tmp_path / "out", lights=(0, 2, 4, 6), estimator="least-squares")
    report = run(request, Settings(), lambda _: None, lambda _: None)
    assert [light.number for light in report.input.lights] == [0, 2, 4, 6]
    assert report.figures.valid_percent > 99


def test_colours_are_those_of_the_profiles_chart(report: NormalsReport, out: Path, tmp_path: Path) -> None:
    """The same scan with a profile whose matrix exchanges red and blue, and the note that says so."""
    own = tmp_path / "coloured.toml"
    text = TWIN.read_text("utf-8").replace(
        "[camera]", "[camera]\ncolour = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]", 1
    )
    own.write_text(text, "utf-8")
    shutil.copy(TWIN.with_suffix(".npz"), tmp_path)
    request = Request(str(STORED), tmp_path / "swapped", profile=str(own), exports=exports_of("ptm"))
    notes = run(request, Settings(), lambda _: None, lambda _: None).notes
    assert any("colour chart" in note for note in notes)
    assert not any("colour chart" in note for note in report.notes)
    before, after = (np.load(folder / "albedo.npy") for folder in (out, tmp_path / "swapped"))
    assert np.allclose(after, before[..., ::-1], atol=1e-6, equal_nan=True)
    lit, relit = (
        read_ptm(folder / "relight.ptm").relit(np.array([0.0, 0.0, 1.0]))
        for folder in (out, tmp_path / "swapped")
    )
    assert np.median(np.abs(relit - lit[..., ::-1])) < 4 < np.median(np.abs(relit - lit))
