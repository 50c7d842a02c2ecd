"""From a durable stack to maps, measurements and report, one after another on a thread of their own."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..archive.folder import manifest_sha256, read_manifest, read_stack
from ..archive.results import ResultWriter
from ..calibrate.profile import LoadedProfile
from ..camera.interface import Pixels
from ..documents.fault import StationError
from ..documents.frame import FrameRecord
from ..documents.scan import ResultManifest, ScanManifest
from ..photometric.solve import Solver, solve
from .grader_maps import as_document
from .journal import Journal
from .pipeline import Computed, Shorter, Stack, compute
from .recorder import SOFTWARE
from .reporting import report_of
from .stopwatch import Stopwatch

Progress = Callable[[str], None]
log = logging.getLogger(__name__)
DISK_FAULTS = ("disk_full", "data_unwritable")
STACKS_IN_MEMORY = 2
"""Stacks kept from the capture; older ones are read from the disk again, so that memory stays bounded."""


class Processor:
    """The queue of captured scans.

    It is rebuilt from the catalogue at every start, so nothing in it can be lost.
    """

    def __init__(self, root: Path, journal: Journal, profile: LoadedProfile, solver: Solver = solve) -> None:
        self._root = root
        self._journal = journal
        self._profile = profile
        self._solver = solver
        self._thread = ThreadPoolExecutor(1, "compute")
        self._waiting: OrderedDict[str, Stack | None] = OrderedDict()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._current: str | None = None

    @property
    def waiting(self) -> tuple[str, ...]:
        """Scans being computed or waiting for it."""
        return ((self._current,) if self._current else ()) + tuple(self._waiting)

    def submit(self, scan_id: str, stack: Stack | None = None) -> None:
        """Queue a captured scan; without a stack it is read from the disk."""
        held = sum(one is not None for one in self._waiting.values())
        self._waiting[scan_id] = stack if held < STACKS_IN_MEMORY else None
        self._wake.set()

    def open(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._work(), name="processor")

    async def close(self) -> None:
        """Stop after the computation in hand; what waits is taken up at the next start."""
        self._waiting.clear()
        if self._task is not None:
            self._wake.set()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._current, stack = self._waiting.popitem(last=False)
                try:
                    await self._one(self._current, stack)
                finally:
                    self._current = None

    async def _one(self, scan_id: str, stack: Stack | None) -> None:
        loop = asyncio.get_running_loop()
        scan = await self._journal.ask(lambda catalogue: catalogue.scan(scan_id))

        def progress(stage: str) -> None:
            told = self._journal.tell("scan.computing", {"step": stage}, scan_id)
            asyncio.run_coroutine_threadsafe(told, loop)

        try:
            result = await loop.run_in_executor(
                self._thread, self._compute, self._root / scan.folder, stack, progress
            )
        except StationError as error:
            await (self._deferred if error.code in DISK_FAULTS else self._failed)(
                scan_id, error.code, str(error)
            )
        except Exception as error:
            log.exception("scan %s could not be computed", scan_id)
            await self._failed(scan_id, "internal", f"{type(error).__name__}: {error}")
        else:
            await self._journal.write(lambda catalogue: catalogue.processed(result, deliver=True))

    async def _deferred(self, scan_id: str, code: str, message: str) -> None:
        """The disk did not take the result: the scan stays captured, and the next start computes it."""
        log.error("scan %s: the result could not be stored: %s", scan_id, message)
        await self._journal.tell("scan.deferred", {"code": code, "message": message}, scan_id)

    async def _failed(self, scan_id: str, code: str, message: str) -> None:
        """The stack stays as it is; the reason is told and kept."""
        facts = {"code": code, "message": message, "stage": "computing"}
        await self._journal.write(
            lambda catalogue: catalogue.failed(scan_id, f"{code}: {message}", facts=facts)
        )

    def _compute(self, folder: Path, stack: Stack | None, progress: Progress) -> ResultManifest:
        watch = Stopwatch()
        manifest, frames = read_stack(folder) if stack is None else (read_manifest(folder), ())
        stack = stack or from_disk(manifest, frames)
        watch.lap("read")
        computed = compute(
            stack,
            self._profile,
            rectified_dpi=manifest.plan.rectified_dpi,
            progress=progress,
            solver=self._solver,
        )
        watch.skip()
        return self._save(folder, manifest, computed, watch, progress)

    def _save(
        self, folder: Path, scan: ScanManifest, computed: Computed, watch: Stopwatch, progress: Progress
    ) -> ResultManifest:
        writer = ResultWriter(folder)
        try:
            progress("report")
            draft = ResultManifest(
                scan_id=scan.id,
                number=writer.number,
                created=datetime.now(UTC).isoformat(),
                software=SOFTWARE,
                profile=self._profile.profile.name,
                profile_sha256=self._profile.sha256,
                parent_sha256=manifest_sha256(folder),
                artifacts=(),
                measurements=computed.measurements,
                stages_s=computed.stages_s,
            )
            _add_maps(writer, computed)
            watch.lap("save maps")
            writer.add_file("report.html", report_of(scan, draft, computed, self._profile))
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
