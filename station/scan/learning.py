"""Looks at frames until the clocks of camera and board are known well enough."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..camera.interface import CameraMode
from ..camera.timing import Known
from ..rig.interface import ProgrammableRig
from .hands import Hands
from .locking import STALE_S, Lead, horizon_s, known

MOST = 60
"""Frames that are spent on learning."""


@dataclass(frozen=True, slots=True)
class Learning:
    """Over one rig and one camera in one mode; `lead` is how far ahead programmes are begun."""

    hands: Hands
    rig: ProgrammableRig
    mode: CameraMode
    lead: Lead

    async def until(self, enough: Callable[[Known], bool], steps: int, *, fresh: int = 0) -> Known | None:
        """What is known for a programme of so many steps; None: frames do not lie on one clock.

        Args:
            enough: when to stop; at `MOST` frames it ends in any case.
            steps: of the programme.
            fresh: frames of now that must have been seen.

        Raises:
            StationError: what the camera says; `aborted`.
        """
        begun_s, watch = time.monotonic(), self.hands.watch
        now = await self.known(steps)
        for _ in range(MOST):
            if now is not None and fresh <= 0 and enough(now):
                break
            fresh -= await self.hands.on_camera(lambda: watch.learn(1, begun_s))
            now = await self.known(steps)
        return now

    async def known(self, steps: int) -> Known | None:
        """What is known now; None: nothing of the frames."""
        ahead_s = horizon_s(self.mode, steps, self.lead.ahead_s(steps))
        board_s = await self.hands.on_rig(lambda: self.rig.clock_error_s(ahead_s + STALE_S))
        clock = self.hands.watch.clock
        grid = clock.grid if clock else None
        return known(self.mode, grid, time.monotonic(), ahead_s, board_s) if grid else None
