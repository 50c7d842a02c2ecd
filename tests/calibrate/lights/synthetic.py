"""Rigs of chance and what the procedures would observe of them, with formulas of their own.

The camera is the twin's; a sphere mirrors a light where the way from light to eye is shortest; its outline is
felt for ray by ray; the flat sheet is lit by LEDs of finite size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from station.calibrate.observed import BallLook, FlatLook
from station.documents.profile import CameraProfile, LightProfile
from station.twin.optics import DISTORTION, Optics

Array = NDArray[np.float64]

OPTICS = Optics(600)
ROWS, COLUMNS = 52, 40
LED_MM = 2.4
VIGNETTING = 0.1
PLACES_MM = ((-22.0, -30.0), (22.0, -28.0), (0.0, 0.0), (-21.0, 31.0), (23.0, 29.0))
BALL_MM = 10.0


def camera() -> CameraProfile:
    """The twin's camera, as a perfect calibration of the lens finds it."""
    fx, fy, cx, cy = OPTICS.matrix
    return CameraProfile(
        width_px=OPTICS.width_px, height_px=OPTICS.height_px, matrix=(fx, fy, cx, cy), distortion=DISTORTION,
        rotation=tuple(np.asarray(cv2.Rodrigues(OPTICS.rotation)[0]).ravel().tolist()),
        translation_mm=tuple((-OPTICS.rotation @ OPTICS.centre_mm).tolist()), bit_depth=8, black_level=4.0,
        full_scale=255.0, noise_a=0.02, noise_b=0.1, readout_us=1000,
    )  # fmt: skip


@dataclass(frozen=True)
class Led:
    """One light, truly."""

    place_mm: Array
    axis: Array
    lobe: float
    power: Array

    def on(self, places_mm: Array, normals: Array) -> Array:
        """Irradiance without colour on places (..., 3) of a surface with unit normals (..., 3)."""
        side = np.linalg.svd(self.axis[None])[2][1:]
        total = np.zeros(places_mm.shape[:-1])
        for u in (-1, 0, 1):
            for v in (-1, 0, 1):
                way = self.place_mm + LED_MM / 3 * (u * side[0] + v * side[1]) - places_mm
                far = np.sqrt((way**2).sum(-1))
                leaving = np.arccos(np.clip(-(way @ self.axis) / far, -1, 1))
                arriving = (way * normals).sum(-1) / far
                total += np.cos(leaving) ** self.lobe * arriving / far**2
        return total / 9


def nominal() -> tuple[LightProfile, ...]:
    """A ring of eight, aimed at the middle, as the builder's drawing has it."""
    lights = []
    for k in range(8):
        turn = 2 * np.pi * (k + 0.5) / 8
        place = np.array([150 * cos(turn), 150 * sin(turn), 150.0])
        lights.append(
            LightProfile(
                position_mm=tuple(place.tolist()), power=(1.0, 1.0, 1.0),
                axis=tuple((-place / np.linalg.norm(place)).tolist()), lobe=1.0,
            )
        )  # fmt: skip
    return tuple(lights)


def moved(lights: Sequence[LightProfile], by_mm: float, rng: np.random.Generator) -> tuple[LightProfile, ...]:
    """The same lights, each believed elsewhere."""
    return tuple(
        light.replace(position_mm=tuple((np.array(light.position_mm) + by_mm * _unit(rng)).tolist()))
        for light in lights
    )


def _unit(rng: np.random.Generator) -> Array:
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def leds(rng: np.random.Generator) -> tuple[Led, ...]:
    """The nominal ring as somebody soldered it."""
    made = []
    for light in nominal():
        place = np.array(light.position_mm) + 10.0 * _unit(rng)
        axis = np.array(light.axis) + radians(3.0) * rng.normal(size=3)
        power = 1.6 ** rng.uniform(-0.5, 0.5) * rng.uniform(0.97, 1.03, 3)
        made.append(Led(place, axis / np.linalg.norm(axis), float(rng.uniform(0.8, 1.3)), power))
    return tuple(made)


@dataclass(frozen=True)
class Paper:
    """The flat sheet: its sagitta along x and y, its twist, and what it reflects."""

    bow_mm: tuple[float, float] = (0.1, 0.0)
    twist_mm: float = 0.03
    waves: Array | None = None

    def height(self, x: Array, y: Array) -> Array:
        """Over its plane; bow and twist are those of a sheet of 88 x 88 mm."""
        u, v = x / 44.0, y / 44.0
        return self.bow_mm[0] * (1 - u * u) + self.bow_mm[1] * (1 - v * v) + self.twist_mm * u * v

    def reflects(self, x: Array, y: Array) -> Array:
        if self.waves is None:
            return np.ones(x.shape)
        return 1 + sum(a * np.sin((p * x + q * y) / 44.0 + f) for a, p, q, f in self.waves)


def paper(rng: np.random.Generator, bow_mm: float = 0.1, blotch: float = 0.005) -> Paper:
    """A sheet of chance: blotches of some centimetres, rms `blotch`."""
    share = rng.uniform(-1, 1)
    many = 8
    waves = np.column_stack(
        [
            np.full(many, blotch * sqrt(2 / many)),
            rng.normal(0, 3.0, (many, 2)),
            rng.uniform(0, 2 * np.pi, many),
        ]
    )
    return Paper((bow_mm * share, bow_mm * (1 - abs(share))), 0.3 * bow_mm * rng.uniform(-1, 1), waves)


@dataclass(frozen=True)
class Laid:
    """The sheet in one place."""

    paper: Paper
    height_mm: float
    off_mm: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    turned: bool = False

    def over(self, x: Array, y: Array) -> Array:
        sign = -1.0 if self.turned else 1.0
        own = self.paper.height(sign * x, sign * y)
        return self.height_mm + self.off_mm + self.tilt[0] * x + self.tilt[1] * y + own

    def reflects(self, x: Array, y: Array) -> Array:
        sign = -1.0 if self.turned else 1.0
        return self.paper.reflects(sign * x, sign * y)


def laid(paper: Paper, height_mm: float, rng: np.random.Generator, turned: bool = False) -> Laid:
    """As a careful hand lays it: 0.1 degrees beside level, 0.05 mm beside its height."""
    tilt = np.radians(0.1) * rng.normal(size=2)
    return Laid(paper, height_mm, 0.05 * rng.normal(), (tilt[0], tilt[1]), turned)


IDEAL = Paper((0.0, 0.0), 0.0, None)


def flat_codes(rig: Sequence[Led], sheet: Laid, rows: int = ROWS, columns: int = COLUMNS) -> Array:
    """Codes (lights, rows, columns, 3) of the sheet at the nodes, without noise."""
    v, u = np.meshgrid(
        np.linspace(0, OPTICS.height_px - 1, rows),
        np.linspace(0, OPTICS.width_px - 1, columns),
        indexing="ij",
    )
    pixels = np.stack([u, v], axis=-1)
    z = np.full(u.shape, sheet.height_mm)
    for _ in range(4):
        xy = OPTICS.on_height(pixels, z)
        z = sheet.over(xy[..., 0], xy[..., 1])
    x, y, step = xy[..., 0], xy[..., 1], 0.01
    slope_x = (sheet.over(x + step, y) - sheet.over(x - step, y)) / (2 * step)
    slope_y = (sheet.over(x, y + step) - sheet.over(x, y - step)) / (2 * step)
    normals = np.stack([-slope_x, -slope_y, np.ones(z.shape)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    middle = np.array([OPTICS.width_px - 1, OPTICS.height_px - 1]) / 2
    loss = 1 - VIGNETTING * ((pixels - middle) ** 2).sum(-1) / (middle**2).sum()
    common = 0.9 * loss * sheet.reflects(x, y) * 6.0e6
    places = np.concatenate([xy, z[..., None]], axis=-1)
    return np.stack([common[..., None] * led.on(places, normals)[..., None] * led.power for led in rig])


def flat_look(
    rig: Sequence[Led], sheet: Laid, rng: np.random.Generator, noise: float = 1e-3, drift: float = 2e-3
) -> FlatLook:
    """What the procedure hands over of a sheet."""
    codes = flat_codes(rig, sheet)
    codes *= 1 + drift * rng.normal(size=(len(rig), 1, 1, 1))
    codes *= 1 + noise * rng.normal(size=codes.shape)
    return FlatLook(codes.astype(np.float32), np.full(len(rig), noise), sheet.height_mm, turned=sheet.turned)


def ideal_flat(rig: Sequence[Led], plane_z_mm: float) -> Array:
    """The flat field that an ideal sheet at a height would give, without noise."""
    return flat_codes(rig, Laid(IDEAL, plane_z_mm))


def highlight_px(centre: Array, radius: float, light: Array) -> Array:
    """Where a sphere mirrors a light: the shortest way from light to eye that touches the sphere."""
    eye = OPTICS.centre_mm
    first = (eye - centre) / np.linalg.norm(eye - centre)
    basis = np.vstack([first, np.linalg.svd(first[None])[2][1:]])

    def point(at: Array) -> Array:
        local = np.array([sqrt(max(0.0, 1 - at[0] ** 2 - at[1] ** 2)), at[0], at[1]])
        return np.asarray(centre + radius * local @ basis)

    def way(at: Array) -> float:
        there = point(at)
        return float(np.linalg.norm(light - there) + np.linalg.norm(eye - there))

    between = (light - centre) / np.linalg.norm(light - centre) + first
    guess = basis[1:] @ (between / np.linalg.norm(between)) * 0.97
    found = minimize(way, guess, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-13})
    return OPTICS.project(point(found.x))


def outline_px(centre: Array, radius: float) -> Array:
    """Centre of the ellipse OpenCV fits to the outline, felt for from inside to outside."""
    middle = OPTICS.project(centre)
    turn = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    heading = np.column_stack([np.cos(turn), np.sin(turn)])
    near, far = np.zeros(180), np.full(180, 3 * radius * OPTICS.matrix[0] / OPTICS.centre_mm[2])
    for _ in range(40):
        half = (near + far) / 2
        ray = OPTICS.directions(middle + half[:, None] * heading)
        hits = np.linalg.norm(np.cross(centre - OPTICS.centre_mm, ray), axis=1) < radius
        near, far = np.where(hits, half, near), np.where(hits, far, half)
    shift = (near[:, None] * heading).astype(np.float32)
    return np.asarray(middle + np.array(cv2.fitEllipseDirect(shift)[0]))


def ball_look(
    rig: Sequence[Led], place_mm: tuple[float, float], rng: np.random.Generator | None,
    noise_px: float = 0.2, radius_mm: float = BALL_MM, rests_on_mm: float = 0.3,
) -> BallLook:  # fmt: skip
    """What the procedure hands over of a sphere; without a generator: without noise."""
    centre = np.array([*place_mm, rests_on_mm + radius_mm])
    seen = outline_px(centre, radius_mm)
    shown = np.array([highlight_px(centre, radius_mm, led.place_mm) for led in rig])
    if rng is not None:
        seen = seen + noise_px * rng.normal(size=2)
        shown = shown + noise_px * rng.normal(size=shown.shape)
    return BallLook(
        radius_mm, rests_on_mm, (float(seen[0]), float(seen[1])), noise_px, shown, np.full(len(rig), noise_px)
    )


@dataclass(frozen=True)
class Session:
    """All that was observed of one rig of chance."""

    rig: tuple[Led, ...]
    flats: tuple[FlatLook, ...]
    balls: tuple[BallLook, ...]
    start: tuple[LightProfile, ...]


def session(seed: int, bow_mm: float = 0.1, heights_mm: tuple[float, ...] = (0.3, 4.3)) -> Session:
    """Two looks at the sheet, the second turned, and spheres in five places."""
    rng = np.random.default_rng(seed)
    rig = leds(rng)
    sheet = paper(rng, bow_mm)
    flats = tuple(
        flat_look(rig, laid(sheet, h, rng, turned=n % 2 == 1), rng) for n, h in enumerate(heights_mm)
    )
    balls = tuple(ball_look(rig, place, rng) for place in PLACES_MM)
    return Session(rig, flats, balls, moved(nominal(), 15.0, rng))


def with_highlights(ball: BallLook, highlights_px: Array) -> BallLook:
    """The same sphere with other highlights."""
    return replace(ball, highlights_px=highlights_px)
