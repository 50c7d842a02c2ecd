"""What becomes of a taken stack: frames and manifest on disk, a row in the catalogue, news to the world."""

import asyncio
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..archive.folder import ScanWriter
from ..documents.frame import FrameRecord
from ..documents.plan import ScanPlan
from ..documents.requests import ScanStart
from ..documents.scan import Provenance, ScanManifest
from . import machine
from .journal import Journal
from .pipeline import Shorter, Stack
from .runner import TakenFrame, TakenStack

Captured = Callable[[str, Stack], None]


class ScanRecorder:
    """One scan at a time. Once a stack is durable, `on_captured` and `on_stored` are called on the loop."""

    def __init__(
        self,
        root: Path,
        journal: Journal,
        provenance: Callable[[], Provenance],
        on_captured: Captured,
        on_stored: Callable[[ScanManifest], None] = lambda _: None,
    ) -> None:
        self._root = root
        self._journal = journal
        self._provenance = provenance
        self._on_captured = on_captured
        self._on_stored = on_stored
        self._thread = ThreadPoolExecutor(1, "writer")
        self._request = ScanStart(side="front")
        self._card_id = self._batch = ""
        self._created = datetime.now(UTC)
        self._begun_s = 0.0

    async def begin(
        self, scan_id: str, card_id: str, request: ScanStart, *, simulated: bool, batch: str = ""
    ) -> None:
        """Enter the scan in the catalogue before the first light; `batch` is the batch it belongs to."""
        self._request, self._card_id, self._batch = request, card_id, batch
        self._created, self._begun_s = datetime.now(UTC), time.monotonic()
        await self._journal.write(
            lambda catalogue: catalogue.begin_scan(
                scan_id, card_id, request.side, request.name, self._created, simulated=simulated, batch=batch
            )
        )

    async def tell(self, scan_id: str, news: machine.Tell) -> None:
        """Write and publish what the machine tells."""
        if news.type == "scan.failed":
            facts = {"code": news.code, "message": news.message, "retake": news.retake, "like": news.like}
            reason = f"{news.code}: {news.message}"
            await self._journal.write(lambda catalogue: catalogue.failed(scan_id, reason, facts=facts))
        elif news.likeness is not None:
            await self._journal.tell(news.type, news.likeness.model_dump(mode="json"), scan_id)
        else:
            await self._journal.tell(news.type, {"step": news.step, "message": news.message}, scan_id)

    async def store(self, scan_id: str, plan: ScanPlan, stack: TakenStack) -> None:
        """Returns only when frames are synced, the folder has its name, and the catalogue has committed."""
        capture_s = time.monotonic() - self._begun_s
        loop = asyncio.get_running_loop()
        manifest, folder = await loop.run_in_executor(
            self._thread, self._write, scan_id, plan, stack, capture_s, self._provenance()
        )
        await self._journal.write(lambda catalogue: catalogue.captured(manifest, folder))
        self._on_stored(manifest)
        self._on_captured(scan_id, in_memory(stack))

    def _write(
        self, scan_id: str, plan: ScanPlan, stack: TakenStack, capture_s: float, provenance: Provenance
    ) -> tuple[ScanManifest, Path]:
        began = time.monotonic()
        writer = ScanWriter(self._root, scan_id, self._created)
        try:
            frames = tuple(self._add(writer, taken, stack) for taken in stack.frames)
            manifest = ScanManifest(
                id=scan_id,
                card_id=self._card_id,
                side=self._request.side,
                name=self._request.name,
                created=self._created.isoformat(),
                plan=plan,
                provenance=provenance,
                frames=frames,
                stages_s={
                    "capture": capture_s - sum(stack.stages_s.values()),
                    **stack.stages_s,
                    "store": time.monotonic() - began,
                },
                batch=self._batch,
                appearance=stack.appearance,
            )
            return manifest, writer.commit(manifest)
        except BaseException:
            writer.discard()
            raise

    @staticmethod
    def _add(writer: ScanWriter, taken: TakenFrame, stack: TakenStack) -> FrameRecord:
        return writer.add_frame(
            taken.light,
            taken.decoded.result().pixels,
            exposure_us=stack.mode.exposure_us,
            sequence=taken.frame.sequence,
            timestamp_s=taken.frame.timestamp_s,
            on_us=taken.caught.on_us,
            lit_s=taken.caught.lit_s,
            fingerprint_margin=stack.margins.get(taken.caught.exposure),
            attempts=taken.caught.looked_at,
        )

    def close(self) -> None:
        """Finish what is being written and give the thread back."""
        self._thread.shutdown(wait=True)


def in_memory(stack: TakenStack) -> Stack:
    """The stack as the pipeline wants it; ambient comes first."""
    ambient, *every = stack.frames
    lit = [frame for frame in every if frame.caught.exposure.on_us is None]
    return Stack(
        ambient=ambient.decoded.result().pixels,
        lights=tuple(frame.decoded.result().pixels for frame in lit),
        light_indices=tuple(frame.light for frame in lit if frame.light is not None),
        exposure_us=stack.mode.exposure_us,
        on_us=tuple(frame.caught.on_us or stack.mode.exposure_us for frame in lit),
        brackets=tuple(
            Shorter(
                frame.light, frame.caught.on_us or frame.caught.exposure.on_us, frame.decoded.result().pixels
            )
            for frame in every
            if frame.caught.exposure.on_us is not None and frame.light is not None
        ),
    )


def machine_name() -> str:
    """The machine in words, for the provenance."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


SOFTWARE = f"scan-station {__version__}"
