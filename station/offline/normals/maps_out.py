"""The maps as files: a PNG of 16 bits to look at, a `.npy` to compute with."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...documents.normals import FileRecord
from ...exchange.codes import normals_to_codes, reflectance_to_codes, values_to_codes
from ...exchange.files import store
from ...exchange.pictures import write_png, write_tiff
from .surface import Bools, Floats, Outcome

CUT_PERCENT = 0.5
"""Of curl and uncertainty in their pictures: a few pixels at edges are hundreds of times the rest."""


def write_maps(folder: Path, outcome: Outcome, *, tiff: bool) -> Iterator[FileRecord]:
    """Write them one after another; float files hold NaN where `valid.png` is black.

    Raises:
        StationError: `output_unwritable`.
    """
    solved, shape = outcome.solved, outcome.shape
    valid, unit = solved.valid, shape.unit
    write_png(folder / "valid.png", valid.astype(np.uint8) * np.uint8(255))
    yield FileRecord(file="valid.png", holds="255 where a normal was measured, 0 elsewhere")
    write_png(folder / "normals.png", normals_to_codes(solved.normals, valid))
    mapping = "x, y, z as red, green, blue: n = 2 * code / 65535 - 1; black where not measured"
    yield FileRecord(file="normals.png", holds=f"unit normals, x right, y up, z to the camera; {mapping}")
    albedo = solved.albedo if solved.albedo.shape[2] == 3 else solved.albedo[..., 0]
    codes, full = reflectance_to_codes(_marked(albedo, valid))
    write_png(folder / "albedo.png", codes)
    yield FileRecord(
        file="albedo.png",
        holds=f"albedo / {full:.9g} as sRGB codes of 16 bits; more is cut, 0 where not measured",
    )
    yield _plain_png(folder, "height", shape.height, valid, unit)
    yield _plain_png(folder, "curl", shape.curl, valid, f"1/{unit}", CUT_PERCENT)
    floats = {
        "normals": (solved.normals, "unit normals, x right, y up, z to the camera"),
        "albedo": (albedo, "albedo, linear"),
        "height": (shape.height, f"height in {unit}, towards the camera, mean 0"),
        "curl": (shape.curl, f"curl of the slopes in 1/{unit}"),
    }
    if solved.sigma_deg is not None:
        floats["sigma_deg"] = (solved.sigma_deg, "standard uncertainty of the normal per axis in degrees")
        yield _plain_png(folder, "sigma_deg", solved.sigma_deg, valid, "degrees", CUT_PERCENT)
    for name, (values, holds) in floats.items():
        yield _array(folder, name, _marked(values, valid), holds)
        if tiff and name in ("normals", "albedo", "height"):
            write_tiff(folder / f"{name}.tif", _marked(values, valid), holds)
            yield FileRecord(file=f"{name}.tif", holds=f"{holds}; float32, NaN where not measured")


def _marked(values: Floats, valid: Bools) -> Floats:
    """The values, NaN where they mean nothing."""
    marked = values.astype(np.float32)
    marked[~valid] = np.nan
    return marked


def _array(folder: Path, name: str, values: NDArray[np.float32], holds: str) -> FileRecord:
    buffer = io.BytesIO()
    np.save(buffer, values)
    store(folder / f"{name}.npy", buffer.getvalue())
    return FileRecord(file=f"{name}.npy", holds=f"{holds}; float32 {values.shape}, NaN where not measured")


def _plain_png(
    folder: Path, name: str, values: Floats, valid: Bools, unit: str, cut_percent: float = 0.0
) -> FileRecord:
    codes, offset, scale = values_to_codes(values, valid, cut_percent)
    write_png(folder / f"{name}.png", codes)
    cut = f"; the outer {cut_percent:g} % at each end are cut" if cut_percent else ""
    holds = f"{name} = offset + scale * code{cut}; code 0 where not measured"
    return FileRecord(file=f"{name}.png", holds=holds, offset=offset, scale=scale, unit=unit)
