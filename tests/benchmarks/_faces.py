"""Faces of the twin's cards, painted without a camera; and what taking one again changes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.plan import Side
from station.twin import art
from station.twin.canvas import reflectance_table
from station.twin.design import design
from station.twin.grid import TEXELS_PER_PIXEL, CardGrid
from station.twin.spec import CardSpec

Face = NDArray[np.float32]
DPI = 80
"""Of the faces: 277 x 198 pixels."""
_INK = 0.02
_MAT = (0.05, 0.05, 0.05)


def painted(seed: int, side: Side = "front") -> Face:
    """The reflectance of one side: (277, 198, 3)."""
    grid = CardGrid(DPI / TEXELS_PER_PIXEL)
    canvas = art.paint(design(CardSpec(seed, side)), grid)
    text = canvas.text[..., None].astype(np.float32) / 255
    face = reflectance_table()[canvas.rgb] * (1 - text) + np.float32(_INK) * text
    inner = slice(grid.margin, -grid.margin)
    return np.ascontiguousarray(face[inner, inner])


def taken(
    face: Face, rng: np.random.Generator, *, shift_px: float = 0.3, noise: float = 0.01, glint: bool = False
) -> Face:
    """The face as a station would have it: turned by 0.25 degrees and scaled by 0.2 % (standard deviations).

    Light falls off by up to 30 % along each axis, is half to nearly twice as bright, and of another colour by
    3 %.

    Args:
        face: what is on the card.
        rng: chance.
        shift_px: standard deviation of the shift along each axis; a pixel is 0.32 mm.
        noise: standard deviation, of a white card's brightness.
        glint: a bright spot of a tenth to a quarter of half the card, at most as bright as a white card.
    """
    height, width = face.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    (across, down), dim = rng.uniform(-1, 1, 2), rng.random()
    light = 1 + 0.3 * across * x + 0.3 * down * y - 0.15 * dim * (x**2 + y**2)
    seen = _moved(face, rng, shift_px) * light[..., None]
    seen = seen * rng.uniform(0.5, 1.8) * (1 + 0.03 * rng.standard_normal(3))
    if glint:
        at, size = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.1, 0.25)
        spot = np.exp(-((x - at[0]) ** 2 + 1.95 * (y - at[1]) ** 2) / (2 * size**2))
        seen = seen + rng.uniform(0.2, 1) * spot[..., None]
    return (seen + noise * rng.standard_normal(seen.shape)).astype(np.float32)


def _moved(face: Face, rng: np.random.Generator, shift_px: float) -> Face:
    height, width = face.shape[:2]
    turn, scale = np.radians(rng.normal(0, 0.25)), 1 + rng.normal(0, 0.002)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([width / 2, height / 2])
    shift = middle - matrix @ middle + rng.normal(0, shift_px, 2)
    moved = cv2.warpAffine(face, np.column_stack([matrix, shift]), (width, height), borderValue=_MAT)
    return np.asarray(moved, np.float32)
