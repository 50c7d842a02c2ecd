"""The lights of a rig from pictures of a matte sheet and of chrome spheres."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...documents.fault import StationError
from ...documents.profile import CameraProfile, LightProfile
from ..observed import BallLook, FlatLook
from .adjustment import Adjusted, adjust
from .bundle_result import LightsFit, Placement, Sheet, bow_mm, light_fits
from .looks import burning, colour_levels
from .mistakes import Evidence, found_mistakes
from .posing import Posed, pose
from .problem import lamps_of

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

RAYS_FOR_A_PLACE = 2


def fit_lights(
    camera: CameraProfile,
    flats: Sequence[FlatLook],
    balls: Sequence[BallLook],
    start: Sequence[LightProfile],
    reflectance: float = 1.0,
) -> LightsFit:
    """Places, axes, lobes and powers of all lights, with their uncertainties.

    Flats alone, spheres alone, or both; what they leave open is said in the findings or by a large
    uncertainty. From spheres alone come places only: powers, axes and lobes stay those of the start.

    Args:
        camera: lens, pose and card plane, calibrated.
        flats: the matte sheet under every light, in one or more places.
        balls: chrome spheres.
        start: where the lights are believed to be; some 20 mm of error do no harm.
        reflectance: of the sheet.

    Raises:
        StationError: `calibration_failed`: too little was observed to say anything, or the observations do
            not fit each other.
    """
    _checked(flats, balls, start)
    seen = np.flatnonzero(_observed(flats, balls, len(start)))
    if not len(seen):
        raise StationError(
            "calibration_failed", "no light was seen, neither on the flat nor in two spheres or more"
        )
    posed = pose(camera, flats, balls, start, seen)
    solved = adjust(posed.both)
    alone = None if posed.alone is None else (adjust(posed.alone[0]), adjust(posed.alone[1]))
    fit = _result(posed, solved, flats, start, seen, reflectance)
    evidence = Evidence(posed, solved, alone, tuple(balls), tuple(start), seen)
    return replace(fit, findings=found_mistakes(fit, evidence))


def _checked(flats: Sequence[FlatLook], balls: Sequence[BallLook], start: Sequence[LightProfile]) -> None:
    lights = len(start)
    if any(len(look.grid) != lights for look in flats) or any(len(b.highlights_px) != lights for b in balls):
        raise StationError(
            "calibration_failed", f"the observations are not of the {lights} lights of the rig"
        )
    if len({look.grid.shape for look in flats}) > 1:
        raise StationError("calibration_failed", "the looks at the flat have grids of different sizes")


def _observed(flats: Sequence[FlatLook], balls: Sequence[BallLook], lights: int) -> NDArray[np.bool_]:
    """Which lights (K,) can be fitted."""
    if flats:
        return burning(flats)
    if not balls:
        return np.zeros(lights, bool)
    rays = np.sum([np.isfinite(ball.highlights_px).all(axis=1) for ball in balls], axis=0)
    return np.asarray(rays >= RAYS_FOR_A_PLACE)


def _result(
    posed: Posed,
    solved: Adjusted,
    flats: Sequence[FlatLook],
    start: Sequence[LightProfile],
    seen: Indices,
    reflectance: float,
) -> LightsFit:
    problem, many = posed.both, len(start)
    at, vector = problem.unknowns.at, solved.vector
    lights, codes = _lights(posed, solved, flats, start, seen)
    bow = bow_mm(problem, solved) if flats else None
    return LightsFit(
        lights=lights,
        fits=light_fits(problem, solved, seen),
        codes=None if codes is None else codes / reflectance,
        sheet=Sheet(vector[at("shape")], vector[at("blotch")]) if flats else None,
        sheet_bow_mm=bow[0] if bow else None,
        sheet_bow_sigma_mm=bow[1] if bow else None,
        placements=_placements(posed, solved, seen, many),
        vignetting=tuple(vector[at("vignetting")].tolist()) if flats else (),
        residual_percent=_residuals(posed, solved, seen, many),
        ball_residual_px=_all_lights(solved.highlights_px, seen, many),
        covariance=_covariance(posed, solved, seen, many),
    )


def _lights(
    posed: Posed, solved: Adjusted, flats: Sequence[FlatLook], start: Sequence[LightProfile], seen: Indices
) -> tuple[tuple[LightProfile, ...], float | None]:
    """All lights, and the codes that a power of 1 stands for."""
    problem, lights = posed.both, list(start)
    lamps = lamps_of(problem, solved.vector)
    if not flats:
        for n, k in enumerate(seen):
            lights[k] = start[k].replace(position_mm=tuple(lamps.places_mm[n].tolist()))
        return tuple(lights), None
    level = solved.vector[problem.unknowns.at("level")]
    powers = np.exp(level[:, None] + colour_levels(flats, seen))
    codes = float(powers.mean())
    for n, k in enumerate(seen):
        lights[k] = LightProfile(
            position_mm=tuple(lamps.places_mm[n].tolist()),
            power=tuple((powers[n] / codes).tolist()),
            axis=tuple(lamps.axes[n].tolist()),
            lobe=max(0.0, float(lamps.lobes[n])),
        )
    return tuple(lights), codes


def _placements(posed: Posed, solved: Adjusted, seen: Indices, many: int) -> tuple[Placement, ...]:
    at, vector, placements = posed.both.unknowns.at, solved.vector, []
    for n, look in enumerate(posed.both.looks):
        gains = np.zeros(many)
        gains[seen] = vector[at("common")[n]] + vector[at("gain")[n]]
        across, up = vector[at("tilt")[n]].tolist()
        height = look.height_mm + float(vector[at("height")[n]])
        placements.append(Placement(height, (across, up), gains))
    return tuple(placements)


def _residuals(posed: Posed, solved: Adjusted, seen: Indices, many: int) -> Array:
    rows, columns = posed.both.shape
    maps = np.full((many, rows, columns), np.nan)
    if posed.both.looks:
        maps[seen] = 100 * solved.flat.mean(axis=0).reshape(len(seen), rows, columns)
    return maps


def _all_lights(values: Array, seen: Indices, many: int) -> Array:
    every = np.full((len(values), many, 2), np.nan)
    every[:, seen] = values
    return every


def _covariance(posed: Posed, solved: Adjusted, seen: Indices, many: int) -> Array:
    own = posed.both.unknowns.at("place").ravel()
    where = (3 * seen[:, None] + np.arange(3)).ravel()
    whole = np.full((3 * many, 3 * many), np.nan)
    whole[np.ix_(where, where)] = solved.covariance[np.ix_(own, own)]
    return whole
