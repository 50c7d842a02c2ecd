"""How bright a matte sheet under a near light looks to the camera, in logarithms, with derivatives.

`log I = level + lobe * log cos(axis) + log(n . l) - 2 log distance + vignetting + blotch`. The LED's size is
left out: at 200 mm a square of 2.4 mm changes the picture's shape by 0.003 %.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...card.geometry import pixels_to_plane
from ...documents.profile import CameraProfile

Array = NDArray[np.float64]

HALF_MM = 50.0
"""Length that the polynomials over the sheet are scaled by: about half of the picture."""
VIGNETTING_TERMS = 3
SHAPE_TERMS = 3
BLOTCH_HALF_MM = 60.0
"""The sheet's blotches are cosines over a square of twice this side, more than the picture shows of it."""
BLOTCH_ORDER = 7
"""Half waves over the square: what is finer than 34 mm from crest to crest is not called a blotch."""
BLOTCH_WAVES = tuple(
    (across, up)
    for across in range(BLOTCH_ORDER + 1)
    for up in range(BLOTCH_ORDER + 1)
    if 0 < across**2 + up**2 <= BLOTCH_ORDER**2
)
BLOTCH_TERMS = len(BLOTCH_WAVES)
FAINTEST = 1e-6
"""A light that shines away from a place counts as this much; it keeps the logarithm finite."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """Places of the picture, each a ray towards the sheet.

    Attributes:
        on_mat: (N, 3), where the rays meet z = 0.
        rising: (N, 3), by how much a ray's place changes with z; its third component is 1.
        radius2: (N,), squared distance from the picture's middle, 1 in its corners.
    """

    on_mat: Array
    rising: Array
    radius2: Array

    def at(self, z_mm: Array | float) -> Array:
        """The rays' places (N, 3) at heights (N,)."""
        return np.asarray(self.on_mat + np.reshape(z_mm, (-1, 1)) * self.rising, np.float64)


def nodes_of(camera: CameraProfile, rows: int, columns: int) -> Nodes:
    """A regular grid over the whole picture, row by row; the first and last node lie on the corner pixels."""
    across, down = camera.width_px - 1, camera.height_px - 1
    v, u = np.meshgrid(np.linspace(0, down, rows), np.linspace(0, across, columns), indexing="ij")
    pixels = np.column_stack([u.ravel(), v.ravel()])
    on_mat, above = pixels_to_plane(camera, pixels, 0.0), pixels_to_plane(camera, pixels, 1.0)
    middle = np.array([across, down]) / 2
    radius2 = np.sum((pixels - middle) ** 2, axis=1) / np.sum(middle**2)
    one = np.ones(len(pixels))
    return Nodes(np.column_stack([on_mat, 0 * one]), np.column_stack([above - on_mat, one]), radius2)


@dataclass(frozen=True, slots=True)
class Terms:
    """Polynomials over the sheet at N places; (terms, N) each.

    Attributes:
        shape: what one millimetre of bow along x, of bow along y and of twist lift it, at `HALF_MM`.
        shape_x, shape_y: their slopes, per mm.
        blotch: of the logarithm of its reflectance; without a constant, which nothing tells from the powers.
    """

    shape: Array
    shape_x: Array
    shape_y: Array
    blotch: Array


def terms_of(xy_mm: Array, turned: bool) -> Terms:
    """The polynomials at places (N, 2) of the mat, on a sheet that lies turned by half a turn or not."""
    u, v = xy_mm.T / HALF_MM
    nothing, slope = np.zeros(len(u)), 1.0 / HALF_MM
    return Terms(
        shape=np.stack([u * u - 1 / 3, v * v - 1 / 3, u * v]),
        shape_x=np.stack([2 * u, nothing, v]) * slope,
        shape_y=np.stack([nothing, 2 * v, u]) * slope,
        blotch=_blotches(-xy_mm if turned else xy_mm),
    )


def _blotches(xy_mm: Array) -> Array:
    x, y = np.pi / 2 * (xy_mm.T / BLOTCH_HALF_MM + 1.0)
    return np.stack([np.cos(across * x) * np.cos(up * y) for across, up in BLOTCH_WAVES])


def vignetting_of(radius2: Array) -> Array:
    """Even powers of the radius, (terms, N)."""
    return np.stack([radius2, radius2**2, radius2**3])


@dataclass(frozen=True, slots=True)
class Lamps:
    """K lights without their powers: places (K, 3), unit axes (K, 3), exponents (K,)."""

    places_mm: Array
    axes: Array
    lobes: Array


@dataclass(frozen=True, slots=True)
class Lit:
    """The logarithm of a sheet's brightness, (K, N), and its derivatives.

    Attributes:
        by_place, by_axis: (K, N, 3).
        by_lobe, by_height, by_slope_x, by_slope_y: (K, N); height in mm along the camera's ray.
    """

    value: Array
    by_place: Array
    by_axis: Array
    by_lobe: Array
    by_height: Array
    by_slope_x: Array
    by_slope_y: Array


def lit(lamps: Lamps, nodes: Nodes, z_mm: Array, slope_x: Array, slope_y: Array) -> Lit:
    """A matte surface of heights (N,) and slopes (N,) under each light, of level 0."""
    way = lamps.places_mm[:, None] - nodes.at(z_mm)
    far2 = np.sum(way**2, axis=-1)
    normal = np.column_stack([-slope_x, -slope_y, np.ones(len(slope_x))])
    steep2 = np.sum(normal**2, axis=1)
    arriving = np.maximum(np.sum(way * normal, axis=-1), FAINTEST)
    leaving = np.maximum(-np.sum(way * lamps.axes[:, None], axis=-1), FAINTEST)
    lobe = lamps.lobes[:, None]
    cosine = np.log(leaving) - 0.5 * np.log(far2)
    by_place = (
        normal / arriving[..., None]
        - (lobe / leaving)[..., None] * lamps.axes[:, None]
        - ((lobe + 3.0) / far2)[..., None] * way
    )
    return Lit(
        value=lobe * cosine + np.log(arriving) - 0.5 * np.log(steep2) - 1.5 * np.log(far2),
        by_place=by_place,
        by_axis=-(lobe / leaving)[..., None] * way,
        by_lobe=cosine,
        by_height=-np.sum(by_place * nodes.rising, axis=-1),
        by_slope_x=-way[..., 0] / arriving - slope_x / steep2,
        by_slope_y=-way[..., 1] / arriving - slope_y / steep2,
    )
