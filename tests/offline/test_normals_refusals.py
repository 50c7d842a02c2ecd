"""Whatever is wrong with source, options or folder is said in one sentence, and nothing is left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from station.config import Settings
from station.documents.fault import StationError
from station.offline.normals.request import Request, black_of, exports_of, lights_of
from station.offline.normals.run import run

FIXTURES = Path(__file__).parents[1] / "fixtures"
[STORED] = (FIXTURES / "daemon-v1").iterdir()
BAD, OPTION, STACK = "source_unreadable", "option_invalid", "stack_unusable"
OUTPUT = "output_unwritable"


def refused(source: Path | str, out: Path, **options: Any) -> tuple[str, str]:
    """Code and sentence."""
    with pytest.raises(StationError) as caught:
        run(Request(str(source), out, **options), Settings(), lambda _: None, lambda _: None)
    assert "\n" not in str(caught.value)
    assert not (out / "quality.json").exists()
    return caught.value.code, str(caught.value)


@pytest.fixture
def source(make_scene: Any, tmp_path: Path) -> Path:
    return make_scene().store(tmp_path / "in")


def _replace(old: str, new: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(path.read_text().replace(old, new))


def _picture(name: str, codes: np.ndarray) -> Callable[[Path], object]:
    return lambda path: cv2.imwrite(str(path.parent / name), codes)


def _all(codes: np.ndarray) -> Callable[[Path], object]:
    return lambda path: [cv2.imwrite(str(path.parent / f"p{k}.png"), codes) for k in range(10)]


@pytest.mark.parametrize(
    ("change", "options", "code", "sentence"),
    [
        (lambda p: (p.parent / "p2.png").unlink(), {}, BAD, "line 4 names the picture 'p2.png'"),
        (lambda p: (p.parent / "p2.png").write_bytes(b"x"), {}, BAD, "p2.png is neither PNG"),
        (_replace("10\n", "11\n"), {}, BAD, "announces 11 pictures and lists 10"),
        (_picture("p2.png", np.zeros((60, 81, 3), np.uint16)), {}, BAD,
         "p2.png is 81 x 60 colour of 16 bits, and"),
        (_picture("p2.png", np.zeros((60, 80, 3), np.uint8)), {}, BAD, "colour of 8 bits, and"),
        (_picture("p2.png", np.zeros((60, 80), np.uint16)), {}, BAD, "80 x 60 grey of 16 bits"),
        (_picture("dark.png", np.zeros((6, 8, 3), np.uint16)), {"ambient": "dark.png"}, BAD,
         "dark.png is 8 x 6 colour"),
        (_picture("m.png", np.zeros((6, 8), np.uint8)), {"mask": "m.png"}, BAD, "m.png is 8 x 6"),
        (_picture("m.png", np.zeros((60, 80), np.uint8)), {"mask": "m.png"}, BAD,
         "m.png is dark everywhere"),
        (None, {"mask": "none.png"}, BAD, "none.png cannot be read"),
        (None, {"lights": (0, 1)}, BAD, "2 lights are too few, normals need at least 3"),
        (None, {"lights": (0, 1, 10)}, OPTION, "names light 10, and the source has the lights 0 to 9"),
        (lambda p: p.write_text("1\np0.png 0 0 -1\n"), {}, BAD, "1 lights are too few"),
        (lambda p: p.write_text("3\np0.png 0 0 -1\np1.png 1 0 1\np2.png 0 1 1\n"), {}, BAD,
         "light 0, of p0.png, lies at or below the surface"),
        (lambda p: p.write_text("3\np0.png 0 0 0\np1.png 1 0 1\np2.png 0 1 1\n"), {}, BAD,
         "a light of length zero"),
        (lambda p: p.write_text("3\np0.png 0 nan 1\np1.png 1 0 1\np2.png 0 1 1\n"), {}, BAD,
         "a light that is not a number"),
        (_all(np.full((60, 80, 3), 65535, np.uint16)), {}, STACK, "clipped"),
        (_all(np.zeros((60, 80, 3), np.uint16)), {}, STACK, "bright enough"),
        (None, {"lights": (0, 1, 2, 3), "estimator": "by-rank"}, STACK, "leaving two out needs 5"),
        (None, {"lights": (4, 5, 6, 7, 8, 9), "black": "estimate"}, STACK, "take a dark picture"),
        (None, {"full_scale": 70000.0}, OPTION, "--full-scale 70000 is for linear pictures"),
        (None, {"profile": "twin"}, OPTION, "--profile is for stored scans"),
        (lambda p: p.rename(p.with_name("p0.png.lp")), {}, BAD, "there is no file, folder or scan"),
    ],
)  # fmt: skip
def test_sources_and_options(
    source: Path, tmp_path: Path, change: Any, options: dict[str, Any], code: str, sentence: str
) -> None:
    if change is not None:
        change(source)
    files = {key: source.parent / options[key] for key in ("ambient", "mask") if key in options}
    found = refused(source, tmp_path / "out", **{**options, **files})
    assert found[0] == code
    assert sentence in found[1]
    assert not (tmp_path / "out").exists(), "a folder made for nothing is taken away again"


def test_folders_that_hold_no_source(tmp_path: Path, source: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no light list .lp, no filenames.txt" in refused(tmp_path / "empty", tmp_path / "out")[1]
    (source.parent / "second.lp").write_text(source.read_text())
    assert "holds 2 light lists: name the one" in refused(source.parent, tmp_path / "out")[1]


def test_a_picture_in_place_of_a_list(source: Path, tmp_path: Path) -> None:
    assert "p0.png is no text file" in refused(source.parent / "p0.png", tmp_path / "out")[1]
    assert "there is no file, folder or scan" in refused("x" * 300, tmp_path / "out")[1]


def test_jpeg_among_others(source: Path, tmp_path: Path) -> None:
    (source.parent / "p1.png").write_bytes(cv2.imencode(".jpg", np.zeros((60, 80, 3), np.uint8))[1].tobytes())
    for k in (0, 2):
        cv2.imwrite(str(source.parent / f"p{k}.png"), np.zeros((60, 80, 3), np.uint8))
    code, sentence = refused(source, tmp_path / "out", lights=(0, 1, 2))
    assert (code, "say --gamma linear or --gamma srgb" in sentence) == (OPTION, True)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: lights_of("1,,2"), "--lights '1,,2' is not a list"),
        (lambda: lights_of("7-4"), "--lights '7-4' is not a list"),
        (lambda: lights_of("-1"), "--lights '-1' is not a list"),
        (lambda: black_of("dark"), "--black 'dark' is neither a number nor the word estimate"),
        (lambda: black_of("nan"), "--black nan is not a code"),
        (lambda: exports_of("lp,exr"), "--export does not know 'exr', only lp, dome, ptm, tiff, ply, stl"),
        (lambda: Request("x", Path("y"), pixel_mm=0.0), "--pixel-mm 0 is not the size of a pixel"),
        (lambda: Request("x", Path("y"), pixel_mm=float("nan")), "--pixel-mm nan is not"),
        (lambda: Request("x", Path("y"), most_triangles=1), "--most-triangles 1 is fewer"),
        (lambda: Request("x", Path("y"), near=True), "--light-positions needs --pixel-mm"),
        (lambda: Request("x", Path("y"), ambient=Path("z"), black=0.0), "--black has nothing to say"),
    ],
)
def test_words_that_mean_nothing(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(StationError) as caught:
        make()
    assert caught.value.code == OPTION
    assert sentence in str(caught.value)


def test_words_that_mean_something() -> None:
    assert lights_of("4-6, 0,5") == (0, 4, 5, 6)
    assert black_of("12.5") == 12.5
    assert exports_of(" ply ,lp") == {"lp", "ply"}


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ({"pixel_mm": 0.1}, OPTION, "--pixel-mm means nothing for a stored scan"),
        ({"black": "estimate"}, OPTION, "--black means nothing for a stored scan"),
        ({"estimator": "by-rank"}, OPTION, "by-rank is not for stored scans"),
        ({"lights": (0, 1, 8)}, OPTION, "names light 8, and the scan has the lights"),
        ({"lights": (0, 1)}, BAD, "2 lights, and normals need at least 3"),
        ({"profile": "no-such"}, "profile_invalid", "there is no rig profile named no-such"),
    ],
)
def test_stored_scans(tmp_path: Path, options: dict[str, Any], code: str, sentence: str) -> None:
    found = refused(STORED, tmp_path / "out", **options)
    assert found[0] == code
    assert sentence in found[1]


def test_a_scan_that_is_not_in_the_archive(tmp_path: Path) -> None:
    settings = Settings.model_validate({"station": {"data": tmp_path / "data"}})
    with pytest.raises(StationError) as caught:
        run(Request("01a207e7", tmp_path / "out"), settings, lambda _: None, lambda _: None)
    assert caught.value.code == "not_found"


def test_folders_that_cannot_take_results(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, sentence = refused(source, tmp_path / "file")
    assert (code, "cannot be a folder for results" in sentence) == (OUTPUT, True)
    assert "cannot be a folder for results" in refused(source, Path("/proc/none"))[1]
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "mine.txt").touch()
    assert "holds something already; --force" in refused(source, occupied)[1]
    assert (
        "holds lights.lp, which the results are computed from"
        in refused(source, source.parent, force=True)[1]
    )
    run(Request(str(source), tmp_path / "out"), Settings(), lambda _: None, lambda _: None)
    (tmp_path / "out" / "quality.json").unlink()
    mask = tmp_path / "out" / "valid.png"
    assert "holds valid.png, which" in refused(source, tmp_path / "out", mask=mask, force=True)[1]
    assert mask.exists()
    with pytest.raises(StationError, match="cannot be a folder for results: File name too long"):
        run(Request(str(source), tmp_path / ("x" * 300)), Settings(), lambda _: None, lambda _: None)
    for inside in (STORED, STORED / "results" / "1", STORED / "results" / "9"):
        assert "belongs to a stored scan" in refused(STORED, inside, force=True)[1]
    assert not (STORED / "results" / "9").exists()


def test_what_cannot_be_replaced_leaves_no_report_of_the_run_before(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(Request(str(source), out), Settings(), lambda _: None, lambda _: None)
    (out / "mine.txt").touch()
    (out / "height.png").unlink()
    (out / "height.png").mkdir()
    code, sentence = refused(source, out, force=True)
    assert (code, "height.png cannot be replaced" in sentence) == (OUTPUT, True)
    (out / "height.png").rmdir()
    run(
        Request(str(source), out, estimator="by-rank", force=True), Settings(), lambda _: None, lambda _: None
    )
    assert (out / "mine.txt").exists()
    assert not (out / "sigma_deg.npy").exists(), "nothing of the run before is left"
