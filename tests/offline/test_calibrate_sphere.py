"""`station calibrate sphere` and `station calibrate import`: from files to files, and what they refuse."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from station.calibrate.profile import load_profile
from station.calibrate.store import profiles_folder
from station.cli import calibrate_foreign
from station.cli.app import Context
from station.cli.calibrate_foreign_faces import import_text, sphere_text
from station.config import Settings
from station.documents.fault import StationError
from station.exchange.dome import Dome, write_dome
from station.exchange.lp import read_lp, write_lp
from station.offline.calibrating import importing
from station.offline.calibrating import sphere as work
from station.offline.calibrating.sphere import SphereRequest
from tests.calibrate.spheres.chrome import Chrome, apart_deg, lamps

TWIN = str(Path(__file__).parents[2] / "calibration" / "twin.toml")


@pytest.fixture
def chrome(tmp_path: Path) -> Path:
    """A folder of eleven pictures, ball-1 to ball-11."""
    return store(tmp_path / "chrome", Chrome(lights=lamps(11)))


def store(folder: Path, scene: Chrome, *, mask: bool = False, deep: bool = False) -> Path:
    """Write the scene's pictures."""
    folder.mkdir()
    for number, picture in enumerate(scene.pictures(), 1):
        codes = picture.astype(np.uint16) * 257 if deep else picture
        cv2.imwrite(str(folder / f"ball-{number}.png"), codes)
    if mask:
        cv2.imwrite(str(folder / "ball.mask.png"), scene.mask().astype(np.uint8) * 255)
    return folder


def directions(path: Path) -> np.ndarray:
    """Of a light list whose pictures are there."""
    return np.array([picture.vector for picture in read_lp(path)])


def refused(request: SphereRequest, code: str, words: str) -> None:
    """The run ends with this error, in one sentence, and writes nothing."""
    with pytest.raises(StationError, match=words) as caught:
        work.run(request)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert not request.out.exists()


def test_a_folder_becomes_a_list_in_the_order_in_which_people_count(chrome: Path) -> None:
    out = chrome / "lights.lp"
    report = work.run(SphereRequest(chrome, out))
    assert [picture.path.name for picture in read_lp(out)] == [f"ball-{n}.png" for n in range(1, 12)]
    assert apart_deg(directions(out), lamps(11)).max() < 0.3
    assert [light.picture for light in report.lights] == [f"ball-{n}.png" for n in range(1, 12)]
    assert report.hint is None
    assert report.findings == ()


def test_the_list_lies_anywhere_and_names_the_object_s_pictures_on_demand(
    chrome: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "a" / "b.lp"
    elsewhere.parent.mkdir()
    work.run(SphereRequest(chrome, elsewhere))
    assert next(picture.path.resolve() for picture in read_lp(elsewhere)) == chrome / "ball-1.png"
    statue = store(tmp_path / "statue", Chrome(lights=lamps(11)))
    work.run(SphereRequest(chrome, elsewhere, pictures=statue))
    assert [picture.path.resolve() for picture in read_lp(elsewhere)][10] == statue / "ball-11.png"


def test_a_mask_in_the_folder_is_no_picture_and_sixteen_bits_are_read(tmp_path: Path) -> None:
    folder = store(tmp_path / "deep", Chrome(), mask=True, deep=True)
    report = work.run(SphereRequest(folder, tmp_path / "out.lp"))
    assert len(report.lights) == 8
    assert report.hint == str(folder / "ball.mask.png")
    assert apart_deg(np.array([light.direction for light in report.lights]), lamps()).max() < 0.3


def test_another_list_is_checked_by_the_pictures_names(chrome: Path, tmp_path: Path) -> None:
    own, other = tmp_path / "own.lp", tmp_path / "other.lp"
    work.run(SphereRequest(chrome, own))
    rows = [(f"/somewhere/ball-{n}.png", tuple(row)) for n, row in enumerate(lamps(11).tolist(), 1)]
    write_lp(other, sorted(rows))  # by letters: 10 before 2
    assert work.run(SphereRequest(chrome, own, check=other)).differences == ()
    write_lp(other, [(name, (x, -y, z)) for name, (x, y, z) in rows])
    report = work.run(SphereRequest(chrome, own, check=other))
    assert [finding.kind for finding in report.differences] == ["mirrored"]
    assert "their y axis points down" in " ".join(sphere_text(report).split())


def test_the_table_says_direction_and_doubt_of_each_light(chrome: Path, tmp_path: Path) -> None:
    text = sphere_text(work.run(SphereRequest(chrome, tmp_path / "out.lp")))
    rows = re.findall(
        r"^ +\d+  ball-\d+\.png +(-?\d\.\d{4}) +(-?\d\.\d{4}) +(-?\d\.\d{4}) +\d\.\d\d°  [\d.]+, ", text, re.M
    )
    assert apart_deg(np.array(rows, float), lamps(11)).max() < 0.3
    assert "radius 62.4" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.lp"
    refused(SphereRequest(tmp_path / "none", out), "source_unreadable", "none cannot be read: No such file")
    (tmp_path / "notes.txt").write_text("nothing")
    refused(SphereRequest(tmp_path, out), "source_unreadable", "holds no pictures")


def test_two_lights_are_refused(tmp_path: Path) -> None:
    folder = store(tmp_path / "two", Chrome(lights=lamps(2)))
    refused(SphereRequest(folder, tmp_path / "out.lp"), "source_unreadable", "holds 2 pictures of a sphere")


def test_pictures_and_masks_of_other_sizes_are_refused(chrome: Path, tmp_path: Path) -> None:
    out, small = tmp_path / "out.lp", tmp_path / "small.png"
    cv2.imwrite(str(small), np.full((90, 105), 255, np.uint8))
    words = "small.png is 105 x 90 pixels large, and the pictures are 210 x 180"
    refused(SphereRequest(chrome, out, mask=small), "source_unreadable", words)
    cv2.imwrite(str(chrome / "ball-4.png"), np.zeros((90, 105), np.uint8))
    words = "ball-4.png is 105 x 90 pixels large, and ball-1.png is 210 x 180"
    refused(SphereRequest(chrome, out), "source_unreadable", words)


def test_pictures_without_a_sphere_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 30, (120, 160), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), noise)
    refused(SphereRequest(folder, tmp_path / "out.lp"), "calibration_failed", "no sphere was found")


def test_a_picture_without_a_reflection_is_refused_by_name(chrome: Path, tmp_path: Path) -> None:
    dark = Chrome(lights=lamps(11), strength=0.0).pictures()[6]
    cv2.imwrite(str(chrome / "ball-7.png"), dark)
    refused(SphereRequest(chrome, tmp_path / "out.lp"), "calibration_failed", "no light in ball-7.png$")


def test_lists_and_folders_of_other_lengths_are_refused(chrome: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out.lp", tmp_path / "other.lp"
    write_lp(other, [("a.png", (0.0, 0.0, 1.0))])
    refused(SphereRequest(chrome, out, check=other), "option_invalid", "lists 1 lights, and there are 11")
    statue = store(tmp_path / "statue", Chrome(lights=lamps(4)))
    refused(SphereRequest(chrome, out, pictures=statue), "option_invalid", "statue holds 4 pictures, and")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a station whose data is its own."""
    return Settings.model_validate({"station": {"data": str(tmp_path / "data")}})


def ring_mm() -> np.ndarray:
    """Eight places of a dome."""
    turn = (np.arange(8) + 0.5) * np.pi / 4
    return np.stack([140 * np.cos(turn), 140 * np.sin(turn), np.full(8, 150.0)], axis=1)


def listed(path: Path, vectors: np.ndarray) -> Path:
    """A light list of pictures that are elsewhere."""
    write_lp(path, [(f"there/{n}.jpg", (x, y, z)) for n, (x, y, z) in enumerate(vectors.tolist())])
    return path


Import = Callable[..., tuple[list[str], np.ndarray]]


@pytest.fixture
def imported(settings: Settings) -> Import:
    """`imported(file, ...)`: the kinds of the findings, and the places in the profile as it loads."""

    def call(file: Path, **options: object) -> tuple[list[str], np.ndarray]:
        report = importing.run(importing.ImportRequest(file, "foreign", **options), settings)  # type: ignore[arg-type]
        loaded = load_profile(report.name, profiles_folder(settings))
        assert loaded.profile.measured is False
        assert loaded.profile.calibration.verdict == "not_assessed"
        assert loaded.profile.calibration.findings == report.findings
        assert import_text(report).endswith(report.written)
        return [one.kind for one in report.findings], np.array(
            [light.position_mm for light in loaded.profile.lights]
        )

    return call


def test_places_of_a_dome_become_a_profile(imported: Import, tmp_path: Path) -> None:
    file = tmp_path / "rig.dome"
    unit = ring_mm() / np.linalg.norm(ring_mm(), axis=1, keepdims=True)
    write_dome(file, Dome(unit, ring_mm(), image_width_mm=100.0, configuration="lights3d"))
    kinds, places = imported(file, like=TWIN)
    assert kinds == []
    assert places == pytest.approx(ring_mm())


def test_a_profile_without_a_camera_of_its_own_says_so(
    imported: Import, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "rig.dome"
    unit = ring_mm() / np.linalg.norm(ring_mm(), axis=1, keepdims=True)
    adjust = np.ones((8, 3))
    adjust[2] = 2.0
    write_dome(file, Dome(unit, ring_mm(), image_width_mm=100.0, led_adjust=adjust))
    assert imported(file)[0] == ["not_covered"]
    loaded = load_profile("foreign", profiles_folder(settings))
    fx, width = loaded.profile.camera.matrix[0], loaded.profile.camera.width_px
    assert 400.0 * width / fx == pytest.approx(100.0)
    assert loaded.profile.lights[2].power == (0.5, 0.5, 0.5)
    middle = loaded.flat[:, 20, 16, 0]
    assert middle[2] / middle[3] == pytest.approx(0.5, rel=0.02)


def test_directions_are_put_at_a_distance_and_that_is_said(imported: Import, tmp_path: Path) -> None:
    file = listed(tmp_path / "lights.lp", 0.001 * ring_mm())
    kinds, places = imported(file, distance_mm=220.0, like=TWIN)
    assert kinds == ["poor_scale"]
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.full(8, 220.0))
    _, places = imported(file)
    assert np.linalg.norm(places, axis=1) == pytest.approx(np.full(8, 250.0))
    kinds, places = imported(listed(tmp_path / "mm.lp", ring_mm()), positions=True, like=TWIN)
    assert kinds == []
    assert places == pytest.approx(ring_mm())


def test_what_is_odd_about_a_list_is_said(imported: Import, tmp_path: Path) -> None:
    centimetres = listed(tmp_path / "cm.lp", ring_mm() / 10)
    assert imported(centimetres, positions=True, like=TWIN)[0] == ["poor_scale"]
    flipped = listed(tmp_path / "flipped.lp", np.roll(ring_mm(), 1, 0)[[0, 1, 2, 3, 4, 5, 7, 6]])
    assert imported(flipped, positions=True, like=TWIN)[0] == ["swapped"]
    twice = ring_mm()
    twice[4] = twice[3]
    assert "disagree" in imported(listed(tmp_path / "twice.lp", twice), positions=True, like=TWIN)[0]
    fewer = listed(tmp_path / "fewer.lp", ring_mm()[:6])
    assert imported(fewer, positions=True, like=TWIN)[0] == ["disagree"]


@pytest.mark.parametrize(
    ("vectors", "options", "words"),
    [
        (ring_mm()[:2], {}, "lists 2 lights"),
        (ring_mm() * (1, 1, -1), {}, "light 0, 1, 2, 3, 4, 5, 6, 7 lies at or below the card"),
        (ring_mm(), {"distance_mm": 5.0}, "--distance-mm 5 is not between 60 and 3000"),
        (ring_mm(), {"like": "no-such"}, "there is no rig profile named no-such"),
    ],
    ids=["two", "below", "near", "like"],
)
def test_a_list_that_cannot_be_a_rig_is_refused(
    imported: Import, tmp_path: Path, vectors: np.ndarray, options: dict[str, object], words: str
) -> None:
    with pytest.raises(StationError, match=words):
        imported(listed(tmp_path / "lights.lp", vectors), **options)


def test_a_file_of_another_kind_is_refused(imported: Import, tmp_path: Path) -> None:
    with pytest.raises(StationError, match="neither a light list"):
        imported(tmp_path / "lights.txt")


def test_both_faces_answer_from_the_command_line(chrome: Path, settings: Settings, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command("sphere", help=calibrate_foreign.SPHERE_HELP)(calibrate_foreign.sphere)
    app.command("import", help=calibrate_foreign.IMPORT_HELP)(calibrate_foreign.import_lights)
    context = Context(None)
    context._settings = settings
    out = tmp_path / "out.lp"
    found = CliRunner().invoke(app, ["sphere", str(chrome), "--out", str(out)], obj=context)
    assert found.exit_code == 0, found.output
    assert "11 pictures" in " ".join(found.output.split())
    made = CliRunner().invoke(app, ["import", str(out), "--out", "mine", "--distance-mm", "200"], obj=context)
    assert made.exit_code == 0, made.output
    assert (profiles_folder(settings) / "mine.toml").is_file()
