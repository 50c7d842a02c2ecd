"""The lights themselves, mirrored in balls: points so bright that they outshine the rest by thousands.

A mirror keeps radiance. A light that sends the intensity I towards a ball therefore brings a pixel the light
of I / J, where J is the area across the light's ray that the pixel looks at (`BallView.mirrored`).
"""

from dataclasses import dataclass
from itertools import permutations
from math import cos, pi

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from .balls import BallView, unit
from .grid import Floats
from .lights import HEIGHT_MM, LED_HALF_MM, RING_MM, Light
from .optics import Doubles, Optics

PARTS = 5
"""An LED's square is cut into so many parts each way, so that its image is even at any resolution."""
GLARE = 0.004
"""Share of the light that dust and the glass scatter about the image of a bright point: a chosen figure, of a
lens that is clean."""
GLARE_PX = 3.0
"""Where the scattered light has fallen to about a third; chosen, too."""
GLARE_REACH_PX = 40


def intensity(light: Light) -> float:
    """On the axis; over the square of a distance in mm it is what `light_field` calls irradiance."""
    return float(light.power * (RING_MM**2 + HEIGHT_MM**2) / cos(pi / 4))


@dataclass(frozen=True, slots=True)
class Glint:
    """The mirror image of one light by way of one ball, or of two.

    Attributes:
        pixels: (parts, 2), where the parts of the light are seen.
        flux: (parts,), sum over the picture's pixels, where a white surface in light 1 gives 1 in each.
    """

    light: int
    pixels: Doubles
    flux: Doubles


def glints(view: BallView) -> list[Glint]:
    """All mirror images of all lights, as far as no ball hides them."""
    count = len(view.balls.places_mm)
    if not (count and view.balls.reflectance):
        return []
    found = _glints(view, np.arange(count)[:, None])
    return found + _glints(view, np.array(list(permutations(range(count), 2)))) if count > 1 else found


def _glints(view: BallView, chains: NDArray[np.int64]) -> list[Glint]:
    """Of all lights by way of these balls, chains (N, bounces)."""
    lights, parts = view.lights, PARTS**2
    every = np.repeat(np.tile(chains, (len(lights), 1)), parts, axis=0)
    sources = np.concatenate([np.tile(_parts(light), (len(chains), 1)) for light in lights])
    pixels, met, area = view.mirrored(every, sources)
    seen = np.isfinite(pixels).all(axis=-1) & _free(view, every, met, sources)
    shape = len(lights), len(chains), parts
    ways = unit(met[:, -1] - sources).reshape(*shape, 3)
    whole = pi * view.balls.reflectance ** chains.shape[1] / parts
    flux = whole * seen.reshape(shape) / area.reshape(shape)
    for number, light in enumerate(lights):
        flux[number] *= intensity(light) * np.maximum(0, ways[number] @ light.axis) ** light.lobe
    places = pixels.reshape(*shape, 2)
    return [
        Glint(light, places[light, chain][bright], flux[light, chain][bright])
        for light, chain in np.ndindex(shape[:2])
        if (bright := flux[light, chain] > 0).any()
    ]


def _parts(light: Light) -> Doubles:
    """(parts, 3): of the emitting square, perpendicular to the axis."""
    side = unit(np.cross(light.axis, (0.0, 0.0, 1.0)))
    steps = LED_HALF_MM * (2 * np.arange(PARTS) + 1 - PARTS) / PARTS
    down, across = (grid.ravel()[:, None] for grid in np.meshgrid(steps, steps))
    return np.asarray(light.position_mm + across * side + down * np.cross(light.axis, side), np.float64)


def _free(view: BallView, chains: NDArray[np.int64], met: Doubles, sources: Doubles) -> NDArray[np.bool_]:
    """(N,): whether no ball stands in the way of the light, on any part of it."""
    eye = np.broadcast_to(view.optics.centre_mm, sources.shape)
    stops = np.concatenate((eye[:, None], met, sources[:, None]), axis=1)
    free = np.ones(len(sources), bool)
    for leg in range(stops.shape[1] - 1):
        ends = chains[:, max(0, leg - 1) : leg + 1]
        for ball, centre in enumerate(view.balls.centres_mm):
            passes = _passes(stops[:, leg], stops[:, leg + 1], centre, view.balls.radius_mm)
            free &= passes | (ends == ball).any(axis=1)
    return free


def _passes(start: Doubles, end: Doubles, centre: Doubles, radius: float) -> NDArray[np.bool_]:
    way = end - start
    share = np.sum((centre - start) * way, axis=-1) / np.sum(way * way, axis=-1)
    nearest = start + np.clip(share, 0, 1)[:, None] * way
    return np.asarray(np.linalg.norm(nearest - centre, axis=-1) > radius, np.bool_)


def add(
    electrons: Floats, glint: Glint, optics: Optics, weights: Floats, colour: tuple[float, float, float],
    motion_px: Doubles,
) -> None:  # fmt: skip
    """Bring a mirror image into a picture.

    Args:
        electrons: float32 (rows, 3, columns); changed.
        glint: what is mirrored.
        optics: of the picture.
        weights: (bands,) electrons for a white surface in light 1.
        colour: of the light.
        motion_px: (2,) by how much the picture was shifted, see `Scene`.
    """
    height, _, width = electrons.shape
    middle = np.average(glint.pixels, axis=0, weights=glint.flux) - motion_px
    reach = GLARE_REACH_PX
    rows = np.arange(max(0, round(middle[1]) - reach), min(height, round(middle[1]) + reach + 1))
    columns = np.arange(max(0, round(middle[0]) - reach), min(width, round(middle[0]) + reach + 1))
    if not (len(rows) and len(columns)):
        return
    blur = optics.lens.blur_px
    down = _spread(rows, glint.pixels[:, 1] - motion_px[1], blur)
    across = _spread(columns, glint.pixels[:, 0] - motion_px[0], blur)
    light = (1 - GLARE) * (down * glint.flux) @ across.T
    light += GLARE * glint.flux.sum() * _scattered(rows - middle[1], columns - middle[0])
    light *= weights[rows * len(weights) // height, None]
    half = np.array([(height - 1) / 2, (width - 1) / 2])
    off2 = (rows[:, None] - half[0]) ** 2 + (columns - half[1]) ** 2
    light *= 1 - optics.lens.vignetting * off2 / (0.25 * (height**2 + width**2))
    window = electrons[rows[0] : rows[-1] + 1, :, columns[0] : columns[-1] + 1]
    window += (np.array(colour)[:, None] * light[:, None]).astype(np.float32)


def _spread(pixels: NDArray[np.int64], places: Doubles, blur_px: float) -> Doubles:
    """(pixels, places): share of each place's light in each pixel's square after the lens's Gaussian."""
    off = (pixels[:, None] - places) / (np.sqrt(2) * blur_px)
    half = 0.5 / (np.sqrt(2) * blur_px)
    return np.asarray((erf(off + half) - erf(off - half)) / 2, np.float64)


def _scattered(down: Doubles, across: Doubles) -> Doubles:
    """Moffat's profile (1969) with exponent 1.5, faded out to nothing at the window's edge."""
    far2 = down[:, None] ** 2 + across**2
    fade = np.maximum(0, 1 - far2 / GLARE_REACH_PX**2) ** 2
    return np.asarray(fade * (1 + far2 / GLARE_PX**2) ** -1.5 / (2 * pi * GLARE_PX**2), np.float64)
