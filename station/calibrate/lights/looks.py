"""Looks at the flat, brought to the adjustment's own grid."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_coeffs, savgol_filter

from ...documents.profile import CameraProfile
from ..observed import FlatLook
from .flat_model import Nodes, nodes_of, terms_of
from .problem import ThinLook

Array = NDArray[np.float64]

ROWS, COLUMNS = 17, 13
"""Nodes of the adjustment: 6 mm apart, where a light's picture changes by a few per cent."""
CUBIC = 3
COLOURS = 3
LEAST_NOISE = 1e-5
"""Relative, of a node that was told to have none."""
DARK = 0.02
"""A light whose flat is darker than this share of the others' did not burn."""
UNUSED = 0.1
"""A node below this share of its light's median shows something that is not the sheet."""


def burning(flats: Sequence[FlatLook]) -> NDArray[np.bool_]:
    """Which lights (K,) burned in every look."""
    levels = np.array([np.nanmedian(look.grid, axis=(1, 2, 3)) for look in flats])
    usual = np.maximum(np.median(levels, axis=1, keepdims=True), 1e-9)
    return np.asarray((levels > DARK * usual).all(axis=0))


@dataclass(frozen=True, slots=True)
class Picks:
    """Which nodes of the looks' grid the adjustment uses, and how far around each it smooths.

    Attributes:
        rows, columns: numbers of the nodes, ascending.
        windows: nodes of a local cubic, down and across; at most 3: none.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    windows: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the adjustment's grid."""
        return len(self.rows), len(self.columns)


def picks(many_rows: int, many_columns: int) -> Picks:
    """Nodes at equal distances, none so near to the border that its cubic would lean out."""
    rows, down = _picked(many_rows, ROWS)
    columns, across = _picked(many_columns, COLUMNS)
    return Picks(rows, columns, (down, across))


def _picked(many: int, wanted: int) -> tuple[NDArray[np.intp], int]:
    step = (many - 1) / (wanted - 1)
    window = max(1, int((step + 1) // 2) * 2 - 1)  # odd and no longer than the step: nodes stay independent
    margin = window // 2
    chosen = np.linspace(margin, many - 1 - margin, min(wanted, many)).round().astype(np.intp)
    return np.unique(chosen), window


def picked_nodes(camera: CameraProfile, many_rows: int, many_columns: int, chosen: Picks) -> Nodes:
    """The rays of the picked nodes."""
    every = nodes_of(camera, many_rows, many_columns)
    which = (chosen.rows[:, None] * many_columns + chosen.columns).ravel()
    return Nodes(every.on_mat[which], every.rising[which], every.radius2[which])


def thinned(look: FlatLook, nodes: Nodes, chosen: Picks, lit: NDArray[np.intp]) -> ThinLook:
    """A look on the picked nodes, of the lights `lit`.

    Nodes are smoothed by local cubics (Savitzky and Golay 1964), which leave a light's picture as it is.
    """
    codes = np.asarray(look.grid[lit], np.float64)
    usual = np.nanmedian(codes, axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore"):
        used = np.asarray(np.all(codes > UNUSED * usual, axis=-1))
    logs = np.log(np.where(used[..., None], codes, usual)).mean(axis=-1)
    share = 1.0 / COLOURS**0.5
    for axis, window in enumerate(chosen.windows, start=1):
        if window > CUBIC:
            logs = savgol_filter(logs, window, CUBIC, axis=axis)
            share *= float(np.linalg.norm(savgol_coeffs(window, CUBIC)))
    xy = nodes.at(look.height_mm)[:, :2]
    return ThinLook(
        logs=logs[:, chosen.rows][:, :, chosen.columns].reshape(len(lit), -1),
        sigma=np.maximum(look.noise[lit], LEAST_NOISE) * share,
        used=used[:, chosen.rows][:, :, chosen.columns].reshape(len(lit), -1),
        height_mm=look.height_mm,
        height_sigma_mm=look.height_sigma_mm,
        terms=terms_of(xy, look.turned),
        xy_mm=xy,
    )


def colour_levels(flats: Sequence[FlatLook], lit: NDArray[np.intp]) -> Array:
    """By how much each light's colours (lit, 3) differ from their mean, in logarithms, by medians."""
    offsets = []
    for look in flats:
        codes = np.asarray(look.grid[lit], np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(codes)
        offsets.append((logs - logs.mean(axis=-1, keepdims=True)).reshape(len(lit), -1, 3))
    return np.asarray(np.nanmedian(np.concatenate(offsets, axis=1), axis=1), np.float64)
