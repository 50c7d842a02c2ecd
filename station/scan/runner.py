"""Performs what the scan machine decides: the devices on a thread each, the machine on the loop.

The runner owns nothing that outlives a scan but its threads, and what was learned of the devices' clocks;
what is stored and told goes through `Recorder`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeGuard, TypeVar

from ..camera.interface import Camera, CameraMode, CapturedFrame
from ..documents.fault import StationError
from ..documents.judgement import Appearance, Expected, Judgement
from ..documents.plan import ScanPlan
from ..rig.interface import Rig
from . import machine
from .capture import Capture
from .exposure import Decoded, LightCheck
from .hands import Caught, Hands
from .schedule import Exposure, Light, exposures_of

log = logging.getLogger(__name__)
BEEP_MS = 80
ANYTHING = Expected()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TakenFrame:
    """A frame that counts, and its pixels as soon as they are decoded."""

    caught: Caught
    decoded: "Future[Decoded]"

    @property
    def light(self) -> Light:
        """What it was taken under."""
        return self.caught.exposure.light

    @property
    def frame(self) -> CapturedFrame:
        """As it came."""
        return self.caught.frame


@dataclass(frozen=True, slots=True)
class TakenStack:
    """Every frame of a scan, ambient first, with its fingerprint margin, and what the camera read back.

    Attributes:
        appearance: what the judge found that the side looks like; None: it was not looked at.
        stages_s: seconds that were spent on the stack after it was taken, by name.
    """

    frames: tuple[TakenFrame, ...]
    margins: dict[Exposure, float]
    mode: CameraMode
    appearance: Appearance | None = None
    stages_s: dict[str, float] = field(default_factory=dict)


class Recorder(Protocol):
    """Where the runner's news and pictures go."""

    async def tell(self, scan_id: str, news: machine.Tell) -> None:
        """Write one event to the journal and publish it."""
        ...

    async def store(self, scan_id: str, plan: ScanPlan, stack: TakenStack) -> None:
        """Make the stack durable; returns only when it is."""
        ...


class Judge(Protocol):
    """Says whether a stack is worth keeping."""

    def judge(self, stack: TakenStack, expected: Expected) -> tuple[Judgement, Appearance | None]:
        """Look at a stack whose every frame is decoded, and say what the side looks like.

        Called on a thread of its own. No answer for pictures that no judge can make sense of: a StationError.
        """
        ...


class ScanRunner:
    """One rig, one camera, one scan at a time. Without a `judge` every verified stack is stored."""

    def __init__(
        self, rig: Rig, camera: Camera, check: LightCheck, recorder: Recorder, judge: Judge | None = None
    ) -> None:
        self._rig = rig
        self._check = check
        self._recorder = recorder
        self._hands = Hands(rig, camera, self._reached)
        self._capture = Capture(self._hands, check)
        self._judge = judge
        self._decoders = ThreadPoolExecutor(1, "decode")
        self._judges = ThreadPoolExecutor(1, "judge")
        self._events: asyncio.Queue[machine.Event] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers: set[asyncio.Task[None]] = set()
        self._frames: dict[Exposure, TakenFrame] = {}
        self._margins: dict[Exposure, float] = {}
        self._expected = ANYTHING
        self._judged: TakenStack | None = None
        self.state = machine.ScanState()

    @property
    def running(self) -> bool:
        """Whether a scan is under way."""
        return self.state.phase != "idle"

    async def on_rig(self, work: Callable[[], T]) -> T:
        """Run something on the rig's own thread."""
        return await self._hands.on_rig(work)

    async def on_camera(self, work: Callable[[], T]) -> T:
        """Run something on the camera's own thread."""
        return await self._hands.on_camera(work)

    def _reached(self, exposure: Exposure) -> None:
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self.post, machine.Reached(exposure))

    def post(self, event: machine.Event) -> None:
        """Hand the machine an event from outside: an abort, or a fault the board reported."""
        if self.running:
            self._events.put_nowait(event)

    async def run(self, scan_id: str, plan: ScanPlan, expected: Expected = ANYTHING) -> machine.Tell | None:
        """Carry one scan to its end, good or bad; what happened is told to the recorder.

        The failure, or None.
        """
        self._frames, self._margins, self._judged = {}, {}, None
        self._expected = expected
        self._events, self._loop = asyncio.Queue(), asyncio.get_running_loop()
        self._hands.watch.stop.clear()
        self._events.put_nowait(machine.Start(scan_id, plan))
        try:
            while True:
                event = await self._events.get()
                self.state, effects = machine.step(self.state, event)
                for effect in effects:
                    await self._perform(effect, scan_id, plan)
                if not self.running:
                    return next((one for one in effects if _is_failure(one)), None)
        finally:
            self.state = machine.ScanState()
            await self._quieten()

    async def _quieten(self) -> None:
        """Wait for answers nobody needs any more, so that the next scan starts on idle threads."""
        self._hands.watch.stop.set()
        for taken in self._frames.values():
            taken.decoded.cancel()
        if self._answers:
            await asyncio.gather(*self._answers, return_exceptions=True)
        self._frames, self._judged = {}, None

    async def _perform(self, effect: machine.Effect, scan_id: str, plan: ScanPlan) -> None:
        match effect:
            case machine.Prepare():
                self._answer(self._prepare(plan))
            case machine.Expose(batch):
                self._answer(self._expose(batch))
            case machine.VerifyStack():
                self._answer(self._verify())
            case machine.JudgeStack():
                self._answer(self._look())
            case machine.StoreStack():
                self._answer(self._store(scan_id))
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

    async def _prepare(self, plan: ScanPlan) -> machine.Event:
        return machine.Prepared(await self._capture.prepare(plan))

    async def _expose(self, batch: tuple[Exposure, ...]) -> machine.Event:
        tried = await self._capture.expose(batch, self.state.plan)
        for caught in tried.caught:
            so_far = self.state.takes_of(caught.exposure)
            counted = replace(caught, looked_at=caught.looked_at + so_far)
            self._frames[caught.exposure] = TakenFrame(
                counted, self._decoders.submit(self._check.decode, caught.frame)
            )
        return tried.exposed

    async def _verify(self) -> machine.Event:
        order = exposures_of(self.state.plan)
        decoded = [await asyncio.wrap_future(self._frames[exposure].decoded) for exposure in order]
        suspects, self._margins = self._check.suspects(order, [one.coarse for one in decoded])
        return machine.Verified(suspects)

    @property
    def _stack(self) -> TakenStack:
        frames = tuple(self._frames[exposure] for exposure in exposures_of(self.state.plan))
        return TakenStack(frames, self._margins, self._capture.mode)

    async def _look(self) -> machine.Event:
        stack, judge = self._stack, self._judge
        if judge is None:
            self._judged = stack
            return machine.Judged()
        began = time.monotonic()
        judgement, appearance = await asyncio.get_running_loop().run_in_executor(
            self._judges, judge.judge, stack, self._expected
        )
        took = {"judge": time.monotonic() - began}
        self._judged = replace(stack, appearance=appearance, stages_s=took)
        return machine.Judged(judgement.problems, judgement.likeness)

    async def _store(self, scan_id: str) -> machine.Event:
        await self._recorder.store(scan_id, self.state.plan, self._judged or self._stack)
        return machine.Stored()

    def close(self) -> None:
        """Give the threads back."""
        self._hands.close()
        self._decoders.shutdown(wait=True, cancel_futures=True)
        self._judges.shutdown(wait=True, cancel_futures=True)


def _is_failure(effect: machine.Effect) -> TypeGuard[machine.Tell]:
    return isinstance(effect, machine.Tell) and effect.type == "scan.failed"
