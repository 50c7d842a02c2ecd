"""From observations to the adjustment's problems: both kinds together, and each alone for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...documents.profile import CameraProfile, LightProfile
from ..observed import BallLook, FlatLook
from .first_guess import Guess, guess
from .flat_model import Lamps, Nodes, lit
from .looks import picked_nodes, picks, thinned
from .problem import Problem, Spheres, ThinLook
from .triangulate import ball_centres
from .unknowns import BEFORE, Unknowns

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

LAMBERT = 1.0
"""Exponent that is expected of an LED before anything was observed."""
NO_NODES = Nodes(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))


@dataclass(frozen=True, slots=True)
class Posed:
    """The problems, and the first guess that they start from.

    Attributes:
        both: everything that was observed.
        alone: flats alone and spheres alone; None unless there are both kinds.
    """

    guess: Guess
    both: Problem
    alone: tuple[Problem, Problem] | None


def pose(
    camera: CameraProfile,
    flats: Sequence[FlatLook],
    balls: Sequence[BallLook],
    start: Sequence[LightProfile],
    seen: Indices,
) -> Posed:
    """The problems of the lights `seen`."""
    nodes, shape, looks = _looks(camera, flats, seen)
    own = [_of_lights(ball, seen) for ball in balls]
    first = guess(camera, looks[0] if looks else None, nodes, own, [start[k] for k in seen])
    ordered = [_of_lights(ball, first.balls_order) for ball in own]

    def problem(those: tuple[ThinLook, ...], spheres: Sequence[BallLook]) -> Problem:
        return _problem(camera, nodes, shape, those, spheres, first)

    alone = (problem(looks, []), problem((), ordered)) if looks and ordered else None
    return Posed(first, problem(looks, ordered), alone)


def _looks(
    camera: CameraProfile, flats: Sequence[FlatLook], seen: Indices
) -> tuple[Nodes, tuple[int, int], tuple[ThinLook, ...]]:
    if not flats:
        return NO_NODES, (0, 0), ()
    rows, columns = flats[0].grid.shape[1:3]
    chosen = picks(rows, columns)
    nodes = picked_nodes(camera, rows, columns, chosen)
    return nodes, chosen.shape, tuple(thinned(look, nodes, chosen, seen) for look in flats)


def _of_lights(ball: BallLook, lights: Indices) -> BallLook:
    return replace(ball, highlights_px=ball.highlights_px[lights], sigma_px=ball.sigma_px[lights])


def _problem(
    camera: CameraProfile,
    nodes: Nodes,
    shape: tuple[int, int],
    looks: tuple[ThinLook, ...],
    balls: Sequence[BallLook],
    first: Guess,
) -> Problem:
    unknowns = Unknowns(len(first.places_mm), len(looks), len(balls))
    axes = first.axes / np.linalg.norm(first.axes, axis=1, keepdims=True)
    vector = _first_vector(unknowns, nodes, looks, ball_centres(camera, balls), replace(first, axes=axes))
    free = np.ones(unknowns.size, np.bool_)
    if not looks:
        for group in ("level", "aim", "lobe", "vignetting", "shape", "blotch"):
            free[unknowns.at(group)] = False
    tangents = np.array([np.linalg.svd(axis[None])[2][1:] for axis in axes])
    before = unknowns.filled(BEFORE)
    for n, look in enumerate(looks):
        before[unknowns.at("height")[n]] = look.height_sigma_mm
    return Problem(
        camera,
        unknowns,
        nodes,
        shape,
        looks,
        _spheres(balls, len(axes)),
        axes,
        tangents,
        vector,
        before,
        free,
    )


def _first_vector(
    unknowns: Unknowns, nodes: Nodes, looks: tuple[ThinLook, ...], centres: Array, first: Guess
) -> Array:
    vector = np.zeros(unknowns.size)
    vector[unknowns.at("place")] = first.places_mm
    vector[unknowns.at("lobe")] = LAMBERT
    vector[unknowns.at("ball")] = centres[:, :2]
    if looks:
        level = np.zeros(len(nodes.radius2))
        lamps = Lamps(first.places_mm, first.axes, np.full(len(first.axes), LAMBERT))
        plain = lit(lamps, nodes, level + looks[0].height_mm, level, level).value
        vector[unknowns.at("level")] = np.median(looks[0].logs - plain, axis=1)
    return vector


def _spheres(balls: Sequence[BallLook], lights: int) -> Spheres:
    return Spheres(
        radii_mm=np.array([ball.radius_mm for ball in balls]),
        heights_mm=np.array([ball.rests_on_mm + ball.radius_mm for ball in balls]),
        outlines_px=np.array([ball.centre_px for ball in balls]).reshape(-1, 2),
        outline_sigma_px=np.array([ball.centre_sigma_px for ball in balls]),
        highlights_px=np.array([ball.highlights_px for ball in balls]).reshape(-1, lights, 2),
        sigma_px=np.array([ball.sigma_px for ball in balls]).reshape(-1, lights),
    )
