"""Looks at the mat many times a second while nobody scans, and says what it sees."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from ...calibrate.profile import LoadedProfile
from ...camera.interface import Camera, CameraMode, CapturedFrame
from ...card.presence import Presence
from ...config import Settings
from ...documents.fault import StationError
from ...documents.live import Seen
from ...rig.interface import SignallingRig
from ..exposure import LightCheck
from ..hands import programmable
from ..looking import Threads
from ..planning import plan_of
from .halves import Halves
from .looks import Looker, SteadyLooker, TriggeredLooker
from .picture import cells_of, jpeg, reduced

log = logging.getLogger(__name__)
RETRY_S = 1.0
"""Between tries while a device fails."""
DIMMABLE_US = 8_000
"""Shorter exposures see one pulse of the board's dimmer or none, every 4 ms: then the lights burn fully."""

OnSeen = Callable[[Seen], None]
OnPreview = Callable[[bytes, dict[str, Any]], None]
OnTrouble = Callable[[StationError], None]


class LiveEye:
    """One rig and one camera, both open, lent by whoever owns them and their threads.

    All methods and callbacks belong to the loop.

    Args:
        rig: lights the mat for looking on.
        camera: set as a scan sets it, so that a scan finds it running.
        threads: of the two.
        profile: of the rig.
        settings: how often, how brightly, how good the preview is.
        on_seen: called with each look.
        on_preview: called with a JPEG and what there is to say of it.
        wants_preview: asked before each look.
        on_trouble: called once when looking begins to fail; it goes on trying, quietly.
    """

    def __init__(
        self,
        rig: SignallingRig,
        camera: Camera,
        threads: Threads,
        profile: LoadedProfile,
        settings: Settings,
        on_seen: OnSeen,
        on_preview: OnPreview,
        wants_preview: Callable[[], bool],
        on_trouble: OnTrouble,
    ) -> None:
        self._camera = camera
        self._threads = threads
        self._profile = profile.profile.camera
        self._check = LightCheck(profile, settings.camera)
        self._plan = plan_of(settings.scan, self._profile)
        self._batch = settings.batch
        self._on_seen, self._on_preview = on_seen, on_preview
        self._wants_preview, self._on_trouble = wants_preview, on_trouble
        dimmed = self._plan.exposure_us >= DIMMABLE_US
        self._percent = self._batch.look_light_percent if dimmed else 100.0
        self._halves = Halves(len(profile.profile.lights), self._percent)
        self._looker = self._looker_of(rig, wired=settings.camera.wired)
        self._presence = Presence(still_s=self._batch.still_s)
        self._cells = cells_of(self._profile)
        self._mode: CameraMode | None = None
        self._task: asyncio.Task[None] | None = None
        self._paused = False
        self._closing = False
        self._ill = False
        self._changed = asyncio.Event()
        self._at_rest = asyncio.Event()

    def _looker_of(self, rig: SignallingRig, *, wired: bool) -> Looker:
        if not wired:
            late_us = self._profile.stamp_late_us
            return SteadyLooker(rig, self._camera, self._threads, self._halves, self._percent, late_us)
        if not programmable(rig):
            raise StationError("camera_refused", "a camera that is triggered needs a board that triggers it")
        return TriggeredLooker(rig, self._camera, self._threads, self._halves, self._profile)

    @property
    def paused(self) -> bool:
        """Whether rig and camera are, or are about to be, somebody else's."""
        return self._paused

    async def open(self) -> None:
        """Begin to look."""
        if self._task is None:
            self._closing = False
            self._at_rest.clear()
            self._task = asyncio.create_task(self._run(), name="live eye")

    async def pause(self) -> None:
        """Rig and camera are needed; returns when no look is under way and the lights are off."""
        self._paused = True
        self._changed.set()
        if self._task is not None:
            rest = asyncio.ensure_future(self._at_rest.wait())
            try:
                await asyncio.wait([rest, self._task], return_when=asyncio.FIRST_COMPLETED)
            finally:
                rest.cancel()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._at_rest.clear()
        self._changed.set()

    async def close(self) -> None:
        """Stop looking; the lights are off afterwards."""
        task, self._task = self._task, None
        if task is not None:
            self._closing = True
            self._changed.set()
            [outcome] = await asyncio.gather(task, return_exceptions=True)
            if isinstance(outcome, Exception):
                log.error("the live eye had ended by a defect", exc_info=outcome)

    async def _run(self) -> None:
        try:
            while not self._closing:
                if self._paused:
                    await self._rest()
                else:
                    await self._wait(await self._turn())
        finally:
            await self._go_dark()
            self._at_rest.set()

    async def _rest(self) -> None:
        self._presence.mark()
        await self._go_dark()
        self._mode = None  # whoever has the camera now may set it otherwise
        while self._paused and not self._closing:
            self._at_rest.set()
            await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        """Until something is asked for, at most for so long."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return
        self._changed.clear()

    async def _turn(self) -> float:
        """Look once; for how long to wait then."""
        began_s = time.monotonic()
        try:
            await self._look()
        except StationError as error:
            return await self._fail(error)
        except Exception as error:
            log.exception("the live eye met a defect")
            return await self._fail(StationError("internal", f"{type(error).__name__}: {error}"))
        if self._ill:
            log.info("the live eye sees again")
        self._ill = False
        return max(0.001, began_s + 1 / self._batch.looks_per_s - time.monotonic())

    async def _fail(self, error: StationError) -> float:
        if not self._ill:
            self._ill = True
            log.warning("the live eye cannot look: %s", error)
            self._on_trouble(error)
        self._mode = None
        await self._go_dark()
        return RETRY_S

    async def _look(self) -> None:
        if self._mode is None:
            asked = self._check.mode_for(self._plan)
            self._mode = await self._threads.on_camera(lambda: self._camera.configure(asked))
        half = self._halves.next_at(time.monotonic())
        frame = await self._looker.frame(half, self._mode)
        wanted = self._wants_preview()
        seen, picture = await self._threads.on_camera(lambda: self._judge(frame, half, preview=wanted))
        self._on_seen(seen)
        if picture is not None:
            self._on_preview(picture, self._facts(seen, frame, half))

    def _judge(self, frame: CapturedFrame, half: int, *, preview: bool) -> tuple[Seen, bytes | None]:
        """On the camera's thread."""
        small = reduced(frame.pixels(), self._profile, self._cells, preview=preview)
        seen = self._presence.see(small.grey, frame.timestamp_s, half)
        if small.preview is None:
            return seen, None
        linear = self._profile.response == "linear"
        return seen, jpeg(small.preview, self._batch.preview_quality, linear=linear)

    def _facts(self, seen: Seen, frame: CapturedFrame, half: int) -> dict[str, Any]:
        return {
            "seen": seen.model_dump(mode="json"),
            "frame": frame.sequence,
            "exposed_s": frame.timestamp_s,
            "lights": list(self._halves.lights[half]),
        }

    async def _go_dark(self) -> None:
        """The lights go off by themselves if this fails."""
        try:
            await self._looker.dark()
        except StationError as error:
            log.debug("lights off: %s", error)
