"""From files to maps: every kind of picture and option, on a scene whose shape is known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from scipy.io import savemat

from station.config import Settings
from station.documents.normals import NormalsReport
from station.exchange.codes import codes_to_normals
from station.exchange.dome import read_dome
from station.exchange.lp import read_lp, write_lp
from station.exchange.pictures import read_picture
from station.exchange.ptm import read_ptm
from station.offline.normals.request import Request, exports_of, lights_of
from station.offline.normals.run import run

PITCH_MM = 0.5


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def notes() -> list[str]:
    """What the user was told in the last run."""
    return []


@pytest.fixture
def compute(out: Path, notes: list[str]) -> Callable[..., NormalsReport]:
    """`compute(source, **options)` writes into `out`."""

    def call(source: Path, **options: Any) -> NormalsReport:
        notes.clear()
        request = Request(str(source), out, **{"pixel_mm": PITCH_MM, "force": True, **options})
        return run(request, Settings(), lambda _: None, notes.append)

    return call


def error_deg(out: Path, true: np.ndarray) -> np.ndarray:
    found = np.load(out / "normals.npy").astype(float)
    across = np.linalg.norm(np.cross(found, true), axis=2)
    return np.degrees(np.arctan2(across, (found * true).sum(axis=2)))


def test_the_shape_is_found_with_right_right_up_up_and_height_in_mm(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path
) -> None:
    scene = make_scene()
    report = compute(scene.store(tmp_path / "in"))
    assert np.nanmax(error_deg(out, scene.normals)) < 0.5
    height = np.load(out / "height.npy")
    true = scene.height_mm - scene.height_mm.mean()
    assert np.abs(height - true).max() < 0.02
    assert (report.unit, report.pitch) == ("mm", PITCH_MM)
    albedo = np.nanmedian(np.load(out / "albedo.npy"), axis=(0, 1))
    np.testing.assert_allclose(albedo, np.array(scene.colour) * 60000 / 65535, rtol=0.01)
    assert report.figures.valid_percent == 100
    assert report.figures.noise_codes == pytest.approx(20, rel=0.15)
    assert report.figures.chi2_median < 1.3
    sigma = np.median(np.load(out / "sigma_deg.npy"))
    assert np.nanmean(error_deg(out, scene.normals)) < 3 * sigma


@pytest.mark.parametrize("sign", [(-1, 1, 1), (1, -1, 1)])
def test_lights_from_the_other_side_turn_the_normals(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path, sign: tuple[int, int, int]
) -> None:
    """A swap of left and right, or of up and down, between pictures and lights cannot go unnoticed."""
    scene = make_scene()
    path = scene.store(tmp_path / "in")
    write_lp(path, [(one.path.name, tuple(np.array(one.vector) * sign)) for one in read_lp(path)])
    compute(path)
    assert np.nanmax(error_deg(out, scene.normals * sign)) < 0.5
    assert np.nanmax(error_deg(out, scene.normals)) > 10


def test_the_png_files_show_what_the_float_files_hold(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path
) -> None:
    report = compute(make_scene().store(tmp_path / "in"))
    shown, known = codes_to_normals(read_picture(out / "normals.png").codes)
    assert known.all()
    assert np.degrees(np.linalg.norm(shown - np.load(out / "normals.npy"), axis=2).max()) < 0.002
    [record] = [record for record in report.files if record.file == "height.png"]
    assert record.unit == "mm"
    shown = record.offset + record.scale * read_picture(out / "height.png").codes
    assert np.abs(shown - np.load(out / "height.npy")).max() <= 0.51 * record.scale
    assert {record.file for record in report.files} | {"quality.json"} == {p.name for p in out.iterdir()}


@pytest.mark.parametrize(
    ("kind", "grey", "most_deg"), [("tif", False, 0.5), ("png", True, 0.5), ("jpg", False, 3.0)]
)
def test_every_kind_of_picture(
    make_scene: Any,
    compute: Any,
    out: Path,
    notes: list[str],
    tmp_path: Path,
    kind: str,
    grey: bool,
    most_deg: float,
) -> None:
    scene = make_scene()
    report = compute(scene.store(tmp_path / "in", kind, grey=grey))
    assert np.nanpercentile(error_deg(out, scene.normals), 99) < most_deg
    assert np.load(out / "albedo.npy").ndim == (2 if grey else 3)
    assert report.input.gamma == ("srgb" if kind == "jpg" else "linear")
    assert any("taken for sRGB" in note for note in notes) == (kind == "jpg")


def test_jpeg_taken_for_linear_is_another_surface(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path
) -> None:
    scene = make_scene()
    compute(scene.store(tmp_path / "in", "jpg"), gamma="linear")
    assert np.nanpercentile(error_deg(out, scene.normals), 99) > 5


@pytest.mark.parametrize("options", [{"ambient": "dark.png"}, {"black": 3000.0}, {"black": "estimate"}])
def test_what_is_there_without_light_is_taken_off(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    scene = make_scene(black=3000.0)
    path = scene.store(tmp_path / "in")
    compute(path)
    assert np.nanmean(error_deg(out, scene.normals)) > 0.3
    named = {key: path.parent / value if key == "ambient" else value for key, value in options.items()}
    report = compute(path, **named)
    assert np.nanmean(error_deg(out, scene.normals)) < 0.2
    expected = None if "ambient" in options else pytest.approx(3000, abs=50)
    assert report.figures.black_level == expected


@pytest.mark.parametrize("estimator", ["robust", "trimmed", "least-squares", "by-rank"])
def test_every_estimator_and_what_a_highlight_does_to_it(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path, estimator: str
) -> None:
    scene = make_scene()
    path = scene.store(tmp_path / "in")
    glossy = scene.picture(7)
    glossy[20:30, 20:30] += 25000
    cv2.imwrite(str(path.parent / "p7.png"), np.rint(np.clip(glossy, 0, 65535))[..., ::-1].astype(np.uint16))
    report = compute(path, estimator=estimator)
    error = error_deg(out, scene.normals)
    assert np.nanmedian(error) < 0.2
    assert (np.nanmean(error[20:30, 20:30]) < 0.2) == (estimator != "least-squares")
    assert (out / "sigma_deg.npy").exists() == (report.figures.sigma_median_deg is not None)
    assert (estimator in ("robust", "trimmed")) == (report.figures.chi2_median is not None)


def test_lights_are_chosen_by_number(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene()
    path = scene.store(tmp_path / "in")
    (path.parent / "p3.png").write_bytes((path.parent / "p8.png").read_bytes())
    report = compute(path, lights=lights_of("0-2, 4-9"))
    assert [light.number for light in report.input.lights] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert np.nanmax(error_deg(out, scene.normals)) < 0.5


def test_three_lights_are_enough(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene()
    report = compute(scene.store(tmp_path / "in"), lights=(0, 5, 8))
    assert np.nanmean(error_deg(out, scene.normals)) < 0.5
    assert report.figures.chi2_median is None


def test_near_lights_are_near(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene(near=True)
    scene.lights = 60.0 * scene.lights
    path = scene.store(tmp_path / "in")
    compute(path)
    assert np.nanmean(error_deg(out, scene.normals)) > 5, "taken for far lights"
    report = compute(path, near=True, exports=exports_of("dome,lp"))
    assert np.nanpercentile(error_deg(out, scene.normals), 99) < 1.0  # the plane stands for the bump's height
    assert report.input.lights[0].near
    dome = read_dome(out / "lights.dome")
    assert dome.configuration == "lights3d"
    np.testing.assert_allclose(dome.positions_mm, scene.lights, rtol=1e-6)
    assert dome.image_width_mm == 80 * PITCH_MM
    np.testing.assert_allclose(
        [one.vector for one in read_lp(out / "lights.lp")], scene.lights / 60, atol=1e-6
    )


def test_a_mask_bounds_what_is_measured(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene()
    path = scene.store(tmp_path / "in")
    mask = np.zeros((60, 80), np.uint8)
    mask[10:50, 20:70] = 255
    cv2.imwrite(str(path.parent / "m.png"), mask)
    report = compute(path, mask=path.parent / "m.png", exports=exports_of("stl"))
    for name in ("normals", "albedo", "height", "sigma_deg"):
        values = np.load(out / f"{name}.npy")
        assert np.isfinite(values[mask > 0]).all(), name
        assert np.isnan(values[mask == 0]).all(), name
    np.testing.assert_array_equal(read_picture(out / "valid.png").codes, mask)
    assert report.figures.valid_percent == 100
    assert (out / "relief.stl").stat().st_size == 84 + 50 * 2 * 39 * 49


def test_intensities_of_each_channel_count(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene(noise=5.0)
    scene.intensities = np.random.default_rng(5).uniform(0.4, 1.2, (10, 3))
    folder = scene.store(tmp_path / "in").parent
    (folder / "lights.lp").unlink()
    (folder / "filenames.txt").write_text("\n".join(f"p{k}.png" for k in range(10)))
    np.savetxt(folder / "light_directions.txt", scene.lights)
    np.savetxt(folder / "light_intensities.txt", scene.intensities)
    savemat(folder / "Normal_gt.mat", {"Normal_gt": scene.normals})
    report = compute(folder)
    errors = report.figures.errors
    assert errors is not None
    assert errors.pixels == 60 * 80
    assert errors.mean_deg == pytest.approx(np.nanmean(error_deg(out, scene.normals)), rel=1e-3)
    assert errors.median_deg < errors.mean_deg < errors.p95_deg < 0.3
    albedo = np.nanmedian(np.load(out / "albedo.npy"), axis=(0, 1))
    np.testing.assert_allclose(albedo, np.array(scene.colour) * 60000 / 65535, rtol=0.01)


def test_exports_say_the_same_as_the_maps(make_scene: Any, compute: Any, out: Path, tmp_path: Path) -> None:
    scene = make_scene()
    path = scene.store(tmp_path / "in")
    report = compute(path, exports=exports_of("lp,dome,ptm,tiff,ply,stl"))
    assert {record.file for record in report.files} | {"quality.json"} == {p.name for p in out.iterdir()}
    listed = read_lp(out / "lights.lp")
    assert all(one.path.samefile(path.parent / f"p{k}.png") for k, one in enumerate(listed))
    np.testing.assert_allclose([one.vector for one in listed], scene.lights, atol=1e-6)
    np.testing.assert_allclose(read_dome(out / "lights.dome").directions, scene.lights, atol=1e-6)
    ptm = read_ptm(out / "relight.ptm")
    for light in (1, 6):
        linear = np.clip(scene.picture(light) / 65535, 0, 1)
        shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        assert np.abs(ptm.relit(scene.lights[light]) / 255 - shown).mean() < 0.02
    np.testing.assert_array_equal(tifffile.imread(out / "height.tif"), np.load(out / "height.npy"))
    np.testing.assert_array_equal(tifffile.imread(out / "normals.tif"), np.load(out / "normals.npy"))


def test_a_relief_that_is_thinned_says_so(
    make_scene: Any, compute: Any, notes: list[str], tmp_path: Path
) -> None:
    compute(make_scene().store(tmp_path / "in"), exports=exports_of("ply"), most_triangles=1000)
    assert any("mean of 4 x 4 pixels" in note for note in notes)


def test_heights_without_a_pitch_are_in_pixels(
    make_scene: Any, compute: Any, out: Path, notes: list[str], tmp_path: Path
) -> None:
    scene = make_scene()
    report = compute(scene.store(tmp_path / "in"), pixel_mm=None)
    assert report.unit == "px"
    assert any("heights are in pixels" in note for note in notes)
    assert np.ptp(np.load(out / "height.npy")) == pytest.approx(np.ptp(scene.height_mm) / PITCH_MM, rel=0.02)


def test_the_report_names_every_file_with_its_hash(
    make_scene: Any, compute: Any, out: Path, tmp_path: Path
) -> None:
    path = make_scene().store(tmp_path / "in")
    compute(path, ambient=path.parent / "dark.png")
    told = json.loads((out / "quality.json").read_text())
    assert told["software"].startswith("scan-station ")
    assert len({light["sha256"] for light in told["input"]["lights"]}) == 10
    assert list(told["input"]["files_sha256"]) == [str(path.parent / "dark.png")]
    assert told["input"]["full_scale"] == 65535
    assert NormalsReport.model_validate(told).figures.black_from == "ambient picture"
