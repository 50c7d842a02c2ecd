"""From photographs to normals and albedo: one rule for the scale, one for each estimator."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...documents.normals import BlackFrom, EstimatorName
from ...documents.profile import LightProfile
from ...photometric.cuda import best_solver
from ...photometric.lights import directional_field, parametric_field
from ...photometric.linear import Quick, by_rank, least_squares
from ...photometric.scale import with_estimated_black, with_estimated_noise
from ...photometric.solve import ROBUST, TRIMMED, Solution
from ...photometric.stack import FEWEST_LIGHTS, LightField, Pictures, Sensor, pictures, unusable
from .photographs import Photographs
from .request import Request, Tell
from .spread import nodes_along
from .surface import Array, Bools, Floats, Solved

NODES_TO_LIGHT = 60
"""Near lights are known at places so many times nearer to each other than the nearest light is: the straight
lines between them are then within 0.0003 of the brightness."""
CLOSEST_NODES_PX, WIDEST_NODES_PX = 4, 64


def pictures_of(taken: Photographs, request: Request) -> Pictures:
    """The pictures as the solver takes them, of unknown noise.

    Raises:
        StationError: `stack_unusable`.
    """
    level = request.black if isinstance(request.black, float) else 0.0
    return pictures(taken.lit, taken.ambient, Sensor(level, taken.full_scale, 0.0, 1.0))


def field_of(taken: Photographs, request: Request) -> LightField:
    """What the lights do; a white surface that faces one of intensity 1 is at full scale.

    Near lights shine alike in all directions and are as bright as the middle of the picture sees them.

    Raises:
        StationError: `stack_unusable`.
    """
    white = taken.full_scale * taken.intensities
    if not request.near:
        return directional_field(taken.vectors, white)
    height, width = taken.lit[0].shape[:2]
    reach = np.square(taken.vectors).sum(axis=1)
    points = _plane(height, width, request.pixel_mm or 1.0, float(np.sqrt(reach.min())))
    lights = [
        LightProfile(position_mm=tuple(place), power=(distance,) * 3, axis=(0.0, 0.0, -1.0), lobe=0.0)
        for place, distance in zip(taken.vectors.tolist(), reach.tolist(), strict=True)
    ]
    field = parametric_field(lights, points)
    power = white[:, None, None, :].astype(np.float32)
    return replace(field, flat=field.flat[..., :1] * power)


def solved(taken: Photographs, request: Request, field: LightField, tell: Tell) -> tuple[Solved, Pictures]:
    """Normals and albedo, and the pictures with the black level that holds.

    Raises:
        StationError: `stack_unusable`.
    """
    given = pictures_of(taken, request)
    tell("noise")
    with_noise = with_estimated_black if request.black == "estimate" else with_estimated_noise
    seen = with_noise(given, field, taken.mask)
    tell("normals")
    found = _found(seen, field, request.estimator)
    there = np.ones(found.valid.shape, np.bool_) if taken.mask is None else taken.mask
    if not (found.valid & there).any():
        raise unusable("no pixel of the mask has a normal")
    return _masked(found, there, seen, _black_from(taken, request)), seen


def _found(seen: Pictures, field: LightField, estimator: EstimatorName) -> Solution | Quick:
    if estimator in ("robust", "trimmed"):
        return best_solver()(seen, field, estimator=ROBUST if estimator == "robust" else TRIMMED)
    quick = least_squares if estimator == "least-squares" else by_rank
    return quick(*_grey(seen, field))


def _grey(seen: Pictures, field: LightField) -> tuple[Pictures, LightField]:
    """The mean of the channels: what a text-book solves."""
    lit = _mean_code(seen.lit)
    dark = None if seen.ambient is None else _mean_code(seen.ambient)
    return Pictures(lit, dark, seen.sensor), replace(field, flat=field.flat.mean(axis=3, keepdims=True))


def _mean_code(codes: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(np.rint(codes.mean(axis=-1, keepdims=True, dtype=np.float32)), codes.dtype)


def _masked(found: Solution | Quick, there: Bools, seen: Pictures, black_from: BlackFrom) -> Solved:
    clipped = (seen.lit >= seen.sensor.clipped_from).any(axis=(0, 3))
    valid = found.valid & there
    plain = Solved(
        normals=found.normals,
        albedo=found.albedo if isinstance(found, Solution) else _coloured(found, seen),
        sigma_deg=None,
        valid=valid,
        there=there,
        clipped=clipped & there,
        dark=None,
        chi2_median=None,
        black_level=seen.sensor.black_level if seen.ambient is None else None,
        black_from=black_from,
        noise_codes=float(np.sqrt(seen.sensor.noise_b)),
    )
    if not isinstance(found, Solution):
        return plain
    chi2 = float(np.median(found.chi2[valid])) if seen.lights > FEWEST_LIGHTS else None
    sigma_deg = np.degrees(found.sigma_rad)
    return replace(plain, sigma_deg=sigma_deg, dark=found.dark & there, chi2_median=chi2)


def _coloured(found: Quick, seen: Pictures) -> Floats:
    """The albedo of the mean with the colours of the sum of all lights: (H, W, C)."""
    total = seen.above_dark().sum(axis=0)
    mean = total.mean(axis=2, keepdims=True)
    share = np.divide(total, mean, out=np.ones_like(total), where=mean > 0)
    return np.asarray(found.albedo[..., None] * share, np.float32)


def _black_from(taken: Photographs, request: Request) -> BlackFrom:
    if taken.ambient is not None:
        return "ambient picture"
    if request.black is None:
        return "none"
    return "estimated" if request.black == "estimate" else "given"


def _plane(height: int, width: int, pixel_mm: float, nearest_mm: float) -> Array:
    """Points (rows, columns, 3) of the plane z = 0 under the nodes, origin at the picture's middle."""
    wanted = nearest_mm / (NODES_TO_LIGHT * pixel_mm)
    every = round(float(np.clip(wanted, CLOSEST_NODES_PX, WIDEST_NODES_PX)))
    across = (nodes_along(width, every) - (width - 1) / 2) * pixel_mm
    up = ((height - 1) / 2 - nodes_along(height, every)) * pixel_mm
    x, y = np.meshgrid(across, up)
    return np.stack([x, y, np.zeros_like(x)], axis=-1)
