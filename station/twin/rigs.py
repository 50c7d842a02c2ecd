"""Whole rigs, lights and camera: the standard one, and any other that a collector might have built.

Two layouts, each of eight lights at 212 mm from the card's centre: `ring`, all at zenith 45 degrees;
`two_rings`, four at zenith 55 degrees over the card's diagonals and four at 35 degrees over its sides. A flat
card mirrors none of them into the camera: the mirror point of the innermost light lies 85 mm from the card's
centre, on the line where the card reaches 44 mm at most, against 60 mm where it would be nearest to a corner.
"""

from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin
from typing import Literal

import numpy as np

from .chance import stream
from .lights import HEIGHT_MM, LIGHTS, RING_MM, SPREAD, Light, ring
from .optics import HEIGHT_600, WIDTH_600, Doubles, Lens, Optics

Layout = Literal["ring", "two_rings"]

DISTANCE_MM = hypot(RING_MM, HEIGHT_MM)
OUTER_ZENITH_DEG, INNER_ZENITH_DEG = 55.0, 35.0
CAMERA_MM = 400.0
"""Nominal height of the camera over the mat."""

MOVED_MM = 10.0
"""By how much a light is off its nominal place at most: what hands and a ruler reach."""
AIM_MM = 12.0
"""Rms miss of a light's axis on the mat, per axis: some 3 degrees."""
CAMERA_MOVED_MM = 15.0
PLANE_TILT_DEG = 2.0
MARGIN_PX = 20.0
"""A person who sets up the camera leaves at least this much beside a card, at 600 samples per inch."""
REACH_MM = (36.2, 48.8)
"""How far a card reaches from the mat's centre at most: a large one, turned and off its place."""
DRAWS = 100
"""Seven of eight leave room for a card; so many that do not are a mistake in this module."""


@dataclass(frozen=True)
class Rig:
    """Lights and camera over the mat.

    Attributes:
        lights: those of the board's switches, in their order.
        lens: the camera on its stand.
        name: for people.
    """

    lights: tuple[Light, ...]
    lens: Lens
    name: str

    def __post_init__(self) -> None:
        """Refuse a rig that the board cannot drive.

        Raises:
            ValueError: another number of lights than the board has switches.
        """
        if len(self.lights) != LIGHTS:
            raise ValueError(f"{len(self.lights)} lights, and the board has {LIGHTS} switches")


def standard() -> Rig:
    """The rig of the demo and of the profile that ships: a ring, put up with care."""
    return Rig(ring(), Lens(), "standard")


def nominal(layout: Layout) -> tuple[Light, ...]:
    """The lights as they stand on the drawing: equal, white, aimed at the mat's centre, Lambert's lobe."""
    places = _ring_mm() if layout == "ring" else _two_rings_mm()
    return tuple(Light(place, -place / np.linalg.norm(place), 1.0, 1.0, (1.0, 1.0, 1.0)) for place in places)


def _ring_mm() -> list[Doubles]:
    return [_place(45.0, 22.5 + 45.0 * k) for k in range(LIGHTS)]


def _two_rings_mm() -> list[Doubles]:
    """Counter-clockwise from x, inner and outer by turns."""
    return [_place(OUTER_ZENITH_DEG if k % 2 else INNER_ZENITH_DEG, 45.0 * k) for k in range(LIGHTS)]


def _place(zenith_deg: float, azimuth_deg: float) -> Doubles:
    zenith, azimuth = radians(zenith_deg), radians(azimuth_deg)
    direction = np.array([sin(zenith) * cos(azimuth), sin(zenith) * sin(azimuth), cos(zenith)])
    return np.asarray(DISTANCE_MM * direction, np.float64)


def random_rig(seed: int, layout: Layout = "ring") -> Rig:
    """A rig as somebody built it at home, drawn from its seed.

    The card plane stays the mat's plane z = 0; it is the camera that is tilted against it. Powers are scaled
    so that the brightest light is as bright at the mat's centre as the standard rig's: one exposure suits
    both.
    """
    lights = _lights(seed, nominal(layout))
    brightest = max(_at_centre(light) for light in lights)
    scale = max(_at_centre(light) for light in ring()) / brightest
    dimmed = tuple(replace(light, power=light.power * scale) for light in lights)
    return Rig(dimmed, _lens(seed), f"{layout} {seed}")


def _lights(seed: int, places: tuple[Light, ...]) -> tuple[Light, ...]:
    rng = stream(seed, "rig", "lights")
    powers = SPREAD ** rng.permutation(np.linspace(-0.5, 0.5, len(places)))
    red, blue = rng.uniform(0.52, 0.95), rng.uniform(0.55, 0.95)  # the camera's channels before white balance
    return tuple(
        _moved(light, float(power), (float(red), float(blue)), rng)
        for light, power in zip(places, powers, strict=True)
    )


def _moved(light: Light, power: float, tint: tuple[float, float], rng: np.random.Generator) -> Light:
    """One LED out of its batch: its white is somewhat warmer or colder than the others'."""
    way = rng.standard_normal(3)
    place = light.position_mm + MOVED_MM * rng.uniform() ** (1 / 3) * way / np.linalg.norm(way)
    aim = np.append(rng.normal(0, AIM_MM, 2), 0.0) - place
    red, blue = tint[0] * rng.normal(1, 0.015), tint[1] * rng.normal(1, 0.05)
    lobe = rng.uniform(0.8, 1.3)
    return Light(place, aim / np.linalg.norm(aim), float(lobe), power, (float(red), 1.0, float(blue)))


def _at_centre(light: Light) -> float:
    """Irradiance of the mat's centre in the strongest channel, up to a factor."""
    distance = float(np.linalg.norm(light.position_mm))
    x, y, z = (float(part) for part in light.position_mm / distance)
    facing = max(0.0, -float(np.dot((x, y, z), light.axis)))
    return float(light.power * max(light.colour) * facing**light.lobe * z / distance**2)


def _lens(seed: int) -> Lens:
    """The first camera drawn that sees a card wherever it may lie."""
    rng = stream(seed, "rig", "lens")
    for _ in range(DRAWS):
        lens = _draw(rng)
        if _sees_card(lens):
            return lens
    raise AssertionError("no camera sees the card")


def _draw(rng: np.random.Generator) -> Lens:
    way, turn = rng.uniform(0, 360), rng.uniform(-1, 1)
    k1, k2 = rng.uniform(-0.25, 0.15), rng.uniform(-0.1, 0.1)
    p1, p2 = rng.uniform(-5e-4, 5e-4, 2)
    right, down = rng.uniform(-0.01, 0.01, 2) * (WIDTH_600, HEIGHT_600)
    lens = Lens(
        centre_mm=(0.0, 0.0, CAMERA_MM + float(rng.uniform(-CAMERA_MOVED_MM, CAMERA_MOVED_MM))),
        tilt_deg=(PLANE_TILT_DEG * cos(radians(way)), PLANE_TILT_DEG * sin(radians(way)), float(turn)),
        distortion=(float(k1), float(k2), float(p1), float(p2), 0.0),
        focal_mm=CAMERA_MM * float(rng.uniform(0.97, 1.03)),
        aspect=float(rng.uniform(0.999, 1.001)),
        principal_px=(float(right), float(down)),
    )
    return _aimed(lens, *rng.uniform(-0.5, 0.5, 2))


def _aimed(lens: Lens, x_mm: float, y_mm: float) -> Lens:
    """The same camera, moved sideways until the picture's middle shows this place of the mat."""
    optics = Optics(600, lens)
    x, y = optics.on_height(np.array([(WIDTH_600 - 1) / 2, (HEIGHT_600 - 1) / 2]), 0.0)
    right, up, height = lens.centre_mm
    return replace(lens, centre_mm=(float(right + x_mm - x), float(up + y_mm - y), height))


def _sees_card(lens: Lens) -> bool:
    x, y = REACH_MM
    corners = np.array([[sx * x, sy * y, 0.8] for sx in (-1, 1) for sy in (-1, 1)])
    pixels = Optics(600, lens).project(corners)
    most = np.array([WIDTH_600, HEIGHT_600]) - MARGIN_PX
    return bool((pixels > MARGIN_PX).all() and (pixels < most).all())
