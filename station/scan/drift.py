"""The light as it was in this very stack: drifted powers, over a face that is bowed and coated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ..card.geometry import pitch_mm, pixels_to_plane
from ..photometric.coat import lobes
from ..photometric.gains import Refit, refit
from ..photometric.integrate import Slopes, height_um
from ..photometric.solve import MeanRatio
from ..photometric.stack import LightField
from .window import Face, Surroundings, Window, normals_of

Array = NDArray[np.float64]

NODE_MM = 1.35
"""Distance of the places at which the light is refitted."""
ROUNDS = 4
DEGREE = 3
"""Of the polynomials that stand for a card's large shape."""
LIES_PERCENT = 5.0
"""Share of the card that lies on the mat; above it the rest is bowed."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What the refit found.

    Attributes:
        field: the light over the face as it lies, with the powers of this stack.
        gains: (lights,), powers over those of the calibration, mean 1.
        coat: (lobes,), reflectance of each lobe of the coat.
        residual: robust relative deviation at the places of the refit.
    """

    field: LightField
    gains: Array
    coat: Array
    residual: float


def refit_light(
    around: Surroundings, window: Window, first: MeanRatio, inside: NDArray[np.bool_], z_mm: float
) -> Drift:
    """Refit gains, coat and large shape by turns.

    Args:
        around: what the light field is made from.
        window: the part of the picture that was looked at.
        first: block means, made with the field over a flat face.
        inside: (H, W), the card without its edge.
        z_mm: height of a flat face.

    Raises:
        StationError: `stack_unusable`, see `refit`.
    """
    places = _Places(first, inside, window, z_mm)
    face = Face.level(window, z_mm)
    calibrated = field = around.field(window, face)
    found = places.refit(calibrated, field, around, face)
    for _ in range(ROUNDS - 1):
        face = places.face(found)
        field = around.field(window, face)
        found = places.refit(calibrated, field, around, face)
    return Drift(field.gained(found.gains), found.gains, found.coat, found.residual)


class _Places:
    """A regular net of small squares on the card, where the light is refitted."""

    def __init__(self, first: MeanRatio, inside: NDArray[np.bool_], window: Window, z_mm: float) -> None:
        pitch = pitch_mm(window.camera, (0.0, 0.0), z_mm)
        group = max(1, round(NODE_MM / pitch / first.block))
        side = group * first.block
        ratios = _coarser(first.blocks, group)
        self._window, self._z_mm, self._pitch_mm = window, z_mm, side * pitch
        v, u = (np.arange(count) * side + (side - 1) / 2 for count in ratios.shape[1:])
        self._on_card = inside[v.astype(int)[:, None], u.astype(int)[None, :]]
        self._ratios = ratios[:, self._on_card]
        row, column = np.nonzero(self._on_card)
        self._pixels = np.column_stack([u[column], v[row]])
        self._xy_mm = pixels_to_plane(window.camera, self._pixels, z_mm)

    def refit(self, calibrated: LightField, field: LightField, around: Surroundings, face: Face) -> Refit:
        """Gains, coat and slopes under the light over a face."""
        carried = self._at_places((calibrated.flat / field.flat)[..., 0]) * self._ratios
        tangent = np.stack([self._at_places(field.tangent[..., axis]) for axis in (0, 1)], axis=-1)
        points = np.column_stack([self._xy_mm, self._at_places(face.z_mm[None])[0]])
        slope = np.stack([self._at_places(face.slope[None, ..., axis])[0] for axis in (0, 1)], axis=-1)
        shine = lobes(points, normals_of(slope), around.lights_mm, around.eye_mm)
        return refit(carried, tangent, shine)

    def face(self, found: Refit) -> Face:
        """The large shape of the card by its slopes, at the nodes of the window's light field."""
        shape = self._window.nodes.shape
        return Face(
            z_mm=self._z_mm + self._gathered(self._lift_mm(found.slope), shape),
            slope=self._smooth(found.slope).reshape(*shape, 2),
            coat=found.coat,
        )

    def _lift_mm(self, slope: Array) -> Array:
        """Height over the lowest parts of the card, (rows, columns) of the net; zero off the card."""
        x, y = np.zeros((2, *self._on_card.shape), np.float32)
        x[self._on_card], y[self._on_card] = np.nan_to_num(slope.T)
        height = height_um(Slopes(x, y, self._pitch_mm)) / 1000.0
        lowest = np.percentile(height[self._on_card], LIES_PERCENT)
        return np.where(self._on_card, height - lowest, 0.0)

    def _smooth(self, slope: Array) -> Array:
        """Polynomials through the slopes, dents and print set aside, at the window's nodes."""
        known = np.isfinite(slope).all(axis=1)
        terms = _polynomials(self._xy_mm[known])
        kept = np.ones(len(terms), bool)
        for _ in range(3):
            some = terms[kept]
            fitted = np.linalg.solve(
                some.T @ some + 1e-9 * np.eye(some.shape[1]), some.T @ slope[known][kept]
            )
            off = np.abs(slope[known] - terms @ fitted).max(axis=1)
            kept = off <= 3.0 * np.median(off) + 1e-9
        return _polynomials(self._window.nodes.floor_mm) @ fitted

    def _at_places(self, grid: NDArray[np.floating]) -> Array:
        """A field's grid (lights, rows, columns) at the places: (lights, N)."""
        height, width = self._window.shape
        _, rows, columns = grid.shape
        where = self._pixels.T[::-1] * np.array([[(rows - 1) / (height - 1)], [(columns - 1) / (width - 1)]])
        return np.stack([map_coordinates(one.astype(np.float64), where, order=1) for one in grid])

    def _gathered(self, values: Array, shape: tuple[int, int]) -> Array:
        """Values on the net at a grid over the window."""
        places = [
            np.linspace(-0.5, count - 0.5, many) for count, many in zip(values.shape, shape, strict=True)
        ]
        where = np.stack(np.meshgrid(*places, indexing="ij"))
        return np.asarray(map_coordinates(values, where, order=1, mode="nearest"), np.float64)


def _coarser(blocks: NDArray[np.float32], group: int) -> Array:
    """Means over squares of blocks; -1 where one of them is clipped."""
    lights, rows, columns = (blocks.shape[0], *(size // group for size in blocks.shape[1:]))
    whole = blocks[:, : rows * group, : columns * group]
    parts = whole.reshape(lights, rows, group, columns, group).astype(np.float64)
    return np.where(parts.min(axis=(2, 4)) < 0, -1.0, parts.mean(axis=(2, 4)))


def _polynomials(xy_mm: Array) -> Array:
    """All products of powers up to `DEGREE`, of coordinates scaled to about one: (N, terms)."""
    x, y = (xy_mm / 44.0).T
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    return np.stack([x**i * y**j for i, j in powers], axis=1)
