"""What the adjustment is given: observations on its own grid, and what is known before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...documents.profile import CameraProfile
from .flat_model import Lamps, Nodes, Terms
from .unknowns import Unknowns

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ThinLook:
    """The flat in one place on the adjustment's own grid.

    Attributes:
        logs: (K, N), mean over the colours of the codes' logarithms.
        sigma: (K,), standard deviation of a node.
        used: (K, N).
        height_mm, height_sigma_mm: as it was laid, and how well that is known.
        terms: of the sheet under the nodes.
        xy_mm: (N, 2), places under the nodes, mat frame.
    """

    logs: Array
    sigma: Array
    used: NDArray[np.bool_]
    height_mm: float
    height_sigma_mm: float
    terms: Terms
    xy_mm: Array


@dataclass(frozen=True, slots=True)
class Spheres:
    """B spheres: radii and centres' heights (B,), outlines (B, 2), highlights (B, K, 2), and their sigmas."""

    radii_mm: Array
    heights_mm: Array
    outlines_px: Array
    outline_sigma_px: Array
    highlights_px: Array
    sigma_px: Array


@dataclass(frozen=True, slots=True)
class Problem:
    """All that is observed and known before.

    Attributes:
        shape: rows and columns of the nodes.
        axes: (K, 3), about which `aim` turns; tangents: (K, 2, 3), perpendicular to them.
        first: the vector to start from, and the middle of what is known before.
        before: standard deviation of each unknown before; inf: nothing is known.
        free: which unknowns are solved for.
    """

    camera: CameraProfile
    unknowns: Unknowns
    nodes: Nodes
    shape: tuple[int, int]
    looks: tuple[ThinLook, ...]
    spheres: Spheres
    axes: Array
    tangents: Array
    first: Array
    before: Array
    free: NDArray[np.bool_]


def leaning(problem: Problem, vector: Array) -> Array:
    """Axes (K, 3) before they are made unit vectors."""
    aim = vector[problem.unknowns.at("aim")]
    return np.asarray(problem.axes + np.einsum("ka,kax->kx", aim, problem.tangents), np.float64)


def lamps_of(problem: Problem, vector: Array) -> Lamps:
    """The lights of a vector."""
    at, axes = problem.unknowns.at, leaning(problem, vector)
    unit = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    return Lamps(vector[at("place")], unit, vector[at("lobe")])
