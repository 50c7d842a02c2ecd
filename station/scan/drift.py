"""The light as it was in this very stack: drifted powers, over a face that is bowed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ..card.geometry import pitch_mm
from ..photometric.gains import Gains, refit_gains
from ..photometric.integrate import Slopes, height_um
from ..photometric.solve import MeanRatio
from ..photometric.stack import LightField
from .window import Surroundings, Window

Array = NDArray[np.float64]

NODE_BLOCKS = 4
"""Blocks of the first look that make a node of the refit, across."""
ROUNDS = 2
LIES_PERCENT = 5.0
"""Share of the card that lies on the mat: above it the rest is bowed."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What the refit found.

    Attributes:
        field: the light over the bowed face, with the powers of this stack.
        gains: (lights,), powers over those of the calibration, mean 1.
        z_mm: height of the face over the mat at the field's nodes.
    """

    field: LightField
    gains: Array
    z_mm: Array


def refit(
    around: Surroundings,
    window: Window,
    field: LightField,
    first: MeanRatio,
    inside: NDArray[np.bool_],
    z_mm: float,
) -> Drift:
    """Refit gains and the large shape by turns; either is small enough for two rounds.

    Args:
        around: what the light field is made from.
        window: the part of the picture that was looked at.
        field: the light as calibrated over a flat face, which `first` was made with.
        first: block means.
        inside: (H, W), the card without its edge.
        z_mm: height of a flat face.

    Raises:
        StationError: `stack_unusable`, see `refit_gains`.
    """
    ratios = _coarser(first.blocks)
    nodes = _Nodes(first.block * NODE_BLOCKS, ratios.shape[1:], window)
    on_card = nodes.pick(inside)
    height: Array = np.full(field.flat.shape[1:3], z_mm)
    now = field
    for _ in range(ROUNDS):
        carried = nodes.spread((field.flat / now.flat)[..., 0]) * ratios
        seen = np.where(ratios < 0, -1.0, carried)
        tangent = np.stack([nodes.spread(now.tangent[..., axis]) for axis in (0, 1)], axis=-1)
        found = refit_gains(seen[:, on_card], tangent[:, on_card])
        height = z_mm + nodes.gather(_lift_mm(found, on_card, nodes.pitch_mm), field.flat.shape[1:3])
        now = around.field(window, height)
    return Drift(now.gained(found.gains), found.gains, height)


def _coarser(blocks: NDArray[np.float32]) -> Array:
    """Means over squares of blocks; -1 where one of them is clipped."""
    lights, rows, columns = (blocks.shape[0], *(size // NODE_BLOCKS for size in blocks.shape[1:]))
    whole = blocks[:, : rows * NODE_BLOCKS, : columns * NODE_BLOCKS]
    parts = whole.reshape(lights, rows, NODE_BLOCKS, columns, NODE_BLOCKS).astype(np.float64)
    return np.where(parts.min(axis=(2, 4)) < 0, -1.0, parts.mean(axis=(2, 4)))


def _lift_mm(found: Gains, on_card: NDArray[np.bool_], pitch: float) -> Array:
    """Height over the lowest parts of the card, (rows, columns); zero off the card."""
    x, y = np.zeros(on_card.shape, np.float32), np.zeros(on_card.shape, np.float32)
    x[on_card], y[on_card] = np.nan_to_num(found.slope.T)
    height = height_um(Slopes(x, y, pitch)) / 1000.0
    return np.where(on_card, height - np.percentile(height[on_card], LIES_PERCENT), 0.0)


class _Nodes:
    """The centres of the refit's squares in the window's pixels."""

    def __init__(self, side: int, shape: tuple[int, ...], window: Window) -> None:
        self._side = side
        self._shape = (shape[0], shape[1])
        self._size = window.shape
        self.pitch_mm = side * pitch_mm(window.camera, (0.0, 0.0), 0.0)

    def pick(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The nodes whose middle pixel is in a mask (H, W)."""
        v, u = (np.arange(count) * self._side + self._side // 2 for count in self._shape)
        return mask[v[:, None], u[None, :]]

    def spread(self, grid: NDArray[np.floating]) -> Array:
        """A field's grid (lights, rows, columns) at the nodes."""
        places = []
        for count, size, many in zip(self._shape, self._size, grid.shape[1:], strict=True):
            places.append((np.arange(count) * self._side + (self._side - 1) / 2) * (many - 1) / (size - 1))
        where = np.stack(np.meshgrid(*places, indexing="ij"))
        return np.stack([map_coordinates(one.astype(np.float64), where, order=1) for one in grid])

    def gather(self, values: Array, shape: tuple[int, ...]) -> Array:
        """Values at the nodes on a field's grid of another shape."""
        places = []
        for size, many in zip(self._size, shape, strict=True):
            places.append((np.linspace(0, size - 1, many) - (self._side - 1) / 2) / self._side)
        where = np.stack(np.meshgrid(*places, indexing="ij"))
        return np.asarray(map_coordinates(values, where, order=1, mode="nearest"), np.float64)
