"""A stored stack, computed: its pictures from the disk, the maps into the next `results/<n>/`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..archive.catalogue import Catalogue
from ..archive.folder import manifest_sha256, read_manifest, read_stack
from ..archive.results import ResultWriter
from ..calibrate.marks import warnings_of
from ..calibrate.profile import LoadedProfile
from ..camera.interface import Pixels
from ..documents.event import Event
from ..documents.fault import StationError
from ..documents.frame import FrameRecord
from ..documents.scan import Measurements, ResultManifest, ScanManifest
from ..photometric.solve import Solver, solve
from .grader_maps import as_document
from .pipeline import Computed, Shorter, Stack, compute
from .recorder import SOFTWARE
from .reporting import report_of
from .stopwatch import Stopwatch

Progress = Callable[[str], None]
Mark = Callable[[Measurements], Measurements]


def _silent(_stage: str) -> None:
    """Tell nobody."""


def unmarked(measured: Measurements) -> Measurements:
    """Whoever computes an old stack says nothing about the rig of today."""
    return measured


def compute_stored(
    folder: Path,
    profile: LoadedProfile,
    stack: Stack | None = None,
    *,
    progress: Progress = _silent,
    solver: Solver = solve,
    mark: Mark = unmarked,
) -> ResultManifest:
    """Compute a stored stack and store what came of it as the next `results/<n>/`.

    Args:
        folder: of the scan.
        profile: of the rig that took it.
        stack: its pictures where they are in memory still; None: they are read.
        progress: told the name of each stage as it begins.
        solver: what computes the normals.
        mark: adds what other scans say of the calibration.

    Raises:
        StationError: what reading, computing (see `pipeline.compute`) and storing raise; there is no new
            result then.
    """
    watch = Stopwatch()
    manifest, frames = read_stack(folder) if stack is None else (read_manifest(folder), ())
    stack = stack or from_disk(manifest, frames)
    watch.lap("read")
    dpi = manifest.plan.rectified_dpi
    computed = compute(stack, profile, rectified_dpi=dpi, progress=progress, solver=solver)
    marked = mark(computed.measurements.replace(warnings=warnings_of(profile.profile)))
    computed = replace(computed, measurements=marked)
    watch.skip()
    return _save(folder, manifest, computed, profile, watch, progress)


def enter(catalogue: Catalogue, result: ResultManifest) -> Event:
    """A stored result enters the catalogue, and is queued for delivery with its scan."""
    facts = {"profile": result.profile, "profile_sha256": result.profile_sha256}
    return catalogue.processed(result, deliver=True, facts=facts)


def _save(
    folder: Path,
    scan: ScanManifest,
    computed: Computed,
    profile: LoadedProfile,
    watch: Stopwatch,
    progress: Progress,
) -> ResultManifest:
    writer = ResultWriter(folder)
    try:
        progress("report")
        draft = ResultManifest(
            scan_id=scan.id,
            number=writer.number,
            created=datetime.now(UTC).isoformat(),
            software=SOFTWARE,
            profile=profile.profile.name,
            profile_sha256=profile.sha256,
            parent_sha256=manifest_sha256(folder),
            artifacts=(),
            measurements=computed.measurements,
            stages_s=computed.stages_s,
        )
        _add_maps(writer, computed)
        watch.lap("save maps")
        writer.add_file("report.html", report_of(scan, draft, computed, profile))
        watch.lap("report")
        return writer.commit(draft.replace(stages_s={**computed.stages_s, **watch.laps_s}))
    except BaseException:
        writer.discard()
        raise


def _add_maps(writer: ResultWriter, computed: Computed) -> None:
    # resampling takes near-black ink slightly below zero; no surface reflects less than nothing
    maps = computed.maps
    writer.add_array("normals", maps.normals, "normals")
    writer.add_array("albedo", np.maximum(maps.albedo, 0), "fraction")
    writer.add_array("height_mm", maps.height_um / 1000, "height_mm")
    writer.add_array("sigma_deg", maps.sigma_deg, "fraction")
    writer.add_array("gloss", np.maximum(maps.gloss, 0), "fraction")
    writer.add_array("valid", maps.valid)
    # steps of 1/250 take a quarter of the bytes of finer ones
    writer.add_array("confidence", np.round(computed.grader.confidence * 250) / np.float32(250), "fraction")
    writer.add_file("candidates.json", as_document(computed.grader).model_dump_json(indent=1).encode())


def from_disk(manifest: ScanManifest, frames: tuple[Pixels, ...]) -> Stack:
    """A stored stack as the pipeline wants it.

    Raises:
        StationError: `stack_unusable`, there is no ambient frame.
    """
    by_light: dict[int | None, tuple[FrameRecord, Pixels]] = {}
    more: list[Shorter] = []
    for record, pixels in zip(manifest.frames, frames, strict=True):
        if record.light not in by_light:
            by_light[record.light] = record, pixels
        elif record.light is not None:  # exposure brackets come after the full exposure
            more.append(Shorter(record.light, record.on_us or record.exposure_us, pixels))
    if None not in by_light:
        raise StationError("stack_unusable", f"scan {manifest.id} has no ambient frame")
    lit = [by_light[light] for light in manifest.plan.lights]
    return Stack(
        ambient=by_light[None][1],
        lights=tuple(pixels for _, pixels in lit),
        light_indices=manifest.plan.lights,
        exposure_us=manifest.frames[0].exposure_us,
        on_us=tuple(record.on_us or record.exposure_us for record, _ in lit),
        brackets=tuple(more),
    )
