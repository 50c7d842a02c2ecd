"""From pictures of the flat target to the flat field that a profile stores."""

from collections.abc import Sequence
from math import hypot

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import median_filter
from scipy.sparse import csr_array

from ...documents.fault import StationError
from ...documents.profile import CameraProfile
from ..observed import FlatLook, Floats
from .bundle_result import LightsFit, Placement, Sheet
from .flat_model import Lamps, Nodes, lit, nodes_of, terms_of

Array = NDArray[np.float64]

ROWS, COLUMNS = 104, 80
DUST_SIGMAS = 6.0
"""By which two looks must differ in a node, under all lights alike, before one of them counts as dusty."""
AROUND = 9
"""Nodes across the neighbourhood that dust is told from."""
NORMAL_MEDIAN = 0.6745


def grid_of(picture: NDArray[np.floating], rows: int = ROWS, columns: int = COLUMNS) -> Array:
    """The bilinear surface over a regular grid that lies nearest to a picture, in the sense of least squares.

    Unlike means over cells it is not biased along the picture's border.

    Args:
        picture: (H, W, channels).
        rows: of nodes; the first and last lie on the centres of the border's pixels.
        columns: likewise. No more of either than there are pixels.

    Returns:
        (rows, columns, channels).
    """
    down = _fitted(np.asarray(picture), rows)
    return np.moveaxis(_fitted(np.moveaxis(down, 1, 0), columns), 0, 1)


def _fitted(values: NDArray[np.floating], nodes: int) -> Array:
    """Values (pixels, ...) to (nodes, ...): least squares along the first axis.

    A pixel lies between two nodes, so the normal equations have three diagonals.
    """
    pixels = len(values)
    place = np.linspace(0.0, nodes - 1.0, pixels)
    left = np.minimum(place.astype(np.intp), nodes - 2)
    share = place - left
    every = np.arange(pixels)
    entries = np.concatenate([1.0 - share, share])
    tents = csr_array((entries, (np.tile(every, 2), np.concatenate([left, left + 1]))), (pixels, nodes))
    normal = (tents.T @ tents).toarray()
    bands = np.stack([np.append(0.0, np.diag(normal, 1)), np.diag(normal)])
    solved = solveh_banded(bands, tents.T @ values.reshape(pixels, -1))
    return np.asarray(solved, np.float64).reshape(nodes, *values.shape[1:])


def flat_field(fit: LightsFit, flats: Sequence[FlatLook], camera: CameraProfile, plane_z_mm: float) -> Floats:
    """The flat field of an ideal sheet, level at a height: float32 (lights, rows, columns, 3).

    Each look is carried to that sheet by a ratio in which power and vignetting cancel, and a wrong lobe or
    axis but for the little way between the heights: what is divided out is the sheet's own height, slope
    and blotches. What was measured beside that stays, but not a speck of dust that lies in one look only.

    Args:
        fit: of these looks.
        flats: one or more.
        camera: as it was given to the fit.
        plane_z_mm: height of the ideal sheet over the mat.

    Raises:
        StationError: `calibration_failed`: the fit is not of these looks.
    """
    if fit.sheet is None or len(fit.placements) != len(flats):
        raise StationError("calibration_failed", f"the lights were not fitted to these {len(flats)} flats")
    rows, columns = flats[0].grid.shape[1:3]
    nodes = nodes_of(camera, rows, columns)
    carried = np.stack(
        [
            _carried(fit, fit.sheet, look, placement, nodes, plane_z_mm)
            for look, placement in zip(flats, fit.placements, strict=True)
        ]
    )
    weights = np.array([1.0 / np.maximum(look.noise, 1e-6) ** 2 for look in flats])
    shares = np.broadcast_to((weights / weights.sum(axis=0))[..., None, None], carried.shape[:4]).copy()
    if len(flats) > 1:
        shares *= _clean(carried)
        shares /= shares.sum(axis=0)
    return np.asarray(np.einsum("lkrn,lkrnc->krnc", shares, carried), np.float32)


def _carried(
    fit: LightsFit, sheet: Sheet, look: FlatLook, placement: Placement, nodes: Nodes, plane_z_mm: float
) -> Array:
    """The codes (K, rows, columns, 3) that the ideal sheet would have given in a look's stead."""
    lamps = _lamps(fit)
    xy = nodes.at(look.height_mm)[:, :2]
    terms, level = terms_of(xy, look.turned), np.zeros(len(xy))
    slope_x = placement.tilt[0] + sheet.shape_mm @ terms.shape_x
    slope_y = placement.tilt[1] + sheet.shape_mm @ terms.shape_y
    z = placement.height_mm + xy @ np.array(placement.tilt) + sheet.shape_mm @ terms.shape
    there = lit(lamps, nodes, z, slope_x, slope_y).value + sheet.blotch @ terms.blotch
    ideal = lit(lamps, nodes, level + plane_z_mm, level, level).value
    ratio = np.exp(ideal - there - placement.gains[:, None])
    return look.grid.astype(np.float64) * ratio.reshape(*look.grid.shape[:3], 1)


def _lamps(fit: LightsFit) -> Lamps:
    return Lamps(
        np.array([light.position_mm for light in fit.lights]),
        np.array([np.array(light.axis) / hypot(*light.axis) for light in fit.lights]),
        np.array([light.lobe for light in fit.lights]),
    )


def _clean(carried: Array) -> Array:
    """(looks, 1, rows, columns): 0 where a look has dust in a node, else 1.

    Dust changes a node under all lights, and in one look only. Of two looks that differ there, the one that
    differs more from its own neighbourhood is dusty.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.nan_to_num(np.log(carried)).mean(axis=-1)
    common = np.median(logs - np.median(logs, axis=(2, 3), keepdims=True), axis=1)
    own = common - np.stack([median_filter(one, size=AROUND, mode="nearest") for one in common])
    spread = np.median(np.abs(own)) / NORMAL_MEDIAN
    differing = np.ptp(own, axis=0) > DUST_SIGMAS * spread
    dusty = differing & (np.abs(own) > np.abs(own).min(axis=0) + DUST_SIGMAS / 2 * spread)
    return np.where(dusty, 0.0, 1.0)[:, None]
