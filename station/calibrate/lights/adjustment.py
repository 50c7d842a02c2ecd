"""The adjustment: lights, sheet, lens and spheres at once, from every picture of them.

Iteratively reweighted least squares: a node with dust on it and a highlight that is another lamp's lose
their say; what is known beforehand enters as observations (`unknowns.BEFORE`). The scale of the flat's
residuals is their own, with their correlation from node to node, so that what the model cannot follow makes
the uncertainties larger and gives the spheres more say.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ball_rows import ball_jacobians, ball_residuals
from .flat_rows import flat_residuals, look_logs
from .normal import add_up, inverse, solve
from .problem import Problem

Array = NDArray[np.float64]

ROUNDS = 4
"""Of reweighting; what further ones change is less than a hundredth of any uncertainty."""
STEPS_PER_ROUND = 25
FIRST_DAMPING, LAST_DAMPING = 1e-4, 1e6
ENOUGH = 1e-4
"""A step that lessens half of the sum of squares by less moves no unknown by 0.02 standard deviations."""
CUT = 3.0
"""A residual of more standard deviations has a weight that falls with its square, so that the worst have no
influence and the usual ones their full weight, on which the covariance counts."""
LEAST_SCALE = 2e-5
"""Of the flat's residuals: noise of a picture that was made without any."""
CORRELATED_AT_MOST = 0.8
NORMAL_MEDIAN = 0.6745
"""Median of a normal distribution's absolute values, in standard deviations."""
RAYLEIGH_MEDIAN = 1.1774
"""Median of the length of two independent normal values, in standard deviations of one."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The solution.

    Attributes:
        vector: of the unknowns.
        covariance: of all unknowns; zero for those that were not free.
        flat: (L, K, N), residuals (observed less fitted) of the logarithms; NaN where not used.
        highlights_px: (B, K, 2), residuals; NaN where none was seen.
        highlight_weights: (B, K), 0 to 1.
        outlines_px: (B, 2).
        flat_scale: standard deviation of a node in units of the noise that was told.
        ball_scale: likewise for highlights and outlines, at least 1.
    """

    vector: Array
    covariance: Array
    flat: Array
    highlights_px: Array
    highlight_weights: Array
    outlines_px: Array
    flat_scale: float
    ball_scale: float


@dataclass(frozen=True, slots=True)
class _Weights:
    """Square roots of the weights: flat (L, K, N), highlights (B, K), outlines (B,); and scales."""

    flat: Array
    highlights: Array
    outlines: Array
    flat_scale: float = 1.0
    ball_scale: float = 1.0


def adjust(problem: Problem) -> Adjusted:
    """Solve."""
    weights, vector = _first_weights(problem), problem.first.copy()
    for _ in range(ROUNDS):
        vector = _solved(problem, vector, weights)
        weights = _reweighted(problem, vector)
    covariance = np.zeros((len(vector), len(vector)))
    covariance[np.ix_(problem.free, problem.free)] = inverse(_normal(problem, vector, weights)[2])
    flat = flat_residuals(problem, vector)
    highlights, outlines = ball_residuals(problem, vector)
    return Adjusted(
        vector, covariance, flat, highlights, weights.highlights**2, outlines, weights.flat_scale,
        weights.ball_scale,
    )  # fmt: skip


def _solved(problem: Problem, vector: Array, weights: _Weights) -> Array:
    """The least squares of weighted rows, by Levenberg's and Marquardt's method on the normal equations.

    `scipy.optimize.least_squares` takes the singular values of the whole Jacobian in every step, which is ten
    times the work.
    """
    cost, slope, normal = _normal(problem, vector, weights)
    damping = FIRST_DAMPING
    for _ in range(STEPS_PER_ROUND):
        scale = np.diag(normal)
        step = -solve(normal + np.diag(damping * scale), slope)
        there = vector.copy()
        there[problem.free] += step
        found = _normal(problem, there, weights)
        if found[0] >= cost:
            damping *= 10
            if damping > LAST_DAMPING:
                break
            continue
        gained = cost - found[0]
        vector, (cost, slope, normal) = there, found
        damping /= 10
        if gained < ENOUGH:
            break
    return vector


def _normal(problem: Problem, vector: Array, weights: _Weights) -> tuple[float, Array, Array]:
    """Half the sum of squares, its gradient by the free unknowns, and the normal matrix."""
    parts = [*_flat_rows(problem, vector, weights), *_ball_rows(problem, vector, weights)]
    half, slope, normal = add_up(parts, len(vector))
    off, free = (vector - problem.first) / problem.before, problem.free
    slope += off / problem.before
    normal[np.diag_indices_from(normal)] += problem.before**-2
    return half + 0.5 * float(np.sum(off[free] ** 2)), slope[free], normal[np.ix_(free, free)]


def _flat_rows(problem: Problem, vector: Array, weights: _Weights) -> Iterator[tuple[Array, Array]]:
    """Of each look and light by itself."""
    for n, look in enumerate(problem.looks):
        value, jacobian = look_logs(problem, vector, n)
        weight = weights.flat[n] * look.used / (look.sigma[:, None] * weights.flat_scale)
        residual = np.where(look.used, value - look.logs, 0.0) * weight
        yield from zip(residual, jacobian * weight[..., None], strict=True)


def _ball_rows(problem: Problem, vector: Array, weights: _Weights) -> list[tuple[Array, Array]]:
    spheres, many = problem.spheres, len(vector)
    if not len(spheres.radii_mm):
        return []
    highlights, outlines = ball_residuals(problem, vector)
    highlights_by, outlines_by = ball_jacobians(problem, vector)
    weight = (weights.highlights / (spheres.sigma_px * weights.ball_scale))[..., None]
    seen = np.isfinite(highlights)
    outline_weight = (weights.outlines / (spheres.outline_sigma_px * weights.ball_scale))[:, None]
    return [
        (
            (np.where(seen, highlights, 0.0) * weight).ravel(),
            (np.where(seen[..., None], highlights_by, 0.0) * weight[..., None]).reshape(-1, many),
        ),
        (
            (outlines * outline_weight).ravel(),
            (outlines_by * outline_weight[..., None]).reshape(-1, many),
        ),
    ]


def _first_weights(problem: Problem) -> _Weights:
    """Of the flats all alike; of the spheres by how well they agree with the first places."""
    looks, lights = len(problem.looks), problem.unknowns.lights
    even = np.ones((looks, lights, len(problem.nodes.radius2)))
    highlights, outlines = ball_residuals(problem, problem.first)
    off = _distances(problem, highlights)
    usual = max(1.0, float(np.nanmedian(off))) if np.isfinite(off).any() else 1.0
    return _Weights(even, _root_weights(off / usual), np.ones(len(outlines)))


def _reweighted(problem: Problem, vector: Array) -> _Weights:
    flat = flat_residuals(problem, vector)
    sigma = np.array([look.sigma for look in problem.looks]).reshape(len(flat), problem.unknowns.lights, 1)
    spread = max(_spread(flat / sigma), LEAST_SCALE / float(sigma.min())) if len(flat) else 1.0
    highlights, outlines = ball_residuals(problem, vector)
    off, outline_off = _distances(problem, highlights), _outline_distances(problem, outlines)
    both = np.concatenate([off[np.isfinite(off)], outline_off])
    ball_scale = max(1.0, float(np.median(both)) / RAYLEIGH_MEDIAN) if len(both) else 1.0
    return _Weights(
        _root_weights(flat / sigma / spread),
        _root_weights(off / ball_scale),
        _root_weights(outline_off / ball_scale),
        spread * _correlation(np.clip(flat / sigma / spread, -CUT, CUT), problem.shape) ** 0.5,
        ball_scale,
    )


def _root_weights(off: Array) -> Array:
    """Square roots of the weights of residuals in standard deviations; 0 where there is no residual."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(np.minimum(1.0, CUT / np.maximum(np.abs(off), 1e-9))), np.float64)


def _distances(problem: Problem, highlights: Array) -> Array:
    return np.asarray(np.linalg.norm(highlights, axis=-1) / problem.spheres.sigma_px, np.float64)


def _outline_distances(problem: Problem, outlines: Array) -> Array:
    return np.asarray(np.linalg.norm(outlines, axis=-1) / problem.spheres.outline_sigma_px, np.float64)


def _spread(values: Array) -> float:
    """Standard deviation of values around zero, by their median size."""
    return float(np.nanmedian(np.abs(values))) / NORMAL_MEDIAN


def _correlation(flat: Array, shape: tuple[int, int]) -> float:
    """By how much neighbours' agreement lessens what the nodes' number says, 1 for independent ones.

    For a first-order autoregressive field with correlation c along rows it is (1 + c) / (1 - c), and the
    same along columns (Bartlett 1946).
    """
    factor = 1.0
    maps = flat.reshape(flat.shape[0] * flat.shape[1], *shape)
    for first, second in ((maps[:, 1:], maps[:, :-1]), (maps[:, :, 1:], maps[:, :, :-1])):
        product, square = first * second, (first**2 + second**2) / 2
        if np.isfinite(product).any():
            share = float(np.nansum(product) / np.nansum(square))
            share = min(max(share, 0.0), CORRELATED_AT_MOST)
            factor *= (1 + share) / (1 - share)
    return factor
