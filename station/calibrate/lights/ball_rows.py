"""What the adjustment's unknowns say of the spheres, and the derivatives of that, by differences."""

import numpy as np
from numpy.typing import NDArray

from .mirror import highlights_px, outline_centre_px
from .problem import Problem

Array = NDArray[np.float64]

DIFFERENCE_MM = 1e-3
"""Step of the differences; the second derivatives make an error of some 1e-4 of a derivative."""


def ball_residuals(problem: Problem, vector: Array) -> tuple[Array, Array]:
    """Predicted less observed pixels: highlights (B, K, 2), NaN where unseen, and outlines (B, 2)."""
    shown, outlines = _predicted(problem, vector, np.zeros(3), np.zeros(2))
    return shown - problem.spheres.highlights_px, outlines - problem.spheres.outlines_px


def ball_jacobians(problem: Problem, vector: Array) -> tuple[Array, Array]:
    """Derivatives of the highlights (B, K, 2, unknowns) and of the outlines (B, 2, unknowns)."""
    at, spheres = problem.unknowns.at, problem.spheres
    balls, lights = spheres.highlights_px.shape[:2]
    shown, outlines = _predicted(problem, vector, np.zeros(3), np.zeros(2))
    highlights_by = np.zeros((balls, lights, 2, len(vector)))
    outlines_by = np.zeros((balls, 2, len(vector)))
    every_ball, every_light = np.arange(balls)[:, None], np.arange(lights)[None]
    for axis in range(3):
        step = DIFFERENCE_MM * np.eye(3)[axis]
        there = _shown(problem, vector, step, np.zeros(2))
        index = np.broadcast_to(at("place")[None, :, axis], (balls, lights))
        highlights_by[every_ball, every_light, :, index] = (there - shown) / DIFFERENCE_MM
    for axis in range(2):
        step = DIFFERENCE_MM * np.eye(2)[axis]
        there, outlines_there = _predicted(problem, vector, np.zeros(3), step)
        index = np.broadcast_to(at("ball")[:, axis, None], (balls, lights))
        highlights_by[every_ball, every_light, :, index] = (there - shown) / DIFFERENCE_MM
        outlines_by[np.arange(balls), :, index[:, 0]] = (outlines_there - outlines) / DIFFERENCE_MM
    return highlights_by, outlines_by


def _centres(problem: Problem, vector: Array, shift: Array) -> Array:
    return np.column_stack([vector[problem.unknowns.at("ball")] + shift, problem.spheres.heights_mm])


def _shown(problem: Problem, vector: Array, light_shift: Array, ball_shift: Array) -> Array:
    lights = vector[problem.unknowns.at("place")] + light_shift
    centres = _centres(problem, vector, ball_shift)
    return highlights_px(problem.camera, centres, problem.spheres.radii_mm, lights)


def _predicted(problem: Problem, vector: Array, light_shift: Array, ball_shift: Array) -> tuple[Array, Array]:
    centres = _centres(problem, vector, ball_shift)
    outlines = [
        outline_centre_px(problem.camera, centre, float(radius))
        for centre, radius in zip(centres, problem.spheres.radii_mm, strict=True)
    ]
    return _shown(problem, vector, light_shift, ball_shift), np.array(outlines).reshape(-1, 2)
