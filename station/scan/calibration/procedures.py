"""Which procedure takes which step."""

from collections.abc import Awaitable, Callable

from ...documents.calibrating import StepName, Take
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from . import board_steps, light_steps, sensor_steps, timing_step
from .photographer import Photographer
from .session import Session
from .taking import Bench, Taken, Taking

PROCEDURES: dict[StepName, Callable[[Taking], Awaitable[Taken]]] = {
    "dark": sensor_steps.dark,
    "response": sensor_steps.response,
    "timing": timing_step.timing,
    "flat": light_steps.flat,
    "flat_high": light_steps.flat,
    "balls": light_steps.balls,
    "plane": board_steps.flat_board,
    "lens": board_steps.tilted_board,
    "colour": board_steps.colour,
    "mat": light_steps.mat,
}


async def take(
    session: Session, photographer: Photographer, bench: Bench, step: StepName, place: int
) -> Take:
    """Take the pictures of a step, measure them, and keep what was measured.

    Raises:
        StationError: what rig, camera and disk say.
    """
    try:
        taken = await PROCEDURES[step](Taking(photographer, session, bench, place))
    except StationError as error:
        if error.code != "calibration_failed":
            raise
        taken = _failed(error)
    return session.record(step, place, taken.arrays, findings=taken.findings, figures=taken.figures)


def _failed(error: StationError) -> Taken:
    """What could not be made out is told as a finding, so that the step can be taken again."""
    found = CalibrationFinding(kind="not_found", message=str(error), next_step=error.hint)
    return Taken({}, {}, (found,))
