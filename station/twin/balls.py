"""Polished spheres on a white sheet, and where the camera sees their outlines and the lights in them.

Places are traced, not looked up: a pixel's ray meets a sphere, is thrown back, and passes a light or does
not. `tests/twin/test_balls.py` holds that against the shortest way of light.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .lights import Light
from .optics import Doubles, Optics
from .sheet import Sheet
from .spec import Unkind


@dataclass(frozen=True, slots=True)
class Balls:
    """Mirroring balls that lie on a sheet.

    Attributes:
        places_mm: (x, y) where each touches the sheet, mat frame.
        radius_mm: of every ball.
        reflectance: of their surface, the same for every colour and angle: 0.6 is chrome, 0.04 black glass.
        sheet: what they lie on; an ideal one.
        unkind: what the picture suffers; only motion, drift, noise and ambient light apply. The sheet's own
            is not looked at.
    """

    places_mm: tuple[tuple[float, float], ...]
    radius_mm: float = 10.0
    reflectance: float = 0.6
    sheet: Sheet = field(default_factory=Sheet)
    unkind: Unkind = field(default_factory=Unkind)

    def __post_init__(self) -> None:
        """Refuse balls that cannot lie so.

        Raises:
            ValueError: no size, a reflectance that is no share, balls that run into each other, or a sheet
                that is not even, flat and level.
        """
        if not self.sheet.ideal:
            raise ValueError("balls lie on an ideal sheet only")
        if self.radius_mm <= 0 or not 0 <= self.reflectance <= 1:
            raise ValueError("a ball has a radius, and reflects between nothing and all")
        places = np.array(self.places_mm, np.float64).reshape(-1, 2)
        apart = np.linalg.norm(places[:, None] - places, axis=-1)
        if (apart[~np.eye(len(places), dtype=bool)] < 2 * self.radius_mm).any():
            raise ValueError("two balls cannot be in the same place")

    @property
    def centres_mm(self) -> Doubles:
        """(balls, 3), mat frame."""
        places = np.array(self.places_mm, np.float64).reshape(-1, 2)
        height = np.full((len(places), 1), self.sheet.height_mm + self.radius_mm)
        return np.concatenate((places, height), axis=1)


@dataclass(frozen=True)
class BallView:
    """Balls as one camera sees them under certain lights: the truth of their picture."""

    balls: Balls
    optics: Optics
    lights: tuple[Light, ...]

    @cached_property
    def _towards_eye(self) -> Doubles:
        """(balls, 3), from the centres."""
        return np.asarray(self.optics.centre_mm - self.balls.centres_mm, np.float64)

    def highlight_px(self, ball: int, light: int) -> Doubles:
        """(2,): pixel at which the centre of a light is mirrored in a ball; NaN: it is not.

        Where another ball stands between, the place is still told.
        """
        pixels, _, _ = self.mirrored(np.array([[ball]]), self.lights[light].position_mm[None])
        return np.asarray(pixels[0], np.float64)

    def outline_px(self, ball: int, points: int = 720) -> Doubles:
        """(points, 2): pixels of the contour, on which rays just touch the ball."""
        radius, way = self.balls.radius_mm, self._towards_eye[ball]
        share = radius**2 / (way @ way)
        side = np.cross(way, (0.0, 1.0, 0.0))
        side /= np.linalg.norm(side)
        other = np.cross(way, side) / np.linalg.norm(way)
        turn = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
        circle = radius * np.sqrt(1 - share) * (np.cos(turn) * side + np.sin(turn) * other)
        touched: Doubles = self.balls.centres_mm[ball] + share * way + circle
        return self.optics.project(touched)

    def mirrored(self, chains: NDArray[np.int64], sources_mm: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """Where points are seen that light reaches from by way of some balls.

        Args:
            chains: (N, bounces), the balls that the ray from the camera meets, one after the other.
            sources_mm: (N, 3).

        Returns:
            Pixels (N, 2), NaN where the point is not mirrored; the places on the balls (N, bounces, 3); the
            area in mm^2, across the ray at the point, that one pixel looks at there (N,).
        """
        met = self._places(chains, sources_mm)
        pixels = self.optics.project(met[:, 0])
        plane = across(sources_mm - met[:, -1])
        miss, ray = self._miss(pixels, chains, sources_mm, plane)
        slopes = [
            self._miss(pixels + step, chains, sources_mm, plane)[0]
            - self._miss(pixels - step, chains, sources_mm, plane)[0]
            for step in np.eye(2) * DIFFERENCE_PX
        ]
        area = np.abs(np.linalg.det(np.stack(slopes, axis=-1) / (2 * DIFFERENCE_PX)))
        onward = np.sum((sources_mm - met[:, -1]) * ray, axis=-1) > 0
        found = onward & (np.linalg.norm(miss, axis=-1) < MET_MM)
        return np.where(found[:, None], pixels, np.nan), met, area

    def _places(self, chains: NDArray[np.int64], sources_mm: Doubles) -> Doubles:
        """(N, bounces, 3): where light is thrown back. Each place is found from its neighbours, in turn.

        A place hardly moves with its neighbours, as a convex mirror makes everything small.
        """
        centres = self.balls.centres_mm[chains]
        eye = np.broadcast_to(self.optics.centre_mm, sources_mm.shape)
        ways = np.concatenate((eye[:, None], centres, sources_mm[:, None]), axis=1)
        bounces = chains.shape[1]
        for _ in range(1 if bounces == 1 else ROUNDS):
            for bounce in range(1, bounces + 1):
                ways[:, bounce] = mirror_place(
                    centres[:, bounce - 1], self.balls.radius_mm, ways[:, bounce - 1], ways[:, bounce + 1]
                )
        return ways[:, 1:-1]

    def _miss(
        self, pixels: Doubles, chains: NDArray[np.int64], sources_mm: Doubles, plane: Doubles
    ) -> tuple[Doubles, Doubles]:
        """By how much pixels' rays miss the sources, in the plane (N, 2); their last direction (N, 3)."""
        places = np.broadcast_to(self.optics.centre_mm, (len(pixels), 3))
        rays = self.optics.directions(pixels)
        for bounce in range(chains.shape[1]):
            places, rays = self.reflect(places, rays, self.balls.centres_mm[chains[:, bounce]])
        normal = np.cross(plane[:, 0], plane[:, 1])
        reach = np.sum((sources_mm - places) * normal, axis=-1) / np.sum(rays * normal, axis=-1)
        off = places + reach[..., None] * rays - sources_mm
        return np.einsum("nki,ni->nk", plane, off), rays

    def reflect(self, places_mm: Doubles, rays: Doubles, centres_mm: Doubles) -> tuple[Doubles, Doubles]:
        """Where rays (N, 3) meet balls, and where they go from there; one that misses is bent to touch."""
        way = centres_mm - places_mm
        along = np.sum(way * rays, axis=-1, keepdims=True)
        beside = along**2 - np.sum(way**2, axis=-1, keepdims=True) + self.balls.radius_mm**2
        met = places_mm + (along - np.sqrt(np.maximum(beside, 0))) * rays
        normals = unit(met - centres_mm)
        return met, rays - 2 * np.sum(rays * normals, axis=-1, keepdims=True) * normals


ROUNDS = 40
"""Enough for balls a tenth of a radius apart."""
STEPS = 12
ROUNDING = 1e-12
"""Where Newton's method has arrived, it steps out of its interval by a rounding."""
DIFFERENCE_PX = 1e-3
MET_MM = 1e-5
"""A ray that passes a point by less has met it."""


def mirror_place(centre_mm: Doubles, radius_mm: float, one_mm: Doubles, other_mm: Doubles) -> Doubles:
    """Where a ball throws light from one place to another (Alhazen's problem), all (N, 3).

    The normal lies in the plane of the two ways from the centre, and between them; both angles with it are
    the same. Their difference only grows from one way to the other: Newton's method, kept in an interval.
    """
    one, other = one_mm - centre_mm, other_mm - centre_mm
    far, near = np.linalg.norm(one, axis=-1), np.linalg.norm(other, axis=-1)
    first = one / far[:, None]
    second = other - np.sum(other * first, axis=-1, keepdims=True) * first
    whole = np.arctan2(np.linalg.norm(second, axis=-1), np.sum(other * first, axis=-1))
    second = unit(second)
    turn, low, high = whole / 2, np.zeros_like(whole), whole
    for _ in range(STEPS):
        incident, steep = _angle(far, turn, radius_mm)
        leaving, steeper = _angle(near, whole - turn, radius_mm)
        low, high = np.where(incident < leaving, turn, low), np.where(incident < leaving, high, turn)
        better = turn - (incident - leaving) / (steep + steeper)
        inside = (low - ROUNDING < better) & (better < high + ROUNDING)
        turn = np.where(inside, better, (low + high) / 2)
    turn = turn[:, None]
    return np.asarray(centre_mm + radius_mm * (np.cos(turn) * first + np.sin(turn) * second), np.float64)


def _angle(far_mm: Doubles, turn: Doubles, radius_mm: float) -> tuple[Doubles, Doubles]:
    """Angle between a ball's normal and the way to a place, seen from the ball's face, and its derivative.

    Args:
        far_mm: of the place from the centre.
        turn: angle between the normal and the way from the centre.
        radius_mm: of the ball.
    """
    ahead, beside = far_mm * np.cos(turn) - radius_mm, far_mm * np.sin(turn)
    slope = (far_mm**2 - far_mm * radius_mm * np.cos(turn)) / (ahead**2 + beside**2)
    return np.asarray(np.arctan2(beside, ahead), np.float64), slope


def unit(vectors: Doubles) -> Doubles:
    """Vectors (..., 3) of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float64)


def across(ways: Doubles) -> Doubles:
    """(N, 2, 3): two unit vectors perpendicular to each way (N, 3), and to each other."""
    steep = np.abs(ways[:, 2:]) > 0.9 * np.linalg.norm(ways, axis=-1, keepdims=True)
    side = unit(np.cross(ways, np.where(steep, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))))
    return np.stack((side, unit(np.cross(ways, side))), axis=1)
