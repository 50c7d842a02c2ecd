"""Where the adjustment starts from, and which light is which.

The pattern that a light throws on the sheet tells it from its neighbours, 50 degrees away, whatever the start
says; so do its reflections in the spheres.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ...documents.profile import CameraProfile, LightProfile
from ..observed import BallLook
from .flat_model import Lamps, Nodes, lit
from .problem import ThinLook
from .triangulate import ball_centres, triangulate

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

SURE = 0.5
"""Another order of the lights is believed where it leaves less than this share of the disagreement."""
LAMBERT = 1.0


@dataclass(frozen=True, slots=True)
class Guess:
    """First values, for K lights that were observed.

    Attributes:
        places_mm, axes: (K, 3).
        balls_order: (K,), which highlight belongs to each light of the flat; counts up where they agree.
        start_order: (K,), which light of the start each light looks like.
    """

    places_mm: Array
    axes: Array
    balls_order: Indices
    start_order: Indices


def guess(
    camera: CameraProfile,
    look: ThinLook | None,
    nodes: Nodes,
    balls: Sequence[BallLook],
    start: Sequence[LightProfile],
) -> Guess:
    """First places and axes.

    Args:
        camera: calibrated.
        look: one look at the flat; None: there is none.
        nodes: its rays.
        balls: with the highlights of the K lights.
        start: K lights.
    """
    believed = np.array([light.position_mm for light in start])
    axes = np.array([light.axis for light in start])
    mirrored = (
        triangulate(camera, balls, ball_centres(camera, balls)) if balls else np.full_like(believed, np.nan)
    )
    mirrored = np.where(np.asarray(mirrored)[:, 2:] > 0, mirrored, np.nan)
    balls_order = start_order = np.arange(len(start))
    if look is None:
        start_order = order(apart(mirrored, believed))
    else:
        seen = _own(look.logs)
        start_order = order(apart(seen, _patterns(believed, axes, look, nodes)))
        known = np.asarray(np.all(np.isfinite(mirrored), axis=1))
        if known.sum() > 1:
            places = np.where(known[:, None], mirrored, believed[start_order])
            balls_order = order(apart(seen, _patterns(places, -places, look, nodes)))
    places = mirrored[balls_order]
    places = np.where(np.isfinite(places), places, believed[start_order])
    return Guess(places, axes[start_order], balls_order, start_order)


def order(cost: Array) -> Indices:
    """For each row of costs (K, K) its column, all together the cheapest; not its own only if surely."""
    same = np.arange(len(cost))
    usable = np.flatnonzero(np.isfinite(cost).any(axis=1))
    rows, columns = linear_sum_assignment(np.nan_to_num(cost[usable], nan=0.0))
    found = same.copy()
    found[usable[rows]] = columns
    rest = np.setdiff1d(same, usable[rows])
    found[rest] = np.setdiff1d(same, columns)
    as_it_is = cost[usable, usable].sum()
    return found if cost[usable, found[usable]].sum() < SURE * as_it_is else same


def apart(one: Array, other: Array) -> Array:
    """Mean square differences of each of `one` (K, n) and each of `other` (K, n): (K, K)."""
    return np.asarray(np.mean((one[:, None] - other[None]) ** 2, axis=-1), np.float64)


def _own(logs: Array) -> Array:
    """What of patterns (K, N) is each light's own: without its level and without what all have in common."""
    level = logs - np.median(logs, axis=1, keepdims=True)
    return np.asarray(level - np.median(level, axis=0), np.float64)


def _patterns(places: Array, axes: Array, look: ThinLook, nodes: Nodes) -> Array:
    lamps = Lamps(places, axes / np.linalg.norm(axes, axis=1, keepdims=True), np.full(len(places), LAMBERT))
    flat = np.zeros(len(nodes.radius2))
    return _own(lit(lamps, nodes, flat + look.height_mm, flat, flat).value)
