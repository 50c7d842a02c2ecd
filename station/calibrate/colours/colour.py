"""From the camera's colours to sRGB, by a chart whose colours are known.

Pictures are divided by the flat field first, so white is white in every channel already and only what the
camera's filters mix remains: a matrix whose rows sum to one, which leaves grey as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from ...documents.boards import ChartSpec
from ...documents.calibration import CalibrationFinding
from ...documents.fault import StationError
from ...documents.profile import UNIT_MATRIX, Matrix
from .chart_view import Patches
from .cielab import ciede2000, lab

Array = NDArray[np.float64]

COLOURED = 0.15
"""Spread of a chart colour's channels against their mean, from which on it counts as coloured."""
FEWEST_COLOURED = 6
"""Six elements of the matrix are free; fewer coloured patches do not fix them."""
POOR_DELTA_E, WRONG_DELTA_E = 6.0, 15.0
"""Mean CIEDE2000 that is told, and that no camera's filters explain: cameras leave 2 to 4."""
NOT_GREY = 0.03
"""Spread of a grey patch's channels against their mean: flat field and chart then disagree on white."""
_UNEVEN = 0.15


@dataclass(frozen=True, slots=True)
class ColourFit:
    """The matrix from camera reflectance to linear sRGB.

    Attributes:
        matrix: rows sum to one.
        sigma: (3, 3), standard uncertainty of its elements.
        brightness: factor between the camera's reflectances and the chart's; it is not part of the matrix.
        delta_e_mean, delta_e_largest: CIEDE2000 that the matrix leaves over the chart's patches.
        delta_e_before: the mean without it.
        findings: what a person should know.
    """

    matrix: Matrix
    sigma: Array
    brightness: float
    delta_e_mean: float
    delta_e_largest: float
    delta_e_before: float
    findings: tuple[CalibrationFinding, ...] = ()


def colour_matrix(patches: Patches, spec: ChartSpec) -> ColourFit:
    """The matrix under which the chart looks most like itself: least squares in CIE L*a*b*.

    A chart of greys alone says nothing of colours; its matrix is the identity.

    Raises:
        StationError: `calibration_failed`, fewer than three patches could be seen.
    """
    seen = np.asarray(np.isfinite(patches.reflectance).all(axis=1), bool)
    if seen.sum() < min(3, len(seen)):
        raise StationError(
            "calibration_failed", f"only {seen.sum()} of the chart's {len(seen)} patches could be measured"
        )
    camera, wanted = patches.reflectance[seen], np.array(spec.srgb, np.float64)[seen]
    coloured = np.ptp(wanted, axis=1) > COLOURED * np.maximum(wanted.mean(axis=1), 1e-3)
    free = int(coloured.sum()) >= FEWEST_COLOURED
    before, matrix, sigma, brightness = _fit(camera, wanted, patches.sigma[seen], free=free)
    left = _difference(matrix, brightness, camera, wanted)
    fit = ColourFit(
        matrix=_rows(matrix) if free else UNIT_MATRIX,
        sigma=sigma,
        brightness=brightness,
        delta_e_mean=float(left.mean()),
        delta_e_largest=float(left.max()),
        delta_e_before=before,
    )
    return replace(fit, findings=tuple(_findings(fit, patches, camera[~coloured], int((~seen).sum()))))


def _fit(camera: Array, wanted: Array, noise: Array, *, free: bool) -> tuple[float, Array, Array, float]:
    """Mean difference without a matrix, the matrix, its sigma, and the factor between the brightnesses."""
    target = lab(wanted)
    weight = 1 / np.sqrt(1 + _lab_noise(camera, noise) ** 2)  # a patch known to less than 1 counts less

    def unfold(x: Array) -> tuple[Array, float]:
        return np.eye(3) + (x[1:].reshape(3, 2) @ _OFF if free else 0.0), float(np.exp(x[0]))

    def residual(x: Array) -> Array:
        matrix, brightness = unfold(x)
        return np.asarray(
            ((lab(camera @ matrix.T / brightness) - target) * weight[:, None]).ravel(), np.float64
        )

    start = np.zeros(7 if free else 1)
    start[0] = np.log(max(float(np.sum(camera * wanted) / np.sum(wanted**2)), 1e-3))
    plain = float(_difference(np.eye(3), float(np.exp(start[0])), camera, wanted).mean())
    found = least_squares(residual, start, x_scale="jac")
    matrix, brightness = unfold(found.x)
    sigma = np.zeros((3, 3))
    if free:
        freedom = max(found.fun.size - found.x.size, 1)
        jacobian = np.asarray(found.jac, np.float64)
        covariance = np.linalg.pinv(jacobian.T @ jacobian) * (2 * float(found.cost) / freedom)
        for row in range(3):
            block = covariance[1 + 2 * row : 3 + 2 * row, 1 + 2 * row : 3 + 2 * row]
            sigma[row] = np.sqrt(np.diag(_OFF.T @ block @ _OFF))
    return plain, matrix, sigma, brightness


_OFF: Array = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
"""What may be added to a row of the identity without changing its sum."""


def _lab_noise(camera: Array, noise: Array) -> Array:
    """(N,), about by how much noise moves a patch in L*a*b*."""
    moved = np.linalg.norm(lab(camera + noise) - lab(camera), axis=1)
    return np.asarray(moved, np.float64)


def _difference(matrix: Array, brightness: float, camera: Array, wanted: Array) -> Array:
    return ciede2000(lab(camera @ matrix.T / brightness), lab(wanted))


def _rows(matrix: Array) -> Matrix:
    """Rounded, with rows that still sum to one."""
    rows = []
    for row in matrix:
        first, second = round(float(row[0]), 6), round(float(row[1]), 6)
        rows.append((first, second, round(1.0 - first - second, 6)))
    return rows[0], rows[1], rows[2]


def _findings(fit: ColourFit, patches: Patches, greys: Array, unseen: int) -> Iterator[CalibrationFinding]:
    if unseen:
        yield CalibrationFinding(
            kind="clipped",
            message=f"{unseen} of the chart's patches are clipped or outside of the picture.",
            next_step="Lay the chart in the middle, and expose shorter if its white is clipped.",
            severe=False,
        )
    worst = int(np.nanargmax(patches.uneven))
    if patches.uneven[worst] > _UNEVEN:
        yield CalibrationFinding(
            kind="uneven",
            message=f"Patch {worst + 1} differs by {100 * patches.uneven[worst]:.0f} % from side to side.",
            next_step="See that frame and chart lie straight on each other, clean, and without shine.",
            severe=False,
        )
    spread = np.ptp(greys, axis=1) / np.maximum(greys.mean(axis=1), 1e-6) if len(greys) else np.zeros(1)
    if float(np.median(spread)) > NOT_GREY:
        yield CalibrationFinding(
            kind="disagree",
            message=f"The chart's greys are not grey: channels differ by {100 * np.median(spread):.0f} %.",
            next_step="Take the flat field again with a target that is white without a tint.",
            severe=False,
        )
    if fit.delta_e_mean > POOR_DELTA_E:
        yield CalibrationFinding(
            kind="disagree",
            message=f"The chart's colours come out wrong by {fit.delta_e_mean:.1f} CIEDE2000 in the mean.",
            next_step="Check that it is the chart named and that its first patch lies at the upper left.",
            severe=fit.delta_e_mean > WRONG_DELTA_E,
        )
