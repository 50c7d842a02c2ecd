"""A clear sleeve around a card: it veils, sticks out around it, and mirrors the lights where it is bent.

A flat film mirrors the lights beside the card; what is seen is where welded seams, wrinkles and the step at
the card's rim turn it halfway between light and camera. The highlights have the GGX lobe of a smooth film.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import samples
from .card_picture import met
from .design import Design, design
from .grid import CARD_HEIGHT_MM, CARD_WIDTH_MM, Floats
from .optics import Doubles
from .overlay import RED, Buffer, Mask, Strip, at_samples, between_nodes
from .spec import CardSpec
from .things import Lying, Pair

AROUND_MM = (1.8, 2.2)
"""How far the film sticks out of the card at its sides, and below."""
OPEN_MM = 4.5
"""And at its open end, above."""
VEIL = 0.035
"""Reflectance of the two films' haze; of what is beneath them, twice as much is lost."""
SEAM_MM, SEAM_HAZE = 0.9, 0.10
ALPHA = 0.07
FACES = 2
"""Films one upon the other: the front one's two faces count, the others are in its shadow."""
WRINKLES = 5
LEAST_BEND = 0.1
"""Sine of the slope from which on a film may mirror a light of the ring; it takes 0.2 and more."""
DIMMEST = 0.02
"""What mirrors less than this share of a white surface's light is left out."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Film:
    """Highlights of one sleeve, for each light those pixels that mirror it.

    Attributes:
        pixels: per light, rows and columns.
        strength: per light, in units of a white surface's radiance under a middling light.
        height_px: of the picture.
    """

    pixels: tuple[tuple[Indices, Indices], ...]
    strength: tuple[Floats, ...]
    height_px: int

    def shine(self, electrons: Floats, weights: Floats, colours: Floats) -> None:
        """Add the highlights to (rows, 3, columns); weights (bands, lights), colours (lights, 3)."""
        bands = len(weights)
        for light, ((rows, columns), strength) in enumerate(zip(self.pixels, self.strength, strict=True)):
            if weights[:, light].any():
                shining = strength * weights[rows * bands // self.height_px, light]
                for c in range(3):
                    electrons[rows, c, columns] += shining * colours[light, c]

    def behind(self, covered: Mask) -> "Film":
        """What is left of it where a mask (rows, columns) does not cover it."""
        free = tuple(~covered[rows, columns] for rows, columns in self.pixels)
        pixels = tuple((r[f], c[f]) for (r, c), f in zip(self.pixels, free, strict=True))
        return replace(
            self, pixels=pixels, strength=tuple(s[f] for s, f in zip(self.strength, free, strict=True))
        )


def films(buffer: Buffer, thing: Lying, fields: Floats) -> tuple[Film, ...]:
    """Lay the films of what lies in sleeves over it; of a pair, only the upper card's is looked at.

    Args:
        buffer: of what lies there, without films.
        thing: what lies there.
        fields: (lights, node rows, node columns, FIELDS), see `lights.light_field`.
    """
    card = thing.above if isinstance(thing, Pair) else thing
    if not isinstance(card, CardSpec) or not card.unkind.sleeve:
        return ()
    drawn = design(card)
    lift_mm = thing.below.unkind.thickness_mm if isinstance(thing, Pair) else 0.0
    _, on_card = met(drawn, buffer.optics, buffer.node_pixels(), lift_mm)
    found = [_lay(buffer, strip, on_card, drawn, fields) for strip in buffer.strips()]
    lights = tuple(zip(*found, strict=True))
    pixels = tuple((_joined(light, 0), _joined(light, 1)) for light in lights)
    strength = tuple(np.concatenate([part[2] for part in light]) for light in lights)
    return (Film(pixels, strength, buffer.optics.height_px),)


Glints = tuple[Indices, Indices, Floats]
"""Rows and columns of pixels, and how much they mirror."""


def _joined(parts: tuple[Glints, ...], which: Literal[0, 1]) -> Indices:
    return np.concatenate([part[which] for part in parts])


def _lay(buffer: Buffer, strip: Strip, on_card: Doubles, drawn: Design, fields: Floats) -> list[Glints]:
    """Veil a strip; what it mirrors, light by light."""
    x, y = np.moveaxis(between_nodes(on_card, strip, buffer.width), -1, 0)
    rim = _rim_mm(x, y)
    share = VEIL + SEAM_HAZE * (np.abs(rim - SEAM_MM / 2) < SEAM_MM / 2)
    cover = np.clip(0.5 + rim / (25.4 / buffer.optics.dpi / 2), 0, 1) * 2 * share
    half = np.full((*x.shape, 3), 0.5, np.float32)  # half of what the veil takes away comes back white
    buffer.blend(strip, slice(RED, RED + 3), half, cover.astype(np.float32))
    first = (samples.HALO - strip.first) % 2
    x, y = x[first::2, samples.HALO :: 2], y[first::2, samples.HALO :: 2]
    normals = _bends(x, y, drawn)
    rows, columns = np.nonzero(
        (np.hypot(normals[..., 0], normals[..., 1]) > LEAST_BEND) & (_rim_mm(x, y) > 0)
    )
    normals = normals[rows, columns]
    at = strip.first + first + 2 * rows, samples.HALO + 2 * columns
    rows, columns = (at[0] - samples.HALO) // 2, (at[1] - samples.HALO) // 2
    height, width = buffer.optics.height_px, buffer.optics.width_px
    seen = (rows >= 0) & (rows < height) & (columns < width)
    glints = []
    for field in fields:
        mirrored = _mirrored(normals, at_samples(field, *at))
        bright = seen & (mirrored > DIMMEST)
        glints.append((rows[bright], columns[bright], mirrored[bright]))
    return glints


def _rim_mm(x: Floats, y: Floats) -> Floats:
    """Distance to the film's edge, positive inside."""
    aside = CARD_WIDTH_MM / 2 + AROUND_MM[0] - np.abs(x)
    above, below = CARD_HEIGHT_MM / 2 + OPEN_MM - y, CARD_HEIGHT_MM / 2 + AROUND_MM[1] + y
    return np.asarray(np.minimum(aside, np.minimum(above, below)), np.float32)


def _bends(x: Floats, y: Floats, drawn: Design) -> Floats:
    """X and y (..., 2), mat frame, of the film's unit normal."""
    rng = drawn.spec.own(drawn.spec.side, "sleeve")
    along_x, along_y = _seams(x, y)
    for _ in range(WRINKLES):
        middle_x, middle_y = rng.uniform(-30, 30), rng.choice((-1, 1)) * rng.uniform(12, 42)
        way, long, wide, steep = (
            rng.uniform(0, np.pi),
            rng.uniform(5, 16),
            rng.uniform(0.5, 1.2),
            rng.uniform(0.3, 0.6),
        )
        c, s = np.cos(way), np.sin(way)
        along = (x - middle_x) * c + (y - middle_y) * s
        across = ((y - middle_y) * c - (x - middle_x) * s + 0.01 * along**2) / wide
        bend = steep * across * np.exp(0.5 - across**2 / 2 - (along / long) ** 2)
        along_x, along_y = along_x - s * bend, along_y + c * bend
    phase = rng.uniform(0, 6.28, 2)
    along_x, along_y = (
        along_x + 0.05 * np.sin(y / 6 + x / 9 + phase[0]),
        along_y + 0.05 * np.sin(x / 5 - y / 11 + phase[1]),
    )
    turned = np.deg2rad(drawn.pose.rotation_deg)
    c, s = np.cos(turned), np.sin(turned)
    normals = np.stack((c * along_x - s * along_y, s * along_x + c * along_y), axis=-1)
    length = np.sqrt(1 + np.sum(normals**2, axis=-1, keepdims=True))
    return np.asarray(normals / length, np.float32)


def _seams(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Slopes at the welded rim, round as a wire, and where the film comes down from the card's rim."""
    slopes = []
    for place, half, around in ((x, CARD_WIDTH_MM / 2, AROUND_MM[0]), (y, CARD_HEIGHT_MM / 2, AROUND_MM[1])):
        beyond = np.abs(place) - half
        seam = (beyond - around) / (SEAM_MM / 2) + 1
        weld = np.where(np.abs(seam) < 1, 0.75 * seam, 0)
        if place is y:
            weld = np.where(y < 0, weld, 0)  # it is open above
        step = np.where((beyond > -0.4) & (beyond < 1.2), 0.35 * np.sin(np.pi * (beyond + 0.4) / 1.6), 0)
        slopes.append(np.sign(place) * (weld + step))
    return slopes[0], slopes[1]


def _mirrored(normals: Floats, field: Floats) -> Floats:
    """What films of these normals (N, 2) mirror in the light of (N, FIELDS)."""
    n = np.concatenate((normals, np.sqrt(1 - np.sum(normals**2, axis=-1, keepdims=True))), axis=-1)
    lit = np.maximum(0, np.sum(n * field[:, :3], axis=-1))
    halfway = np.sum(n * field[:, 3:6], axis=-1)
    spread = halfway**2 * (ALPHA**2 - 1) + 1
    return np.asarray(FACES * lit * field[:, 6] * ALPHA**2 / spread**2, np.float32)
