"""Folders laid out like DiLiGenT's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from station.documents.fault import StationError
from station.exchange.diligent import is_diligent, read_diligent, read_truth

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "filenames.txt").write_text("001.png\r\n002.png\r\n003.png\r\n")
    (tmp_path / "light_directions.txt").write_text("0 0 1\n0.5 0 0.8\n0 -0.5 0.8\n")
    (tmp_path / "light_intensities.txt").write_text("1 1 1\n1 2 3\n0.5, 0.5, 0.5\n")
    for number in (1, 2, 3):
        (tmp_path / f"00{number}.png").touch()
    savemat(tmp_path / "Normal_gt.mat", {"Normal_gt": np.tile([0.0, 0.0, 1.0], (4, 5, 1))})
    return tmp_path


def test_its_lists_are_read(folder: Path) -> None:
    assert is_diligent(folder)
    found = read_diligent(folder)
    assert [path.name for path in found.pictures] == ["001.png", "002.png", "003.png"]
    assert found.directions.tolist() == [[0, 0, 1], [0.5, 0, 0.8], [0, -0.5, 0.8]]
    assert found.intensities.tolist() == [[1, 1, 1], [1, 2, 3], [0.5, 0.5, 0.5]]
    assert (found.mask, found.truth) == (None, folder / "Normal_gt.mat")
    assert read_truth(folder / "Normal_gt.mat", (4, 5)).shape == (4, 5, 3)


def test_the_public_bunnies_are_read(test_data: Path) -> None:
    found = read_diligent(test_data / "bunny_specular")
    assert len(found.pictures) == len(found.directions) == len(found.intensities) == 8
    assert found.mask is not None
    assert found.truth is not None
    assert np.linalg.norm(read_truth(found.truth, (256, 256)), axis=2).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: (f / "filenames.txt").write_text(""), "names no pictures"),
        (lambda f: (f / "filenames.txt").unlink(), "filenames.txt cannot be read"),
        (lambda f: (f / "002.png").unlink(), "line 2 names '002.png', and there is no such file"),
        (lambda f: (f / "light_directions.txt").write_text("0 0 1\n0 1 1\n"), "holds 2 lines for 3 pictures"),
        (
            lambda f: (f / "light_directions.txt").write_text("0 0 1\n0 0\n1 0 1\n"),
            "line 2 is not three numbers",
        ),
        (lambda f: (f / "light_directions.txt").write_text("0 0 1\nnan 0 1\n1 0 1\n"), "line 2 is not three"),
        (
            lambda f: (f / "light_directions.txt").write_text("0 0 1\n0 0 0\n1 0 1\n"),
            "length zero, that of picture 1",
        ),
        (lambda f: (f / "light_intensities.txt").write_text("1 1 1\n1 0 1\n1 1 1\n"), "that is not positive"),
    ],
)
def test_lists_that_are_wrong(folder: Path, change: Change, sentence: str) -> None:
    change(folder)
    with pytest.raises(StationError) as caught:
        read_diligent(folder)
    assert caught.value.code == "source_unreadable"
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda p: p.write_bytes(b"rubbish"), "is damaged or no MATLAB file"),
        (lambda p: p.write_bytes(b""), "is damaged or no MATLAB file"),
        (lambda p: p.write_bytes(p.read_bytes()[:150]), "is damaged or no MATLAB file"),
        (lambda p: p.write_bytes(p.read_bytes()[:-40]), "is damaged or no MATLAB file"),
        (lambda p: savemat(p, {"normals": np.zeros((4, 5, 3))}), "holds no array of numbers named Normal_gt"),
        (lambda p: savemat(p, {"Normal_gt": "words"}), "holds no array of numbers named Normal_gt"),
        (
            lambda p: savemat(p, {"Normal_gt": np.zeros((5, 4, 3))}),
            "holds normals (5, 4, 3), the pictures are (4, 5)",
        ),
        (lambda p: savemat(p, {"Normal_gt": np.full((4, 5, 3), np.nan)}), "a normal that is not a number"),
    ],
)
def test_truth_that_is_wrong(folder: Path, change: Change, sentence: str) -> None:
    path = folder / "Normal_gt.mat"
    change(path)
    with pytest.raises(StationError) as caught:
        read_truth(path, (4, 5))
    assert caught.value.code == "source_unreadable"
    assert sentence in str(caught.value)
