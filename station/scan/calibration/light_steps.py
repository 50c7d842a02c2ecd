"""The steps that teach the lights: the flat field, the chrome sphere, and the empty mat."""

import numpy as np
from numpy.typing import NDArray

from ...calibrate.lights.flatfield import grid_of
from ...calibrate.mat.mat import reference
from ...calibrate.spheres.balls import look_at_balls
from ...documents.calibration import CalibrationFinding
from . import checks
from .fitting import optics
from .looks import ball_arrays
from .taking import Taken, Taking

Floats = NDArray[np.float32]

NEARLY_CLIPPED = 0.95
"""Share of full scale that the brightest thousandth of the sheet may reach."""
SHORTENED, SHORTENINGS = 0.8, 4
SHORTEST_US = 50
SHORT = 150
"""By how much the exposure for the sphere's reflections is shorter: a mirrored LED is some thousand times as
bright as white paper."""
BALL_FRAMES = 4
MAT_FRAMES = 8


async def flat(taking: Taking) -> Taken:
    """The white sheet under every light, as a grid over the picture."""
    response, count = taking.response, taking.session.options.frames
    exposure = await _not_clipping_us(taking)
    ambient = response.linear((await taking.frames(None, exposure, count)).mean)
    grids, noises, clipped, levels = [], [], [], []
    for light in range(taking.photographer.lights):
        mean = response.linear((await taking.frames(light, exposure, count)).mean)
        clipped.append(float(checks.is_clipped(mean, response.full).mean()))
        mean -= ambient
        grids.append(grid_of(mean))
        noises.append(_node_noise(mean, grids[-1]))
        levels.append(float(np.median(mean)))
    stacked = (np.stack(grids) * (taking.flat_exposure_us / exposure)).astype(np.float32)
    level = np.array(levels)
    figures = {
        "level_percent": 100 * float(np.median(level)) / response.full,
        "noise_percent": 100 * float(np.median(noises)),
    }
    arrays = {"grid": stacked, "noise": np.array(noises), "exposure_us": np.array(taking.flat_exposure_us)}
    return Taken(arrays, figures, _of_flat(level, np.array(clipped), stacked, response.full))


async def _not_clipping_us(taking: Taking) -> int:
    """The flat field's exposure; a raised sheet is nearer to the lights, and may need a shorter one."""
    exposure, response = taking.flat_exposure_us, taking.response
    for _ in range(SHORTENINGS):
        looks = [
            float(np.percentile(response.linear((await taking.frames(light, exposure, 2)).mean), 99.9))
            for light in range(taking.photographer.lights)
        ]
        if max(looks) < NEARLY_CLIPPED * response.full:
            break
        exposure = round(exposure * SHORTENED)
    return exposure


def _of_flat(
    level: NDArray[np.float64], clipped: NDArray[np.float64], grids: Floats, full: float
) -> tuple[CalibrationFinding, ...]:
    dark = checks.unlit(level)
    shaded = () if dark else checks.uneven(grids)
    return (*dark, *checks.too_dark(level, full), *checks.clipped(clipped), *shaded)


def _node_noise(lit: Floats, grid: NDArray[np.floating]) -> float:
    """Relative standard deviation of a node of the grid, from what the pixels scatter about it."""
    rows, columns = grid.shape[:2]
    height, width = lit.shape[:2]
    middle = lit[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4].mean(axis=2)
    step = np.diff(middle, axis=1)
    pixel = float(np.sqrt(np.median(step**2) / 0.4549 / 2))  # median of a squared normal deviate
    share = (height / rows) * (width / columns)  # pixels that a node is made from
    return float(pixel / np.sqrt(max(share, 1.0)) / max(float(np.median(middle)), 1e-6))


async def balls(taking: Taking) -> Taken:
    """The chrome sphere: its outline at the usual exposure, the lights' reflections at a short one."""
    session = taking.session
    camera = optics(session, taking.bench).camera
    bright = await taking.lit(BALL_FRAMES)
    exposure = max(SHORTEST_US, taking.exposure_us // SHORT)
    short = await taking.lit(BALL_FRAMES, exposure)
    options = session.options
    seen = look_at_balls(
        bright.pictures,
        short.pictures,
        camera,
        options.ball_radius_mm,
        options.sheet_mm,
        full_scale=short.response.full - float(short.response.black.mean()),
    )
    findings = (*bright.findings(may_clip=True, may_be_dark=True), *seen.findings)
    figures = {"spheres": float(len(seen.looks)), "short_exposure_us": float(exposure)}
    return Taken(ball_arrays(seen.looks), figures, findings)


async def mat(taking: Taking) -> Taken:
    """The empty mat under every light, by which drift will be noticed."""
    lit = await taking.lit(MAT_FRAMES, taking.flat_exposure_us)
    findings = lit.findings(may_be_dark=True)
    pictures = np.stack([one.mean(axis=2) for one in lit.pictures])
    kept = reference(pictures, optics(taking.session, taking.bench).camera)
    if kept is None:
        return Taken({}, {"places": 0.0}, (*findings, _no_mat()))
    places, middles = kept
    return Taken({"mat": places, "mat_px": middles}, {"places": float(len(places))}, findings)


def _no_mat() -> CalibrationFinding:
    return CalibrationFinding(
        kind="too_few",
        message="the picture shows too little mat beside the card to notice drift by",
        next_step="Nothing, or raise the camera a little and calibrate again.",
        severe=False,
    )
