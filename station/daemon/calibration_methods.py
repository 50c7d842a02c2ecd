"""The methods `calibrate.*` of `control`."""

from typing import TYPE_CHECKING, Any

from ..bus.method import Method
from ..calibrate.colours.charts import load_chart
from ..documents.calibrating import (
    CalibrationBegin,
    CalibrationFinish,
    CalibrationSkip,
    CalibrationStarted,
    CalibrationState,
    CalibrationTake,
)
from ..documents.requests import Accepted, NoParams
from ..scan.calibration.desk import Calibrating, CalibrationDesk

if TYPE_CHECKING:
    from ..twin.bench import TwinBench

Methods = tuple[Method[Any], ...]


def calibration_methods(desk: CalibrationDesk) -> Methods:
    """None of them disturbs a scan: they are refused with `busy` while one runs."""

    async def begin(params: CalibrationBegin) -> CalibrationState:
        return desk.calibrating.begin(params)

    async def state(_: NoParams) -> CalibrationState:
        return desk.calibrating.session.state()

    async def take(params: CalibrationTake) -> CalibrationStarted:
        return CalibrationStarted(run_id=desk.start_take(params))

    async def skip(params: CalibrationSkip) -> CalibrationState:
        return desk.calibrating.skip(params)

    async def finish(params: CalibrationFinish) -> CalibrationStarted:
        return CalibrationStarted(run_id=desk.start_finish(params))

    return (
        Method(
            "calibrate.begin",
            begin,
            CalibrationBegin,
            CalibrationState,
            "Go on with the unfinished calibration, or begin one.",
            effect="A calibration folder, if there is no unfinished one.",
        ),
        Method("calibrate.state", state, NoParams, CalibrationState, "Where the calibration stands."),
        Method(
            "calibrate.take",
            take,
            CalibrationTake,
            CalibrationStarted,
            "Take the pictures of one step; its target must lie under the camera.",
            effect="Lights go on and off; what was measured is stored.",
            completes="calibrate.taken",
        ),
        Method(
            "calibrate.skip",
            skip,
            CalibrationSkip,
            CalibrationState,
            "Leave an optional step out.",
            effect="The step counts as left out.",
        ),
        Method(
            "calibrate.finish",
            finish,
            CalibrationFinish,
            CalibrationStarted,
            "Make the profile and its report of what was taken.",
            effect="A new rig profile; no other is touched. With `adopt` the station uses it.",
            completes="calibrate.finished",
        ),
    )


def laying_methods(bench: "TwinBench", calibrating: Calibrating) -> Methods:
    """What a station on the digital twin serves besides: a pair of hands."""

    async def lay(params: CalibrationTake) -> Accepted:
        options = calibrating.session.options
        chart = load_chart(options.chart) if options.chart and params.step == "colour" else None
        bench.lay(params.step, params.place, options, chart)
        return Accepted()

    return (
        Method(
            "twin.lay",
            lay,
            CalibrationTake,
            Accepted,
            "Put the target of a calibration's step under the simulated camera.",
            effect="The simulated scene.",
        ),
    )
