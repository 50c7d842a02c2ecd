"""Measured values as codes of 16 bits, for pictures that are looked at, and back.

Code 0 marks what was not measured, wherever the values leave one free.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pictures import Codes

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Wide = NDArray[np.uint16]
TOP = 65535


def normals_to_codes(normals: Floats, valid: Bools) -> Wide:
    """Unit normals (H, W, 3) as `(n + 1) / 2` of full scale; black where there are none."""
    codes: Wide = np.rint((normals + 1.0) * (0.5 * TOP)).clip(0, TOP).astype(np.uint16)
    codes[~valid] = 0
    return codes


def codes_to_normals(codes: Wide) -> tuple[Floats, Bools]:
    """Unit normals, and where there are any."""
    normals = codes.astype(np.float64) * (2.0 / TOP) - 1.0
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    return (normals / length).astype(np.float32), np.asarray(codes.any(axis=2))


def values_to_codes(values: Floats, valid: Bools, cut_percent: float = 0.0) -> tuple[Wide, float, float]:
    """Values (H, W) as codes, offset and scale: `value = offset + scale * code`; 0 where not measured.

    Args:
        values: NaN is not measured.
        valid: (H, W).
        cut_percent: so many of the largest and of the smallest values get the first and the last code, or
            a few of them would leave the rest without contrast.
    """
    known = valid & np.isfinite(values)
    low, high = np.percentile(values[known], [cut_percent, 100 - cut_percent]) if known.any() else (0.0, 0.0)
    scale = float(high - low) / (TOP - 1) or 1.0
    offset = float(low) - scale
    codes = np.rint((np.where(known, values, low) - offset) / scale).clip(1, TOP)
    return np.where(known, codes, 0).astype(np.uint16), offset, scale


def reflectance_to_codes(albedo: Floats) -> tuple[Wide, float]:
    """Albedo (H, W) or (H, W, 3) as sRGB codes, and the albedo of full scale; NaN becomes 0.

    Full scale is 1, or more where more than one value in a thousand exceeds it; beyond it, values are cut.
    """
    known = albedo[np.isfinite(albedo)]
    full = max(1.0, float(np.percentile(known, 99.9))) if known.size else 1.0
    return srgb_codes(np.nan_to_num(albedo) / np.float32(full)), full


def srgb_codes(linear: NDArray[np.floating]) -> Wide:
    """Linear light, 0 to 1, as sRGB codes of 16 bits (IEC 61966-2-1)."""
    light = np.clip(linear, 0.0, 1.0)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(curved * TOP), np.uint16)


def linear_of_srgb(codes: Codes) -> Floats:
    """Linear light, 0 to 1, of sRGB codes of 8 or 16 bits."""
    share = np.arange(np.iinfo(codes.dtype).max + 1, dtype=np.float64) / np.iinfo(codes.dtype).max
    table = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(table[codes], np.float32)


def linear_codes(codes: Codes) -> NDArray[Any]:
    """Codes of sRGB as linear ones of 16 bits."""
    return np.rint(linear_of_srgb(codes) * TOP).astype(np.uint16)
