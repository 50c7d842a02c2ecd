"""The response of a camera: which light each of its codes stands for, from an exposure series.

A still matte scene is taken at several known exposure times under a steady light. Each pixel's light grows in
proportion to the time, so the curve that makes all pixels do so is the inverse response (Debevec and Malik
1997; here solved for light itself rather than its logarithm, as a rising spline). The scene's brightness
should differ over the picture, and the series reach from nearly dark to clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ...documents.calibration import CalibrationFinding
from .inverse import Curve, curve_of

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

LINEAR_WITHIN_PERCENT = 1.0
"""Of full scale: a camera that departs less from a straight line needs no table. A per cent of one light
against another turns a normal by 0.3 degrees at most, and the flat field is seen with the same curve."""
CERTAIN = 3.0
UNSURE_PERCENT = 1.0
"""Standard uncertainty of the curve, of full scale, from which the series is too poor to tell."""
DARKEST, FEWEST = 0.25, 30
"""The series must have so many pixels below this share of the codes."""
NEARLY = 0.97
"""Share of the clipping code that every channel must come to: beyond it the curve is drawn on."""
LIMITED = 0.97
"""Share of the codes: a camera that clips below it does not use all of them."""
MOST_PEDESTAL = 0.05
"""Share of full scale that is kept for codes below the black level, at most."""


@dataclass(frozen=True, slots=True)
class Series:
    """An exposure series.

    Attributes:
        exposures_us: (E,), how long each was exposed.
        levels: (E, P, 3), codes of the same pixels in each, better the mean of several frames.
        dark: (3,), code without light: the median, which curves leave in its place (`Dark.code`).
        bit_depth: of the codes.
        white: (3,), code at which the longest exposure is clipped (`FrameMean.clipped_at`), NaN where it is
            not; None: to be seen from the levels, which noise makes uncertain.
    """

    exposures_us: Sequence[float]
    levels: NDArray[np.floating]
    dark: Array
    bit_depth: int
    white: Array | None = None

    @property
    def top(self) -> int:
        """Highest code there is."""
        return int(2**self.bit_depth - 1)


@dataclass(frozen=True, slots=True)
class Response:
    """What was found.

    Attributes:
        table: float32 (3, codes), linear code (0 to `full_scale`) of each code; None: the codes are linear.
        black_level: linear code of no light. With a table it is as small as the codes below it allow.
        full_scale: highest linear code.
        linear: whether the camera is; one of limited range may be, and have a table all the same.
        gamma: exponent of the nearest power law.
        black_code, white_code: (3,), codes of the camera for no light, and where it clips.
        deviation_percent, deviation_sigma_percent: largest distance from a straight line, of full scale, and
            its standard uncertainty.
        residual_percent: (E,), by how much more light each exposure seems to have had than its time says.
        findings: what a person should know.
    """

    table: Floats | None
    black_level: float
    full_scale: float
    linear: bool
    gamma: float
    black_code: Array
    white_code: Array
    deviation_percent: float
    deviation_sigma_percent: float
    residual_percent: Array
    findings: tuple[CalibrationFinding, ...]


def spread_pixels(picture: NDArray[np.floating], count: int = 2_000) -> NDArray[np.intp]:
    """Pixels (N, 2), row and column, of a picture (H, W, 3): from dark to bright, where it is smooth.

    Near edges a tremor of a tenth of a pixel would change the light.
    """
    grey = np.ascontiguousarray(picture.mean(axis=2), np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    steep = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    steep /= smooth + 0.02 * float(smooth.max()) + 1e-6
    steep[[0, -1]], steep[:, [0, -1]] = np.inf, np.inf
    calm = np.flatnonzero(steep <= np.median(steep))
    by_level = calm[np.argsort(smooth.ravel()[calm], kind="stable")]
    values = smooth.ravel()[by_level]
    half = count // 2  # half of them evenly over the brightness, half as the picture has it
    wanted = np.searchsorted(values, np.linspace(values[0], values[-1], half))
    usual = np.linspace(0, len(values) - 1, count - half).astype(np.intp)
    chosen = np.unique(np.concatenate([np.clip(wanted, 0, len(values) - 1), usual]))
    return np.stack(np.unravel_index(by_level[chosen], grey.shape), axis=1)


def response_of(series: Series) -> Response:
    """The inverse response of every channel, or that the camera is linear.

    Raises:
        ValueError: fewer than three exposures, or arrays that do not fit each other.
    """
    levels = np.asarray(series.levels, np.float64)
    if levels.ndim != 3 or levels.shape[::2] != (len(series.exposures_us), 3) or len(levels) < 3:
        raise ValueError(f"levels {levels.shape} of {len(series.exposures_us)} exposures are no series")
    white = _piles(levels, series.top) if series.white is None else np.asarray(series.white, np.float64)
    # a channel that gets near to clipping and not there clips where the others do
    clips = float(np.nanmax(white)) if np.isfinite(white).any() else float(series.top)
    white = np.where(np.isfinite(white), white, clips)
    reached = bool((levels.max(axis=(0, 1)) > NEARLY * white).all())
    times = np.asarray(series.exposures_us, np.float64) / max(series.exposures_us)
    curves = [curve_of(levels[..., c], times, series.dark[c], white[c]) for c in range(3)]
    worst = max(curves, key=lambda curve: curve.deviation)
    off, sigma = 100 * worst.deviation, 100 * worst.deviation_sigma
    linear = off <= max(LINEAR_WITHIN_PERCENT, CERTAIN * sigma)
    limited = bool((white < LIMITED * series.top).all())
    table, pedestal = _table(curves, series, white, straight=linear)
    findings = [*_of_range(series, white, limited=limited), *_of_spread(levels, series, reached, sigma)]
    gamma = 1.0 if linear else _gamma(curves)
    if not linear:
        findings.insert(0, _not_linear(gamma, off))
    with_table = not linear or limited
    return Response(
        table=table if with_table else None,
        black_level=pedestal * series.top if with_table else float(series.dark.mean()),
        full_scale=float(series.top),
        linear=linear,
        gamma=gamma,
        black_code=np.asarray(series.dark, np.float64),
        white_code=white,
        deviation_percent=off,
        deviation_sigma_percent=sigma,
        residual_percent=100 * np.mean([curve.residual for curve in curves], axis=0),
        findings=tuple(findings),
    )


def _piles(levels: Array, top: int) -> Array:
    """Code at which each channel clips, NaN where it does not.

    Where clipping begins, many pixels have the same code: more than so narrow a band would hold by chance.
    """
    narrow = max(0.6, 0.0025 * top)
    white = np.full(3, np.nan)
    for channel in range(3):
        values = levels[..., channel].ravel()
        highest = float(values.max())
        at_top = np.count_nonzero(values >= highest - narrow)
        below = np.count_nonzero(values >= highest - 5 * narrow) - at_top
        if at_top >= 10 and at_top > 3 * below / 4:
            white[channel] = float(np.median(values[values >= highest - narrow]))
    return white


def _table(curves: list[Curve], series: Series, white: Array, *, straight: bool) -> tuple[Floats, float]:
    """The table (3, codes), and the share of full scale that stands for no light.

    Noise takes codes below black too. So that it does not lift the mean there, the curve goes straight on
    below black, and all is lifted until the lowest code is at zero.
    """
    shares = []
    for curve, dark, clipped in zip(curves, series.dark, white, strict=True):
        at = (np.arange(series.top + 1) - dark) / (clipped - dark)
        above = np.clip(at, 0, 1) if straight else curve.at(np.clip(at, 0, 1))
        slope = 1.0 if straight else curve.slope_at_black
        shares.append(np.asarray(above) + slope * np.minimum(at, 0))
    lowest = min(0.0, *(float(share[0]) for share in shares))
    lift = min(-lowest, MOST_PEDESTAL)
    table = np.clip((np.stack(shares) + lift) / (1 + lift), 0, 1)
    table = np.maximum.accumulate(table, axis=1) * series.top
    return table.astype(np.float32), lift / (1 + lift)


def _gamma(curves: list[Curve]) -> float:
    at = np.linspace(0.02, 1, 50)
    found = np.mean([curve.at(at) for curve in curves], axis=0)
    best = minimize_scalar(lambda g: float(((at**g - found) ** 2).sum()), bounds=(0.2, 5), method="bounded")
    return float(best.x)


def _not_linear(gamma: float, off_percent: float) -> CalibrationFinding:
    return CalibrationFinding(
        kind="not_linear",
        message=f"The camera is not linear: about gamma {gamma:.2f}, {off_percent:.1f} % off a line.",
        next_step="Nothing: the profile takes it out. If the camera has a control for gamma, 1.0 is better.",
        severe=False,
    )


def _of_range(series: Series, white: Array, *, limited: bool) -> list[CalibrationFinding]:
    if not limited:
        return []
    low, high = float(series.dark.mean()), float(white.mean())
    return [
        CalibrationFinding(
            kind="limited_range",
            message=f"The camera uses the codes {low:.0f} to {high:.0f} of 0 to {series.top} only.",
            next_step="Nothing: the profile takes it out. Full range, if it can be set, is finer.",
            severe=False,
        )
    ]


def _of_spread(levels: Array, series: Series, reached: bool, sigma: float) -> list[CalibrationFinding]:
    """Whether the series reaches from dark to clipped in every channel, and tells enough."""
    low = series.dark + DARKEST * (series.top - series.dark)
    why = []
    if (np.count_nonzero((levels < low), axis=(0, 1)) < FEWEST).any():
        why.append("hardly anything is dark")
    if not reached:
        why.append("not all colours come near to clipping")
    if sigma > UNSURE_PERCENT:
        why.append(f"the curve is known to {sigma:.1f} % only")
    if not why:
        return []
    return [
        CalibrationFinding(
            kind="poor_spread",
            message=f"The exposure series tells too little: {', '.join(why)}.",
            next_step="Take more exposures, the shortest nearly dark and the longest clipped.",
        )
    ]
