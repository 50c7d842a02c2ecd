"""First places of the lights: where the rays that spheres mirrored meet.

Robust by trial: every pair of rays proposes a place, the place on which most rays agree is refined.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...documents.profile import CameraProfile
from ..observed import BallLook
from .mirror import mirrored_rays, sphere_centre_mm

Array = NDArray[np.float64]

REFINE_ROUNDS = 6
CUT_RAD = 0.02
"""Rays that pass a place at a larger angle have little say; a right highlight is within some 0.3 degrees."""
PAIRS_AT_MOST = 300
"""Of rays that are tried for one light: those of 25 spheres."""


def ball_centres(camera: CameraProfile, balls: Sequence[BallLook]) -> Array:
    """Centres (B, 3) of the spheres from their outlines."""
    centres = [sphere_centre_mm(camera, b.centre_px, b.radius_mm, b.rests_on_mm) for b in balls]
    return np.array(centres).reshape(-1, 3)


def triangulate(camera: CameraProfile, balls: Sequence[BallLook], centres_mm: Array) -> Array:
    """Places (K, 3) of the lights; NaN where fewer than two spheres show a light.

    Args:
        camera: calibrated.
        balls: B spheres with K highlights each.
        centres_mm: (B, 3).
    """
    lines = [
        mirrored_rays(camera, centre, ball.radius_mm, ball.highlights_px)
        for ball, centre in zip(balls, centres_mm, strict=True)
    ]
    origins = np.stack([line[0] for line in lines], axis=1)
    directions = np.stack([line[1] for line in lines], axis=1)
    return np.array([_meeting(o, d) for o, d in zip(origins, directions, strict=True)]).reshape(-1, 3)


def _meeting(origins: Array, directions: Array) -> Array:
    seen = np.isfinite(directions).all(axis=1)
    origins, directions = origins[seen], directions[seen]
    if len(origins) < 2:
        return np.full(3, np.nan)
    pairs = list(combinations(range(len(origins)), 2))[:PAIRS_AT_MOST]
    proposals = [_nearest(origins[list(p)], directions[list(p)], np.ones(2)) for p in pairs]
    angles = np.array([_angles(place, origins, directions) for place in proposals])
    place = proposals[int(np.argmin(np.mean(np.minimum(angles, CUT_RAD) ** 2, axis=1)))]
    for _ in range(REFINE_ROUNDS):
        trust = 1.0 / (1.0 + (_angles(place, origins, directions) / CUT_RAD) ** 2) ** 2
        far = np.linalg.norm(place - origins, axis=1)
        place = _nearest(origins, directions, trust / far**2)
    return place


def _nearest(origins: Array, directions: Array, weights: Array) -> Array:
    """The place with the least weighted sum of squared distances to lines (N, 3)."""
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    system = np.einsum("n,nij->ij", weights, across)
    right = np.einsum("n,nij,nj->i", weights, across, origins)
    return np.asarray(np.linalg.lstsq(system, right)[0], np.float64)


def _angles(place: Array, origins: Array, directions: Array) -> Array:
    way = place - origins
    off = np.linalg.norm(np.cross(way, directions), axis=1)
    return np.asarray(np.arctan2(off, np.sum(way * directions, axis=1)), np.float64)
