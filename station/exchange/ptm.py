"""Polynomial texture maps `.ptm` of version 1.2, with one polynomial and one colour per pixel (LRGB).

Malzbender, Gelb and Wolters, "Polynomial texture maps" (2001): a pixel under the light (lu, lv, lw), a unit
vector, has the colour `rgb * L / 255` with `L = a0 lu^2 + a1 lv^2 + a2 lu lv + a3 lu + a4 lv + a5`. In the
file each coefficient is a byte, `a = (byte - bias) * scale` with a scale and a whole bias for all pixels; all
coefficients come first, then all colours, and the lowest row of the picture is the first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import content_of, store, unreadable

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Array = NDArray[np.float64]
COEFFICIENTS = 6
SEEN = 0.03
"""Share of the strongest combination of terms that the lights must show of another, or it is left at zero:
lights on about one ring tell a curvature from a constant by their noise alone."""
_HEADER = ("PTM_1.2", "PTM_FORMAT_LRGB")


@dataclass(frozen=True, slots=True)
class Ptm:
    """What a file holds, row 0 at the top.

    Attributes:
        coefficients: uint8 (H, W, 6), in the order of the formula.
        scale, bias: (6,), of each coefficient.
        rgb: uint8 (H, W, 3).
    """

    coefficients: Bytes
    scale: Array
    bias: Array
    rgb: Bytes

    def relit(self, direction: NDArray[np.floating]) -> Floats:
        """The picture under a light in this direction (3,), x right, y up: float32 (H, W, 3), 255 is full."""
        values = (self.coefficients - self.bias) * self.scale
        brightness = values @ basis(np.asarray(direction, np.float64)[None])[0] / 255.0
        return np.asarray(self.rgb * brightness[..., None], np.float32)


def basis(directions: Array) -> Array:
    """The six terms (K, 6) of lights (K, 3) of any length."""
    u, v, _ = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    return np.stack([u * u, v * v, u * v, u, v, np.ones_like(u)], axis=1)


def fit_ptm(picture: Callable[[int], Floats], directions: Array) -> Ptm:
    """Fit polynomials by least squares to pictures as they look on a screen.

    With fewer than six lights, or with lights on about one ring, many polynomials fit: the smallest is taken.

    Args:
        picture: gives the picture of each light, float32 (H, W, 3), 0 to 1; asked twice for each.
        directions: (K, 3), towards the lights.
    """
    lights = range(len(directions))
    rgb = _colours(picture(light) for light in lights)
    strength = np.square(rgb.astype(np.float32)).sum(axis=2)
    inverse = np.linalg.pinv(basis(np.asarray(directions, np.float64)), rcond=SEEN).astype(np.float32)
    fitted = np.zeros((*rgb.shape[:2], COEFFICIENTS), np.float32)
    for light in lights:
        along = np.einsum("hwc,hwc->hw", picture(light), rgb, dtype=np.float32) * np.float32(255.0)
        brightness = np.divide(255.0 * along, strength, out=np.zeros_like(along), where=strength > 0)
        fitted += brightness[..., None] * inverse[:, light]
    return _rounded(fitted, rgb)


def write_ptm(path: Path, ptm: Ptm) -> None:
    """Write it.

    Raises:
        StationError: `output_unwritable`.
    """
    height, width, _ = ptm.rgb.shape
    scale = " ".join(f"{value:.9g}" for value in ptm.scale)
    bias = " ".join(f"{value:.0f}" for value in ptm.bias)
    header = "\n".join([*_HEADER, str(width), str(height), scale, bias, ""])
    store(path, header.encode() + ptm.coefficients[::-1].tobytes() + ptm.rgb[::-1].tobytes())


def read_ptm(path: Path) -> Ptm:
    """Read a file of this kind.

    Raises:
        StationError: `source_unreadable`: another kind of file, or a damaged one.
    """
    content = content_of(path)
    if not content.startswith("\n".join(_HEADER).encode()):
        raise unreadable(f"{path} is no {' '.join(_HEADER)} file")
    *lines, body = content.split(b"\n", COEFFICIENTS)
    try:
        width, height = int(lines[2]), int(lines[3])
        scale, bias = (np.array([float(word) for word in line.split()]) for line in lines[4:6])
    except ValueError as error:
        raise unreadable(f"{path} has a damaged header") from error
    pixels = width * height
    if len(scale) != COEFFICIENTS or len(bias) != COEFFICIENTS or len(body) != 9 * pixels:
        raise unreadable(f"{path} is cut short or holds more than {width} x {height} pixels")
    values = np.frombuffer(body, np.uint8)
    coefficients = values[: COEFFICIENTS * pixels].reshape(height, width, COEFFICIENTS)[::-1]
    return Ptm(coefficients, scale, bias, values[COEFFICIENTS * pixels :].reshape(height, width, 3)[::-1])


def _colours(pictures: Iterable[Floats]) -> Bytes:
    """The mean colour of each pixel, as bright as the pixel ever is: then L lies between 0 and 255."""
    rest = iter(pictures)
    total = next(rest).copy()
    peak = total.mean(axis=2)
    for picture in rest:
        total += picture
        np.maximum(peak, picture.mean(axis=2), out=peak)
    level = total.mean(axis=2)
    colour = total * np.divide(peak, level, out=np.zeros_like(peak), where=level > 0)[..., None]
    brightest = np.maximum(colour.max(axis=2, keepdims=True), 1.0)
    return np.asarray(np.rint(255.0 * colour / brightest).clip(0, 255), np.uint8)


def _rounded(fitted: Floats, rgb: Bytes) -> Ptm:
    """To bytes; each coefficient's range is made to hold zero, so that its bias is a byte too."""
    low = np.minimum(fitted.min(axis=(0, 1)), 0.0).astype(np.float64)
    high = np.maximum(fitted.max(axis=(0, 1)), 0.0).astype(np.float64)
    scale = np.where(high > low, (high - low) / 255.0, 1.0)
    bias = np.rint(np.abs(low) / scale)
    raw = np.rint(fitted / scale.astype(np.float32) + bias.astype(np.float32))
    return Ptm(raw.clip(0, 255).astype(np.uint8), scale, bias, rgb)
