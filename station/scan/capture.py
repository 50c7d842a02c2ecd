"""From exposures to frames that count: first how lights and frames are held together, then batch by batch."""

import logging

from ..camera.frame_clock import Stamping
from ..camera.interface import CameraMode
from ..camera.timing import decide, gated, without_clock
from ..documents.plan import ScanPlan, Timing
from ..rig.interface import ProgrammableRig
from .acceptance import StampGate
from .exposure import LightCheck, await_exposure
from .hands import Caught, Hands, Tried, programmable
from .learning import MOST, Learning
from .locking import Lead, settled
from .programmes import Programmes
from .schedule import Exposure, exposures_of

log = logging.getLogger(__name__)

FRESH = 1
"""Frames that a scan looks at before it trusts the clock it remembers; those it takes are the proof."""


class Capture:
    """One rig and one camera. What was learned of their clocks outlives a scan."""

    def __init__(self, hands: Hands, check: LightCheck) -> None:
        self._hands = hands
        self._check = check
        self._lead = Lead()
        self._mode: CameraMode | None = None

    @property
    def mode(self) -> CameraMode:
        """What the camera does."""
        assert self._mode is not None  # noqa: S101 - the machine prepares before it exposes
        return self._mode

    async def prepare(self, plan: ScanPlan) -> Timing:
        """Configure the camera and decide how lights and frames are held together.

        Raises:
            StationError: what the camera says; `aborted`.
        """
        camera, hands = self._check.camera, self._hands
        self._mode = await hands.on_camera(lambda: hands.watch.configure(self._check.mode_for(plan)))
        can = programmable(hands.rig)
        timing = without_clock(self._mode, camera, wire=self._check.wire, programmable=can)
        stamping = Stamping.of(camera, self._mode)
        if timing is None and stamping is not None and programmable(hands.rig):
            timing = await self._learn(hands.rig, stamping, len(exposures_of(plan)))
        assert timing is not None  # noqa: S101 - a clock is asked for only where stamps and board allow it
        log.debug("%s: %s", timing.kind, timing.why)
        return timing

    async def _learn(self, rig: ProgrammableRig, stamping: Stamping, steps: int) -> Timing:
        """Look at frames until both clocks are known well enough, or for long enough."""
        hands = self._hands
        await hands.on_camera(lambda: hands.watch.begin(stamping))
        now = await Learning(hands, rig, self.mode, self._lead).until(settled, steps, fresh=FRESH)
        if now is None:
            within = f"{1e3 * stamping.jitter_s:.1f} ms"
            return gated(self.mode, f"the stamps of {MOST} frames do not lie on one clock to within {within}")
        return decide(now)

    async def expose(self, batch: tuple[Exposure, ...], plan: ScanPlan) -> Tried:
        """Take one frame for each exposure; those that could not be had are named with the reason.

        Raises:
            StationError: what rig and camera say; `frames_mismatched`, `aborted`.
        """
        timing, rig, clock = plan.timing, self._hands.rig, self._hands.watch.clock
        if timing is not None and programmable(rig):
            programmes = Programmes(self._hands, rig, self.mode, self._lead)
            if timing.kind == "triggered":
                camera = self._check.camera
                gate = StampGate(Stamping.of(camera, self.mode), camera.stamp_late_us)
                return await programmes.triggered(batch, gate)
            if timing.kind != "gated" and clock is not None:
                return await programmes.locked(batch, timing, clock)
        return await self._gated(batch[0], plan)

    async def _gated(self, exposure: Exposure, plan: ScanPlan) -> Tried:
        hands, gate = self._hands, self._check.gate_for(self.mode)
        lit = await hands.on_rig(lambda: hands.rig.switch(exposure.light, plan.max_on_ms))
        hands.reached(exposure)
        frame, looked_at = await hands.on_camera(
            lambda: await_exposure(hands.watch.frames(), lit, gate, plan)
        )
        lit_s = None if exposure.light is None else lit.acknowledged_s
        return Tried((Caught(exposure, frame, lit_s, None, looked_at),))
