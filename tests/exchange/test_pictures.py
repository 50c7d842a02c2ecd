"""Photographs in every form that is taken, and what is said of those that are not."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from station.documents.fault import StationError
from station.exchange.pictures import read_picture, write_png, write_tiff

WIDE = np.random.default_rng(0).integers(0, 65536, (6, 5, 3)).astype(np.uint16)
WIDE[0, 0] = (60000, 30000, 100)  # red, green, blue


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_codes_are_read_as_they_are(tmp_path: Path, kind: str, colour: bool, deep: bool) -> None:
    codes = WIDE if deep else (WIDE >> 8).astype(np.uint8)
    codes = codes if colour else codes[..., 0]
    path = tmp_path / f"x.{kind}"
    if kind == "tif":
        tifffile.imwrite(path, codes, compression="zstd" if colour else None)
    else:
        write_png(path, codes)
    read = read_picture(path)
    assert read.codes.dtype == codes.dtype
    np.testing.assert_array_equal(read.codes, codes)
    assert len(read.sha256) == 64


def test_red_is_red_in_files_of_opencv_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "x.png"), np.full((2, 2, 3), (1, 2, 3), np.uint8))  # blue, green, red
    assert read_picture(tmp_path / "x.png").codes[0, 0].tolist() == [3, 2, 1]


def test_jpeg_is_read_and_named(tmp_path: Path) -> None:
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    cv2.imwrite(str(tmp_path / "x.jpg"), smooth[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    read = read_picture(tmp_path / "x.jpg")
    assert read.kind == "jpeg"
    assert np.abs(read.codes.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_left_away(tmp_path: Path, channels: int) -> None:
    codes = np.dstack([WIDE[..., : channels - 1], np.full((6, 5), 7, np.uint16)])
    extra = {"extrasamples": ["unassalpha"], "photometric": "rgb" if channels == 4 else "minisblack"}
    tifffile.imwrite(tmp_path / "x.tif", codes, planarconfig="contig", metadata=None, **extra)
    expected = WIDE if channels == 4 else WIDE[..., 0]
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif").codes, expected)


def test_planes_one_after_another_are_put_together(tmp_path: Path) -> None:
    planes = np.moveaxis(WIDE, 2, 0)
    tifffile.imwrite(tmp_path / "x.tif", planes, photometric="rgb", planarconfig="separate", metadata=None)
    np.testing.assert_array_equal(read_picture(tmp_path / "x.tif").codes, WIDE)


def test_floats_written_are_floats_for_every_program(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(7, 4, 3)).astype(np.float32)
    values[0, 0] = np.nan
    write_tiff(tmp_path / "x.tif", values, "normals")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif"), values)
    by_opencv = cv2.imread(str(tmp_path / "x.tif"), cv2.IMREAD_UNCHANGED)
    assert by_opencv is not None
    np.testing.assert_array_equal(by_opencv[..., ::-1], values)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("kind", ["png", "jpg", "tif"])
def test_a_file_cut_short_is_damaged(tmp_path: Path, kind: str, capfd: Any) -> None:
    path = tmp_path / f"x.{kind}"
    busy = np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    (tifffile.imwrite if kind == "tif" else lambda p, c: cv2.imwrite(str(p), c))(path, busy)
    _cut(path)
    with pytest.raises(StationError, match="is damaged: it cannot be decoded"):
        read_picture(path)
    assert capfd.readouterr().err == "", "only the sentence is for the user"


def test_what_is_no_photograph(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("words")
    tifffile.imwrite(tmp_path / "x.tif", WIDE[..., 0].astype(np.float32))
    for name, sentence in (
        ("x.png", "is neither PNG, TIFF nor JPEG"),
        ("x.tif", "holds float32 values, not codes of 8 or 16 bits"),
        ("none.png", "cannot be read: No such file"),
    ):
        with pytest.raises(StationError) as caught:
            read_picture(tmp_path / name)
        assert caught.value.code == "source_unreadable"
        assert sentence in str(caught.value)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StationError) as caught:
        write_png(tmp_path / "none" / "x.png", WIDE)
    assert caught.value.code == "output_unwritable"
