"""Power of each light in this very stack, and the coat's lobes.

LEDs drift by a per cent between calibration and card. A drift that no surface explains shows in the
residuals; that fixes all but three of the gains. The three that look like a change of albedo or a tilt of the
whole card are fixed by what is known beforehand: the mean gain is one, and most of the card lies flat on the
mat. The strengths of the coat's lobes are found with the gains, in one step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from .coat import STRONGEST
from .stack import unusable

Array = NDArray[np.float64]

ROUNDS = 3
FREE = 3
"""Parameters of each place: m. As many combinations of gains no residual can tell."""
FEWEST_PLACES = 16
MOST_DRIFT = 0.2
RIDGE = 1e-4
"""Holds the blind combinations of gains still, relative to what the others are known by."""


@dataclass(frozen=True, slots=True)
class Refit:
    """What the refit found.

    Attributes:
        gains: (lights,), mean 1; multiply the field's powers by them.
        coat: (lobes,), reflectance of each lobe straight on.
        slope: (N, 2), surface slopes dz/dx, dz/dy at the places; NaN where unknown.
        residual: robust relative deviation of the fit at the places, after gains and coat.
    """

    gains: Array
    coat: Array
    slope: Array
    residual: float


def refit(ratios: NDArray[np.floating], tangent: NDArray[np.floating], lobes: NDArray[np.floating]) -> Refit:
    """Find gains and coat on a reduced picture.

    Args:
        ratios: (lights, N), mean ratio to the flat field at N places on the card; zero or less where unknown.
        tangent: (lights, N, 2), directions of the lights there.
        lobes: (lobes, lights, N), what each lobe of the coat would add; none for a matte card.

    Raises:
        StationError: `stack_unusable`, too few places are lit by three lights without clipping.
    """
    z = np.asarray(ratios, np.float64).T
    known = z > 0
    places = known.sum(axis=1) >= FREE
    if places.sum() < FEWEST_PLACES:
        raise unusable("hardly any place on the card is lit by three lights without clipping")
    toward = np.asarray(tangent, np.float64).transpose(1, 0, 2)[places]
    design = np.concatenate([toward, np.ones_like(toward[..., :1])], axis=2)
    shine = np.asarray(lobes, np.float64).transpose(2, 1, 0)[places]
    z, known = np.where(known, z, 1.0)[places], known[places]
    gains, coat, weight = _solve(z, known, design, shine)
    matte = z / gains - shine @ coat
    level = _level(matte, weight, design)
    mean = float((gains * level).mean())
    m, error = _fit(matte / level, weight, design)
    slope = np.full((len(places), 2), np.nan)
    slope[places] = -m[:, :2] / m[:, 2:]
    return Refit(gains * level / mean, coat, slope, _scale(error, weight))


def _solve(z: Array, known: NDArray[np.bool_], design: Array, shine: Array) -> tuple[Array, Array, Array]:
    """Gains and coat by the residuals, with the robust weights of places and lights."""
    lights = z.shape[1]
    gains, coat = np.ones(lights), np.zeros(shine.shape[2])
    weight = known.astype(np.float64)
    for _ in range(ROUNDS):
        m, error = _fit(z / gains - shine @ coat, weight, design)
        cut = 3.0 * max(_scale(error, weight), 1e-6)
        weight = known / (1.0 + (error / cut) ** 2) ** 2
        size = np.maximum(np.linalg.norm(m, axis=1), 1e-9)
        step, coat = _step(z / gains, weight / size[:, None] ** 2, design, shine)
        gains = gains * (1.0 + step)
    return gains, coat, weight


def _fit(z: Array, weight: Array, design: Array) -> tuple[Array, Array]:
    """Fit m (N, 3); also the residuals relative to the albedo (N, lights)."""
    weighted = design * weight[..., None]
    normal = weighted.transpose(0, 2, 1) @ design + 1e-9 * np.eye(3)
    m = np.linalg.solve(normal, (weighted * z[..., None]).sum(axis=1)[..., None])[..., 0]
    size = np.maximum(np.linalg.norm(m, axis=1), 1e-9)
    return m, (z - (design @ m[..., None])[..., 0]) / size[:, None]


def _scale(error: Array, weight: Array) -> float:
    """Robust standard deviation, mended for the parameters each place was fitted with."""
    lights = error.shape[1]
    spread = 1.4826 * float(np.median(np.abs(error[weight > 0])))
    return spread * float(np.sqrt(lights / max(lights - FREE, 1)))


def _step(z: Array, weight: Array, design: Array, shine: Array) -> tuple[Array, Array]:
    """Relative change of the gains, and the coat, that leave the least for any surface to explain."""
    lights = z.shape[1]
    weighted = design * weight[..., None]
    normal = weighted.transpose(0, 2, 1) @ design + 1e-9 * np.eye(3) * weight.max()
    explained = weighted @ np.linalg.solve(normal, weighted.transpose(0, 2, 1))
    blind = np.eye(lights) * weight[:, None, :] - explained
    effects = np.concatenate([z[..., None] * np.eye(lights), shine], axis=2)
    seen = blind @ effects
    matrix = np.einsum("nia,nib->ab", effects, seen, optimize=True)
    right = np.einsum("ni,nia->a", z, seen, optimize=True)
    matrix[np.diag_indices(lights)] += RIDGE * np.trace(matrix[:lights, :lights]) / lights
    matrix += 1e-9 * np.diag(np.diag(matrix)) + 1e-15 * np.trace(matrix) * np.eye(len(matrix))
    root = np.linalg.cholesky(matrix)
    low = np.concatenate([np.full(lights, -MOST_DRIFT), np.zeros(shine.shape[2])])
    high = np.concatenate([np.full(lights, MOST_DRIFT), np.full(shine.shape[2], STRONGEST)])
    found = lsq_linear(root.T, np.linalg.solve(root, right), bounds=(low, high)).x
    return found[:lights], found[lights:]


def _level(z: Array, weight: Array, design: Array) -> Array:
    """Gains that take the median slope away: most of the card lies on the mat."""
    toward = design[..., :2].mean(axis=0)
    gains = np.ones(z.shape[1])
    for _ in range(3):
        m, _ = _fit(z / gains, weight, design)
        tilt = np.median(m[:, :2] / m[:, 2:], axis=0)
        gains = gains * (1.0 + toward @ tilt)
    return gains
