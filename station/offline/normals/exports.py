"""Files for other programs: lights, relightable pictures, solids."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ... import __version__
from ...documents.normals import FileRecord
from ...exchange.codes import TOP, srgb_codes
from ...exchange.dome import Dome, write_dome
from ...exchange.lp import write_lp
from ...exchange.pictures import write_png
from ...exchange.ptm import COEFFICIENTS, fit_ptm, write_ptm
from ...exchange.relief import Relief, relief, write_ply, write_stl
from .request import Request, Tell
from .surface import Floats, Outcome

_SOFTWARE = f"scan-station {__version__}"


def write_exports(folder: Path, outcome: Outcome, request: Request, note: Tell) -> Iterator[FileRecord]:
    """Write what was asked for beside the maps.

    Raises:
        StationError: `output_unwritable`.
    """
    writers: dict[str, Callable[[], Iterator[FileRecord]]] = {
        "lp": partial(_lp, folder, outcome),
        "dome": partial(_dome, folder, outcome),
        "ptm": partial(_ptm, folder, outcome, note),
    }
    for name, writer in writers.items():
        if name in request.exports:
            yield from writer()
    if {"ply", "stl"} & request.exports:
        yield from _solids(folder, outcome, request, note)


def _lp(folder: Path, outcome: Outcome) -> Iterator[FileRecord]:
    light = outcome.relighting
    names = light.files
    if names is None:
        names = tuple(f"light-{record.number}.png" for record in outcome.read.lights)
        for place, name in enumerate(names):
            write_png(folder / name, srgb_codes(light.picture(place)))
            yield FileRecord(
                file=name, holds="the card under one light, flat field taken out, sRGB of 16 bits, white is 1"
            )
    vectors = [(x, y, z) for x, y, z in light.directions.tolist()]
    write_lp(folder / "lights.lp", list(zip(names, vectors, strict=True)))
    yield FileRecord(file="lights.lp", holds="pictures and unit vectors to their lights")


def _dome(folder: Path, outcome: Outcome) -> Iterator[FileRecord]:
    light, shape = outcome.relighting, outcome.shape
    dome = Dome(
        directions=light.directions,
        positions_mm=light.positions_mm,
        image_width_mm=shape.height.shape[1] * shape.pitch if shape.unit == "mm" else 0.0,
        label=Path(outcome.read.source).name,
        notes=f"written by {_SOFTWARE}",
        configuration="directional" if light.positions_mm is None else "lights3d",
    )
    write_dome(folder / "lights.dome", dome)
    yield FileRecord(file="lights.dome", holds="lights for RelightLab, lengths in mm")


def _ptm(folder: Path, outcome: Outcome, note: Tell) -> Iterator[FileRecord]:
    light = outcome.relighting
    if len(light.directions) < COEFFICIENTS:
        count = len(light.directions)
        note(f"relight.ptm is fitted to {count} lights, fewer than its {COEFFICIENTS} coefficients")

    there = outcome.solved.there[..., None]

    def shown(place: int) -> Floats:
        return srgb_codes(light.picture(place) * there).astype(np.float32) / np.float32(TOP)

    write_ptm(folder / "relight.ptm", fit_ptm(shown, light.directions))
    yield FileRecord(
        file="relight.ptm",
        holds="PTM_1.2 LRGB of the pictures as a screen shows them (sRGB), lights evened, the mask cut out",
    )


def _solids(folder: Path, outcome: Outcome, request: Request, note: Tell) -> Iterator[FileRecord]:
    solved, shape = outcome.solved, outcome.shape
    colours = (srgb_codes(np.broadcast_to(solved.albedo, (*shape.height.shape, 3))) >> 8).astype(np.uint8)
    surface = relief(
        shape.height, solved.valid, shape.pitch, colours=colours, most_triangles=request.most_triangles
    )
    if surface.thinned_px > 1:
        side = surface.thinned_px
        note(
            f"the relief is thinned to {len(surface.triangles):,} triangles: each vertex is the mean of "
            f"{side} x {side} pixels; --most-triangles keeps more"
        )
    words = f"{_SOFTWARE}, lengths in {shape.unit}"
    for name, write in _writers(request).items():
        write(folder / name, surface, words)
        yield FileRecord(
            file=name,
            holds=f"{len(surface.triangles):,} triangles in {shape.unit}, x right, y up, z to the camera",
        )


def _writers(request: Request) -> dict[str, Callable[[Path, Relief, str], None]]:
    known: dict[str, Callable[[Path, Relief, str], None]] = {"ply": write_ply, "stl": write_stl}
    return {f"relief.{kind}": write for kind, write in known.items() if kind in request.exports}
