"""What a card's face looks like, in 1024 bits and a coarse picture: small enough to keep of every scan.

The bits are signs of cosine coefficients (DCT-II): 896 of the brightness, 64 of each of two ratios of
colours, from the longest wave to the shortest. Logarithms make exposure a constant, and light that falls off
across the card a slow slope. The brightness is first made even: less its own surroundings and over their
contrast, so that neither a glint nor the dark frame that all cards of a game share drowns the rest. A face
turned by half a turn has the coefficient (u, v) times (-1)^(u + v): the bits of the turned face are those of
the face with a fixed pattern of them inverted.

Colour has few bits, because cards of one colour are many: prints that differ in nothing but colour are taken
for the same. What it tells apart is measured by `tests/benchmarks/recognition.py`; see `recognition.SAME`.
"""

import base64
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from station.documents.judgement import Appearance
from station.documents.plan import CARD_HEIGHT_MM, CARD_WIDTH_MM

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

VERSION = 1
"""Of how both are made: looks of different versions say nothing of each other."""
BITS = 1024
LAYOUT_SHAPE = (33, 24, 3)
"""Of the coarse picture: brightness, red over green, blue over green."""
SMALLEST_PX = (165, 118)
"""Rows and columns below which a face has too little in it; more than 264 x 189 brings nothing."""

_LUMA_BITS, _COLOUR_BITS = 896, 64
_CELLS, _RIM = (144, 104), 6
"""Rows and columns that a face is averaged to, and how many of them on each side are left out: 3.7 mm, the
border, whose width tells the cut and not the print."""
_LAYOUT_CELLS, _LAYOUT_RIM = (35, 26), 1
"""The same of the layout: rounded corners, worn edges, and what a crooked cut shows of the mat."""
_FLOOR = 0.05  # of the mean brightness: below it, noise would be most of a logarithm
_NEAR, _AROUND = 4.0, 6.0  # cells: what the surroundings are, and those of their contrast
_QUIET = 0.3  # of the mean contrast: what is added, or plain areas would show their noise
_LIMIT = 3.0  # contrasts: a glint or a black line counts no more than that
_SLOWEST = 3.0  # half waves over the card: what falls off slower may be the light
_OCTAVE = 32.0  # levels of the layout for a factor of two in brightness
_COLOUR_OCTAVE = 48.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one face looks like.

    Attributes:
        bits: uint8 (BITS / 8,), packed.
        layout: uint8 LAYOUT_SHAPE, 128 is the mean brightness, or neutral grey.
    """

    bits: Bytes
    layout: Bytes


def look_at(face: Floats) -> Look:
    """The look of a face as found.

    Args:
        face: (H, W, 3), linear light, RGB, rectified so that the card fills it, long side upright.

    Raises:
        ValueError: it is smaller than `SMALLEST_PX`, not in colour, or dark throughout.
    """
    if (
        face.ndim != 3
        or face.shape[2] != 3
        or face.shape[0] < SMALLEST_PX[0]
        or face.shape[1] < SMALLEST_PX[1]
    ):
        raise ValueError(f"a face of shape {face.shape} cannot be looked at")
    light = np.asarray(face, np.float32)
    brightness, *colours = np.moveaxis(_logarithms(_inner(light, _CELLS, _RIM)), 2, 0)
    planes = _even(brightness), *(_unit(colour) for colour in colours)
    chosen = [
        cv2.dct(np.ascontiguousarray(plane))[waves] for plane, waves in zip(planes, _waves(), strict=True)
    ]
    return Look(np.packbits(np.concatenate(chosen) > 0), _layout(light))


def turned(look: Look) -> Look:
    """The look of the same face turned by half a turn."""
    return Look(look.bits ^ turning_bits(), np.ascontiguousarray(look.layout[::-1, ::-1]))


@cache
def turning_bits() -> Bytes:
    """The bits (packed) that half a turn inverts: those of waves (u, v) with u + v odd."""
    pattern = np.packbits(np.concatenate([(waves[0] + waves[1]) % 2 == 1 for waves in _waves()]))
    pattern.flags.writeable = False
    return pattern


def to_document(look: Look) -> Appearance:
    """As it is stored."""
    return Appearance(
        version=VERSION,
        bits=look.bits.tobytes().hex(),
        layout=base64.b64encode(look.layout.tobytes()).decode("ascii"),
    )


def from_document(appearance: Appearance) -> Look:
    """As it was stored.

    Raises:
        ValueError: it is of another version, or is not what `to_document` makes.
    """
    if appearance.version != VERSION:
        raise ValueError(f"an appearance of version {appearance.version} cannot be compared")
    bits = np.frombuffer(bytes.fromhex(appearance.bits), np.uint8)
    layout = np.frombuffer(base64.b64decode(appearance.layout), np.uint8)
    if bits.size != BITS // 8 or layout.size != int(np.prod(LAYOUT_SHAPE)):
        raise ValueError(f"an appearance has {8 * bits.size} bits and a layout of {layout.size}")
    return Look(bits, layout.reshape(LAYOUT_SHAPE))


def _inner(face: Floats, cells: tuple[int, int], rim: int) -> Floats:
    """A face averaged to cells, without those of its rim."""
    coarse = cv2.resize(face, cells[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(coarse[rim:-rim, rim:-rim], np.float32)


def _logarithms(face: Floats) -> Floats:
    """Octaves (H, W, 3): brightness over its mean, red over green, blue over green."""
    light = np.maximum(face, 0)
    mean = float(light.mean())
    if not mean > 0:
        raise ValueError("a dark face cannot be looked at")
    light = (light / np.float32(mean) + np.float32(_FLOOR)) / np.float32(1 + _FLOOR)
    red, green, blue = np.moveaxis(np.log2(light), 2, 0)
    return np.stack([np.log2(light.mean(axis=2)), red - green, blue - green], axis=2)


def _even(plane: Floats) -> Floats:
    """Brightness (H, W) less its surroundings, in units of their contrast."""
    detail = plane - _around(plane, _NEAR)
    contrast = np.sqrt(_around(detail * detail, _AROUND))
    even: Floats = detail / (contrast + _QUIET * contrast.mean() + np.float32(1e-6))
    return even.clip(-_LIMIT, _LIMIT)


def _around(plane: Floats, sigma: float) -> Floats:
    blurred = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


def _unit(plane: Floats) -> Floats:
    """A plane less its mean, in units of its spread, none of it far outside."""
    centred = plane - plane.mean()
    unit: Floats = centred / (centred.std() + np.float32(1e-6))
    return unit.clip(-_LIMIT, _LIMIT)


@cache
def _waves() -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Rows and columns of the coefficients of each plane, from the longest wave to the shortest."""
    height, width = (cells - 2 * _RIM for cells in _CELLS)
    rows, columns = np.mgrid[:height, :width]
    per_mm = np.hypot(rows / CARD_HEIGHT_MM, columns / CARD_WIDTH_MM)
    order = np.argsort(per_mm, axis=None, kind="stable")
    fast = order[np.hypot(rows, columns).ravel()[order] > _SLOWEST]
    chosen = (np.divmod(fast[:count], width) for count in (_LUMA_BITS, _COLOUR_BITS, _COLOUR_BITS))
    return tuple((row, column) for row, column in chosen)


def _layout(face: Floats) -> Bytes:
    coarse = _logarithms(_inner(face, _LAYOUT_CELLS, _LAYOUT_RIM))
    levels = 128 + coarse * np.array([_OCTAVE, _COLOUR_OCTAVE, _COLOUR_OCTAVE], np.float32)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
