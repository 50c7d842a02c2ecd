"""Foil: light that no matte surface sends, of another colour under every light.

A varnish reflects white whatever lies under it, and a wrong albedo errs alike under all lights. What is left
when both are taken away, coloured light that changes from light to light, is diffraction. Foil has no use
for single pixels, so it is looked for in the means of blocks, where neither noise nor a shift between the
pictures weighs much.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .solve import Solution
from .stack import LightField, Pictures, unusable

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Codes = NDArray[Any]

BLOCK_PX = 4
ROUNDING = 1 / 12
"""Variance of a mean rounded to a whole code."""
CERTAIN = 3.0
"""Deviations from which light over the matte fit counts as seen."""


@dataclass(frozen=True, slots=True)
class Holo:
    """What foil does, per block of pixels: float32 (H // block, W // block).

    Attributes:
        colour: rms over lights and channels of the coloured light over the matte fit, less its noise, in
            units of albedo; 0 on any matte or varnished print.
        lights: how many lights share the light over the matte fit: 1 is a highlight of a single one; 0 where
            there is none. The square of its sum over the sum of its squares.
        block: side of a block, pixels.
    """

    colour: Floats
    lights: Floats
    block: int


def holo(pictures: Pictures, field: LightField, solution: Solution, block: int = BLOCK_PX) -> Holo:
    """Look for foil.

    Args:
        pictures: the stack that was solved.
        field: its light.
        solution: normals and albedo of the same pictures.
        block: side of a block, pixels.

    Raises:
        StationError: `stack_unusable`: the solution is of another size, or smaller than a block.
    """
    lights, height, width, channels = pictures.lit.shape
    if solution.albedo.shape != (height, width, channels) or min(height, width) < block:
        raise unusable(
            f"a solution of {solution.albedo.shape} does not fit pictures of {pictures.lit.shape[1:]} in"
            f" blocks of {block}"
        )
    sums = _Sums(pictures, field, solution, block)
    for light in range(lights):
        sums.add(light)
    return Holo(sums.colour(), sums.spread(), block)


class _Sums:
    """What is summed over the lights, one after another: no array of all of them is made."""

    def __init__(self, pictures: Pictures, field: LightField, solution: Solution, block: int) -> None:
        self._pictures, self._field, self._block = pictures, field, block
        self._normals = self._mean(solution.normals)
        self._albedo = self._mean(solution.albedo)
        self._valid = self._mean(solution.valid.astype(np.float32)) > 0.5
        dark = pictures.ambient
        self._dark = pictures.sensor.black_level if dark is None else self._mean(dark)
        shape = self._albedo.shape
        # squares and noise of the coloured part; its product with the shading; the shading's square
        self._squares, self._noise, self._shading2, self._used = (
            np.zeros(shape[:2], np.float32) for _ in range(4)
        )
        self._product = np.zeros(shape, np.float32)
        self._excess, self._excess2 = (np.zeros(shape[:2], np.float32) for _ in range(2))

    def add(self, light: int) -> None:
        """Take one light's picture in."""
        codes = self._pictures.lit[light]
        flat = self._at_blocks(self._field.flat[light])
        tangent = self._at_blocks(self._field.tangent[light])
        seen = self._valid & self._unclipped(codes)
        normals = self._normals
        shading = normals[..., 0] * tangent[..., 0] + normals[..., 1] * tangent[..., 1] + normals[..., 2]
        lit = self._mean(codes)
        over = (lit - self._dark) / flat - self._albedo * shading[..., None]
        variance = self._variance(lit, flat)
        white = over.mean(axis=2)
        coloured = np.where(seen[..., None], over - white[..., None], 0)
        shading = np.where(seen, shading, 0)
        self._used += seen
        self._squares += np.einsum("hwc,hwc->hw", coloured, coloured)
        self._product += coloured * shading[..., None]
        self._shading2 += shading**2
        share = 1 - 1 / over.shape[2]
        self._noise += np.where(seen, share * variance.sum(axis=2), 0)
        sure = seen & (white > CERTAIN * np.sqrt(variance.mean(axis=2)))
        self._excess += np.where(sure, white, 0)
        self._excess2 += np.where(sure, white, 0) ** 2

    def colour(self) -> Floats:
        """The coloured part without what one albedo, wrong for all lights, would explain."""
        explained = np.einsum("hwc,hwc->hw", self._product, self._product) / np.maximum(self._shading2, 1e-6)
        freedom = np.maximum(self._used - 1, 0) * max(self._albedo.shape[2] - 1, 1)
        noise = self._noise * np.maximum(self._used - 1, 0) / np.maximum(self._used, 1)
        left = np.maximum(self._squares - explained - noise, 0) / np.maximum(freedom, 1)
        return np.where(freedom > 0, np.sqrt(left), 0).astype(np.float32)

    def spread(self) -> Floats:
        """How many lights share what is over the matte fit."""
        return np.where(self._excess2 > 0, self._excess**2 / np.maximum(self._excess2, 1e-12), 0)

    def _mean(self, image: Codes) -> Floats:
        """Means of the blocks; those of codes are rounded to a code, which is fast."""
        rows, columns = (count // self._block for count in image.shape[:2])
        cut = image[: rows * self._block, : columns * self._block]
        mean = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(mean, np.float32).reshape(rows, columns, *image.shape[2:])

    def _unclipped(self, codes: Codes) -> Bools:
        """Blocks none of whose pixels is clipped in any channel."""
        below = float(np.ceil(self._pictures.sensor.clipped_from) - 1)
        dim = np.asarray(cv2.inRange(codes, (0.0,) * 4, (below,) * 4), np.uint8)
        return np.asarray(self._mean(dim) == 255)

    def _variance(self, codes: Floats, flat: Floats) -> Floats:
        sensor = self._pictures.sensor
        of_code = sensor.noise_a * np.maximum(codes - sensor.black_level, 0) + sensor.noise_b
        return np.asarray((of_code / self._block**2 + ROUNDING) / flat**2, np.float32)

    def _at_blocks(self, nodes: Floats) -> Floats:
        """Values of a coarse grid, (rows, columns, C), at the blocks' centres."""
        places = []
        for count, size, blocks in zip(
            nodes.shape[:2], self._pictures.lit.shape[1:3], self._valid.shape, strict=True
        ):
            centre = (np.arange(blocks) + 0.5) * self._block - 0.5
            places.append((centre * (count - 1) / max(size - 1, 1)).astype(np.float32))
        rows, columns = np.meshgrid(*places, indexing="ij")
        taken = cv2.remap(nodes, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(taken, np.float32).reshape(*self._valid.shape, nodes.shape[2])
