"""From the codes of a camera that is not linear to codes that are."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..documents.fault import StationError

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8] | NDArray[np.uint16]

TOP = 65_535
EIGHT_BIT = 256


def linear_codes(table: Floats, full_scale: float, pixels: Pixels) -> NDArray[np.uint16]:
    """A frame with its response taken out.

    Args:
        table: (3, codes), the linear code of each code of the camera, by channel; 0 to `full_scale`.
        full_scale: highest linear code; becomes the highest of the result's type, so that steep parts of the
            table lose nothing by rounding.
        pixels: (H, W, 3) as the camera gave them. With a table of 256 codes, 16-bit codes span their type.

    Raises:
        StationError: `stack_unusable`: 8-bit codes, and a table for deeper ones.
    """
    codes = table.shape[1]
    if pixels.dtype == np.uint8 and codes != EIGHT_BIT:
        raise StationError(
            "stack_unusable", f"the profile is for codes up to {codes - 1}, these end at {EIGHT_BIT - 1}"
        )
    scaled = np.clip(table.astype(np.float64) * (TOP / full_scale), 0, TOP)
    if pixels.dtype == np.uint8:
        by_code = np.ascontiguousarray(np.round(scaled).astype(np.uint16).T[None])
        return np.asarray(cv2.LUT(pixels, by_code), np.uint16)
    span = TOP if codes == EIGHT_BIT else codes - 1
    at = np.minimum(np.arange(TOP + 1) * ((codes - 1) / span), codes - 1)
    linear = np.empty(pixels.shape, np.uint16)
    for channel, row in enumerate(scaled):
        whole = np.round(np.interp(at, np.arange(codes), row)).astype(np.uint16)
        np.take(whole, pixels[..., channel], out=linear[..., channel])
    return linear
