"""The patient assistant of a calibration on the twin: lays down what each step asks for, as hands do."""

from collections.abc import Callable
from math import cos, radians, sin

from ..documents.boards import BoardSpec, ChartSpec
from ..documents.calibrating import CalibrationOptions, StepName
from .balls import Balls
from .chance import stream
from .chart import ChartTarget
from .charuco import BoardTarget
from .plate import PlatePose
from .scene import Scene
from .sheet import Sheet
from .things import Thing

TILT_DEG = 24.0
"""Of the propped-up board, some degrees more or less."""
PLACES_MM = ((-20.0, 24.0), (21.0, 25.0), (19.0, -26.0), (-22.0, -23.0))
"""Where the sphere lies, towards a corner each time."""
CHART_TURNED_DEG = 90.0
"""The chart is wider than the picture, and as wide as that is high."""
ASKEW_DEG = 5.0
"""An edge in line with the pixels does not show how sharp it is."""
LEVEL_DEG = 0.1
"""Rms tilt of what lies flat on the mat: crumbs, an edge that stands up."""


def lay(
    scene: Scene, step: StepName, place: int, options: CalibrationOptions, chart: ChartSpec | None = None
) -> None:
    """Put the target of a step under the camera."""
    scene.wire(covered=step == "dark")
    if step != "dark":
        scene.place(_thing(scene.seed, step, place, options, chart))


def _thing(
    seed: int, step: StepName, place: int, options: CalibrationOptions, chart: ChartSpec | None
) -> Thing:
    makers: dict[StepName, Callable[[], Thing]] = {
        "response": lambda: _sheet(seed, options, raised=False),
        "timing": lambda: _sheet(seed, options, raised=False),
        "flat": lambda: _sheet(seed, options, raised=False),
        "flat_high": lambda: _sheet(seed, options, raised=True),
        "balls": lambda: _ball(seed, place, options),
        "plane": lambda: _board(options, _flat_pose(seed, options.board_mm, "board", ASKEW_DEG)),
        "lens": lambda: _board(options, _tilted_pose(seed, place)),
        "colour": lambda: _chart(seed, options, chart),
    }
    return makers[step]() if step in makers else None


def _chart(seed: int, options: CalibrationOptions, chart: ChartSpec | None) -> Thing:
    if chart is None:
        return None
    return ChartTarget(chart, _flat_pose(seed, options.board_mm, "chart", CHART_TURNED_DEG))


def _level(seed: int, *names: str | int) -> tuple[float, float]:
    first, second = stream(seed, "laid", *names).normal(0, LEVEL_DEG, 2)
    return float(first), float(second)


def _sheet(seed: int, options: CalibrationOptions, *, raised: bool) -> Sheet:
    """The same sheet each time, with its own bow and blotches; on the spacer it lies turned."""
    bought = Sheet.bought(seed, turned=raised)
    return Sheet(
        reflectance=options.reflectance,
        height_mm=options.sheet_mm + options.spacer_mm * raised,
        unkind=bought.unkind,
        bow_mm=bought.bow_mm,
        twist_mm=bought.twist_mm,
        tilt_deg=_level(seed, "sheet", int(raised)),
        blotch=bought.blotch,
        turned=raised,
        seed=seed,
    )


def _ball(seed: int, place: int, options: CalibrationOptions) -> Balls:
    x, y = stream(seed, "laid", "ball", place).normal(0, 2.0, 2)
    right, up = PLACES_MM[place % len(PLACES_MM)]
    sheet = Sheet(reflectance=options.reflectance, height_mm=options.sheet_mm)
    return Balls(((right + float(x), up + float(y)),), options.ball_radius_mm, sheet=sheet)


def _flat_pose(seed: int, height_mm: float, name: str, turned_deg: float) -> PlatePose:
    rng = stream(seed, "laid", name)
    x, y, turn = rng.normal(0, 1.0, 3)
    return PlatePose(float(x), float(y), height_mm, _level(seed, name), turned_deg + float(turn))


def _tilted_pose(seed: int, place: int) -> PlatePose:
    """Tilted to another side each time."""
    rng = stream(seed, "laid", "view", place)
    way = 36.0 * place + float(rng.normal(0, 8.0))
    tilt = TILT_DEG + float(rng.normal(0, 2.0))
    x, y, turn = rng.normal(0, 2.0, 3)
    tilts = tilt * cos(radians(way)), tilt * sin(radians(way))
    return PlatePose(float(x), float(y), 24.0 + float(rng.normal(0, 2.0)), tilts, float(turn))


def _board(options: CalibrationOptions, pose: PlatePose) -> BoardTarget:
    spec: BoardSpec = options.board
    return BoardTarget(spec, pose, print_scale=options.ruler_read_mm / options.ruler_mm)
