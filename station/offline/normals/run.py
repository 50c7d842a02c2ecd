"""One run of `station normals`: read, solve, integrate, write, and say at the end that it is complete."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ... import __version__
from ...config import Settings
from ...documents.fault import StationError
from ...documents.normals import ErrorFigures, FileRecord, NormalsFigures, NormalsReport
from ...exchange.files import store, unreadable
from .exports import write_exports
from .finding import is_there, stored_folder
from .folder import REPORT, clear, keep_apart, make_folder
from .maps_out import write_maps
from .photographs import Photographs, read_photographs
from .request import Request, Tell
from .solving import field_of, solved
from .spread import evened, towards
from .surface import Floats, Outcome, Relighting, integrated

SOLVER_HINT = "Check exposure, lights and mask of the pictures; `station normals --help` tells more."


def run(request: Request, settings: Settings, tell: Tell, note: Tell) -> NormalsReport:
    """Write the maps of a source into a folder; `quality.json` is written last.

    Args:
        request: what was asked for.
        settings: where stored scans lie.
        tell: hears the name of each stage as it begins.
        note: hears sentences for the user.

    Raises:
        StationError: whatever is wrong with source, options or folder, in one sentence.
    """
    notes: list[str] = []

    def noted(sentence: str) -> None:
        notes.append(sentence)
        note(sentence)

    new = make_folder(request.out, force=request.force)
    try:
        outcome = _hinted(request, settings, tell, noted)
    except StationError:
        if new:
            request.out.rmdir()
        raise
    tell("write")
    clear(request.out)
    files = tuple(_written(request, outcome, noted))
    shape = outcome.shape
    report = NormalsReport(
        software=f"scan-station {__version__}",
        created=datetime.now(UTC).isoformat(),
        estimator=request.estimator,
        input=outcome.read,
        shape=shape.height.shape,
        unit=shape.unit,
        pitch=shape.pitch,
        figures=_figures(outcome),
        files=files,
        notes=tuple(notes),
    )
    store(request.out / REPORT, report.model_dump_json(indent=1).encode())
    return report


def _hinted(request: Request, settings: Settings, tell: Tell, note: Tell) -> Outcome:
    """The outcome; what the solver complains of is not about a scan here."""
    try:
        return _outcome(request, settings, tell, note)
    except StationError as error:
        if error.code != "stack_unusable":
            raise
        raise StationError(error.code, str(error), SOLVER_HINT) from error


def _outcome(request: Request, settings: Settings, tell: Tell, note: Tell) -> Outcome:
    folder = stored_folder(request.source, settings.station.data)
    if folder is not None:
        # the whole way of a scan, which pictures do not need
        from ...calibrate.store import profiles_folder  # noqa: PLC0415
        from .stored import stored_outcome  # noqa: PLC0415

        return stored_outcome(folder, request, tell, note, profiles_folder(settings))
    if not is_there(Path(request.source)):
        raise unreadable(f"there is no file, folder or scan {request.source}")
    if request.profile is not None:
        raise StationError(
            "option_invalid", "--profile is for stored scans; the lights of pictures are listed"
        )
    return _photographed(request, tell, note)


def _photographed(request: Request, tell: Tell, note: Tell) -> Outcome:
    tell("read")
    taken = read_photographs(request, note)
    keep_apart(request.out, _inputs(request, taken))
    field = field_of(taken, request)
    found, seen = solved(taken, request, field, tell)
    tell("height")
    shape = integrated(
        found.normals, found.valid, request.pixel_mm or 1.0, "mm" if request.pixel_mm else "px"
    )
    if request.pixel_mm is None:
        note("without --pixel-mm a pixel is the unit of length: heights are in pixels")
    facing = towards(field)

    def picture(light: int) -> Floats:
        dark = seen.sensor.black_level if seen.ambient is None else seen.ambient.astype(np.float32)
        level = (seen.lit[light] - dark).astype(np.float32)
        even = evened(level, field.flat[light], float(facing[light, 2]))
        return np.broadcast_to(even, (*even.shape[:2], 3))

    near = taken.vectors if request.near else None
    relighting = Relighting(picture, facing, near, _names(taken, request.out))
    return Outcome(found, shape, relighting, taken.record, taken.truth)


def _inputs(request: Request, taken: Photographs) -> list[Path]:
    """Every file that was read."""
    lists = [Path(request.source)] if Path(request.source).is_file() else []
    return [*lists, *taken.paths, *map(Path, taken.record.files_sha256)]


def _names(taken: Photographs, out: Path) -> tuple[str, ...]:
    return tuple(os.path.relpath(path, out) for path in taken.paths)


def _figures(outcome: Outcome) -> NormalsFigures:
    solved, shape = outcome.solved, outcome.shape
    count = int(solved.there.sum())
    sigma = None if solved.sigma_deg is None else float(np.median(solved.sigma_deg[solved.valid]))
    return NormalsFigures(
        black_level=solved.black_level,
        black_from=solved.black_from,
        noise_codes=solved.noise_codes,
        valid_percent=100.0 * int(solved.valid.sum()) / count,
        clipped_percent=100.0 * int(solved.clipped.sum()) / count,
        dark_percent=None if solved.dark is None else 100.0 * int(solved.dark.sum()) / count,
        chi2_median=solved.chi2_median,
        sigma_median_deg=sigma,
        curl_rms=shape.curl_rms,
        bow=None if shape.bend is None else shape.bend.bow_mm,
        twist=None if shape.bend is None else shape.bend.twist_mm,
        errors=_errors(outcome),
    )


def _errors(outcome: Outcome) -> ErrorFigures | None:
    """Held against the truth where the mask says so, measured or not; there (0, 0, 1) stands for nothing."""
    if outcome.truth is None:
        return None
    where = outcome.solved.there & outcome.truth.any(axis=2)
    if not where.any():
        return None
    found, true = (a[where].astype(np.float64) for a in (outcome.solved.normals, outcome.truth))
    across = np.linalg.norm(np.cross(found, true), axis=1)
    angle = np.degrees(np.arctan2(across, (found * true).sum(axis=1)))
    mean, median, p95 = angle.mean(), np.median(angle), np.percentile(angle, 95)
    return ErrorFigures(mean_deg=mean, median_deg=median, p95_deg=p95, pixels=len(angle))


def _written(request: Request, outcome: Outcome, note: Tell) -> Iterator[FileRecord]:
    yield from write_maps(request.out, outcome, tiff="tiff" in request.exports)
    yield from write_exports(request.out, outcome, request, note)
