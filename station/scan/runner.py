"""Performs what the scan machine decides: rig and camera on a thread each, the machine on the loop.

The runner owns nothing that outlives a scan but its threads; what is stored and told goes through `Recorder`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..camera.interface import Camera, CameraMode, CapturedFrame
from ..documents.fault import StationError
from ..documents.plan import ScanPlan
from ..rig.interface import Rig, Switched
from . import machine
from .exposure import Decoded, LightCheck, await_exposure, decode

log = logging.getLogger(__name__)
BEEP_MS = 80
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """An accepted frame with the board's acknowledgement it was held against."""

    light: machine.Light
    frame: CapturedFrame
    lit: Switched
    looked_at: int
    decoded: "Future[Decoded]"


@dataclass(frozen=True, slots=True)
class TakenStack:
    """Every frame of a scan, ambient first, with its fingerprint margin, and what the camera read back."""

    frames: tuple[TakenFrame, ...]
    margins: dict[machine.Light, float]
    mode: CameraMode


class Recorder(Protocol):
    """Where the runner's news and pictures go."""

    async def tell(self, scan_id: str, news: machine.Tell) -> None:
        """Write one event to the journal and publish it."""
        ...

    async def store(self, scan_id: str, plan: ScanPlan, stack: TakenStack) -> None:
        """Make the stack durable; returns only when it is."""
        ...


class ScanRunner:
    """One rig, one camera, one scan at a time."""

    def __init__(self, rig: Rig, camera: Camera, check: LightCheck, recorder: Recorder) -> None:
        self._rig = rig
        self._camera = camera
        self._check = check
        self._recorder = recorder
        self._rig_thread = ThreadPoolExecutor(1, "rig")
        self._camera_thread = ThreadPoolExecutor(1, "camera")
        self._decoders = ThreadPoolExecutor(1, "decode")
        self._stop = threading.Event()
        self._events: asyncio.Queue[machine.Event] = asyncio.Queue()
        self._answers: set[asyncio.Task[None]] = set()
        self._frames: dict[machine.Light, TakenFrame] = {}
        self._margins: dict[machine.Light, float] = {}
        self._mode: CameraMode | None = None
        self._lit: Switched | None = None
        self.state = machine.ScanState()

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        return self.state.phase != "idle"

    async def on_rig(self, work: Callable[[], T]) -> T:
        """Run something on the rig's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._rig_thread, work)

    async def on_camera(self, work: Callable[[], T]) -> T:
        """Run something on the camera's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._camera_thread, work)

    def post(self, event: machine.Event) -> None:
        """Hand the machine an event from outside: an abort, or a fault the board reported."""
        if self.running:
            self._events.put_nowait(event)

    async def run(self, scan_id: str, plan: ScanPlan) -> machine.Tell | None:
        """Carry one scan to its end, good or bad; what happened is told to the recorder.

        The failure, or None.
        """
        self._frames, self._margins, self._mode, self._lit = {}, {}, None, None
        self._events = asyncio.Queue()
        self._stop.clear()
        self._events.put_nowait(machine.Start(scan_id, plan))
        try:
            while True:
                event = await self._events.get()
                self.state, effects = machine.step(self.state, event)
                for effect in effects:
                    await self._perform(effect, scan_id, plan)
                if not self.running:
                    return next((told for told in effects if isinstance(told, machine.Tell)), None)
        finally:
            self.state = machine.ScanState()
            await self._quieten()

    async def _quieten(self) -> None:
        """Wait for answers nobody needs any more, so that the next scan starts on idle threads."""
        self._stop.set()
        if self._answers:
            await asyncio.gather(*self._answers, return_exceptions=True)
        self._frames = {}

    async def _perform(self, effect: machine.Effect, scan_id: str, plan: ScanPlan) -> None:
        match effect:
            case machine.SwitchTo(light, max_on_ms):
                self._answer(self._switch(light, max_on_ms))
            case machine.Expose(light):
                self._answer(self._expose(light, plan))
            case machine.VerifyStack():
                self._answer(self._verify(plan))
            case machine.StoreStack():
                self._answer(self._store(scan_id, plan))
            case machine.LightsOff():
                await self._attempt("lights off", lambda: self._rig.switch(None, plan.max_on_ms))
            case machine.Beep():
                await self._attempt("beep", lambda: self._rig.beep(BEEP_MS))
            case machine.Tell():
                await self._recorder.tell(scan_id, effect)

    async def _attempt(self, what: str, work: Callable[[], object]) -> None:
        """Do what must not change the outcome; the board puts its lights off by itself if this fails."""
        try:
            await self.on_rig(work)
        except StationError as error:
            log.warning("%s: %s", what, error)

    def _answer(self, work: Coroutine[None, None, machine.Event]) -> None:
        task = asyncio.create_task(self._settle(work))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _settle(self, work: Coroutine[None, None, machine.Event]) -> None:
        try:
            event = await work
        except StationError as error:
            event = machine.Failed(error.code, str(error))
        except Exception as error:
            log.exception("the scan met a defect")
            event = machine.Failed("internal", f"{type(error).__name__}: {error}")
        self._events.put_nowait(event)

    async def _switch(self, light: machine.Light, max_on_ms: int) -> machine.Event:
        if self._mode is None:
            self._mode = await self.on_camera(
                lambda: self._camera.configure(self._check.mode_for(self.state.plan))
            )
        self._lit = await self.on_rig(lambda: self._rig.switch(light, max_on_ms))
        return machine.Lit(light)

    async def _expose(self, light: machine.Light, plan: ScanPlan) -> machine.Event:
        lit, mode = self._lit, self._mode
        assert lit is not None and mode is not None  # noqa: S101, PT018 - the table lights before it exposes
        frame, looked_at = await self.on_camera(
            lambda: await_exposure(self._camera.frames(), lit, self._check.gate_for(mode), plan, self._stop)
        )
        decoded = self._decoders.submit(decode, frame)
        self._frames[light] = TakenFrame(light, frame, lit, looked_at, decoded)
        return machine.Exposed(light)

    async def _verify(self, plan: ScanPlan) -> machine.Event:
        order: tuple[machine.Light, ...] = (None, *plan.lights)
        taken = [self._frames[light] for light in order]
        decoded = [await asyncio.wrap_future(frame.decoded) for frame in taken]
        suspects, self._margins = self._check.suspects(order, [one.coarse for one in decoded])
        return machine.Verified(suspects)

    async def _store(self, scan_id: str, plan: ScanPlan) -> machine.Event:
        assert self._mode is not None  # noqa: S101 - no stack without a configured camera
        order: tuple[machine.Light, ...] = (None, *plan.lights)
        stack = TakenStack(tuple(self._frames[light] for light in order), self._margins, self._mode)
        await self._recorder.store(scan_id, plan, stack)
        return machine.Stored()

    def close(self) -> None:
        """Give the threads back."""
        self._stop.set()
        for pool in (self._rig_thread, self._camera_thread, self._decoders):
            pool.shutdown(wait=True, cancel_futures=True)
