"""How long a rolling shutter takes from its first row to its last, from frames in which a light flashed.

Each row sees the part of a short flash that falls into its own exposure, so the light over the rows is a
trapezoid: as long as the exposure at half its height, with flanks as long as the flash, in units of the time
from row to row. A camera that exposes all rows at once shows the flash in all rows alike.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, least_squares

from ...documents.calibration import CalibrationFinding

Array = NDArray[np.float64]
Shutter = Literal["rolling", "global", "unknown"]

SEEN = 5.0
"""A frame counts when its brightest rows differ from no light by so many times what the dark rows scatter."""
EVEN = 0.1
"""Rows of a frame that differ by less than this share of the flash saw it alike."""
FEWEST = 6
"""Frames with a flash that are wanted. With fewer, a rolling shutter may have been missed by chance."""
WELL_KNOWN = 0.05
"""Relative uncertainty of the readout time beyond which it counts as not known."""
MOST_US = 200_000.0
_BLOCKS = 256  # of rows, in which a profile is looked at: noise of single rows says nothing of the time


@dataclass(frozen=True, slots=True)
class Flashes:
    """Frames of a still scene in each of which at most one flash fell.

    Attributes:
        profiles: (N, rows), mean of each row in linear codes.
        dark: (rows,), without any light.
        steady: (rows,), with the light on all the time: how bright each row of the scene is.
        exposure_us: of every row.
        flash_us: how long the light was on.
    """

    profiles: NDArray[np.floating]
    dark: NDArray[np.floating]
    steady: NDArray[np.floating]
    exposure_us: float
    flash_us: float


@dataclass(frozen=True, slots=True)
class Readout:
    """What was found.

    Attributes:
        shutter: how rows are exposed.
        readout_us: from the first row's exposure start to the last row's; 0 of a global shutter.
        sigma_us: its standard uncertainty; of a global shutter, half of what it may be at most (95 %).
        frames: how many showed a flash.
        findings: what is wrong.
    """

    shutter: Shutter
    readout_us: float
    sigma_us: float
    frames: int
    findings: tuple[CalibrationFinding, ...] = ()


def readout_of(flashes: Flashes) -> Readout:
    """The readout time.

    Raises:
        ValueError: the arrays do not fit each other, or the flash is no shorter than the exposure.
    """
    rows = np.shape(flashes.profiles)[-1]
    if np.shape(flashes.dark) != (rows,) or np.shape(flashes.steady) != (rows,):
        raise ValueError(f"profiles of {rows} rows need as many dark and steady ones")
    if not 0 < flashes.flash_us < flashes.exposure_us:
        raise ValueError(f"a flash of {flashes.flash_us} us in an exposure of {flashes.exposure_us} us")
    seen, at, noise = _seen(flashes)
    if len(seen) < FEWEST:
        return _unknown(len(seen), f"{len(seen)} frames show the flash, {FEWEST} are wanted")
    height = float(np.median(seen.max(axis=1)))
    uneven = np.ptp(seen, axis=1) > max(EVEN * height, 2 * SEEN * noise)
    if not uneven.any():
        return _alike(len(seen), flashes)
    if uneven.sum() < 2:
        return _unknown(len(seen), "a single frame shows an end of the flash")
    return _fitted(seen[uneven], at, flashes, len(seen))


def _seen(flashes: Flashes) -> tuple[Array, Array, float]:
    """Frames with a flash as shares of the steady light, in blocks of rows; places of the blocks; scatter."""
    level = np.asarray(flashes.steady, np.float64) - flashes.dark
    lit = level > max(0.1 * float(np.median(level)), 1e-9)
    share = np.where(lit, (flashes.profiles - flashes.dark) / np.where(lit, level, 1), np.nan)
    rows = share.shape[1]
    edges = np.unique(np.linspace(0, rows, min(_BLOCKS, rows) + 1).astype(int))
    count = np.add.reduceat(np.isfinite(share).astype(float), edges[:-1], axis=1)
    total = np.add.reduceat(np.nan_to_num(share), edges[:-1], axis=1)
    good = count.min(axis=0) > 0
    blocks = (total[:, good] / count[:, good]).astype(np.float64)
    middle = ((edges[:-1] + edges[1:] - 1) / 2)[good] / max(rows - 1, 1)
    noise = 1.4826 * float(np.median(np.abs(np.diff(blocks, axis=1)))) / np.sqrt(2)
    least = max(SEEN * noise, 0.2 * flashes.flash_us / flashes.exposure_us)
    return blocks[blocks.max(axis=1) > least], middle, noise


def _trapezoid(at: Array, begin_us: Array, readout_us: float, flashes: Flashes) -> Array:
    """Share of the steady light (N, rows) that rows at the shares `at` of the picture see of flashes.

    `begin_us` is from the start of the first row's exposure to the flash.
    """
    start = at[None] * readout_us
    begin = begin_us[:, None]
    first = np.maximum(start, begin)
    last = np.minimum(start + flashes.exposure_us, begin + flashes.flash_us)
    return np.asarray(np.maximum(last - first, 0) / flashes.exposure_us, np.float64)


def _fitted(seen: Array, at: Array, flashes: Flashes, frames: int) -> Readout:
    tried = np.geomspace(max(flashes.flash_us, 0.02 * flashes.exposure_us), MOST_US, 120)
    readout_us = float(min(tried, key=lambda one: _begins(seen, at, float(one), flashes)[1]))
    for _ in range(2):  # the second time no flash begins at the wrong end of its band any more
        fit = _refined(seen, at, readout_us, flashes)
        readout_us = float(np.exp(fit.x[0]))
    jacobian, left = np.asarray(fit.jac, np.float64), np.asarray(fit.fun, np.float64)
    # neighbouring blocks share what is left of the scene: count no more of them than there are flanks
    freedom = max(2 * len(seen), 3)
    lengths = np.maximum(np.linalg.norm(jacobian, axis=0), 1e-12)  # of columns of very different units
    scaled = jacobian / lengths
    spread = np.linalg.pinv(scaled.T @ scaled, rcond=1e-10)[0, 0] / lengths[0] ** 2
    relative = float(np.sqrt(float(left @ left) / freedom * spread))
    if not relative <= WELL_KNOWN or readout_us > MOST_US:
        return _unknown(frames, f"the readout time is known to {100 * min(relative, 9.99):.0f} % only")
    return Readout("rolling", readout_us, relative * readout_us, frames)


def _refined(seen: Array, at: Array, readout_us: float, flashes: Flashes) -> OptimizeResult:
    """Least squares over the logarithms of readout time and height, and the begin of each flash."""
    begun, _ = _begins(seen, at, readout_us, flashes)

    def residual(x: Array) -> Array:
        model = np.exp(x[1]) * _trapezoid(at, x[2:], float(np.exp(x[0])), flashes)
        return np.asarray((model - seen).ravel(), np.float64)

    guess = np.concatenate([[np.log(readout_us), np.log(_height(seen, flashes))], begun])
    scale = np.concatenate([[0.01, 0.01], np.full(len(seen), flashes.flash_us / 10)])
    found: OptimizeResult = least_squares(residual, guess, x_scale=scale, max_nfev=200)
    return found


def _begins(seen: Array, at: Array, readout_us: float, flashes: Flashes) -> tuple[Array, float]:
    """When each flash began, the best of many times tried, and how badly that fits altogether."""
    step = min(flashes.flash_us, 0.02 * readout_us + 0.1 * flashes.flash_us)
    begins = np.arange(-flashes.flash_us, readout_us + flashes.exposure_us, max(step, 50.0))
    shapes = _trapezoid(at, begins, readout_us, flashes)
    power = (shapes**2).sum(axis=1)
    along = seen @ shapes.T
    factor = _height(seen, flashes)
    cost = (seen**2).sum(axis=1)[:, None] - 2 * factor * along + factor**2 * power
    return begins[cost.argmin(axis=1)], float(cost.min(axis=1).sum())


def _height(seen: Array, flashes: Flashes) -> float:
    """How bright the flash is against the steady light; a light that rises slowly falls short of 1."""
    return float(np.median(seen.max(axis=1))) * flashes.exposure_us / flashes.flash_us


def _alike(frames: int, flashes: Flashes) -> Readout:
    """A global shutter, if a rolling one would have shown an end of some flash."""
    # flashes at any time of the frame: one in (exposure + readout) shows, those within (exposure - readout)
    # show evenly; after N even ones a longer readout than this has a chance of less than 5 %
    chance = 0.05 ** (1 / frames)
    most = flashes.exposure_us * (1 - chance) / (1 + chance)
    if most > 0.25 * flashes.exposure_us:
        return _unknown(frames, "so few frames do not tell a global shutter from a fast rolling one")
    return Readout("global", 0.0, most / 2, frames)


def _unknown(frames: int, why: str) -> Readout:
    finding = CalibrationFinding(
        kind="rolling_unknown",
        message=f"How the camera reads its rows could not be measured: {why}.",
        next_step="Take more frames with a shorter exposure, and a flash of a fifth of it.",
        severe=False,
    )
    return Readout("unknown", 0.0, 0.0, frames, (finding,))
