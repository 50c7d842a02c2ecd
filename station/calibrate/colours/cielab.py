"""CIE L*a*b* of linear sRGB, and how different two colours look.

Sources: IEC 61966-2-1 (sRGB, D65), CIE 15 (L*a*b*), Sharma, Wu and Dalal, "The CIEDE2000 color-difference
formula: implementation notes" (2005).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_XYZ: Array = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE: Array = _XYZ.sum(axis=1)
_KNEE = 6 / 29
_DARK = 25.0**7


def lab(linear: Array) -> Array:
    """L*, a*, b* (..., 3) of linear sRGB (..., 3), white is 1; colours outside of sRGB have theirs too."""
    share = linear @ _XYZ.T / _WHITE
    root = np.where(share > _KNEE**3, np.cbrt(share), share / (3 * _KNEE**2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one: Array, other: Array) -> Array:
    """The difference (...) of colours (..., 3) in L*a*b*: about 1 is just seen side by side."""
    mean_chroma = (np.hypot(one[..., 1], one[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2
    stretch = 1.5 - 0.5 * _saturation(mean_chroma)
    c1, h1 = _polar(one, stretch)
    c2, h2 = _polar(other, stretch)
    turn = np.where(c1 * c2 == 0, 0.0, (h2 - h1 + 180) % 360 - 180)
    hue_step = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    hue = np.where(c1 * c2 == 0, h1 + h2, (h1 + turn / 2) % 360)
    chroma, light = (c1 + c2) / 2, (one[..., 0] + other[..., 0]) / 2 - 50

    def wave(times: float, less: float) -> Array:
        return np.asarray(np.cos(np.radians(times * hue - less)), np.float64)

    tint = 1 - 0.17 * wave(1, 30) + 0.24 * wave(2, 0) + 0.32 * wave(3, -6) - 0.20 * wave(4, 63)
    by_light = (other[..., 0] - one[..., 0]) / (1 + 0.015 * light**2 / np.sqrt(20 + light**2))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = hue_step / (1 + 0.015 * chroma * tint)
    blue = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    skew = -2 * _saturation(chroma) * np.sin(np.radians(blue))
    square = by_light**2 + by_chroma**2 + by_hue**2 + skew * by_chroma * by_hue
    return np.asarray(np.sqrt(np.maximum(square, 0.0)), np.float64)


def _saturation(chroma: Array) -> Array:
    return np.asarray(np.sqrt(chroma**7 / (chroma**7 + _DARK)), np.float64)


def _polar(colour: Array, stretch: Array) -> tuple[Array, Array]:
    """Chroma and hue in degrees, with a* stretched for colours near grey."""
    a, b = colour[..., 1] * stretch, colour[..., 2]
    return np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
