"""Power of each light in this very stack: LEDs drift by a per cent between calibration and card.

A drift that no surface explains shows in the residuals; that fixes all but three of the gains. The three
that look like a
change of albedo or a tilt of the whole card are fixed by what is known beforehand: the mean gain is one,
and most of the card lies flat on the mat.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .stack import unusable

Array = NDArray[np.float64]

ROUNDS = 5
FREE = 3
"""Gains that no residual can tell."""
FEWEST_NODES = 16


@dataclass(frozen=True, slots=True)
class Gains:
    """What the refit found.

    Attributes:
        gains: (lights,), mean 1; multiply the field's powers by them.
        slope: (N, 2), surface slopes dz/dx, dz/dy at the nodes with these gains; NaN where unknown.
        residual: robust relative deviation of the fit at the nodes, after the gains.
    """

    gains: Array
    slope: Array
    residual: float


def refit_gains(ratios: NDArray[np.floating], tangent: NDArray[np.floating]) -> Gains:
    """Find the gains on a reduced picture.

    Args:
        ratios: (lights, N), mean ratio to the flat field at N places on the card; -1 where unknown.
        tangent: (lights, N, 2), directions of the lights there.

    Raises:
        StationError: `stack_unusable`, too few places are lit by three lights without clipping.
    """
    z = np.asarray(ratios, np.float64).T
    known = z > 0
    places = known.sum(axis=1) >= FREE
    if places.sum() < FEWEST_NODES:
        raise unusable("hardly any place on the card is lit by three lights without clipping")
    design = np.concatenate([tangent, np.ones_like(tangent[..., :1])], axis=2).transpose(1, 0, 2)[places]
    z, known = np.where(known, z, 1.0)[places], known[places]
    gains, weight = _from_residuals(z, known, np.asarray(design, np.float64))
    gains = gains * _level(z / gains, weight, design)
    gains /= gains.mean()
    m, error = _fit(z / gains, weight, design)
    slope = np.full((len(places), 2), np.nan)
    slope[places] = -m[:, :2] / m[:, 2:]
    return Gains(gains, slope, _scale(error, weight))


def _from_residuals(z: Array, known: NDArray[np.bool_], design: Array) -> tuple[Array, Array]:
    """The part of the gains that shows in the residuals, and the robust weights of nodes and lights."""
    gains = np.ones(z.shape[1])
    weight = known.astype(np.float64)
    for _ in range(ROUNDS):
        corrected = z / gains
        _, error = _fit(corrected, weight, design)
        cut = 3.0 * max(_scale(error, weight), 1e-6)
        weight = known / (1.0 + (error / cut) ** 2) ** 2
        gains = gains * (1.0 + _step(corrected, weight, design))
    return gains / gains.mean(), weight


def _fit(z: Array, weight: Array, design: Array) -> tuple[Array, Array]:
    """M (N, 3) and the residuals relative to the albedo (N, lights)."""
    weighted = design * weight[..., None]
    normal = weighted.transpose(0, 2, 1) @ design + 1e-9 * np.eye(3)
    m = np.linalg.solve(normal, (weighted * z[..., None]).sum(axis=1)[..., None])[..., 0]
    size = np.maximum(np.linalg.norm(m, axis=1), 1e-9)
    return m, (z - (design @ m[..., None])[..., 0]) / size[:, None]


def _scale(error: Array, weight: Array) -> float:
    """Robust standard deviation, mended for the three parameters each node was fitted with."""
    lights = error.shape[1]
    spread = 1.4826 * float(np.median(np.abs(error[weight > 0])))
    return spread * float(np.sqrt(lights / max(lights - FREE, 1)))


def _step(z: Array, weight: Array, design: Array) -> Array:
    """Relative change of the gains that lowers the residuals, without its three blind directions."""
    signal = z / np.maximum(np.abs(z).mean(axis=1, keepdims=True), 1e-9)
    weighted = design * weight[..., None]
    normal = weighted.transpose(0, 2, 1) @ design + 1e-9 * np.eye(3)
    explained = weighted @ np.linalg.solve(normal, weighted.transpose(0, 2, 1))
    blind = np.eye(z.shape[1]) * weight[:, None, :] - explained
    matrix = np.einsum("ni,nij,nj->ij", signal, blind, signal)
    right = np.einsum("ni,nij,nj->i", signal, blind, signal)
    values, vectors = np.linalg.eigh(matrix)
    seen = vectors[:, FREE:]
    return np.asarray(seen @ ((seen.T @ right) / np.maximum(values[FREE:], 1e-12)), np.float64)


def _level(z: Array, weight: Array, design: Array) -> Array:
    """Gains that take the median slope away: most of the card lies on the mat."""
    toward = design[..., :2].mean(axis=0)
    gains = np.ones(z.shape[1])
    for _ in range(3):
        m, _ = _fit(z / gains, weight, design)
        tilt = np.median(m[:, :2] / m[:, 2:], axis=0)
        gains = gains * (1.0 + toward @ tilt)
    return gains
