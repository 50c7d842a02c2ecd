"""How much of both clocks must be known before the first light, and when it is enough. Pure."""

from dataclasses import dataclass

from ..camera.frame_clock import Grid
from ..camera.interface import CameraMode
from ..camera.timing import SLACK_US, Known, decide, spare_us, strobe_us
from ..documents.plan import Timing
from .schedule import PROGRAMME_S

LEAD_S = 0.03
COMMAND_S = 0.006
"""What a board is given to hear of a programme, and for each command of it."""
LEAST = 0.5
"""Share of that which may do."""
COMMANDS = 5
"""Around the steps of a programme: begin, end, arm, start; and one for chance."""
STALE_S = 0.5
"""How old the last comparison with the board's clock may be."""
STROBE_LOSS = 0.2
"""Share of a strobe's light that may be spent on margins before it is worth to wait for better ones."""


HOPE = 1.5
"""By how much margins may exceed their room before a programme is not worth its time."""


@dataclass
class Lead:
    """How far ahead a programme is begun: as short as the board lets us, longer after it came too late."""

    factor: float = 1.0

    def ahead_s(self, steps: int) -> float:
        """For so many steps."""
        return self.factor * (LEAD_S + COMMAND_S * (steps + COMMANDS))

    def late(self) -> None:
        """The board heard of it too late."""
        self.factor *= 2

    def met(self) -> None:
        """It did not."""
        self.factor = max(LEAST, self.factor * 0.8)


def horizon_s(mode: CameraMode, steps: int, lead_s: float) -> float:
    """How far ahead the end of a programme lies, if each light costs two frames."""
    return lead_s + min(PROGRAMME_S, 2 * (steps + 1) * mode.period_us / 1e6)


def known(mode: CameraMode, grid: Grid, from_s: float, ahead_s: float, board_s: float) -> Known:
    """What is known of lights' edges up to `ahead_s` after `from_s`, the board being off by `board_s`."""
    last = grid.start(grid.frame_at(from_s + ahead_s))
    return Known(mode, 1e6 * grid.period_s, 1e6 * (last.error_s + board_s) + SLACK_US)


def settled(now: Known) -> bool:
    """Whether knowing more would change nothing that matters."""
    best = Known(now.mode, now.period_us, SLACK_US)
    kind = decide(best).kind
    if decide(now).kind != kind:
        return False
    return kind != "strobe" or strobe_us(now) >= (1 - STROBE_LOSS) * strobe_us(best)


def has_room(timing: Timing, now: Known) -> bool:
    """Whether the margins that a timing was decided with are still about enough.

    Bounds are seldom reached, and what counts is judged afterwards.
    """
    room_us = spare_us(now, timing.frames_per_light)
    if timing.kind == "strobe":
        room_us = (now.mode.exposure_us - now.mode.readout_us - timing.on_us) / 2
    return now.margin_us <= HOPE * room_us
