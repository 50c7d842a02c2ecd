"""What the adjustment's unknowns say of the flat, and the derivatives of that."""

import numpy as np
from numpy.typing import NDArray

from .flat_model import Lit, lit, vignetting_of
from .problem import Problem, lamps_of, leaning

Array = NDArray[np.float64]


def flat_residuals(problem: Problem, vector: Array) -> Array:
    """Residuals (L, K, N) of the logarithms, observed less fitted; NaN where not used."""
    looks = [
        np.where(look.used, look.logs - look_logs(problem, vector, n)[0], np.nan)
        for n, look in enumerate(problem.looks)
    ]
    return np.array(looks).reshape(len(looks), problem.unknowns.lights, len(problem.nodes.radius2))


def look_logs(problem: Problem, vector: Array, n: int) -> tuple[Array, Array]:
    """Logarithms of look n, (K, N), and their derivatives, (K, N, unknowns)."""
    at, look = problem.unknowns.at, problem.looks[n]
    terms, lens = look.terms, vignetting_of(problem.nodes.radius2)
    tilt, shape = vector[at("tilt")[n]], vector[at("shape")]
    z = look.height_mm + vector[at("height")[n]] + look.xy_mm @ tilt + shape @ terms.shape
    slopes = tilt[0] + shape @ terms.shape_x, tilt[1] + shape @ terms.shape_y
    light = lit(lamps_of(problem, vector), problem.nodes, z, *slopes)
    gain = vector[at("level")] + vector[at("common")[n]] + vector[at("gain")[n]]
    shade = vector[at("vignetting")] @ lens + np.einsum("b,bn->n", vector[at("blotch")], terms.blotch)
    jacobian = np.zeros((*light.value.shape, len(vector)))
    _by_lights(problem, vector, light, jacobian)
    _by_sheet(problem, n, light, jacobian)
    jacobian[np.arange(len(gain)), :, at("gain")[n]] = 1.0
    jacobian[:, :, at("common")[n]] = 1.0
    jacobian[:, :, at("vignetting")] = lens.T
    jacobian[:, :, at("blotch")] = terms.blotch.T
    return light.value + gain[:, None] + shade, jacobian


def _by_lights(problem: Problem, vector: Array, light: Lit, jacobian: Array) -> None:
    at, own = problem.unknowns.at, np.arange(problem.unknowns.lights)
    for axis in range(3):
        jacobian[own, :, at("place")[:, axis]] = light.by_place[..., axis]
    axes = lamps_of(problem, vector).axes
    length = np.linalg.norm(leaning(problem, vector), axis=1, keepdims=True)
    for turn in range(2):
        tangent = problem.tangents[:, turn]
        change = (tangent - axes * np.sum(tangent * axes, axis=1, keepdims=True)) / length
        jacobian[own, :, at("aim")[:, turn]] = np.einsum("knx,kx->kn", light.by_axis, change)
    jacobian[own, :, at("lobe")] = light.by_lobe
    jacobian[own, :, at("level")] = 1.0


def _by_sheet(problem: Problem, n: int, light: Lit, jacobian: Array) -> None:
    at, look = problem.unknowns.at, problem.looks[n]
    jacobian[:, :, at("height")[n]] = light.by_height
    jacobian[:, :, at("tilt")[n, 0]] = light.by_height * look.xy_mm[:, 0] + light.by_slope_x
    jacobian[:, :, at("tilt")[n, 1]] = light.by_height * look.xy_mm[:, 1] + light.by_slope_y
    for term, index in enumerate(at("shape")):
        jacobian[:, :, index] = (
            light.by_height * look.terms.shape[term]
            + light.by_slope_x * look.terms.shape_x[term]
            + light.by_slope_y * look.terms.shape_y[term]
        )
