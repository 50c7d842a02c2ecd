"""Between the nodes of a light field and the pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...photometric.stack import LightField
from .surface import Array, Floats


def nodes_along(pixels: int, every: int) -> Array:
    """Places of evenly spaced nodes, the first and the last at the centres of the first and last pixels."""
    return np.linspace(0.0, pixels - 1.0, max(2, round(pixels / every) + 1))


def spread(nodes: NDArray[np.floating], shape: tuple[int, int]) -> Floats:
    """Values (rows, columns, C) at all pixels, linearly between nodes: float32 (H, W, C)."""
    rows, columns, channels = nodes.shape
    places = np.meshgrid(np.linspace(0, columns - 1, shape[1]), np.linspace(0, rows - 1, shape[0]))
    x, y = (place.astype(np.float32) for place in places)
    values = cv2.remap(nodes.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32).reshape(*shape, channels)


def evened(codes: Floats, flat: NDArray[np.floating], facing: float) -> Floats:
    """A picture as an even light of power 1 would have made it, float32 (H, W, C): white that faces it is 1.

    Args:
        codes: (H, W, C), above those without light.
        flat: (rows, columns, C), codes of a white matte target lying flat, at the nodes.
        facing: cosine between the light and the picture's normal.
    """
    return np.asarray(codes / spread(flat, codes.shape[:2]) * np.float32(facing), np.float32)


def towards(field: LightField) -> Array:
    """Unit vectors (K, 3) from the middle of the picture to the lights."""
    lights, rows, columns, _ = field.tangent.shape
    middle = field.tangent.reshape(lights, rows * columns, 2).mean(axis=1, dtype=np.float64)
    vectors = np.concatenate([middle, np.ones((lights, 1))], axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float64)
